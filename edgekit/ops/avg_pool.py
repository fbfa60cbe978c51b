"""Average pooling.

    out = clamp((sum of the window's cells inside the input +- count / 2) / count)

with the sign of the sum and a truncating division, so halves round away from zero. Padding cells do
not count. Input and output int8 [1, H, W, C] of one quantization; a graph of edgekit's own numbers may
also change it there (`avg_pool_scaled`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgekit.channels import Bounds, Spare
from edgekit.families import pooling
from edgekit.families.window import WindowParams
from edgekit.fixed import saturate
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.isa import dsp, mve, neon
from edgekit.op import Array, Case, Op, Packed, Params, Shape, Variant, load_ops
from edgekit.ops.avg_pool_scaled import AvgPoolScaled

if TYPE_CHECKING:
    from edgekit.draft import Draft


class AvgPool(Op):
    name = "avg_pool"
    wide: ClassVar[str] = "avg_pool_s16"
    kernel = "avg_pool"
    signature = "rows"
    as_rows = "avg_pool_rows"
    Params: ClassVar[type[Params]] = WindowParams
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("mve", ("mve",), mve.pool_fits_16_bits, Packed, WindowParams),
        Variant("dsp", ("dsp",), dsp.pool_fits_16_bits, Packed, WindowParams),
        Variant("neon", ("neon",), neon.pool_fits_16_bits, Packed, WindowParams),
    )
    tflite: ClassVar[tuple[str, ...]] = ("AVERAGE_POOL_2D",)
    onnx: ClassVar[tuple[str, ...]] = ("AveragePool",)
    keeps_range = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        op = load_ops()["avg_pool_up"] if node.attrs.get("ties_up") else cls
        return pooling.import_tflite(op, node, graph)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        pooling.import_onnx(cls, node, draft)

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return pooling.shapes(node, graph)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [pooling.average(node, inputs[0])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        if graph.one_rounding and pooling.rescales(node, graph):
            return AvgPoolScaled.quantize(node, graph)
        return IntNode(node.name, cls, pooling.params(node, graph), node.inputs, node.outputs)

    @classmethod
    def run(cls, p: WindowParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        total = pooling.windows(p, inputs[0], 0).sum(axis=(3, 4), dtype=np.int32)
        count = pooling.counts(p)
        nudged = np.abs(total) + count // 2
        return [saturate(np.sign(total) * (nudged // count), p.out_min, p.out_max)[:, None]]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        return pooling.bounds(node, inputs[0])

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        return spare.tied()

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        return pooling.without(node, spare)

    @classmethod
    def cases(cls) -> list[Case]:
        return pooling.cases(cls)
