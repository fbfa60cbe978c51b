"""The nine models every claim is measured on, and how each is fed from the shared data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from conftest import shared
from numpy.typing import NDArray

from edgekit.frontends import load_model
from edgekit.validate.data import Samples, Tensor, quantize

Array = NDArray[Any]
# Inputs in the model's own type, [N, ...]; their labels, [N] or the first so many; sequences?
Loaded = tuple[Array, Array | None, bool]


@dataclass(frozen=True)
class BenchModel:
    """One model file and its data; `key` is what tables call it."""

    key: str
    file: str
    load: Callable[[Tensor], Loaded]

    @property
    def path(self) -> Path:
        return shared("models", self.file)

    def samples(self, count: int | None = None) -> Samples:
        """The first `count` samples, or all; at least 200 inferences in all of them.

        `y` may be shorter than the samples: only real data has labels.
        """
        graph = load_model(self.path)
        (tensor,) = (graph.value(name) for name in graph.inputs)
        x, y, sequence = self.load(tensor)
        lead = x.shape[: 2 if sequence else 1]
        x = x.reshape(*lead, *tensor.shape)[:count]
        return Samples((tensor,), (x,), sequence, None if y is None else y[:count], source=self.key)


def _data(name: str) -> dict[str, Array]:
    with np.load(shared("data", name), allow_pickle=False) as archive:
        return dict(archive)


def _int8(x: Array, tensor: Tensor) -> Array:
    assert tensor.quant is not None
    return quantize(x, tensor.quant, tensor.dtype)


def _kws(tensor: Tensor) -> Loaded:
    data = _data("mlperf_tiny_kws01_mfcc_int8_500.npz")
    return data["x"], data["y"], False


def _pixels(file: str) -> Callable[[Tensor], Loaded]:
    def load(tensor: Tensor) -> Loaded:
        data = _data(file)
        return (data["x"].astype(np.int16) - 128).astype(np.int8), data["y"], False

    return load


def ad_windows(count: int | None = None) -> tuple[Array, Array]:
    """Toy car clips as log-mel windows of 5 consecutive frames: [N, 196, 640] float32 and y."""
    data = _data("mlperf_tiny_ad01_toycar_logmel_f16_100.npz")
    frames = data["x"][:count].astype(np.float32)
    windows = np.stack([frames[:, i : i + 196] for i in range(5)], axis=2)
    return windows.reshape(len(frames), 196, 640), data["y"][:count]


def _ad(tensor: Tensor) -> Loaded:
    x, y = ad_windows()
    return _int8(x, tensor), y, True


def _sww(tensor: Tensor) -> Loaded:
    """45 windows; then the same ones rolled in time, to make 225 without inventing features."""
    data = _data("mlperf_tiny_sww01_calibration_45.npz")
    rolled = [np.roll(data["x"], shift, axis=1) for shift in (0, 6, 12, 18, 24)]
    return _int8(np.concatenate(rolled), tensor), data["y"], False


def _micro_speech(tensor: Tensor) -> Loaded:
    """160 labelled inputs, then 83 more of the same front end (every second frame)."""
    data = _data("micro_speech_features_int8_160.npz")
    more = _data("speech_commands_microfrontend_int8_83.npz")["x"][:, ::2].reshape(83, 1960)
    return np.concatenate([data["x"], more]), data["y"], False


def _hello_world(tensor: Tensor) -> Loaded:
    x = np.linspace(0, 2 * np.pi, 200, dtype=np.float32)
    return _int8(x, tensor), np.sin(x), False


def _streaming(tensor: Tensor) -> Loaded:
    """83 clips of 32 steps, 3 frames a step (98 frames: the last two are left out)."""
    data = _data("speech_commands_microfrontend_int8_83.npz")
    return data["x"][:, :96].reshape(83, 32, 3, 40), data["y"], True


BENCH = [
    BenchModel("kws", "mlperf_tiny_kws01_dscnn_int8.tflite", _kws),
    BenchModel(
        "ic",
        "mlperf_tiny_ic01_resnet8_int8.tflite",
        _pixels("mlperf_tiny_ic01_cifar10_200.npz"),
    ),
    BenchModel(
        "vww",
        "mlperf_tiny_vww01_mobilenetv1_int8.tflite",
        _pixels("mlperf_tiny_vww01_rgb96_500.npz"),
    ),
    BenchModel("ad", "mlperf_tiny_ad01_autoencoder_int8.tflite", _ad),
    BenchModel("sww", "mlperf_tiny_sww01_dscnn1d_int8.tflite", _sww),
    BenchModel("micro_speech", "tflm_micro_speech_int8.tflite", _micro_speech),
    BenchModel("hello_world", "tflm_hello_world_sine_mlp_int8.tflite", _hello_world),
    BenchModel("alexa", "microwakeword_v2_alexa_streaming_varhandle_int8.tflite", _streaming),
    BenchModel("vad", "microwakeword_v2_vad_streaming_varhandle_int8.tflite", _streaming),
]
BY_KEY = {model.key: model for model in BENCH}
