"""A border of one value around a tensor (PAD, PADV2).

    out[i] = in[i - before] where that index exists, else value

PAD's value stands for 0. Borders on rows and columns in front of a convolution are
folded into its window instead (passes/fold_pad.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare
from edgekit.families.movement import AXES, axis_of, check_moved, constant, strides
from edgekit.graph import Graph, IntNode, Node, Value, dequantized, limits
from edgekit.op import Array, Axes, Case, Op, Params, Shape, c_field, require

if TYPE_CHECKING:
    from edgekit.draft import Draft

Border = tuple[tuple[int, int], ...]  # (before, after) per axis


@dataclass(frozen=True)
class PadParams(Params):
    """The kernel writes runs and gaps; `border` and `in_shape` say the same per axis."""

    in_shape: Shape
    border: Border
    value: int = c_field("int32_t", "what the border holds")
    lead: int = c_field("int32_t", "elements before the first run")
    total: int = c_field("int32_t", "elements of the output")
    run: int = c_field("int32_t", "contiguous elements of the input")
    shape: tuple[int, ...] = c_field("int32_t", "sizes of the walk over the runs", 4)
    gap: tuple[int, ...] = c_field("int32_t", "border elements at the end of each loop", 4)


class Pad(Op):
    name = "pad"
    wide: ClassVar[str] = "pad_s16"
    kernel = "pad"
    signature = "whole"
    as_rows = "pad_rows"
    Params: ClassVar[type[Params]] = PadParams
    tflite: ClassVar[tuple[str, ...]] = ("PAD", "PADV2")
    onnx: ClassVar[tuple[str, ...]] = ("Pad",)
    dtype: ClassVar[str] = "int8"
    same_scale = True
    coupling = "move"
    # The border is one value, and the zero point may well be an end of the range.
    saturation = 1.0

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        check_moved(node, graph, node.inputs[:1])
        sizes = constant(node, graph, 1)
        rank = len(graph.value(node.inputs[0]).shape)
        require(len(sizes) == 2 * rank, "two border sizes per axis", node, sizes)
        border = tuple(zip(sizes[::2], sizes[1::2], strict=True))
        value = 0.0
        if node.op == "PADV2":
            check_moved(node, graph, (node.inputs[0], node.inputs[2]))
            filler = graph.value(node.inputs[2])
            require(
                filler.data is not None and filler.elements == 1,
                "a constant value",
                node,
                filler.name,
            )
            value = float(dequantized(filler).reshape(-1)[0])
        attrs = {"border": border, "value": value}
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, attrs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        (border, value), mode = _onnx_border(node, draft), node.attrs.get("mode", "constant")
        x, output = _cropped(node, draft, border), node.outputs[0]
        border = tuple((max(before, 0), max(after, 0)) for before, after in border)
        if mode != "constant":
            draft.same(output, _continued(node, draft, x, border, mode))
            return
        draft.add(cls.name, node, [x], {"border": border, "value": value}, output)

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[dict[str, Any], Axes] | None:
        border = node.attrs["border"]
        if any(a is None and any(pair) for a, pair in zip(axes.axes, border, strict=True)):
            return None
        return {**node.attrs, "border": tuple(axes.spread(border, (0, 0)))}, axes

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, border = graph.value(node.inputs[0]).shape, node.attrs["border"]
        require(all(n >= 0 for pair in border for n in pair), "border sizes from 0", node, border)
        return [tuple(n + sum(pair) for n, pair in zip(x, border, strict=True))]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.pad(inputs[0], node.attrs["border"], constant_values=node.attrs["value"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, border = graph.value(node.inputs[0]).shape, tuple(node.attrs["border"])
        require(len(_merged(x, border)) <= AXES, "at most 5 axes with borders", node, border)
        params = _params(x, border, _level(node, graph, cls.dtype))
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: PadParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, *p.in_shape)
        return [np.pad(x, ((0, 0), *p.border), constant_values=p.value)]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        p, (x,) = node.params, inputs
        assert isinstance(p, PadParams)
        if any(sum(pair) for pair in p.border[:-1]):
            x = x.hull(p.value)
        across = p.border[-1] if p.border else (0, 0)
        return [Bounds(*(np.pad(end, across, constant_values=p.value) for end in (x.low, x.high)))]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        p = node.params
        assert isinstance(p, PadParams)
        across = any(map(any, p.border[-1:]))
        return spare.none() if across else spare.tied()

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        p = node.params
        assert isinstance(p, PadParams)
        shape = (*p.in_shape[:-1], int((~spare.inputs[0]).sum()))
        return replace(node, params=_params(shape, p.border, p.value))

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, border: Border, value: int = 3) -> Case:
            y = tuple(n + sum(pair) for n, pair in zip(x, border, strict=True))
            tensors = (activation("input", x, zero=3), activation("output", y, zero=3))
            attrs = {"border": border, "value": (value - 3) * tensors[0].scale}
            return single(cls, name, [tensors[0]], [tensors[1]], attrs)

        return [
            case("around_an_image", (1, 3, 4, 5), ((0, 0), (1, 1), (1, 1), (0, 0))),
            case("uneven", (1, 3, 4, 5), ((0, 0), (0, 3), (2, 1), (1, 0)), -128),
            case("nothing", (2, 3), ((0, 0), (0, 0))),
            case("vector", (7,), ((3, 2),), 127),
            case("single", (1,), ((0, 0),)),
            case("every_axis", (2, 1, 2, 3, 2), ((1, 0), (0, 2), (1, 1), (2, 0), (0, 1))),
        ]


def _params(x: Shape, border: Border, value: int) -> PadParams:
    axes = _merged(x, border)
    axes = [(1, 0, 0)] * (AXES - len(axes)) + axes
    step = strides(tuple(map(sum, axes)))
    return PadParams(
        value=value, total=math.prod(map(sum, axes)), run=axes[-1][0],
        lead=sum(before * s for (_, before, _), s in zip(axes, step, strict=True)),
        shape=tuple(n for n, _, _ in axes[:-1]),
        # What follows the runs of an axis ends the loop over the axis before it.
        gap=tuple((before + after) * s for (_, before, after), s in zip(axes[1:], step[1:], strict=True)),
        in_shape=x, border=border,
    )  # fmt: skip


def _level(node: Node, graph: Graph, dtype: str) -> int:
    """The border's value as the output keeps it."""
    out = graph.value(node.outputs[0])
    require(out.dtype == dtype, f"{dtype} activations", node, f"{out.name} is {out.dtype}")
    return int(np.clip(round(node.attrs["value"] / out.scale) + out.zero_point, *limits(dtype)))


