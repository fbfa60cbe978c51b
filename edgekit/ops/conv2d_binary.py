"""Convolution of bits with bits, int8 out; dense layers are windows that hold the whole input.

    out = clamp((factor[o] * v + offset[o]) >> shift),  v of `families/binary.py`

Made by `rewrite/binary_layers.py`, which proves for every v that it is what the int8 layer computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from edgekit import fixed, instructions
from edgekit.families import binary, bits
from edgekit.families.binary import BinaryLayer, BinaryParams
from edgekit.graph import Graph, IntNode, Node, Quant, Value
from edgekit.isa import slices
from edgekit.op import Array, Case, Const, Variant, c_field


@dataclass(frozen=True)
class Conv2dBinaryParams(BinaryParams):
    shift: int = c_field("int32_t", "of the sums, to the right")


class Conv2dBinary(BinaryLayer):
    name = "conv2d_binary"
    kernel = "conv2d_binary"
    Params = Conv2dBinaryParams
    consts: ClassVar[tuple[Const, ...]] = (
        binary.WEIGHTS,
        Const("scales", "int32_t", "[out_c]: factor, offset"),
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("slices_line", ("dsp",), slices.line_fits, partial(slices.pack_bytes, line=True), Conv2dBinaryParams,
                (slices.WEIGHTS, slices.SCALES), slices.scratch, instructions=instructions.slices_line),
        Variant("slices", ("dsp",), slices.fits, slices.pack_bytes, Conv2dBinaryParams,
                (slices.WEIGHTS, slices.SCALES), slices.scratch, instructions=instructions.slices),
    )  # fmt: skip
    saturation = 0.4

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        made = cls.quantize(node, graph)
        p, out = made.params, graph.value(node.outputs[0])
        assert isinstance(p, Conv2dBinaryParams)
        v = binary.products(p, made.consts, inputs[0].astype(np.int32))
        steps = (made.consts["scales"][:, 0] * v + made.consts["scales"][:, 1]) / 2.0**p.shift
        return [(steps - 0.5 - out.zero_point) * out.scale]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        params = Conv2dBinaryParams(**binary.params_of(node, graph), shift=node.attrs["shift"])
        consts = {"weights": binary.weight_bits(node, graph), "scales": node.attrs["scales"]}
        return IntNode(node.name, cls, params, node.inputs[:1], node.outputs, consts)

    @classmethod
    def run(cls, p: Conv2dBinaryParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        factor, offset = consts["scales"].astype(np.int64).T
        steps = (factor * binary.products(p, consts, inputs[0]) + offset) >> p.shift
        return [fixed.saturate(steps, p.out_min, p.out_max)[:, None]]

    @classmethod
    def cases(cls) -> list[Case]:
        from edgekit.cases import case_random, single

        def case(name: str, x: tuple[int, ...], w: tuple[int, ...], attrs: dict[str, int]) -> Case:
            spread = np.sqrt(np.prod(w[1:])) / 50
            rng = case_random(cls, name)
            factor = rng.uniform(0.6, 1.4, w[0]) / spread * 2**12
            offset = rng.uniform(-20, 20, w[0]) * 2**12
            scales = np.stack([factor, offset], axis=1).astype(np.int32)
            words = Value("input", (1, *x[:2], bits.words_of(x[2])), "int32")
            weights = Value("weights", w, "int8", None, binary.random_signs(name, w))
            node = Node(name, cls.name, ("input", "weights"), ("output",), attrs)
            graph = Graph("", {"input": words, "weights": weights}, (), (), ())
            (shape,) = cls.shapes(node, graph)
            output = Value("output", shape, "int8", Quant((0.05,), (-5,)))
            return single(
                cls, name, [words, weights], [output], {**attrs, "shift": 12, "scales": scales}
            )

        return [case(*window) for window in binary.windows_of_cases()]


def of(
    name: str, p: BinaryParams, x: str, output: str, consts: Mapping[str, Array], shift: int
) -> IntNode:
    """The layer with such a window, int8 out."""
    params = Conv2dBinaryParams(**asdict(p), shift=shift)
    return IntNode(name, Conv2dBinary, params, (x,), (output,), dict(consts))
