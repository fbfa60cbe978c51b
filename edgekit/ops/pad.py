"""A border of one value around a tensor (PAD, PADV2).

    out[i] = in[i - before] where that index exists, else value

PAD's value is the output's zero point. Borders on rows and columns in front of a convolution are
folded into its window instead (passes/fold_pad.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node
from edgekit.movement import AXES, check_moved, constant, strides
from edgekit.op import Array, Case, Op, Params, Shape, c_field, int8_pair, require

Border = tuple[tuple[int, int], ...]  # (before, after) per axis


@dataclass(frozen=True)
class PadParams(Params):
    """The kernel writes runs and gaps; `border` and `in_shape` say the same per axis."""

    in_shape: Shape
    border: Border
    value: int = c_field("int32_t", "what the border holds")
    lead: int = c_field("int32_t", "bytes before the first run")
    total: int = c_field("int32_t", "bytes of the output")
    run: int = c_field("int32_t", "contiguous bytes of the input")
    shape: tuple[int, ...] = c_field("int32_t", "sizes of the walk over the runs", 4)
    gap: tuple[int, ...] = c_field("int32_t", "border bytes at the end of each loop", 4)


class Pad(Op):
    name = "pad"
    kernel = "pad"
    signature = "whole"
    Params = PadParams
    tflite = ("PAD", "PADV2")
    coupling = "move"
    # The border is one value, and the zero point may well be an end of the range.
    saturation = 1.0

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        int8_pair(node, graph)
        check_moved(node, graph, node.inputs[:1])
        sizes = constant(node, graph, 1)
        rank = len(graph.value(node.inputs[0]).shape)
        require(len(sizes) == 2 * rank, "two border sizes per axis", node, sizes)
        border = tuple(zip(sizes[::2], sizes[1::2], strict=True))
        if node.op == "PAD":
            value = graph.value(node.outputs[0]).zero_point
        else:
            check_moved(node, graph, (node.inputs[0], node.inputs[2]))
            (value,) = constant(node, graph, 2)
        attrs = {"border": border, "value": value}
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, border = graph.value(node.inputs[0]).shape, node.attrs["border"]
        require(all(n >= 0 for pair in border for n in pair), "border sizes from 0", node, border)
        return [tuple(n + sum(pair) for n, pair in zip(x, border, strict=True))]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        out = graph.value(node.outputs[0])
        value = (node.attrs["value"] - out.zero_point) * out.scale
        return [np.pad(inputs[0], node.attrs["border"], constant_values=value)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, border = graph.value(node.inputs[0]).shape, tuple(node.attrs["border"])
        (out,) = cls.shapes(node, graph)
        axes = _merged(x, border)
        require(len(axes) <= AXES, "at most 5 axes with borders", node, border)
        axes = [(1, 0, 0)] * (AXES - len(axes)) + axes
        step = strides(tuple(map(sum, axes)))
        params = PadParams(
            value=node.attrs["value"], total=math.prod(out), run=axes[-1][0],
            lead=sum(before * s for (_, before, _), s in zip(axes, step, strict=True)),
            shape=tuple(n for n, _, _ in axes[:-1]),
            # What follows the runs of an axis ends the loop over the axis before it.
            gap=tuple((before + after) * s for (_, before, after), s in zip(axes[1:], step[1:], strict=True)),
            in_shape=x, border=border,
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: PadParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, *p.in_shape)
        return [np.pad(x, ((0, 0), *p.border), constant_values=p.value)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, border: Border, value: int = 3) -> Case:
            y = tuple(n + sum(pair) for n, pair in zip(x, border, strict=True))
            tensors = (activation("input", x, zero=3), activation("output", y, zero=3))
            return single(cls, name, [tensors[0]], [tensors[1]], {"border": border, "value": value})

        return [
            case("around_an_image", (1, 3, 4, 5), ((0, 0), (1, 1), (1, 1), (0, 0))),
            case("uneven", (1, 3, 4, 5), ((0, 0), (0, 3), (2, 1), (1, 0)), -128),
            case("nothing", (2, 3), ((0, 0), (0, 0))),
            case("vector", (7,), ((3, 2),), 127),
            case("single", (1,), ((0, 0),)),
            case("every_axis", (2, 1, 2, 3, 2), ((1, 0), (0, 2), (1, 1), (2, 0), (0, 1))),
        ]


def _merged(shape: Shape, border: Border) -> list[tuple[int, int, int]]:
    """Axes as (size, before, after); an axis without a border continues the one before it."""
    axes = [(1, 0, 0)]
    for n, (before, after) in zip(shape, border, strict=True):
        if before + after and axes != [(1, 0, 0)]:
            axes.append((n, before, after))
        else:
            size, b, a = axes[-1]
            axes[-1] = (size * n, b * n + before, a * n + after)
    return axes
