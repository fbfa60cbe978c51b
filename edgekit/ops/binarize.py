"""A step for each channel: the sign that networks with binary activations are trained with.

    out = 1 where in >= edge[c], else low;  where the step falls, 1 where in <= edge[c]

low is -1 or 0. Made by `passes/binarize.py`, never by an import. In integers the edges are int8 steps of
the input, a falling channel one more than its last upper number, and `turned`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.channels import Bounds
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field, int8_pair, require

# An edge above every int8 number.
NEVER = 128


@dataclass(frozen=True)
class BinarizeParams(Params):
    channels: int = c_field("int32_t", "edges")
    width: int = c_field("int32_t", "pixels of a row")
    low: int = c_field("int32_t", "the number below the edge")


class Binarize(Op):
    """Canonical attributes: `edge` and `rising`, a number for each channel or one for all; `low`."""

    name = "binarize"
    kernel = "binarize"
    signature = "rows"
    Params = BinarizeParams
    consts = (
        Const("edges", "int16_t", "[channels], 128 where nothing reaches it"),
        Const("turned", "int8_t", "[channels], 1 where the step falls"),
    )
    output_quant = (1.0, 0)
    saturation = 1.0

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        edge, rising = np.array(node.attrs["edge"]), np.array(node.attrs["rising"])
        upper = np.where(rising, inputs[0] >= edge, inputs[0] <= edge)
        return [np.where(upper, 1.0, node.attrs["low"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        require((out.scale, out.zero_point) == (1.0, 0), "an output of scale 1 and zero point 0", node,
                (out.scale, out.zero_point))  # fmt: skip
        shape = x.shape if len(x.shape) == 4 and x.shape[0] == 1 else (1, 1, 1, x.elements)
        channels = x.shape[-1]
        params = BinarizeParams(
            channels, x.elements // (shape[1] * channels), int(node.attrs["low"])
        )
        consts = integer_edges(node, x)
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(cls, p: BinarizeParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(*inputs[0].shape[:-1], -1, p.channels)
        upper = (x >= consts["edges"]) != consts["turned"].astype(bool)
        return [np.where(upper, 1, p.low).astype(np.int8).reshape(inputs[0].shape)]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        p = node.params
        assert isinstance(p, BinarizeParams)
        ones = np.ones(p.channels, np.int64)
        return [Bounds(p.low * ones, ones)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, zero: int, **attrs: object) -> Case:
            x, out = activation("input", shape, 0.05, zero), activation("output", shape, 1.0, 0)
            return single(cls, name, [x], [out], {"low": -1.0, **attrs})

        mixed = {
            "edge": (0.3, -0.2, np.inf, -1.0, -np.inf),
            "rising": (True, False, True, True, True),
        }
        return [
            case("sign", (1, 3, 5, 7), -3, edge=(0.0,), rising=(True,)),
            case("channels", (1, 4, 3, 5), 11, **mixed),
            case("zero_and_one", (1, 1, 1, 33), -128, edge=(0.51,), rising=(True,), low=0.0),
            case("falling", (1, 2, 1, 4), 0, edge=(1e-30,), rising=(False,)),
        ]


def integer_edges(node: Node, x: Value) -> dict[str, Array]:
    """The constants of a step on int8 numbers of `x`."""
    channels = x.shape[-1]
    edge = np.broadcast_to(np.array(node.attrs["edge"], np.float64), channels)
    rising = np.broadcast_to(np.array(node.attrs["rising"], bool), channels)
    at = edge / x.scale + x.zero_point
    first = np.where(rising, np.ceil(at), np.floor(at) + 1)
    return {
        "edges": np.clip(first, -128, NEVER).astype(np.int16),
        "turned": (~rising).astype(np.int8),
    }
