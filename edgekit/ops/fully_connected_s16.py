"""Dense layer of int16 activations with int8 weights.

    out[b, o] = rescale(bias[o] + sum over k of in[b, k] * w[o, k])

Sums and `rescale` are those of `edgekit/families/wide.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit.families import weighted, wide
from edgekit.families.wide import Wide
from edgekit.families.window import activation_range
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Cost, Params, c_field, int16_pair
from edgekit.ops.fully_connected import FullyConnected


@dataclass(frozen=True)
class FullyConnectedWideParams(Params):
    batch: int = c_field("int32_t", "vectors")
    in_c: int = c_field("int32_t", "elements of each")
    out_c: int = c_field("int32_t", "outputs of each")
    wide: int = c_field("int32_t", "1 where sums have 64 bits and multipliers 15")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


class FullyConnectedWide(Wide):
    name = "fully_connected_s16"
    kernel = "fully_connected"
    narrow = FullyConnected
    signature = "whole"
    Params = FullyConnectedWideParams
    consts = wide.weighted_consts("[out_c][in_c]", "[out_c]")

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int16_pair(node, graph)
        x, w, out = (graph.value(n) for n in (*node.inputs[:2], node.outputs[0]))
        assert w.data is not None
        scales = weighted.effective_scales(node, graph, channel_axis=0)
        consts, is_wide = wide.sums(node, graph, w.data, scales)
        low, high = activation_range(node, out)
        params = FullyConnectedWideParams(
            x.elements // w.shape[1], w.shape[1], w.shape[0], is_wide, low, high
        )
        return IntNode(node.name, cls, params, (x.name,), node.outputs, consts)

    @classmethod
    def run(
        cls, p: FullyConnectedWideParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        total = wide.product(inputs[0].reshape(-1, p.in_c), consts["weights"]) + consts["bias"]
        return [wide.rescaled(p, consts, total).reshape(len(inputs[0]), p.batch, p.out_c)]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, FullyConnectedWideParams)
        return Cost(macs=p.batch * p.in_c * p.out_c)

    @classmethod
    def cases(cls) -> list[Case]:
        plain = [case for case in FullyConnected.cases() if not case.name.startswith("rows_")]
        return wide.cases(cls, plain)
