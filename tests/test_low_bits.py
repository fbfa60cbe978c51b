"""Weights of few bits: `.tflite` files against TensorFlow Lite Micro, and the quantizer's own scheme."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx_writer
import oracle
import pytest
from click.testing import CliRunner
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants_hold import hold
from tflite_writer import TensorSpec, one_op_model

from edgekit import cli, commands
from edgekit.build import Options, compile_program
from edgekit.errors import EdgekitError
from edgekit.families.nibbles import pairs, unpacked
from edgekit.program import Program
from edgekit.quantize import Calibration, Settings, low_bits
from edgekit.simulate import Simulator

HELLO = ROOT / "tests" / "models" / "hello_world.tflite"
CONV = {"padding": "SAME", "stride_w": 1, "stride_h": 1, "dilation_w_factor": 1, "dilation_h_factor": 1}  # fmt: skip
# operator, shape of the input, of the weights, of the output, axis of the channels, options
LAYERS: dict[str, tuple[str, Any, Any, Any, int, dict[str, Any]]] = {
    "pointwise": ("CONV_2D", (1, 3, 5, 7), (5, 1, 1, 7), (1, 3, 5, 5), 0, CONV),
    "conv": ("CONV_2D", (1, 6, 5, 3), (8, 3, 3, 3), (1, 3, 3, 8), 0, {**CONV, "stride_w": 2, "stride_h": 2}),
    "one channel": ("CONV_2D", (1, 4, 4, 2), (1, 2, 2, 2), (1, 4, 4, 1), 0, CONV),
    "depthwise": ("DEPTHWISE_CONV_2D", (1, 5, 4, 5), (1, 3, 3, 5), (1, 5, 4, 5), 3, {**CONV, "depth_multiplier": 1}),
    "multiplier": ("DEPTHWISE_CONV_2D", (1, 4, 4, 2), (1, 3, 3, 6), (1, 4, 4, 6), 3, {**CONV, "depth_multiplier": 3}),
    "dense": ("FULLY_CONNECTED", (2, 13), (7, 13), (2, 7), 0, {}),
    "dense even": ("FULLY_CONNECTED", (1, 16), (8, 16), (1, 8), 0, {"fused_activation_function": "RELU"}),
}  # fmt: skip


def layer(name: str, **changes: Any) -> bytes:
    op, x, w, y, axis, options = LAYERS[name]
    rng = np.random.default_rng(len(name))
    data = rng.integers(-8, 8, w).astype(np.int8)
    data.reshape(-1)[[0, -1]] = (-8, 7)
    # Dense layers of four bits have one scale there.
    count = 1 if op == "FULLY_CONNECTED" else w[axis]
    scales = rng.uniform(0.05, 0.1, count)
    bias = rng.integers(-300, 300, w[axis]).astype(np.int32)
    inputs = [
        TensorSpec("x", x, "int8", 0.05, 9),
        TensorSpec("w", w, "int4", scales, 0, axis, data),
        TensorSpec("b", (w[axis],), "int32", [0.05 * s for s in scales], 0, 0, bias),
    ]
    return one_op_model(op, inputs, [TensorSpec("y", y, "int8", 0.3, -7)], options)


def compiled(model: bytes, folder: Path) -> Program:
    path = folder / "model.tflite"
    path.write_bytes(model)
    return compile_program(path, Options("m")).program


@pytest.mark.parametrize("name", LAYERS)
def test_a_file_equals_tflite_micro(name: str, tmp_path: Path) -> None:
    model = layer(name)
    program = compiled(model, tmp_path)
    assert program.steps[0].op.name.endswith("_w4")
    x = np.random.default_rng(3).integers(-128, 128, (10, *LAYERS[name][1])).astype(np.int8)
    x[0], x[1] = -128, 127
    (found,) = Simulator(program).run([x])
    wanted = np.stack([y[0] for y in oracle.tflm(model, [[one] for one in x])])
    np.testing.assert_array_equal(found.reshape(10, -1), wanted.reshape(10, -1))


def test_flash_holds_two_weights_a_byte(tmp_path: Path) -> None:
    (step,) = compiled(layer("dense"), tmp_path).steps
    assert step.consts["weights"].shape == (7, 13)
    assert step.packed.consts["weights"].shape == (4, 13)
    assert step.packed.consts["weights"].nbytes == 4 * 13


def test_packing_loses_nothing() -> None:
    weights = np.arange(-8, 8, dtype=np.int8).reshape(2, 8)
    (byte,) = pairs(weights)
    np.testing.assert_array_equal(byte << 4 >> 4, weights[0])
    np.testing.assert_array_equal(byte >> 4, weights[1])
    np.testing.assert_array_equal(pairs(weights[:1])[0] >> 4, 0)
    np.testing.assert_array_equal(unpacked(np.array([0x7F, 0x08], np.uint8), 3), [-1, 7, -8])


@pytest.mark.parametrize("spec", [{"data": None}, {"scale": ()}])
def test_four_bits_elsewhere_are_refused(spec: dict[str, Any], tmp_path: Path) -> None:
    whole = {"scale": 0.1, "data": np.zeros((4, 4), np.int8), **spec}
    inputs = [TensorSpec("x", (1, 4), "int8", 0.1), TensorSpec("w", (4, 4), "int4", **whole)]
    model = one_op_model("FULLY_CONNECTED", inputs, [TensorSpec("y", (1, 4), "int8", 0.1)])
    with pytest.raises(EdgekitError) as refused:
        compiled(model, tmp_path)
    assert refused.value.code == "EK202"


def test_a_constant_of_the_wrong_size_is_refused(tmp_path: Path) -> None:
    inputs = [
        TensorSpec("x", (1, 4), "int8", 0.1),
        TensorSpec("w", (4, 4), "int4", 0.1, data=np.zeros(9, np.int8)),
    ]
    model = one_op_model("FULLY_CONNECTED", inputs, [TensorSpec("y", (1, 4), "int8", 0.1)])
    with pytest.raises(EdgekitError) as refused:
        compiled(model, tmp_path)
    assert refused.value.code == "EK105"


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A float network (convolution, dense layer) and calibration data."""
    folder = tmp_path_factory.mktemp("four")
    (folder / "net.onnx").write_bytes(onnx_writer.classifier().SerializeToString())
    x = np.random.default_rng(4).normal(size=(40, 1, 6, 6)).astype(np.float32)
    np.savez(folder / "data.npz", x=x)
    return folder / "net.onnx", folder / "data.npz"


