"""The models with a real-valued interface, and how each is fed from the shared data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks_data import Array, _data, ad_windows
from conftest import shared

# Real inputs with the source's axes, [N, ...] or for sequences [N, steps, ...]; their labels.
Loaded = tuple[Array, Array | None]
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)


@dataclass(frozen=True)
class RealModel:
    """One model file with its data; `key` names it in tests and tables, `sequence` says that a
    sample is a sequence of independent inputs."""

    key: str
    file: str
    load: Callable[[], Loaded]
    sequence: bool = False

    @property
    def path(self) -> Path:
        return shared("models", self.file)


def kws() -> Loaded:
    data = _data("mlperf_tiny_kws01_mfcc_int8_500.npz")
    real = (data["x"].astype(np.float32) - data["zero_point"]) * data["scale"]
    return real.astype(np.float32).reshape(500, 490), data["y"]


def kws_images() -> Loaded:
    x, y = kws()
    return x.reshape(500, 49, 10, 1), y


def cifar_pixels() -> Loaded:
    data = _data("mlperf_tiny_ic01_cifar10_200.npz")
    return data["x"].astype(np.float32), data["y"]


def cifar_pixels_jpeg() -> Loaded:
    data = _data("cifar10_test_jpgdecoded_1000.npz")
    return data["x"].astype(np.float32), data["y"]


def cifar_normalized() -> Loaded:
    x, y = cifar_pixels()
    return _normalized(x), y


def cifar_normalized_jpeg() -> Loaded:
    x, y = cifar_pixels_jpeg()
    return _normalized(x), y


def _normalized(pixels: Array) -> Array:
    return np.moveaxis((pixels / np.float32(255) - IMAGENET_MEAN) / IMAGENET_STD, 3, 1)


def persons() -> Loaded:
    """Photographs in 0..1, channels last."""
    data = _data("mlperf_tiny_vww01_rgb96_500.npz")
    return data["x"] / np.float32(255), data["y"]


def persons_first() -> Loaded:
    x, y = persons()
    return np.moveaxis(x, 3, 1), y


def digits_spoken() -> Loaded:
    data = _data("fsdd_digits_logmel_test_150.npz")
    return data["x"].astype(np.float32), data["y"]


def toy_cars() -> Loaded:
    return ad_windows()


QDQ = [
    RealModel("kws", "mlperf_tiny_onnx_qdq/kws_ref_model.onnx", kws),
    RealModel("ic", "mlperf_tiny_onnx_qdq/resnet.onnx", cifar_pixels),
    RealModel("ic jpeg", "mlperf_tiny_onnx_qdq/resnet.onnx", cifar_pixels_jpeg),
    RealModel("vww", "mlperf_tiny_onnx_qdq/mobilenet_v1.onnx", persons_first),
    RealModel("ad", "mlperf_tiny_onnx_qdq/deep_autoencoder.onnx", toy_cars, sequence=True),
    RealModel("resnet20", "cifar10_resnet20_qdq_int8_perchannel.onnx", cifar_normalized),
    RealModel("resnet20 jpeg", "cifar10_resnet20_qdq_int8_perchannel.onnx", cifar_normalized_jpeg),
    RealModel("fsdd", "fsdd_res1d_dscnn_qdq_int8_perchannel.onnx", digits_spoken),
]
