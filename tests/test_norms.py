"""Normalizations and composed functions from ONNX: one kernel, one table, close to onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from float_nets import quantized_model
from onnx_writer import model, node

from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.passes import canonical

RNG = np.random.default_rng(3)
TOKENS, MAP = (1, 6, 16), (1, 6, 5, 4)


def normal(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


def network(nodes: Sequence[onnx.NodeProto], shape: Sequence[int], constants: Any, opset: int = 17) -> onnx.ModelProto:  # fmt: skip
    return model(nodes, constants, {"x": shape}, {"y": shape}, opset=opset, ir_version=10)


def decomposed(mean: bool, square: str, divide: str) -> onnx.ModelProto:
    """Layer normalization in single operators, as exporters of opset 16 and before write it."""
    centred = [node("ReduceMean", ["x"], ["m"], axes=[-1]), node("Sub", ["x", "m"], ["d"])]
    top = "d" if mean else "x"
    squares = {
        "Pow": node("Pow", [top, "two"], ["s"]),
        "Mul": node("Mul", [top, top], ["s"]),
    }
    endings = {
        "Div": [node("Sqrt", ["e"], ["r"]), node("Div", [top, "r"], ["q"])],
        "Reciprocal": [
            node("Sqrt", ["e"], ["w"]), node("Reciprocal", ["w"], ["r"]), node("Mul", ["r", top], ["q"]),
        ],
        "Pow": [node("Pow", ["e", "minus_half"], ["r"]), node("Mul", [top, "r"], ["q"])],
    }  # fmt: skip
    nodes = [
        *(centred if mean else []),
        squares[square],
        node("ReduceMean", ["s"], ["v"], axes=[-1]),
        node("Add", ["v", "epsilon"], ["e"]),
        *endings[divide],
        node("Mul", ["gain", "q"], ["g"]),
        node("Add", ["g", "bias"], ["y"]),
    ]
    numbers = {"two": 2.0, "minus_half": -0.5, "epsilon": 1e-5}
    constants = {name: np.array(number, np.float32) for name, number in numbers.items()}
    return network(nodes, TOKENS, {**constants, "gain": normal(16), "bias": normal(16)}, opset=13)


def norm(op: str, shape: Sequence[int], operands: dict[str, Any], opset: int = 17, **attrs: Any) -> onnx.ModelProto:  # fmt: skip
    return network([node(op, ["x", *operands], ["y"], **attrs)], shape, operands, opset)


CASES = {
    "layer": (norm("LayerNormalization", TOKENS, {"g": normal(16), "b": normal(16)}), "layer_norm"),
    "layer, plain": (norm("LayerNormalization", TOKENS, {"g": np.ones(16, np.float32)}), "layer_norm"),
    "layer, two axes": (norm("LayerNormalization", TOKENS, {"g": normal(6, 16)}, axis=-2), "layer_norm"),
    "root mean square": (norm("RMSNormalization", TOKENS, {"g": normal(16)}, opset=23), "layer_norm"),
    "instance": (norm("InstanceNormalization", MAP, {"g": normal(6), "b": normal(6)}), "group_norm"),
    "group": (norm("GroupNormalization", MAP, {"g": normal(6), "b": normal(6)}, opset=21, num_groups=3), "group_norm"),
    "decomposed": (decomposed(True, "Pow", "Div"), "layer_norm"),
    "decomposed, products": (decomposed(True, "Mul", "Reciprocal"), "layer_norm"),
    "decomposed, powers": (decomposed(False, "Pow", "Pow"), "layer_norm"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_normalizations_keep_34_decibels(name: str) -> None:
    source, kernel = CASES[name]
    shape = [d.dim_value for d in source.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(1).normal(size=(96, *shape)).astype(np.float32)
    made = quantized_model(source, {"x": x * 2 + 1}, 64)
    assert kernel in made.operators
    assert not {"mean", "rsqrt", "power", "quotient"} & set(made.operators)
    assert made.decibels() > 34


def test_a_row_of_one_value_becomes_the_bias() -> None:
    source = norm("LayerNormalization", TOKENS, {"g": normal(16), "b": normal(16)})
    x = np.random.default_rng(1).normal(size=(65, *TOKENS)).astype(np.float32)
    x[-1] = 1.5
    made = quantized_model(source, {"x": x}, 64)
    bias = np.broadcast_to(onnx.numpy_helper.to_array(source.graph.initializer[1]), TOKENS)
    (got,) = made.got.values()
    assert np.abs(got[0].reshape(TOKENS) - bias).max() < 0.02


def functions() -> dict[str, list[onnx.NodeProto]]:
    """Composed functions as exporters write them, x to y."""
    return {
        "gelu": [
            node("Div", ["x", "root2"], ["a"]), node("Erf", ["a"], ["b"]), node("Add", ["b", "one"], ["c"]),
            node("Mul", ["x", "c"], ["d"]), node("Mul", ["d", "half"], ["y"]),
        ],
        "gelu, tanh": [
            node("Pow", ["x", "three"], ["a"]), node("Mul", ["a", "share"], ["b"]), node("Add", ["x", "b"], ["c"]),
            node("Mul", ["c", "root2"], ["d"]), node("Tanh", ["d"], ["e"]), node("Add", ["e", "one"], ["f"]),
            node("Mul", ["half", "x"], ["g"]), node("Mul", ["g", "f"], ["y"]),
        ],
        "silu": [node("Sigmoid", ["x"], ["a"]), node("Mul", ["a", "x"], ["y"])],
        "hard swish": [
            node("Add", ["x", "three"], ["a"]), node("Clip", ["a", "zero", "six"], ["b"]), node("Mul", ["x", "b"], ["c"]),
            node("Div", ["c", "six"], ["y"]),
        ],
    }  # fmt: skip


NUMBERS = {
    "root2": 2**0.5,
    "one": 1,
    "half": 0.5,
    "three": 3,
    "share": 0.044715,
    "zero": 0,
    "six": 6,
}


@pytest.mark.parametrize("name", functions())
def test_a_composed_function_is_one_table(name: str) -> None:
    constants = {name: np.array(number, np.float32) for name, number in NUMBERS.items()}
    source = network(functions()[name], TOKENS, constants)
    x = np.random.default_rng(2).normal(size=(96, *TOKENS)).astype(np.float32) * 2
    made = quantized_model(source, {"x": x}, 64)
    assert made.operators == ["pointwise"]
    assert made.decibels() > 38


def test_what_others_read_stays_a_tensor() -> None:
    nodes = [node("Sigmoid", ["x"], ["a"]), node("Mul", ["a", "x"], ["b"]), node("Add", ["a", "b"], ["y"])]  # fmt: skip
    source = network(nodes, TOKENS, {})
    source.graph.output.append(onnx.helper.make_tensor_value_info("a", 1, TOKENS))
    x = np.random.default_rng(2).normal(size=(96, *TOKENS)).astype(np.float32)
    made = quantized_model(source, {"x": x}, 64)
    assert made.operators == ["logistic", "mul", "add"]
    assert min(made.decibels("y"), made.decibels("a")) > 36


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Pow", ["x", "x"], ["y"])],
        [node("Pow", ["minus", "x"], ["y"])],
        [node("LayerNormalization", ["x", "x"], ["y"])],
        [node("InstanceNormalization", ["x", "row", "x"], ["y"])],
    ],
)
def test_what_has_no_constants_is_refused(nodes: list[onnx.NodeProto], tmp_path: Any) -> None:
    constants = {"minus": np.array(-2, np.float32), "row": np.ones(6, np.float32)}
    onnx.save(network(nodes, (1, 6, 6), constants), tmp_path / "m.onnx")
    with pytest.raises(EdgekitError, match="EK202"):
        canonical(load_model(tmp_path / "m.onnx"))
