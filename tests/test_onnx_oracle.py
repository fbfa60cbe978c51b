"""The oracle itself: QDQ models taken apart compute, piece by piece, what they compute as a whole."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import shared
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx_oracle import operator_cases, operators, run_onnx

Array = NDArray[Any]
RNG = np.random.default_rng(11)


def qdq(name: str, scale: float, zero_point: int = 0) -> list[onnx.NodeProto]:
    """`name` through int8 `name_q` to `name_d`."""
    ends = [f"{name}_s", f"{name}_z"]
    return [
        helper.make_node("Constant", [], [ends[0]], value=numpy_helper.from_array(np.float32(scale))),
        helper.make_node("Constant", [], [ends[1]], value=numpy_helper.from_array(np.int8(zero_point))),
        helper.make_node("QuantizeLinear", [name, *ends], [f"{name}_q"]),
        helper.make_node("DequantizeLinear", [f"{name}_q", *ends], [f"{name}_d"]),
    ]  # fmt: skip


def residual() -> onnx.ModelProto:
    """z = relu(conv(x)) + x, flattened as floats, and a softmax of its sums whose output is float."""
    w = numpy_helper.from_array(RNG.integers(-128, 128, (2, 2, 1, 1)).astype(np.int8), "w")
    nodes = [
        *qdq("x", 0.05, 3),
        helper.make_node("DequantizeLinear", ["w", "ws"], ["w_d"]),
        helper.make_node("Conv", ["x_d", "w_d"], ["c"], "conv"),
        helper.make_node("Relu", ["c"], ["r"]),
        *qdq("r", 0.1, -128),
        helper.make_node("Add", ["r_d", "x_d"], ["a"]),
        *qdq("a", 0.11, -20),
        helper.make_node("Reshape", ["a_d", "shape"], ["f"], "flat"),
        helper.make_node("ReduceMean", ["f"], ["m"], "mean", axes=[2], keepdims=0),
        *qdq("m", 0.02),
        helper.make_node("Softmax", ["m_d"], ["p"], "softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "residual",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 3, 3])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [1, 2])],
        [w, numpy_helper.from_array(np.float32(0.01), "ws"), numpy_helper.from_array(np.array([1, 2, 9]), "shape")],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def test_each_operator_has_quantized_edges_and_its_activation() -> None:
    parts = {part.name: part for part in operators(residual())}
    edges = {name: (part.inputs, part.outputs) for name, part in parts.items()}
    add = next(name for name in edges if name.startswith("Add"))
    assert edges == {
        "conv": (["x_q"], ["r_q"]),
        add: (["r_q", "x_q"], ["a_q"]),
        "mean": (["a_q"], ["m_q"]),
        "softmax": (["m_q"], ["p"]),
    }
    kinds = Counter(node.op_type for node in parts["conv"].model.graph.node)
    assert (kinds["Conv"], kinds["Relu"], kinds["QuantizeLinear"]) == (1, 1, 1)
    assert Counter(node.op_type for node in parts["mean"].model.graph.node)["Reshape"] == 1


def all_equal(model: onnx.ModelProto, inputs: dict[str, Array], every: int = 1) -> int:
    """Run parts by themselves on what reached them in the whole; returns how many there are."""
    cases = list(operator_cases(model, inputs))
    for case in cases[::every]:
        onnx.checker.check_model(case.operator.model)
        alone = run_onnx(case.operator.model, case.inputs)
        assert set(alone) == set(case.outputs)
        for name, wanted in case.outputs.items():
            np.testing.assert_array_equal(alone[name], wanted, case.operator.name)
    return len(cases)


def test_the_parts_compute_what_the_whole_does() -> None:
    x = RNG.normal(size=(5, 1, 2, 3, 3)).astype(np.float32) * 3
    assert all_equal(residual(), {"x": x}) == 4


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("mlperf_tiny_onnx_qdq/deep_autoencoder", 10),
        ("mlperf_tiny_onnx_qdq/kws_ref_model", 12),
        ("mlperf_tiny_onnx_qdq/mobilenet_v1", 30),
        ("mlperf_tiny_onnx_qdq/resnet", 15),
        ("cifar10_resnet20_qdq_int8_perchannel", 37),
        ("fsdd_res1d_dscnn_qdq_int8_perchannel", 17),
    ],
)
def test_the_shared_models_come_apart(file: str, parts: int) -> None:
    path: Path = shared("models", f"{file}.onnx")
    model = onnx.load(path)
    (given,) = model.graph.input
    shape = [d.dim_value or 1 for d in given.type.tensor_type.shape.dim]
    x = RNG.uniform(-1, 1, (2, *shape)).astype(np.float32)
    assert all_equal(model, {given.name: x}, every=9) == parts
