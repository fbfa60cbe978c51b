"""Largest value over any axes.

    out = largest of in over the axes

Input and output int8 of one quantization, or boolean. `reduce_min` shares the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare, channels
from edgekit.families.movement import AXES, check_moved
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
from edgekit.op import Array, Axes, Case, Op, Params, Shape, c_field, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class ReduceMaxParams(ReductionParams):
    sign: int = c_field("int32_t", "1 for the largest, -1 for the smallest")


class ReduceMax(Op):
    name = "reduce_max"
    wide: ClassVar[str] = "reduce_max_s16"
    kernel = "reduce_max"
    signature = "whole"
    as_rows = "reduce_max_rows"
    Params: ClassVar[type[Params]] = ReduceMaxParams
    tflite: ClassVar[tuple[str, ...]] = ("REDUCE_MAX",)
    onnx: ClassVar[tuple[str, ...]] = ("ReduceMax", "GlobalMaxPool")
    sign: ClassVar[int] = 1
    same_scale = True
    # The largest of many is often the top of the range.
    saturation = 0.6

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        check_moved(node, graph, node.inputs[:1])
        attrs = tflite_reduced(node, graph)
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, attrs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        add_reduction(node, draft, cls.name, node.inputs[0], *reduced(node, draft), node.outputs[0])

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [reduced_shape(node, graph.value(node.inputs[0]).shape)]

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[Mapping[str, Any], Axes] | None:
        return moved_reduction(node, axes)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        (shape,) = cls.shapes(node, graph)
        extreme = inputs[0].max if cls.sign > 0 else inputs[0].min
        return [extreme(axis=tuple(node.attrs["axes"])).reshape(shape)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x = graph.value(node.inputs[0])
        require(x.dtype in ("int8", "bool"), "int8 or boolean tensors", node, x.dtype)
        check_moved(node, graph, node.inputs)
        params = ReduceMaxParams(**reduction_walk(node, x.shape), sign=cls.sign)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: ReduceMaxParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, *(a * b for a, b in zip(p.keep, p.over, strict=True)))
        extreme = x.max if p.sign > 0 else x.min
        return [extreme(axis=tuple(1 + a for a in range(AXES) if p.over[a] > 1))]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        assert isinstance(node.params, ReductionParams)
        count = channels(values[node.outputs[0]])
        return [reduction_bounds(node.params, inputs[0], count)]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        assert isinstance(node.params, ReductionParams)
        return reduction_spare(node.params, spare)

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        return reduction_without(node, spare)

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, axes: list[int], y: Shape) -> Case:
            attrs = {"axes": axes, "keep_dims": False}
            return single(cls, name, [activation("input", x)], [activation("output", y)], attrs)

        return [
            case("time", (1, 7, 6), [1], (1, 6)),
            case("map", (1, 3, 2, 8), [1, 2], (1, 8)),
            case("channels", (1, 3, 4, 9), [3], (1, 3, 4)),
            case("one_element", (1, 1, 4), [1], (1, 4)),
        ]
