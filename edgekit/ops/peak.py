"""The largest number of a signal, once for each row of what is measured by it.

    out[t] = max over all of in

Input int16 of any shape, output int16 [1, T, 1, 1] of the same scale: each row that is made relative to
the level finds it in its own row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require


@dataclass(frozen=True)
class PeakParams(Params):
    samples: int = c_field("int32_t", "elements of the input")
    rows: int = c_field("int32_t", "elements of the output")


class Peak(Op):
    """Canonical attribute: `rows`, the height of the output."""

    name = "peak"
    kernel = "peak"
    signature = "whole"
    Params = PeakParams
    coupling = "mix"
    same_scale = True
    saturation = 1.0  # the largest of many random numbers is near the largest of all

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [(1, node.attrs["rows"], 1, 1)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.full((1, node.attrs["rows"], 1, 1), inputs[0].max())]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        require(x.dtype == out.dtype == "int16", "int16 tensors", node, (x.dtype, out.dtype))
        require(x.quant == out.quant, "one scale for input and output", node, (x.scale, out.scale))
        params = PeakParams(x.elements, out.elements)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: PeakParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        largest = inputs[0].reshape(len(inputs[0]), -1).max(axis=1)
        return [np.repeat(largest[:, None], p.rows, axis=1)[:, None, :, None, None]]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, rows: int) -> Case:
            x, out = (activation(n, s, dtype="int16") for n, s in (("input", shape), ("output", (1, rows, 1, 1))))  # fmt: skip
            return single(cls, name, [x], [out], {"rows": rows})

        return [case("pieces", (1, 5, 1, 7), 3), case("single", (1, 1, 1, 1), 1)]
