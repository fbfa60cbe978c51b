"""Max pooling.

    out = clamp(largest of the window's cells inside the input)

Input and output int8 [1, H, W, C] of one quantization.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgekit.channels import Bounds, Spare
from edgekit.families import pooling
from edgekit.families.window import WindowParams, patches, real_activation, window_axes
from edgekit.fixed import saturate
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.isa import dsp, mve, neon
from edgekit.op import Array, Case, Op, Packed, Shape, Variant

if TYPE_CHECKING:
    from edgekit.draft import Draft


class MaxPool(Op):
    name = "max_pool"
    wide = "max_pool_s16"
    kernel = "max_pool"
    signature = "rows"
    Params = WindowParams
    variants = (
        Variant("mve", ("mve",), mve.always, Packed, WindowParams),
        Variant("dsp", ("dsp",), dsp.pool_fits, Packed, WindowParams),
        Variant("neon", ("neon",), neon.pool_fits, Packed, WindowParams),
    )
    tflite = ("MAX_POOL_2D",)
    onnx = ("MaxPool",)
    same_scale = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        return pooling.import_tflite(cls, node, graph)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        pooling.import_onnx(cls, node, draft)

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return pooling.shapes(node, graph)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        kernel = (node.attrs["kernel_h"], node.attrs["kernel_w"])
        axes = window_axes(node, inputs[0].shape, kernel)
        lowest = np.finfo(inputs[0].dtype).min
        window = patches(inputs[0], *axes, lowest)
        return [real_activation(node, window.max(axis=(3, 4)))]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        return IntNode(node.name, cls, pooling.params(node, graph), node.inputs, node.outputs)

    @classmethod
    def run(cls, p: WindowParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        largest = pooling.windows(p, inputs[0], -128).max(axis=(3, 4))
        return [saturate(largest, p.out_min, p.out_max)[:, None]]

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