def with_schemes(classifier: tuple[Path, Path], scheme: str = "w8a8", **layers: str) -> Program:
    model, data = classifier
    options = Options("m", quantization=Settings(scheme=scheme, layer_schemes=layers))
    return compile_program(model, options, numbers=Calibration(data)).program


def stored_weights(program: Program) -> dict[str, int]:
    return {
        step.op.name: step.packed.consts["weights"].nbytes
        for step in program.steps
        if "weights" in step.consts
    }


def test_a_scheme_for_all_layers_or_for_some(classifier: tuple[Path, Path]) -> None:
    eight, four = with_schemes(classifier), with_schemes(classifier, "w4a8")
    assert stored_weights(eight) == {"conv2d": 18, "fully_connected": 96}
    assert stored_weights(four) == {"conv2d_w4": 9, "fully_connected_w4": 64}, (
        "3 channels are 2 pairs"
    )
    for step in four.steps:
        if "weights" in step.consts:
            assert step.consts["weights"].min() >= -8
            assert step.consts["weights"].max() <= 7
    mixed = with_schemes(classifier, **{"Conv*": "w4a8"})
    assert set(stored_weights(mixed)) == {"conv2d_w4", "fully_connected"}
    assert stored_weights(with_schemes(classifier, "w4a8", **{"Conv*": "w8a8"})).keys() == {"conv2d", "fully_connected_w4"}  # fmt: skip


@pytest.mark.parametrize(("scheme", "least", "most"), [("w3a8", -4, 3), ("w2a8", -2, 1)])
def test_fewer_bits_stay_within_theirs(
    scheme: str, least: int, most: int, classifier: tuple[Path, Path]
) -> None:
    program = with_schemes(classifier, scheme)
    assert set(stored_weights(program)) == {"conv2d_w4", "fully_connected_w4"}
    weights = [step.consts["weights"] for step in program.steps if "weights" in step.consts]
    assert min(w.min() for w in weights) == least
    assert max(w.max() for w in weights) == most


