"""Small random ONNX networks: layers in source order, each valid for the shape before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18


class Builder:
    """A network that grows a node at a time; `shapes` holds every tensor made so far, in order."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...]) -> None:
        self.rng = rng
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.shapes: dict[str, tuple[int, ...]] = {"x": shape}

    @property
    def last(self) -> str:
        return next(reversed(self.shapes))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.shapes[self.last]

    def const(self, data: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(data), name))
        return name

    def weights(self, *shape: int) -> str:
        return self.const(self.rng.normal(size=shape).astype(np.float32))

    def node(self, op: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> None:
        label = f"n{len(self.nodes)}"
        names = [f"t{len(self.nodes)}{'abc'[i]}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, label, **attributes))
        kinds = {v.name: v for v in onnx.shape_inference.infer_shapes(self.model(names), data_prop=True).graph.output}  # fmt: skip
        for name in names:
            dims = kinds[name].type.tensor_type.shape.dim
            self.shapes[name] = tuple(d.dim_value for d in dims)

    def model(self, outputs: list[str]) -> onnx.ModelProto:
        def info(name: str) -> onnx.ValueInfoProto:
            if name in self.shapes:
                return helper.make_tensor_value_info(name, TensorProto.FLOAT, self.shapes[name])
            return helper.make_empty_tensor_value_info(name)

        graph = helper.make_graph(self.nodes, "random", [info("x")], [info(n) for n in outputs], self.constants)  # fmt: skip
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8
        )


def random_network(seed: int, layers: int = 8) -> onnx.ModelProto:
    """A network of up to `layers` nodes on an input of rank 3 or 4, with one or two outputs."""
    rng = np.random.default_rng(seed)
    size = (1, int(rng.integers(1, 5)), *(int(n) for n in rng.integers(3, 8, rng.integers(1, 3))))
    b = Builder(rng, size)
    while len(b.nodes) < layers:
        LAYERS[rng.integers(len(LAYERS))](b)
    tensors = [name for name in b.shapes if name != "x"]
    other = tensors[len(tensors) // 2]
    return b.model([b.last] if rng.random() < 0.7 or other == b.last else [b.last, other])


def _convolution(b: Builder) -> None:
    if len(b.shape) not in (3, 4):
        return
    _, channels, *size = b.shape
    kernel = [int(b.rng.integers(1, min(4, n + 1))) for n in size]
    pads = [int(b.rng.integers(0, 2)) for _ in size]
    depthwise = channels > 1 and b.rng.random() < 0.4
    out = channels if depthwise else int(b.rng.integers(1, 5))
    inputs = [b.last, b.weights(out, 1 if depthwise else channels, *kernel)]
    if b.rng.random() < 0.5:
        inputs.append(b.weights(out))
    b.node("Conv", inputs, kernel_shape=kernel, pads=pads * 2, group=channels if depthwise else 1)


def _unary(b: Builder) -> None:
    b.node(str(b.rng.choice(["Relu", "Sigmoid", "LeakyRelu", "Tanh", "Identity"])), [b.last])


def _clip(b: Builder) -> None:
    b.node("Clip", [b.last, b.const(np.float32(-0.5)), b.const(np.float32(1.5))])


def _batch_norm(b: Builder) -> None:
    if len(b.shape) > 1:
        four = [b.const(b.rng.uniform(0.5, 1.5, b.shape[1]).astype(np.float32)) for _ in range(4)]
        b.node("BatchNormalization", [b.last, *four])


def _transpose(b: Builder) -> None:
    rest = [int(i) + 1 for i in b.rng.permutation(len(b.shape) - 1)]
    b.node("Transpose", [b.last], perm=[0, *rest])


def _residual(b: Builder) -> None:
    same = [name for name, shape in b.shapes.items() if shape == b.shape]
    b.node("Add", [b.last, same[b.rng.integers(len(same))]])


def _with_constant(b: Builder) -> None:
    sizes = [n if b.rng.random() < 0.5 else 1 for n in b.shape]
    inputs = [b.last, b.weights(*sizes[int(b.rng.integers(0, len(sizes))) :])]
    if b.rng.random() < 0.3:
        inputs.reverse()
    b.node(str(b.rng.choice(["Add", "Sub", "Mul"])), inputs)


def _concat(b: Builder) -> None:
    b.node("Concat", [b.last, b.last], axis=int(b.rng.integers(1, len(b.shape))))


def _slice(b: Builder) -> None:
    axis = int(b.rng.integers(1, len(b.shape)))
    if b.shape[axis] > 1:
        parts = ([1], [b.shape[axis]], [axis], [int(b.rng.integers(1, 3))])
        b.node("Slice", [b.last, *(b.const(np.array(part)) for part in parts)])


def _split(b: Builder) -> None:
    axis = int(b.rng.integers(1, len(b.shape)))
    if b.shape[axis] > 1:
        b.node("Split", [b.last, b.const(np.array([1, b.shape[axis] - 1]))], 2, axis=axis)


def _pad(b: Builder) -> None:
    pads = np.array([0, *b.rng.integers(0, 2, len(b.shape) - 1)])
    value = np.float32(b.rng.choice([0.0, 0.5]))
    b.node("Pad", [b.last, b.const(np.concatenate([pads, pads])), b.const(value)])


def _reduction(b: Builder) -> None:
    if len(b.shape) > 2:
        axis = b.const(np.array([int(b.rng.integers(1, len(b.shape)))]))
        op = str(b.rng.choice(["ReduceMean", "ReduceMax"]))
        b.node(op, [b.last, axis], keepdims=int(b.rng.integers(2)))


def _dense(b: Builder) -> None:
    elements = int(np.prod(b.shape))
    b.node("Flatten", [b.last])
    b.node("Gemm", [b.last, b.weights(3, elements), b.weights(3)], transB=1)


def _matmul(b: Builder) -> None:
    b.node("MatMul", [b.last, b.weights(b.shape[-1], 4)])


def _softmax(b: Builder) -> None:
    b.node("Softmax", [b.last], axis=int(b.rng.integers(1, len(b.shape))))


def _unit_axis(b: Builder) -> None:
    ones = [i for i, n in enumerate(b.shape) if i and n == 1]
    if ones:
        b.node("Squeeze", [b.last, b.const(np.array(ones[:1]))])
    elif len(b.shape) < 4:
        b.node("Unsqueeze", [b.last, b.const(np.array([int(b.rng.integers(1, len(b.shape) + 1))]))])


def _pool(b: Builder) -> None:
    if len(b.shape) in (3, 4):
        size = b.shape[2:]
        op = str(b.rng.choice(["MaxPool", "AveragePool"]))
        b.node(op, [b.last], kernel_shape=[min(2, n) for n in size],
               strides=[1 + int(b.rng.integers(2))] * len(size))  # fmt: skip


def _reshape(b: Builder) -> None:
    if len(b.shape) > 2:
        wanted = [1, b.shape[1], -1] if b.rng.random() < 0.5 else [1, -1, b.shape[-1]]
        b.node("Reshape", [b.last, b.const(np.array(wanted))])


def _prelu(b: Builder) -> None:
    if len(b.shape) > 1:
        b.node("PRelu", [b.last, b.weights(b.shape[1], *[1] * (len(b.shape) - 2))])


LAYERS: list[Callable[[Builder], None]] = [
    _convolution, _convolution, _convolution, _unary, _clip, _batch_norm, _transpose, _residual,
    _with_constant, _concat, _slice, _split, _pad, _reduction, _dense, _matmul, _softmax, _unit_axis,
    _pool, _reshape, _prelu,
]  # fmt: skip
