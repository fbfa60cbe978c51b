"""Batch normalization with the statistics of training: a factor and an offset per channel.

    out = in * factor[c] + offset[c], c being the last axis

Folded into the layer in front of it, or a depthwise layer of one tap (passes/fold_affine.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.graph import Graph, Node, dequantized
from edgekit.op import Array, Axes, Shape, Transient, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


class BatchNorm(Transient):
    """Canonical operands: input [..., C], factor [C], offset [C]."""

    name = "batch_norm"
    onnx = ("BatchNormalization",)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        require(not node.attrs.get("training_mode", 0) and len(node.outputs) == 1,
                "statistics of training, kept (call eval() before the export)", node, dict(node.attrs))  # fmt: skip
        numbers = [draft.real(name) for name in node.inputs[1:5]]
        require(len(numbers) == 4 and all(n is not None for n in numbers),
                "constant scale, bias, mean and variance", node, node.inputs[1:])  # fmt: skip
        scale, bias, mean, variance = (np.asarray(n, np.float64).reshape(-1) for n in numbers)
        channels = draft.shape(node.inputs[0])[1]
        require({len(n) for n in (scale, bias, mean, variance)} == {channels}, "one number per channel",
                node, channels)  # fmt: skip
        spread = variance + float(node.attrs.get("epsilon", 1e-5))
        require(bool((spread > 0).all()), "a positive variance", node, float(spread.min()))
        factor = scale / np.sqrt(spread)
        pair = (factor, bias - mean * factor)
        constants = [draft.constant(node.inputs[1], n.astype(np.float32)) for n in pair]
        rank = len(draft.shape(node.inputs[0]))
        data = draft.permute(node, node.inputs[0], (0, *range(2, rank), 1))
        made = draft.add(cls.name, node, [data, *constants])
        draft.permute(node, made, (0, rank - 1, *range(1, rank - 1)), node.outputs[0])

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[Mapping[str, Any], Axes] | None:
        return (node.attrs, axes) if axes.axes[-1] == axes.rank - 1 else None

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        factor, offset = (dequantized(graph.value(name)) for name in node.inputs[1:])
        return [inputs[0] * factor + offset]
