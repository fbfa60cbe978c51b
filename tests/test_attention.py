"""A block of attention from ONNX: products of computed matrices, integers from end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from float_nets import quantized_model
from onnx_oracle import run_onnx
from onnx_writer import model, node

from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.lowering import lower
from edgekit.passes import canonical
from edgekit.plan import plan
from edgekit.plan.check import check_plan
from edgekit.quantize import Calibration, quantized
from edgekit.simulate import Simulator
from edgekit.validate.data import dequantize, quantize

STEPS, WIDTH, HEADS = 6, 8, 2


def attention(hide: str = "", number: float = -np.inf) -> onnx.ModelProto:
    """Self-attention as exporters write it: heads by reshapes and transposes. hide: how later steps are
    hidden, by "Add" or "Where" with `number`."""
    rng = np.random.default_rng(4)
    weights = {f"w{n}": (rng.normal(size=(WIDTH, WIDTH)) * 0.4).astype(np.float32) for n in "qkvo"}
    nodes = [node("MatMul", ["x", f"w{n}"], [n]) for n in "qkv"]
    nodes += [node("Reshape", [n, "heads"], [f"{n}r"]) for n in "qkv"]
    orders = {"q": [0, 2, 1, 3], "k": [0, 2, 3, 1], "v": [0, 2, 1, 3]}
    nodes += [node("Transpose", [f"{n}r"], [f"{n}t"], perm=perm) for n, perm in orders.items()]
    nodes += [
        node("MatMul", ["qt", "kt"], ["scores"]),
        node("Mul", ["scores", "factor"], ["scaled"]),
        *(
            [
                node(
                    hide,
                    ["seen", "scaled", "hidden"] if hide == "Where" else ["scaled", "mask"],
                    ["left"],
                )
            ]
            if hide
            else []
        ),
        node("Softmax", ["left" if hide else "scaled"], ["shares"], axis=-1),
        node("MatMul", ["shares", "vt"], ["mixed"]),
        node("Transpose", ["mixed"], ["back"], perm=[0, 2, 1, 3]),
        node("Reshape", ["back", "whole"], ["flat"]),
        node("MatMul", ["flat", "wo"], ["y"]),
    ]
    seen = np.tril(np.ones((STEPS, STEPS), bool))
    constants = {
        **weights,
        "heads": np.array([1, STEPS, HEADS, WIDTH // HEADS]),
        "whole": np.array([1, STEPS, WIDTH]),
        "factor": np.array(0.5, np.float32),
    }
    if hide == "Where":
        constants |= {"seen": seen, "hidden": np.array(number, np.float32)}
    if hide == "Add":
        constants["mask"] = np.where(seen, 0.25 * np.eye(STEPS), number).astype(np.float32)
    shape = (1, STEPS, WIDTH)
    return model(nodes, constants, {"x": shape}, {"y": shape})


def test_self_attention_keeps_25_decibels(tmp_path: Path) -> None:
    source = attention()
    onnx.save(source, tmp_path / "attention.onnx")
    graph = canonical(load_model(tmp_path / "attention.onnx"))
    x = np.random.default_rng(5).normal(size=(96, 1, STEPS, WIDTH)).astype(np.float32)
    integer, _ = quantized(graph, Calibration(x[:64]).samples(graph))
    program = plan(lower(integer))
    check_plan(program)
    assert sum(step.op.name == "batch_matmul" for step in program.steps) == 2
    given, result = integer.value(program.inputs[0]), integer.value(program.outputs[0])
    assert given.quant is not None
    (got,) = Simulator(program).run([quantize(x[64:], given.quant, given.dtype)])
    (want,) = run_onnx(source, {"x": x[64:]}).values()
    error = dequantize(got, result.quant).reshape(want.shape) - want
    assert 10 * np.log10(np.mean(want**2) / np.mean(error**2)) > 25


@pytest.mark.parametrize(
    ("hide", "number"), [("Where", -np.inf), ("Add", -np.inf), ("Add", -1e9), ("Where", -65504.0)]
)
def test_later_steps_stay_hidden(hide: str, number: float) -> None:
    x = np.random.default_rng(5).normal(size=(96, 1, STEPS, WIDTH)).astype(np.float32)
    made = quantized_model(attention(hide, number), {"x": x}, 64)
    assert "masked_softmax" in made.operators
    assert "select" not in made.operators
    assert made.decibels() > 25
    # What comes later changes nothing before it.
    x[65:, :, 3:] = x[64, :, 3:]
    x[65:, :, :3] = x[64, :, :3]
    x[70:, :, 3:] += 1
    again = quantized_model(attention(hide, number), {"x": x}, 64)
    (got,) = again.got.values()
    got = got.reshape(32, STEPS, WIDTH)
    np.testing.assert_array_equal(got[6:, :3], got[1:2, :3].repeat(26, axis=0))
    assert np.abs(got[6:, 3:] - got[1:2, 3:]).max() > 0


def test_minus_infinity_elsewhere_is_refused(tmp_path: Path) -> None:
    source = model([node("Add", ["x", "w"], ["y"])], {"w": np.float32([0, 1, -np.inf, 2])})
    onnx.save(source, tmp_path / "m.onnx")
    with pytest.raises(EdgekitError, match="EK304"):
        load_model(tmp_path / "m.onnx")
