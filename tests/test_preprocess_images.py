"""Images and sensors in front of networks: against numpy, folded where that is exact, streamed by rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, shared

from edgekit.build import Compiled, Options, build, compile_program
from edgekit.errors import EdgekitError
from edgekit.graph import Quant
from edgekit.preprocess import (
    Image,
    Sensor,
    front_of,
    integer_features,
    read_all,
    real_features,
    tables,
)
from edgekit.preprocess.chain import Chain
from edgekit.preprocess.spec import KINDS, Spec
from edgekit.quantize import Calibration
from edgekit.simulate import Simulator
from edgekit.validate.data import Samples, samples_of

# A network that takes 49 x 10 numbers of scale 0.585 and zero point 83, whatever they mean.
KWS = ROOT / "examples" / "keyword_spotting" / "kws_ref_model.tflite"
SCALE, ZERO = 0.5847029, 83


def compiled(spec: Mapping[str, Any], path: Path = KWS, **options: Any) -> Compiled:
    return compile_program(path, Options("m", preprocess=tables(spec), **options))


def features(spec: Spec, x: np.ndarray, real: bool = False) -> np.ndarray:
    graph = compile_program(KWS, Options("m")).canonical
    before = front_of(graph, {"input_1": spec})
    made = (real_features if real else integer_features)(before, raw(before, x))
    return made.arrays[0]


def raw(before: Any, x: np.ndarray) -> Samples:
    return samples_of({"x": x}, [before.value(n) for n in before.inputs], "test", stateful=True)


def bilinear(x: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pixel centres on pixel centres, in floating point; x [N, H, W]."""
    for axis, size in ((1, height), (2, width)):
        at = (np.arange(size) + 0.5) * x.shape[axis] / size - 0.5
        at = np.clip(at, 0, x.shape[axis] - 1)
        low = np.minimum(np.floor(at).astype(int), x.shape[axis] - 2)
        weight = (at - low).reshape([-1 if i == axis else 1 for i in range(3)])
        x = x.take(low, axis) * (1 - weight) + x.take(low + 1, axis) * weight
    return x


def test_a_grey_picture_is_cut_resized_and_normalised() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (3, 120, 40, 1), np.uint8)
    spec = Image(40, 120, "grey", crop=(10, 4, 98, 31), scale=0.5, mean=100.0, std=0.75)
    wanted = (bilinear(x[:, 10:108, 4:35, 0].astype(float), 49, 10) * 0.5 - 100) / 0.75
    found = (features(spec, x).reshape(3, 49, 10).astype(float) - ZERO) * SCALE
    inside = np.clip(wanted, (-128 - ZERO) * SCALE, (127 - ZERO) * SCALE)
    # Half a step of the network, and half a grey value on the way to it.
    assert np.abs(found - inside).max() <= SCALE / 2 + 0.6 * 0.5 / 0.75
    np.testing.assert_allclose(features(spec, x, real=True).reshape(wanted.shape), wanted, atol=0.2)


def test_the_middle_of_a_picture_is_taken_in_its_proportions() -> None:
    x = np.zeros((1, 98, 64, 2), np.uint8)
    x[..., 1] = 128
    x[:, :, 22:42, 0] = 200  # 20 of 64 columns are as many of 98 rows as 10 of 49
    spec = Image(64, 98, "yuyv", fit="crop", resize="nearest", scale=1.0, mean=200.0)
    assert (features(spec, x) == ZERO).all()


