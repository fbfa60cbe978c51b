"""Builds small .onnx files: from a list of nodes, or one of two networks with everything exporters do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)

Shape = Sequence[int | str | None]
node = helper.make_node


def tensor(name: str, shape: Shape, kind: int = TensorProto.FLOAT) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model(
    nodes: Sequence[NodeProto],
    constants: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Shape] | None = None,
    outputs: Mapping[str, Shape] | None = None,
    opset: int = 17,
    ir_version: int = 8,
    domains: Sequence[str] = (),
) -> ModelProto:
    """`constants` are arrays or TensorProtos by name; x [1, 4] goes in and y [1, 4] comes out unless
    said otherwise. domains: of custom operators."""
    graph = helper.make_graph(
        nodes,
        "tiny",
        [tensor(name, shape) for name, shape in (inputs or {"x": (1, 4)}).items()],
        [tensor(name, shape) for name, shape in (outputs or {"y": (1, 4)}).items()],
        [named(name, data) for name, data in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(name, 1) for name in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)


def named(name: str, data: Any) -> TensorProto:
    if isinstance(data, TensorProto):
        data.name = name
        return data
    return numpy_helper.from_array(np.asarray(data), name)


def relu(**changes: Any) -> ModelProto:
    return model([node("Relu", ["x"], ["y"])], **changes)


def graph(*nodes: NodeProto) -> GraphProto:
    """A graph for the inside of a node: y from nothing."""
    return helper.make_graph(nodes, "inner", [], [tensor("y", (1, 4))])


def classifier(opset: int = 17) -> ModelProto:
    """x [N, 1, 6, 6] to y [N, 3]: convolution, Clip, and a flattening made of shape arithmetic."""
    rng = np.random.default_rng(1)

    def weights(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    constants = {
        "w": weights(2, 1, 3, 3), "b": weights(2), "v": weights(32, 3), "c": weights(3),
        "first": np.int64(0), "rest": np.array([-1]), "low": np.float32(0), "high": np.float32(6),
    }  # fmt: skip
    by_attribute = opset < 13
    if not by_attribute:
        constants["axis"] = np.array([0])
    bounds = {"min": 0.0, "max": 6.0} if opset < 11 else {}
    for name in ("low", "high") if bounds else ():
        del constants[name]
    nodes = [
        node("Conv", ["x", "w", "b"], ["conv"], kernel_shape=[3, 3]),
        node("Clip", ["conv"] if bounds else ["conv", "low", "high"], ["clip"], **bounds),
        node("Shape", ["clip"], ["shape"]),
        node("Gather", ["shape", "first"], ["batch"], axis=0),
        node("Unsqueeze", ["batch"] if by_attribute else ["batch", "axis"], ["lead"],
             **({"axes": [0]} if by_attribute else {})),
        node("Concat", ["lead", "rest"], ["target"], axis=0),
        node("Reshape", ["clip", "target"], ["flat"]),
        node("Gemm", ["flat", "v", "c"], ["y"]),
    ]  # fmt: skip
    return model(nodes, constants, {"x": ("N", 1, 6, 6)}, {"y": ("N", 3)}, opset)


def quantized() -> ModelProto:
    """x [1, 4] to y [1, 3]: a dense layer between QuantizeLinear and DequantizeLinear pairs."""
    rng = np.random.default_rng(2)
    constants = {
        "w": rng.integers(-127, 128, (4, 3), np.int8), "ws": np.float32([0.01, 0.02, 0.03]),
        "wz": np.zeros(3, np.int8), "b": rng.integers(-500, 500, 3, np.int32),
        "bs": np.float32([0.001, 0.002, 0.003]), "bz": np.zeros(3, np.int32),
        "s": np.float32(0.1), "z": np.int8(3), "t": np.float32(0.2), "u": np.int8(-5),
    }  # fmt: skip
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["xq"]),
        node("DequantizeLinear", ["xq", "s", "z"], ["xd"]),
        node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=1),
        node("DequantizeLinear", ["b", "bs", "bz"], ["bd"], axis=0),
        node("Gemm", ["xd", "wd", "bd"], ["gemm"]),
        node("QuantizeLinear", ["gemm", "t", "u"], ["yq"]),
        node("DequantizeLinear", ["yq", "t", "u"], ["y"]),
    ]
    return model(nodes, constants, outputs={"y": (1, 3)})


def functions(bodies: Sequence[Sequence[NodeProto]]) -> ModelProto:
    """y = f<last>(x); body i is the function f<i> of a0 that gives b."""
    built, domain = relu(), "local"
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)]
    for i, body in enumerate(bodies):
        built.functions.append(
            helper.make_function(domain, f"f{i}", ["a0"], ["b"], body, opset_imports=opsets)
        )
    built.opset_import.append(opsets[1])
    built.graph.node[0].CopyFrom(node(f"f{len(bodies) - 1}", ["x"], ["y"], domain=domain))
    return built


def calls(function: str, times: int) -> list[NodeProto]:
    """A body that calls a function that many times, each on the result of the one before."""
    names = [*(f"a{i}" for i in range(times)), "b"]
    return [node(function, [a], [b], domain="local") for a, b in pairwise(names)]