def test_a_scheme_without_a_layer_is_refused(classifier: tuple[Path, Path]) -> None:
    with pytest.raises(EdgekitError) as unknown:
        with_schemes(classifier, Konv_0="w4a8")
    assert unknown.value.code == "EK001"
    assert "Conv_0" in unknown.value.help
    with pytest.raises(EdgekitError) as numbered:
        compile_program(HELLO, Options("m", quantization=Settings(scheme="w4a8")))
    assert numbered.value.code == "EK001"


def test_a_bundle_of_four_bits_is_exact_and_opened_again(
    classifier: tuple[Path, Path], tmp_path: Path
) -> None:
    model, data = classifier
    words = ["--calibration", data, "--scheme", "w4a8", "--layer-scheme", "Conv_0=w8a8"]
    done = CliRunner().invoke(
        cli.cli, ["build", *map(str, [model, *words, "-o", tmp_path / "b"]), "--format", "json"]
    )
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["bit_exact"]
    assert report["weights_bytes"] == 18 + 64
    bundle, stages, _ = commands.reopen(tmp_path / "b")
    assert bundle.options["quantization"]["layer_schemes"] == {"Conv_0": "w8a8"}
    assert set(stored_weights(stages.program)) == {"conv2d", "fully_connected_w4"}
    done = CliRunner().invoke(cli.cli, ["check", str(model), "--layer-scheme", "Conv_0=w5a8"])
    assert done.exit_code != 0


def form(seed: int, taps: int) -> np.ndarray[Any, Any]:
    """Second moments of correlated inputs, [taps, taps]."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(500, 6)) @ rng.normal(size=(6, taps)) + 0.1 * rng.normal(size=(500, taps))
    return x.T @ x / len(x)


def error(numbers: Any, scale: Any, weights: Any, h: Any) -> np.ndarray[Any, Any]:
    """Of each channel."""
    off = numbers * scale[:, None] - weights
    return np.asarray(((off @ h) * off).sum(axis=1))


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.booleans())
@settings(max_examples=20, deadline=None)
def test_fitted_numbers_are_no_worse_than_the_nearest(
    bits: int, seed: int, taps: int, power: bool
) -> None:
    rng = np.random.default_rng(seed)
    h, weights = form(seed, taps), rng.standard_t(3, size=(5, taps))
    weights[1] = 0
    weights[2, ::2] = 0
    numbers, scale = low_bits.fitted(weights, h, bits, power, weights == 0)
    assert not numbers[weights == 0].any()
    least, most = low_bits.span(bits)
    assert numbers.dtype == np.int8
    assert least <= numbers.min() <= numbers.max() <= most
    assert not numbers[1].any()
    assert scale[1] == 0
    if power:
        assert np.isin(np.log2(scale[scale > 0]) % 1, 0).all()
    plain = low_bits.scales(weights, bits, power=power)
    near = low_bits.nearest(weights, np.where(plain > 0, plain, 1), bits)
    found, nearest = error(numbers, scale, weights, h), error(near, plain, weights, h)
    assert (found <= nearest * (1 + 1e-9) + 1e-12).all()
    again, same = low_bits.fitted(weights, h, bits, power, weights == 0)
    np.testing.assert_array_equal(again, numbers)
    np.testing.assert_array_equal(same, scale)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_what_a_rounding_loses_is_made_up_for(bits: int) -> None:
    """On correlated inputs the fitted layer's output is far nearer than that of the nearest weights."""
    h, weights = form(7, 24), np.random.default_rng(7).normal(size=(10, 24))
    plain = low_bits.scales(weights, bits)
    near = error(low_bits.nearest(weights, plain, bits), plain, weights, h).sum()
    assert error(*low_bits.fitted(weights, h, bits), weights, h).sum() < 0.35 * near


def test_scales_are_no_worse_than_those_of_the_largest_weight() -> None:
    weights = np.random.default_rng(8).standard_t(3, size=(20, 50))
    plain = np.eye(50)
    tried, largest = low_bits.scales(weights, 4), low_bits.largest(weights, 4)

    def off(scale: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return error(low_bits.nearest(weights, scale, 4), scale, weights, plain)

    assert (off(tried) <= off(largest) * (1 + 1e-9)).all()
    assert low_bits.scales(np.zeros((2, 3)), 4).tolist() == [0, 0]


def test_mutants_of_four_bits_are_refused_or_compiled() -> None:
    hold(layer("conv"), 250)
