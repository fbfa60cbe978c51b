"""A step for each channel, its results as bits: what `binarize` becomes in front of binary layers.

    bit c of out = in[c] >= edges[c], or its opposite where `turned`

Input int8 [1, H, W, C], output words [1, H, W, ceil(C / 32)] (`families/bits.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.families import bits
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field
from edgekit.ops.binarize import Binarize, integer_edges


@dataclass(frozen=True)
class BinarizeBitsParams(Params):
    channels: int = c_field("int32_t", "channels of the input")
    width: int = c_field("int32_t", "pixels of a row")


class BinarizeBits(Op):
    name = "binarize_bits"
    kernel = "binarize_bits"
    signature = "rows"
    Params = BinarizeBitsParams
    consts = Binarize.consts

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        shape = graph.value(node.inputs[0]).shape
        return [(*shape[:-1], bits.words_of(shape[-1]))]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        (upper,) = Binarize.real(node, graph, *inputs)
        return [bits.packed(upper == 1)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x = graph.value(node.inputs[0])
        return cls.of(node.name, x, node.outputs[0], integer_edges(node, x))

    @classmethod
    def of(cls, name: str, x: Value, output: str, consts: Mapping[str, Array]) -> IntNode:
        """The node on a map `x`, with the constants of a `binarize`."""
        params = BinarizeBitsParams(x.shape[3], x.shape[2])
        return IntNode(name, cls, params, (x.name,), (output,), dict(consts))

    @classmethod
    def run(cls, p: BinarizeBitsParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        upper = (inputs[0] >= consts["edges"]) != consts["turned"].astype(bool)
        return [bits.packed(upper)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, **attrs: object) -> Case:
            output = Value("output", (*shape[:3], bits.words_of(shape[3])), "int32")
            x = activation("input", shape, 0.05, -3)
            return single(cls, name, [x], [output], {"low": -1.0, **attrs})

        def mixed(channels: int) -> dict[str, object]:
            rng = np.random.default_rng(channels)
            rising = tuple((rng.random(channels) < 0.7).tolist())
            return {"edge": tuple(rng.normal(0, 2, channels).tolist()), "rising": rising}

        return [
            case("sign", (1, 3, 5, 7), edge=(0.0,), rising=(True,)),
            *(case(f"channels_{c}", (1, 2, 3, c), **mixed(c)) for c in (1, 31, 32, 33, 64)),
        ]
