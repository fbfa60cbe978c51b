"""What operators on two tensors of one shape share, beside `add` and `mul`.

A smaller operand is repeated in memory first. Against a single constant the operator is a function
of one byte, and becomes a table made by its own formula.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from edgekit.families import elementwise
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Op, Params, Shape, require
from edgekit.ops.lut import LutParams
from edgekit.ops.tabled import Tabled
from edgekit.sketch import Sketch


class Pairwise(Op):
    """Base of the operators; has no name of its own."""

    signature = "flat"
    inputs = ("input1", "input2")
    inplace = (0, 1)
    elementwise = True
    dtypes: ClassVar[tuple[str, ...]] = ("int8",)

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        require(len(node.inputs) == 2, "two operands", node, f"{len(node.inputs)}")
        (shape,) = elementwise.broadcast_shapes(node, graph)
        sketch = Sketch(node, graph)
        operands = [
            name if _single(graph.value(name)) else sketch.broadcast(name, shape)
            for name in node.inputs
        ]
        if all(_single(graph.value(name)) for name in operands):
            operands[0] = sketch.broadcast(operands[0], shape)
        sketch.add(cls.name, operands, cls.attributes(node), node.outputs[0])
        return sketch.nodes

    @classmethod
    def attributes(cls, node: Node) -> Mapping[str, Any]:
        """The canonical attributes of a source node."""
        return {}

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return elementwise.broadcast_shapes(node, graph)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [cls.function(node, *elementwise.real_operands(node, graph, inputs))]

    @classmethod
    @abstractmethod
    def function(cls, node: Node, a: Array, b: Array) -> Array:
        """The real function."""

    @classmethod
    @abstractmethod
    def params(cls, node: Node, graph: Graph) -> Params:
        """The kernel's numbers."""

    @classmethod
    def constants(cls, node: Node, graph: Graph) -> dict[str, Array]:
        """The kernel's tables."""
        return {}

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        operands = [graph.value(name) for name in node.inputs]
        known = " or ".join(cls.dtypes)
        for value in operands:
            require(value.dtype in cls.dtypes, f"operands of type {known}", node,
                    f"{value.name} is {value.dtype}")  # fmt: skip
        require(operands[0].dtype == operands[1].dtype, "operands of one type", node,
                [value.dtype for value in operands])  # fmt: skip
        params, consts = cls.params(node, graph), cls.constants(node, graph)
        singles = [_single(value) for value in operands]
        if any(singles) and operands[0].dtype in ("int8", "uint8", "bool"):
            return _table(cls, node, graph, IntNode(node.name, cls, params, (), (), consts))
        require(operands[0].shape == operands[1].shape, "operands of one shape", node,
                [value.shape for value in operands])  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)


def _single(value: Value) -> bool:
    return value.data is not None and value.elements == 1


def _table(op: type[Op], node: Node, graph: Graph, made: IntNode) -> IntNode:
    """The node for every byte of the operand that is not the constant."""
    a, b = (graph.value(name) for name in node.inputs)
    x, constant = (a, b) if _single(b) else (b, a)
    assert constant.data is not None
    every: Array = np.arange(256, dtype=np.uint8)
    if x.dtype == "bool":
        every = every.astype(bool)
    every = every.view(x.dtype).reshape(1, 256)
    same = np.broadcast_to(constant.data.reshape(1, 1), (1, 256))
    operands = (every, same) if x is a else (same, every)
    (table,) = op.run(made.params, made.consts, *operands)
    out = graph.value(node.outputs[0])
    consts = {"table": table.reshape(256).astype(out.dtype).view(np.int8)}
    return IntNode(node.name, Tabled, LutParams(out.dtype), (x.name,), node.outputs, consts)