@pytest.mark.parametrize("kind", ["rgb565", "rgb565_swapped", "yuyv", "uyvy", "bgr888"])
def test_formats_hold_the_same_picture(kind: str) -> None:
    """What each format makes of one picture is what is left of it: bits, or halved colour."""
    rng = np.random.default_rng(1)
    rgb = rng.integers(0, 256, (2, 49, 5, 1, 3)).repeat(2, axis=3).reshape(2, 49, 10, 3)
    r, g, b = (rgb[..., i] for i in range(3))
    if kind.startswith("rgb565"):
        word = (r >> 3 << 11) | (g >> 2 << 5) | (b >> 3)
        parts = [word & 255, word >> 8]
        x = np.stack(parts[:: -1 if kind.endswith("swapped") else 1], axis=-1)
    elif kind == "bgr888":
        x = rgb[..., ::-1]
    else:
        y = 0.299 * r + 0.587 * g + 0.114 * b
        chroma = np.where(np.arange(10) % 2, (r - y) / 1.402, (b - y) / 1.772) + 128
        pair = [np.rint(y), np.clip(np.rint(chroma), 0, 255)]
        x = np.stack(pair[:: -1 if kind == "uyvy" else 1], axis=-1)
    grey = 77 * r + 150 * g + 29 * b
    wanted = np.rint((grey / 256 - 120) / SCALE) + ZERO
    spec = Image(10, 49, kind, mean=120.0)
    off = np.abs(features(spec, x.astype(np.uint8)).reshape(2, 49, 10) - np.clip(wanted, -128, 127))
    assert off.max() <= (8 if kind.startswith("rgb565") else 2)


def test_normalising_is_folded_where_it_is_exact() -> None:
    graph = compile_program(KWS, Options("m")).canonical
    target = graph.value("input_1")

    def operators(spec: Image, quant: Quant) -> list[str]:
        chain = Chain(replace(target, quant=quant), "picture")
        spec.write(chain)
        return [node.op for node in chain.nodes]

    small, half = Image(10, 49, "grey", scale=1 / 255), Image(20, 98, "grey", scale=1 / 255)
    exact = Quant((float(np.float32(1 / 255)),), (-128,))
    assert operators(small, exact) == ["pixels"]
    assert operators(half, exact) == ["pixels", "resize_bilinear"]
    other = Quant((float(np.float32(1 / 254)),), (-128,))
    assert operators(small, other) == ["pixels", "channel_table"]
    assert small.numbers() == exact
    assert Image(10, 49, "grey", mean=127.0, std=128.0).numbers() == Quant((1 / 128,), (-1,))
    assert Image(10, 49, "grey", mean=127.5, std=127.5).numbers() is None
    assert Image(10, 49, mean=(1.0, 2.0, 3.0)).numbers() is None


def test_a_float_network_gets_the_numbers_of_its_pixels() -> None:
    with np.load(shared("data", "mlperf_tiny_ic01_cifar10_200.npz")) as data:
        pictures = data["x"][:40]
    path = shared("models", "mlperf_tiny_ic01_resnet8_float32.tflite")
    options = Options("m", preprocess=tables({"input_1": Image(32, 32)}))
    stages = compile_program(path, options, numbers=Calibration(pictures))
    assert stages.integer.values["input_1_features"].quant == Quant((1.0,), (-128,))
    assert [node.op.name for node in stages.integer.nodes][:2] == ["pixels", "conv2d"]


def test_photographs_are_seen_alike_with_raw_bytes() -> None:
    with np.load(shared("data", "mlperf_tiny_vww01_rgb96_500.npz")) as data:
        photographs = data["x"][:24]
    path = shared("models", "mlperf_tiny_vww01_mobilenetv1_int8.tflite")
    plain = compile_program(path, Options("m")).program
    (name,) = plain.inputs
    (wanted,) = Simulator(plain).run([(photographs.astype(np.int64) - 128).astype(np.int8)])
    stages = compiled({name: Image(96, 96, scale=1 / 255)}, path)
    (found,) = Simulator(stages.program).run([photographs])
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.slow
def test_lines_of_a_camera_are_fed_as_they_come(tmp_path: Path) -> None:
    """RGB565 lines, cut, resized by two lines at a time and normalised, inside the network's stream."""
    spec = {"input_1": Image(48, 60, "rgb565", fit="crop", mean=120.0)}
    report = build(KWS, preprocess=spec, stream_input=True, output=tmp_path / "b", name="m")
    assert report["bit_exact"]
    assert report["stream_input"] == {"rows": 60, "row_bytes": 96}
    assert report["arena_bytes"] < 60 * 96


