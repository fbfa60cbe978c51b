"""Models of real values, quantized here: their accuracy on real data, and the same bytes in every
place."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, shared

sys.path.insert(0, str(ROOT))
from real_sources import places_equal, subject

from benchmarks.sources import CALIBRATION, data
from edgekit.build import build

pytestmark = pytest.mark.slow
# Least accuracy, or area under the curve, on all rows; what the float model reaches is in brackets.
LEAST = {
    "vww float": 0.840,  # (0.844)
    "ic float": 0.845,  # (0.855)
    "kws float": 0.900,  # (0.904)
    "kws dynamic range": 0.900,  # (0.906)
    "ad float": 0.870,  # (0.894)
}
TWINS = ["resnet20 .onnx", "resnet20 .pt2", "fsdd .onnx", "fsdd .pt2", "kwt .onnx", "kwt .pt2"]


def needs_torch(key: str) -> None:
    if key.endswith(".pt2") and importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")


@pytest.mark.parametrize("key", LEAST)
def test_accuracy_of_tflite_sources(key: str) -> None:
    it = subject(key)
    assert it.figure(it.ours) >= LEAST[key]
    if it.source.calibration == "rows":
        # The rows that took no part in the calibration are no worse off than the original's.
        rest = it.figure(it.ours, CALIBRATION) - it.figure(it.theirs, CALIBRATION)
        assert rest >= -0.0125


@pytest.mark.parametrize("key", TWINS)
def test_labels_of_torch_and_onnx_sources(key: str) -> None:
    needs_torch(key)
    it = subject(key)
    assert it.agreement >= 0.99
    drop = it.figure(it.theirs) - it.figure(it.ours)
    assert drop <= max(0.01, 1 / len(it.samples)) + 1e-9


@pytest.mark.parametrize("target", ["host", "cortex-m4", "rpi4"])
@pytest.mark.parametrize("key", [*LEAST, *TWINS[:-1]])
def test_same_bytes_in_every_place(key: str, target: str, tmp_path: Path) -> None:
    needs_torch(key)
    places_equal(subject(key), target, tmp_path, count=8)


def photographs(count: int, height: int, width: int) -> np.ndarray:
    """Crops of real photographs, channels first, in -1..1: [count, 3, height, width]."""
    x = data("mlperf_tiny_vww01_rgb96_500.npz")["x"][:count]
    tiled = np.tile(x, (1, -(-height // 96), -(-width // 96), 1))[:, :height, :width]
    return np.moveaxis((tiled - np.float32(127.5)) / np.float32(128), 3, 1)


@pytest.mark.parametrize(
    ("file", "size"),
    [
        ("mtcnn_pnet_75x101_float.onnx", (75, 101)),
        ("mtcnn_rnet_24x24.pt2", (24, 24)),
        ("ultralight_face_slim_240x320_float.onnx", (240, 320)),
    ],
)
def test_detectors_build_for_rpi4(file: str, size: tuple[int, int], tmp_path: Path) -> None:
    model = shared("models", file)
    report = build(
        model, calibration=photographs(24, *size), target="rpi4", output=tmp_path / "bundle"
    )
    assert report["bit_exact"]
    assert all(gate["passed"] for gate in report["gates"])
    assert report["quantization"]["layers"][-1]["sqnr_db"] > 15
