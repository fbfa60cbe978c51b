"""The data of `benchmarks.scores`, prepared as the README files beside it say, and its metrics."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.sources import MEAN, STD, data
from edgekit.validate import metrics

Array = NDArray[Any]
# Inputs, [N, ...] or [N, steps, ...], and what is known of them, [N, ...] or [N, steps].
Loaded = tuple[Array, Array]
# Real outputs (each [N, (steps,) ...]), the inputs and their labels to one figure.
Metric = Callable[[Sequence[Array], Array, Array], float]


def jpegs(found: dict[str, Array]) -> Iterator[Image.Image]:
    """Image k of a shared file is ``jpeg[offset[k]:offset[k + 1]]``."""
    blob, offset = found["jpeg"].tobytes(), found["offset"]
    for start, end in pairwise(offset):
        yield Image.open(io.BytesIO(blob[start:end])).convert("RGB")


def resized(images: Iterator[Image.Image], width: int, height: int) -> Array:
    """Bilinear, over all pixels that a smaller one covers: [N, height, width, 3], 0..255."""
    size, how = (width, height), Image.Resampling.BILINEAR
    return np.stack([np.asarray(image.resize(size, how)) for image in images])


def centred(pixels: Array) -> Array:
    """0..255 to -1..1, 127.5 to 0."""
    return pixels / np.float32(127.5) - 1


def imagenet() -> Loaded:
    """One photograph of each of 100 classes, as torchvision's models take them: [100, 3, 224, 224]."""
    found = data("imagenet_samples_224_jpegblob_100.npz")
    pixels = np.stack([np.asarray(image) for image in jpegs(found)])
    return np.moveaxis((pixels / np.float32(255) - MEAN) / STD, 3, 1), found["y"]


def imagenet_128() -> Loaded:
    """The same at 128 x 128 for a network whose scale is 1/128 about 128 and whose class 0 is none."""
    found = data("imagenet_samples_224_jpegblob_100.npz")
    pixels = resized(jpegs(found), 128, 128)
    return (pixels - np.float32(128)) / np.float32(128), found["y"] + 1


def photographs_80() -> Loaded:
    """With and without a person: [500, 80, 80, 3]."""
    found = data("mlperf_tiny_vww01_rgb96_500.npz")
    return centred(resized(map(Image.fromarray, found["x"]), 80, 80)), found["y"]


def people() -> Loaded:
    """Photographs with boxes of people: [64, 128, 160, 3]; whether there is any box."""
    found = data("coco128_person_320x240_jpegblob_64.npz")
    boxes = found["person_boxes_cxcywh"]
    return centred(resized(jpegs(found), 160, 128)), (boxes >= 0).all(axis=2).any(axis=1)


def wake_words() -> Loaded:
    found = data("mlperf_tiny_sww01_calibration_45.npz")
    return found["x"], found["y"]


def speech_features() -> Loaded:
    found = data("micro_speech_features_int8_160.npz")
    return found["x"], found["y"]


def streams() -> Loaded:
    """Clips of 32 steps of 3 frames (the last two of 98 are left out); class 10 is silence."""
    found = data("speech_commands_microfrontend_int8_83.npz")
    return found["x"][:, :96].reshape(83, 32, 3, 40), found["y"] != 10


def heartbeats() -> Loaded:
    """Scaled to 0..1 by the least and greatest of all: [500, 140]; whether abnormal."""
    found = data("ecg5000_train_500.npz")
    x = found["x"]
    return (x - x.min()) / (x.max() - x.min()), found["y"] != 1


def digits_each() -> Loaded:
    """Each image is a sample, so that state is reset before it: [5000, 28, 28]."""
    found = data("mnist_t10k_half_5000.npz")
    return found["x"] / np.float32(255), found["y"]


def top1(outputs: Sequence[Array], x: Array, y: Array) -> float:
    """Share of inferences whose largest output is the label."""
    return metrics.accuracy(outputs[0].reshape(y.size, -1), y.ravel())


def auc_of_error(outputs: Sequence[Array], x: Array, y: Array) -> float:
    """How well the mean absolute error of an autoencoder tells abnormal from normal."""
    return metrics.auc(np.abs(outputs[0].reshape(x.shape) - x).mean(axis=1), y)


def auc_of_peak(outputs: Sequence[Array], x: Array, y: Array) -> float:
    """How well the largest output of a stream's steps tells one class from the other."""
    return metrics.auc(outputs[0].reshape(len(y), -1).max(axis=1), y)


def auc_of_objectness(outputs: Sequence[Array], x: Array, y: Array) -> float:
    """The same for the largest objectness of all anchors of all scales; an anchor has six numbers
    (x, y, w, h, objectness, class)."""
    each = [o.reshape(len(y), -1, 6)[:, :, 4] for o in outputs]
    return metrics.auc(np.concatenate(each, axis=1).max(axis=1), y)


def highest(outputs: Sequence[Array], x: Array, y: Array) -> float:
    """The largest output of all."""
    return float(outputs[0].max())
