"""Convolution of bits with bits whose outputs only a step reads: bits out.

    bit o of out = v >= edges[o], or its opposite where `turned`;  v of `families/binary.py`

Made by `rewrite/binary_layers.py` of a binary layer and the step behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import numpy as np

from edgekit import instructions
from edgekit.families import binary, bits
from edgekit.families.binary import BinaryLayer, BinaryParams
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.isa import slices
from edgekit.op import Array, Case, Const, Variant


class Conv2dBinaryBits(BinaryLayer):
    name = "conv2d_binary_bits"
    kernel = "conv2d_binary_bits"
    Params = BinaryParams
    consts: ClassVar[tuple[Const, ...]] = (
        binary.WEIGHTS,
        Const("edges", "int32_t", "[out_c], of the products' sum"),
        Const("turned", "int32_t", "[words of out_c], bits"),
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("slices_line", ("dsp",), slices.line_fits, partial(slices.pack_bits, line=True), BinaryParams,
                (slices.WEIGHTS, slices.EDGES), slices.scratch, instructions=instructions.slices_line),
        Variant("slices", ("dsp",), slices.fits, slices.pack_bits, BinaryParams,
                (slices.WEIGHTS, slices.EDGES), slices.scratch, instructions=instructions.slices),
    )  # fmt: skip

    @classmethod
    def elements(cls, channels: int) -> int:
        return bits.words_of(channels)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        made = cls.quantize(node, graph)
        assert isinstance(made.params, BinaryParams)
        return cls.run(made.params, made.consts, inputs[0].astype(np.int32)[None])

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        params = BinaryParams(**binary.params_of(node, graph))
        consts = {"weights": binary.weight_bits(node, graph), "edges": node.attrs["edges"],
                  "turned": bits.packed(node.attrs["turned"])}  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs[:1], node.outputs, consts)

    @classmethod
    def run(cls, p: BinaryParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        upper = binary.products(p, consts, inputs[0]) >= consts["edges"]
        return [bits.packed(upper != bits.unpacked(consts["turned"], p.out_c))[:, None]]

    @classmethod
    def cases(cls) -> list[Case]:
        from edgekit.cases import case_random, single

        def case(name: str, x: tuple[int, ...], w: tuple[int, ...], attrs: dict[str, int]) -> Case:
            rng, taps = case_random(cls, name), int(np.prod(w[1:]))
            edges = rng.normal(0, np.sqrt(taps), w[0]).astype(np.int32)
            edges[0], edges[w[0] // 2] = -taps, taps + 1
            words = Value("input", (1, *x[:2], bits.words_of(x[2])), "int32")
            weights = Value("weights", w, "int8", None, binary.random_signs(name, w))
            node = Node(name, cls.name, ("input", "weights"), ("output",), attrs)
            graph = Graph("", {"input": words, "weights": weights}, (), (), ())
            output = Value("output", cls.shapes(node, graph)[0], "int32")
            more = {"edges": edges, "turned": rng.random(w[0]) < 0.3}
            return single(cls, name, [words, weights], [output], {**attrs, **more})

        return [case(*window) for window in binary.windows_of_cases()]
