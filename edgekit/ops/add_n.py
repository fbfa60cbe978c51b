"""Sum of any number of tensors of one shape, scale and zero point.

    out = requantize(2^19 * (start + sum over the inputs of (in - zero_in)), m) + zero_out

start is 0, or -zero_in for numbers of TensorFlow Lite; m is scale_in / (2^19 * scale_out): the form in which TensorFlow Lite Micro adds. The sum is multiplied
before it is shifted, so that any number of inputs fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.families.elementwise import real_operands
from edgekit.families.running import RunningParams, from_total, running_params
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Op, Shape, c_field, int8_pair, require
from edgekit.sketch import Sketch


@dataclass(frozen=True)
class AddNParams(RunningParams):
    count: int = c_field("int32_t", "inputs")
    elements: int = c_field("int32_t", "of each")


class AddN(Op):
    name = "add_n"
    kernel = "add_n"
    signature = "whole"
    Params = AddNParams
    inputs = ("inputs...",)
    tflite = ("ADD_N",)
    elementwise = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        if graph.value(node.outputs[0]).dtype == "float32":
            return _one_by_one(Sketch(node, graph))
        return [Node(node.name, cls.name, node.inputs, node.outputs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        shapes = [graph.value(name).shape for name in node.inputs]
        require(len(set(shapes)) == 1, "operands of one shape", node, shapes)
        return [shapes[0]]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.sum(real_operands(node, graph, inputs), axis=0)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph, range(len(node.inputs)))
        operands, out = [graph.value(name) for name in node.inputs], graph.value(node.outputs[0])
        quants = [x.quant for x in operands]
        require(
            all(q == quants[0] for q in quants), "inputs of one scale and zero point", node, quants
        )
        numbers = running_params(node, graph, operands[0], out)
        params = AddNParams(**numbers, count=len(operands), elements=out.elements)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: AddNParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        total = sum(x.reshape(len(x), -1).astype(np.int64) - p.input_zero for x in inputs)
        return [from_total(p, np.asarray(p.start + total))]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, count: int, out: float) -> Case:
            operands = [activation(f"x{i}", shape, 0.05) for i in range(count)]
            return single(cls, name, operands, [activation("output", shape, out, -5)])

        return [case("three", (1, 4, 5, 3), 3, 0.12), case("many", (1, 17), 20, 0.25)]


def _one_by_one(sketch: Sketch) -> list[Node]:
    """Of real numbers sums of two, since each tensor will have a scale of its own."""
    node = sketch.node
    total, *rest = node.inputs
    for i, name in enumerate(rest):
        output = node.outputs[0] if i == len(rest) - 1 else ""
        total = sketch.add("add", [total, name], {"activation": "NONE"}, output)
    if not rest:
        sketch.reshape(total, sketch.graph.value(total).shape, node.outputs[0])
    return sketch.nodes