def test_readings_are_standardised_in_a_window_that_slides() -> None:
    rng = np.random.default_rng(2)
    readings = rng.normal(0, 3000, (2, 98, 10)).astype(np.int16)
    mean, std = tuple(np.linspace(-1, 1, 10)), tuple(np.linspace(0.2, 0.4, 10))
    spec = Sensor(10, unit=1 / 1024, mean=mean, std=std, new_rows=7)
    found = features(spec, readings.reshape(2, 14, 7, 10)).reshape(2, 14, 49, 10)
    reals = np.concatenate([np.zeros((2, 49, 10)), readings / 1024], axis=1)
    reals = (reals - mean) / std
    for call in range(14):
        window = reals[:, 7 * call + 7 : 7 * call + 56]
        wanted = np.clip(window / SCALE + ZERO, -128, 127)
        assert np.abs(found[:, call] - wanted).max() <= 0.51
    sure = features(spec, readings.reshape(2, 14, 7, 10), real=True)
    np.testing.assert_allclose(sure[:, -1].reshape(2, 49, 10), reals[:, -49:], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_a_window_of_readings_is_kept_in_c(tmp_path: Path) -> None:
    spec = {"input_1": Sensor(10, unit=0.01, std=0.5, new_rows=7)}
    report = build(KWS, preprocess=spec, output=tmp_path / "b", name="m")
    assert report["bit_exact"]
    assert report["state_bytes"] == 42 * 10
    assert "m_reset" in (tmp_path / "b" / "m.h").read_text()


PICTURE = {"kind": "image", "width": 20, "height": 98}
READINGS = {"kind": "sensor", "channels": 10}


@pytest.mark.parametrize(
    ("table", "where"),
    [
        (PICTURE | {"width": 0}, "width"), (PICTURE | {"height": 98.5}, "height"),
        (PICTURE | {"format": "rgb"}, "format"), (PICTURE | {"format": "yuyv", "width": 21}, "width"),
        (PICTURE | {"video_range": True}, "video_range"), (PICTURE | {"fit": "fill"}, "fit"),
        (PICTURE | {"crop": [0, 0, 99, 20]}, "crop"), (PICTURE | {"crop": [0, 0, 9]}, "crop"),
        (PICTURE | {"crop": [0, 0, 1.5, 3]}, "crop"), (PICTURE | {"crop": [0, 0, 9, 9], "fit": "crop"}, "fit"),
        (PICTURE | {"crop": "middle"}, "crop"), (PICTURE | {"resize": "cubic"}, "resize"),
        (PICTURE | {"mean": [1, 2]}, "mean"), (PICTURE | {"std": 0}, "std"), (PICTURE | {"scale": 0}, "scale"),
        (READINGS | {"channels": 0}, "channels"), (READINGS | {"unit": 0}, "unit"),
        (READINGS | {"mean": [1, 2]}, "mean"), (READINGS | {"std": -1}, "std"),
        (READINGS | {"new_rows": -1}, "new_rows"), (READINGS | {"unit": float("inf")}, "unit"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_key(table: dict[str, Any], where: str) -> None:
    with pytest.raises(EdgekitError) as refused:
        read_all({"x": table})
    assert (refused.value.code, refused.value.where) == ("EK003", f"preprocess.x, {where}")
    assert refused.value.found
    assert refused.value.help


@pytest.mark.parametrize(
    "table",
    [PICTURE | {"mean": [1, 2, 3]}, READINGS | {"channels": 9}, READINGS | {"new_rows": 50}],
)
def test_what_does_not_fit_the_network_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(EdgekitError) as refused:
        compiled({"input_1": table})
    assert refused.value.code == "EK205"
    assert refused.value.help


def test_descriptions_come_back_from_their_tables() -> None:
    specs = {
        "a": Image(20, 98, "uyvy", True, mean=(1.0, 2.0, 3.0)),
        "b": Sensor(3, std=(1.0, 2.0, 3.0)),
    }
    assert read_all(tables(specs)) == specs


def test_the_documentation_has_every_key() -> None:
    text = (ROOT / "docs" / "PREPROCESSING.md").read_text()
    parts = {
        kind: part
        for part in text.split("## `kind = ")[1:]
        for kind in KINDS
        if part.startswith(f'"{kind}"')
    }
    assert parts.keys() == KINDS.keys()
    for kind, spec in KINDS.items():
        for field in dataclasses.fields(spec):
            assert f"`{field.name}`" in parts[kind], f"{kind}: {field.name}"
