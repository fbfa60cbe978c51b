"""A table of 256 results for each channel: what normalising a picture by channel comes to.

    out[y, x, c] = table[c][in[y, x, c] + 128],  real out = real in * factor[c] + add[c]

The table holds the nearest step to the real number, halves to even. Input and output int8 [1, H, W, C].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field, int8_pair, require


@dataclass(frozen=True)
class ChannelTableParams(Params):
    channels: int = c_field("int32_t", "tables")
    width: int = c_field("int32_t", "pixels of a row")


class ChannelTable(Op):
    """Canonical attributes: `factor` and `add`, a number for each channel."""

    name = "channel_table"
    kernel = "channel_table"
    signature = "rows"
    Params = ChannelTableParams
    consts = (Const("table", "int8_t", "[channels][256], from input -128 on"),)
    saturation = 0.6

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        shape = graph.value(node.inputs[0]).shape
        counts = (len(node.attrs["factor"]), len(node.attrs["add"]))
        require(counts == (shape[3], shape[3]), "a factor and a sum for each channel", node, counts)
        return [shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [inputs[0] * np.array(node.attrs["factor"]) + np.array(node.attrs["add"])]

    @classmethod
    def table(cls, node: Node, x: Value, out: Value) -> Array:
        """[channels, 256] results as int8."""
        reals = (np.arange(-128, 128)[:, None] - x.zero_point) * x.scale
        reals = reals * np.array(node.attrs["factor"]) + np.array(node.attrs["add"])
        steps = np.rint(reals / out.scale) + out.zero_point
        return np.ascontiguousarray(np.clip(steps, -128, 127).astype(np.int8).T)

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        params = ChannelTableParams(x.shape[3], x.shape[2])
        consts = {"table": cls.table(node, x, out)}
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(cls, p: ChannelTableParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        at = inputs[0].astype(np.int64) + 128
        return [consts["table"][np.arange(p.channels), at]]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(
            name: str, shape: Shape, factor: tuple[float, ...], add: tuple[float, ...]
        ) -> Case:
            x, out = activation("input", shape, 1.0, -128), activation("output", shape, 0.0187, -14)
            return single(cls, name, [x], [out], {"factor": factor, "add": add})

        return [
            case("colours", (1, 3, 5, 3), (0.0171, 0.0175, 0.0174), (-2.1, -2.0, -1.8)),
            case("one", (1, 2, 3, 1), (0.012,), (-1.5,)),
            case("single", (1, 1, 1, 2), (0.01, -0.01), (-1.0, 1.0)),
        ]
