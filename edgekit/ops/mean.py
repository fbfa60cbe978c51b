"""Mean over any axes.

    out = clamp(requantize(sum over the axes of in - count * zero_in) + zero_out)

with the factor ``scale_in / scale_out / count`` split as TensorFlow Lite Micro splits it. int8.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare, channels
from edgekit.errors import EdgekitError
from edgekit.families.movement import AXES
from edgekit.families.reduction import (
    ReductionParams,
    add_reduction,
    moved_reduction,
    reduced,
    reduced_shape,
    reduction_bounds,
    reduction_spare,
    reduction_walk,
    reduction_without,
    tflite_reduced,
)
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import (
    Array,
    Axes,
    Case,
    Op,
    Packed,
    Params,
    Shape,
    Variant,
    c_field,
    int8_pair,
    require,
)

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class MeanParams(ReductionParams):
    offset: int = c_field("int32_t", "count times the zero point of the input")
    multiplier: int = c_field("int32_t", "of the sum")
    shift: int = c_field("int32_t", "of the sum, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")


@dataclass(frozen=True)
class MeanNeonParams(Params):
    channels: int = c_field("int32_t", "channels, the last axis")
    count: int = c_field("int32_t", "elements of each")
    offset: int = c_field("int32_t", "count times the zero point of the input")
    multiplier: int = c_field("int32_t", "of the sum")
    shift: int = c_field("int32_t", "of the sum, negative is right")
    output_zero: int = c_field("int32_t", "zero point of the output")


def neon_fits(p: MeanParams, consts: Mapping[str, Array]) -> bool:
    """Eight channels or more, each the mean of all else, of which sums of 16 bits hold them all."""
    kept = p.over[-1] == 1 and math.prod(p.keep[:-1]) == 1 and p.keep[-1] >= 8
    return kept and math.prod(p.over) * 128 < 2**15 and p.shift <= 0


def pack_neon(p: MeanParams, consts: Mapping[str, Array]) -> Packed:
    return Packed(MeanNeonParams(
        channels=p.keep[-1], count=math.prod(p.over), offset=p.offset, multiplier=p.multiplier,
        shift=p.shift, output_zero=p.output_zero,
    ), {})  # fmt: skip


class Mean(Op):
    name = "mean"
    wide: ClassVar[str] = "mean_s16"
    kernel = "mean"
    signature = "whole"
    as_rows = "mean_rows"
    Params: ClassVar[type[Params]] = MeanParams
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("neon", ("neon",), neon_fits, pack_neon, MeanNeonParams),
    )
    tflite: ClassVar[tuple[str, ...]] = ("MEAN",)
    onnx: ClassVar[tuple[str, ...]] = ("ReduceMean", "GlobalAveragePool")
    keeps_range = True
    averages: ClassVar[bool] = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        attrs = tflite_reduced(node, graph)
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, attrs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        add_reduction(node, draft, cls.name, node.inputs[0], *reduced(node, draft), node.outputs[0])

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[dict[str, Any], Axes] | None:
        return moved_reduction(node, axes)

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [reduced_shape(node, graph.value(node.inputs[0]).shape)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        over = inputs[0].mean if cls.averages else inputs[0].sum
        (shape,) = cls.shapes(node, graph)
        return [over(axis=tuple(node.attrs["axes"])).reshape(shape)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        count, multiplier, shift = cls.rescaling(node, graph, largest=256)
        params = MeanParams(
            **reduction_walk(node, x.shape),
            offset=count * x.zero_point,
            multiplier=multiplier,
            shift=shift,
            output_zero=out.zero_point,
        )
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def rescaling(cls, node: Node, graph: Graph, largest: int) -> tuple[int, int, int]:
        """Elements of a sum, its multiplier and its shift. Raises EK302 where a sum of elements up to
        `largest` could overflow."""
        x, out, axes = graph.value(node.inputs[0]), graph.value(node.outputs[0]), node.attrs["axes"]
        count = math.prod(x.shape[a] for a in axes)
        require(0 < count <= 2**22, "1 to 2^22 elements", node, count)
        share = count if cls.averages else 1
        if graph.one_rounding:
            multiplier, shift = fixed.single_rounding(x.scale / (out.scale * share))
        else:
            multiplier, shift = _multiplier(x.scale, out.scale, share)
        if (count * largest) << max(shift, 0) > fixed.INT32_MAX:
            raise EdgekitError("EK302", "a 32-bit accumulator could overflow", where=f"node {node.name}",
                               found=f"{count} elements, left shift {shift}",
                               help="average in two steps")  # fmt: skip
        return count, multiplier, shift

    @classmethod
    def run(cls, p: MeanParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        shape = [a * b for a, b in zip(p.keep, p.over, strict=True)]
        axes = tuple(1 + a for a in range(AXES) if p.over[a] > 1)
        x = inputs[0].reshape(-1, *shape).astype(np.int64)
        return [_rescaled(p, x.sum(axis=axes))]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        p = node.params
        assert isinstance(p, MeanParams)
        x = reduction_bounds(p, inputs[0], channels(values[node.outputs[0]]))
        ends = [_rescaled(p, math.prod(p.over) * end) for end in (x.low, x.high)]
        return [Bounds(*(end.astype(np.int64) for end in ends))]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        assert isinstance(node.params, MeanParams)
        return reduction_spare(node.params, spare)

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        return reduction_without(node, spare)

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, axes: list[int], keep: bool, scale: float, zero: int) -> Case:
            attrs = {"axes": axes, "keep_dims": keep}
            ins = [activation("input", x, 0.1, zero)]
            probe = single(cls, name, ins, [activation("output", (1,))], attrs)
            (shape,) = cls.shapes(probe.graph.nodes[0], probe.graph)
            return single(cls, name, ins, [activation("output", shape, scale, 5)], attrs)

        return [
            case("global", (1, 5, 6, 8), [1, 2], False, 0.1, 5),
            case("global_rescaled", (1, 7, 7, 3), [1, 2], True, 0.03, -2),
            case("global_odd", (1, 4, 5, 11), [1, 2], True, 0.1, -3),
            case("channels", (1, 3, 4, 9), [3], False, 0.15, 127),
            case("all", (2, 3, 4), [0, 1, 2], False, 0.1, 0),
            case("one_element", (1, 1, 1, 4), [1, 2], True, 0.15, 9),
        ]


def _rescaled(p: MeanParams, total: fixed.Int) -> Array:
    """Outputs for sums over the axes."""
    return fixed.saturate(fixed.requantize(total - p.offset, p.multiplier, p.shift) + p.output_zero)


def _multiplier(scale_in: float, scale_out: float, count: int) -> tuple[int, int]:
    """The factor ``scale_in / scale_out / count`` as TensorFlow Lite Micro splits it.

    The multiplier of the scales' ratio is shifted up by as many bits as the count has behind its
    leading one, and divided by the count; the shift makes up for it and stays at least -31.
    """
    multiplier, shift = fixed.quantize_multiplier(scale_in / scale_out)
    room = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << room) // count, shift - room
