"""Choice by a condition (SELECT_V2, SELECT; IF, of whose branches both are computed).

out = a where the condition holds, else b

The condition is boolean; a, b and output have one type, scale and zero point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.families.elementwise import real_operands
from edgekit.families.movement import check_moved
from edgekit.graph import DTYPES, Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require
from edgekit.sketch import Sketch


@dataclass(frozen=True)
class SelectParams(Params):
    width: int = c_field("int32_t", "bytes of an element")


class Select(Op):
    name = "select"
    kernel = "select"
    Params = SelectParams
    inputs = ("condition", "input1", "input2")
    tflite = ("SELECT_V2", "SELECT", "IF")
    inplace = (1, 2)
    elementwise = True
    same_scale = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        require(len(node.inputs) == 3, "a condition and two operands", node, len(node.inputs))
        condition = graph.value(node.inputs[0])
        require(condition.dtype == "bool", "a boolean condition", node, condition.dtype)
        shape, sketch = graph.value(node.outputs[0]).shape, Sketch(node, graph)
        first = condition.name
        if node.op == "SELECT" and len(condition.shape) == 1 < len(shape):
            first = sketch.reshape(first, (*condition.shape, *(1,) * (len(shape) - 1)))
        operands = [sketch.broadcast(name, shape) for name in (first, *node.inputs[1:])]
        sketch.add(cls.name, operands, {}, node.outputs[0])
        return sketch.nodes

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        shapes = [graph.value(name).shape for name in node.inputs]
        require(len(set(shapes)) == 1, "operands of one shape", node, shapes)
        return [shapes[0]]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        condition, a, b = real_operands(node, graph, inputs)
        return [np.where(condition != 0, a, b)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        check_moved(node, graph, node.inputs[1:])
        params = SelectParams(DTYPES[graph.value(node.outputs[0]).dtype])
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: SelectParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        condition, a, b = inputs
        return [np.where(condition.astype(bool), a, b)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, dtype: str) -> Case:
            operands = [activation(n, shape, 0.05, 3, dtype) for n in ("a", "b")]
            output = activation("output", shape, 0.05, 3, dtype)
            return single(cls, name, [Value("condition", shape, "bool"), *operands], [output])

        return [case("bytes", (1, 4, 5, 3), "int8"), case("words", (1, 7), "int32")]
