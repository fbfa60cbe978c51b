"""Joining of tensors along one axis.

out[..., first_k + i, ...] = in_k[..., i, ...], first_k being the sizes of the inputs before k
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare, channels
from edgekit.families.elementwise import real_operands
from edgekit.families.movement import axis_of, check_moved
from edgekit.graph import DTYPES, Graph, IntNode, Node, Value
from edgekit.op import Alias, Array, Axes, Case, Const, Op, Params, Shape, c_field, require
from edgekit.sketch import Sketch

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class ConcatParams(Params):
    outer: int = c_field("int32_t", "indices before the axis")
    count: int = c_field("int32_t", "inputs")


class Concat(Op):
    name = "concat"
    kernel = "concat"
    signature = "whole"
    as_rows = "concat_rows"
    Params: ClassVar[type[Params]] = ConcatParams
    consts = (Const("run", "int32_t", "[count], bytes of each input per outer index"),)
    inputs = ("inputs...",)
    tflite: ClassVar[tuple[str, ...]] = ("CONCATENATION", "PACK")
    onnx: ClassVar[tuple[str, ...]] = ("Concat",)
    same_scale = True
    coupling = "move"

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        check_moved(node, graph, node.inputs)
        if node.op == "PACK":
            return _packed(node, graph)
        activation = node.attrs["fused_activation_function"]
        require(activation == "NONE", "no fused activation", node, activation)
        axis = axis_of(node, node.attrs["axis"], len(graph.value(node.inputs[0]).shape))
        return [Node(node.name, cls.name, node.inputs, node.outputs, {"axis": axis})]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        axis = axis_of(node, int(node.attrs["axis"]), len(draft.shape(node.inputs[0])))
        operands = [name for name in node.inputs if draft.value(name).elements] or node.inputs[:1]
        draft.add(cls.name, node, operands, {"axis": axis}, node.outputs[0])

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[dict[str, int], Axes] | None:
        axis = axes.axes[node.attrs["axis"]]
        return None if axis is None else ({"axis": axis}, axes)

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        axis, shapes = node.attrs["axis"], [graph.value(name).shape for name in node.inputs]
        first = shapes[0]
        rest = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
        require(len(rest) == 1 and len({len(s) for s in shapes}) == 1,
                "inputs that differ along the axis only", node, shapes)  # fmt: skip
        return [(*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.concatenate(real_operands(node, graph, inputs), axis=node.attrs["axis"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        tensors = [graph.value(name) for name in node.inputs]
        outer = math.prod(tensors[0].shape[: node.attrs["axis"]])
        run = [x.elements // outer * DTYPES[x.dtype] for x in tensors]
        params = ConcatParams(outer, len(run))
        return IntNode(node.name, cls, params, node.inputs, node.outputs, {"run": np.array(run, np.int32)})  # fmt: skip

    @classmethod
    def run(cls, p: ConcatParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        return [np.concatenate([x.reshape(len(x), p.outer, -1) for x in inputs], axis=2)]

    @classmethod
    def aliases(cls, node: IntNode, values: Mapping[str, Value]) -> list[Alias]:
        p = node.params
        assert isinstance(p, ConcatParams)
        if p.outer != 1:
            return []
        offsets = [0, *np.cumsum(node.consts["run"]).tolist()]
        return [
            Alias(name, node.outputs[0], offset) for name, offset in zip(node.inputs, offsets[:-1], strict=True)
        ]  # fmt: skip

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        count = channels(values[node.outputs[0]])
        if _joins_channels(node, [len(x.low) for x in inputs], count):
            ends = ([x.low for x in inputs], [x.high for x in inputs])
            return [Bounds(*map(np.concatenate, ends))]
        same = [x if len(x.low) == count else x.any_of(count) for x in inputs]
        return [functools.reduce(Bounds.hull, same)]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        (out,), sizes = spare.outputs, [len(x) for x in spare.inputs]
        if not _joins_channels(node, sizes, len(out)):
            return spare.tied() if set(sizes) == {len(out)} else spare.none()
        parts = np.split(out, np.cumsum(sizes)[:-1])
        both = [x & part for x, part in zip(spare.inputs, parts, strict=True)]
        return Spare(both, [np.concatenate(both)])

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        run = node.consts["run"].tolist()
        stay = [n // len(x) * int((~x).sum()) for n, x in zip(run, spare.inputs, strict=True)]
        return replace(node, consts={"run": np.array(stay, np.int32)})

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, axis: int, *shapes: Shape, dtype: str = "int8") -> Case:
            total = list(shapes[0])
            total[axis] = sum(shape[axis] for shape in shapes)
            tensors = [activation(f"x{i}", shape, dtype=dtype) for i, shape in enumerate(shapes)]
            output = activation("output", tuple(total), dtype=dtype)
            return single(cls, name, tensors, [output], {"axis": axis})

        return [
            case("rows", 1, (1, 2, 3, 4), (1, 1, 3, 4)),
            case("channels", 3, (1, 3, 4, 5), (1, 3, 4, 1), (1, 3, 4, 9)),
            case("one_input", 1, (1, 5)),
            case("many", 0, *[(n,) for n in range(1, 9)]),
            case("words", 1, (3, 2), (3, 1), dtype="int32"),
        ]


def _packed(node: Node, graph: Graph) -> list[Node]:
    """PACK: every tensor gets the new axis, with size 1, and along it they are joined."""
    shape, sketch = graph.value(node.inputs[0]).shape, Sketch(node, graph)
    axis = axis_of(node, node.attrs["axis"], len(shape) + 1)
    long = (*shape[:axis], 1, *shape[axis:])
    parts = [sketch.reshape(name, long) for name in node.inputs]
    sketch.add("concat", parts, {"axis": axis}, node.outputs[0])
    return sketch.nodes


def _joins_channels(node: IntNode, sizes: Sequence[int], total: int) -> bool:
    """Whether the axis is the last one, of `sizes` elements at the inputs; for 8-bit elements."""
    return node.consts["run"].tolist() == list(sizes) and sum(sizes) == total