def _onnx_border(node: Node, draft: Draft) -> tuple[Border, float]:
    """Border and value of an ONNX Pad: attributes up to opset 10, operands since."""
    rank = len(draft.shape(node.inputs[0]))
    value = float(node.attrs.get("value", 0.0))
    if len(node.inputs) > 2 and node.inputs[2]:
        filler = draft.real(node.inputs[2])
        require(filler is not None and filler.size == 1, "a constant value", node, node.inputs[2])
        assert filler is not None
        value = float(filler.reshape(-1)[0])
    given = node.attrs.get("pads")
    pads = draft.integers(node, 1) if given is None else [int(n) for n in given]
    axes = [axis_of(node, a, rank) for a in draft.integers(node, 3, range(rank))]
    require(len(pads) == 2 * len(axes), "two border sizes per axis", node, pads)
    border = [(0, 0)] * rank
    for axis, pair in zip(
        axes, zip(pads[: len(axes)], pads[len(axes) :], strict=True), strict=True
    ):
        border[axis] = pair
    return tuple(border), value


def _cropped(node: Node, draft: Draft, border: Border) -> str:
    """The input without what negative borders cut off."""
    x = node.inputs[0]
    if all(min(pair) >= 0 for pair in border):
        return x
    part = [
        range(max(-before, 0), n - max(-after, 0))
        for n, (before, after) in zip(draft.shape(x), border, strict=True)
    ]
    return draft.part(node, x, part)


def _continued(node: Node, draft: Draft, name: str, border: Border, mode: str) -> str:
    """The tensor with borders of its own elements: along each axis in turn, the indices that numpy's
    mode of the same name would give."""
    require(
        mode in ("edge", "reflect", "wrap"), "a mode of constant, edge, reflect or wrap", node, mode
    )
    for axis, pair in enumerate(border):
        if any(pair):
            whole = np.arange(draft.shape(name)[axis])
            indices = np.pad(whole, pair, mode=mode).astype(np.int32)  # type: ignore[call-overload]
            operands = [name, draft.constant(name, indices)]
            attrs = {"axis": axis, "batch": 0, "tuples": False}
            name = draft.add("gather", node, operands, attrs, quant=draft.value(name).quant)
    return name


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
