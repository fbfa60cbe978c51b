"""Operators of signature "each": kernels for whole tensors that a stream calls for one row at a time.

The kernel is that of the operator for whole tensors, its parameters are those of a tensor of one row.
Every map among the operands has the rows of the output; a constant is the same for every row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from edgekit.cases import activation, case_random, single
from edgekit.families.elementwise import Broadcast, walk
from edgekit.graph import Graph, IntNode, Node, Quant, Value
from edgekit.op import Array, Case, Op, Shape


class EachRow(Op):
    """Base of those operators; stands before the operator for whole tensors among a class's bases."""

    signature = "each"
    as_rows = ""
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        made = cls.of_whole(super().quantize(node, graph), graph.values)
        assert made is not None
        return made

    @classmethod
    def row_elements(cls, p: Any) -> int:
        """Elements in a row of the output."""
        return int(np.prod(p.shape))

    @classmethod
    def run(cls, p: Any, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        count, size = len(inputs[0]), cls.row_elements(p)
        operands = [x.reshape(count, -1) for x in inputs]
        rows = max(x.shape[1] for x in operands) // size

        def row(x: Array, y: int) -> Array:
            return x[:, y * size : (y + 1) * size] if x.shape[1] == rows * size else x

        made = [
            super(EachRow, cls).run(p, consts, *(row(x, y) for x in operands))[0]
            for y in range(rows)
        ]
        return [np.concatenate([part.reshape(count, size) for part in made], axis=1)]


class WithConstant(EachRow):
    """Base of those with a map and a constant as operands, whose walk is in their parameters."""

    @classmethod
    def of_whole(cls, node: IntNode, values: Mapping[str, Value]) -> IntNode | None:
        walk = row_walk(node, values)
        if walk is None:
            return None
        params: Any = node.params
        params = replace(params, shape=walk.shape, stride1=walk.stride1, stride2=walk.stride2)
        return IntNode(node.name, cls, params, node.inputs, node.outputs, node.consts)


def row_walk(node: IntNode, values: Mapping[str, Value]) -> Broadcast | None:
    """The walk over one row of a map, where every operand is a map of the output's shape or a
    constant without rows; None elsewhere."""
    shape = values[node.outputs[0]].shape
    if len(shape) != 4 or shape[0] != 1 or shape[1] == 1:
        return None
    rows: list[Shape] = []
    for value in (values[name] for name in node.inputs):
        padded = (1,) * (4 - len(value.shape)) + value.shape
        fits = padded == shape if value.data is None else padded[:2] == (1, 1)
        if not fits:
            return None
        rows.append(padded[2:])
    return walk(shape[2:], rows)


def constant(op: type[Op], case: str, shape: Shape, scale: float, zero: int) -> Value:
    """A random constant for a case's second operand."""
    data = case_random(op, case).integers(-128, 128, shape).astype(np.int8)
    return Value("constant", shape, "int8", Quant((float(np.float32(scale)),), (zero,)), data)


def broadcast_cases(op: type[Op], scale: float) -> list[Case]:
    """A map and constants of the shapes that broadcast along its rows; `scale` of the output."""

    def case(name: str, *shapes: Shape) -> Case:
        (shape,) = (s for s in shapes if len(s) == 4)
        output = activation("output", shape, scale, 20)
        return single(op, name, operands(op, name, shapes, -90), [output], {"activation": "NONE"})

    return [
        case("scalar", (1, 4, 5, 3), (1,)),
        case("channels", (1, 4, 5, 3), (3,)),
        case("constant_first", (3,), (1, 4, 5, 3)),
        case("columns", (1, 3, 5, 3), (5, 1)),
    ]


def operands(op: type[Op], case: str, shapes: Sequence[Shape], zero: int) -> list[Value]:
    """A map and a constant of these shapes, in whichever order."""
    return [
        activation("input", s, 0.05, 3)
        if len(s) == 4 and s[1] > 1
        else constant(op, case, s, 0.03, zero)
        for s in shapes
    ]
