"""What operators that only move data share: operand rules and the walk over a strided tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Shape, require

AXES = 5  # loops of the strided and the padding kernel
_MOVED = (
    "int8", "uint8", "bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32",
)  # fmt: skip


def check_moved(node: Node, graph: Graph, inputs: Sequence[str]) -> None:
    """Data operands and outputs of one type, scale and zero point; none is empty."""
    moved = [graph.value(name) for name in (*inputs, *node.outputs)]
    for value in moved:
        require(value.dtype in _MOVED, "integers of 8 to 64 bits, booleans or float32", node,
                f"{value.name} is {value.dtype}")  # fmt: skip
        require(value.dtype == moved[0].dtype, "one element type", node,
                f"{moved[0].dtype} and {value.dtype}")  # fmt: skip
        require(value.elements > 0, "tensors with elements", node, f"{value.name} {value.shape}")
    quants = [value.quant for value in moved if value.quant is not None]
    require(all(quant == quants[0] for quant in quants),
            "one scale and zero point at inputs and output", node, quants)  # fmt: skip


def constant(node: Node, graph: Graph, index: int) -> list[int]:
    """The integers of a constant operand, flat."""
    require(index < len(node.inputs), f"an operand {index}", node, f"{len(node.inputs)} operands")
    data = graph.const(node.inputs[index])
    require(data is not None and data.dtype.kind == "i", "a constant integer operand", node,
            f"operand {index} {node.inputs[index]}")  # fmt: skip
    assert data is not None
    return [int(v) for v in data.reshape(-1)]


def axis_of(node: Node, axis: int, rank: int) -> int:
    """An axis counted from the front."""
    require(-rank <= axis < rank, "an axis of the tensor", node, f"axis {axis} of {rank}")
    return axis % rank


def strides(shape: Shape) -> tuple[int, ...]:
    """Elements from one index to the next along each axis of a contiguous tensor."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


class Walk(NamedTuple):
    """Sizes and byte steps of the outer loops, and the contiguous bytes moved inside them."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    run: int

    @property
    def contiguous(self) -> bool:
        return math.prod(self.shape) == 1


def walk(shape: Sequence[int], stride: Sequence[int], width: int, node: Node | IntNode) -> Walk:
    """The shortest walk over elements of `width` bytes: axes that continue one another are merged.

    shape, stride: per axis of what is read, stride in elements. Always `AXES` loops.
    """
    axes = [(n, step * width) for n, step in zip(shape, stride, strict=True) if n != 1]
    run = width
    while axes and axes[-1][1] == run:
        run *= axes.pop()[0]
    merged: list[tuple[int, int]] = []
    for n, step in axes:
        if merged and merged[-1][1] == n * step:
            n *= merged.pop()[0]
        merged.append((n, step))
    require(len(merged) <= AXES, "at most 5 strided axes", node, list(shape))
    merged = [(1, 0)] * (AXES - len(merged)) + merged
    return Walk(tuple(n for n, _ in merged), tuple(step for _, step in merged), run)
