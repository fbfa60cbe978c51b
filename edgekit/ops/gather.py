"""Elements by computed or constant indices (GATHER, GATHER_ND, EMBEDDING_LOOKUP).

out[o, i, :] = in[o, index, :],  index = sum over k of clamp(indices[i, k], 0, size[k] - 1) * step[k]

The clamp keeps a wrong index inside the tensor. o runs over the axes before the gathered one; with
batch dimensions every o has indices of its own. Indices are int32 without a scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.cases import activation, case_random, single
from edgekit.families.integers import import_integers
from edgekit.families.movement import axis_of, check_moved, strides
from edgekit.graph import DTYPES, Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require

if TYPE_CHECKING:
    from edgekit.draft import Draft

_DEPTH = 4


@dataclass(frozen=True)
class GatherParams(Params):
    outer: int = c_field("int32_t", "times that the indices are applied")
    count: int = c_field("int32_t", "indices each time")
    again: int = c_field("int32_t", "1 where every time has indices of its own")
    depth: int = c_field("int32_t", "numbers of an index")
    size: tuple[int, ...] = c_field("int32_t", "elements that each can name", _DEPTH)
    step: tuple[int, ...] = c_field("int32_t", "bytes from one to the next", _DEPTH)
    run: int = c_field("int32_t", "bytes that an index stands for")
    whole: int = c_field("int32_t", "bytes of the input each time")


class Gather(Op):
    name = "gather"
    kernel = "gather"
    signature = "whole"
    Params = GatherParams
    inputs = ("input", "indices")
    tflite = ("GATHER", "GATHER_ND", "EMBEDDING_LOOKUP")
    onnx = ("Gather", "GatherElements", "GatherND")
    coupling = "move"
    same_scale = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        operands, attrs = node.inputs[:2], {"axis": 0, "batch": 0, "tuples": node.op == "GATHER_ND"}
        if node.op == "EMBEDDING_LOOKUP":
            operands = operands[::-1]
        if node.op == "GATHER":
            x, indices = (graph.value(name).shape for name in operands)
            batch = node.attrs["batch_dims"] + (len(indices) if node.attrs["batch_dims"] < 0 else 0)
            attrs |= {"axis": axis_of(node, node.attrs["axis"], len(x)), "batch": batch}
        check_moved(node, graph, operands[:1])
        return [Node(node.name, cls.name, operands, node.outputs, attrs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        if node.op == "GatherND":
            _import_tuples(node, draft)
            return
        x, indices = node.inputs
        axis = axis_of(node, int(node.attrs.get("axis", 0)), len(draft.shape(x)))
        at = from_front(node, draft, indices, draft.shape(x)[axis])
        if node.op == "GatherElements":
            of_elements(node, draft, x, at, axis, node.outputs[0])
            return
        attrs = {"axis": axis, "batch": 0, "tuples": False}
        draft.add(cls.name, node, [x, at], attrs, node.outputs[0])

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, indices = (graph.value(name).shape for name in node.inputs)
        axis, batch = node.attrs["axis"], node.attrs["batch"]
        if node.attrs["tuples"]:
            require(len(indices) > 0 and 1 <= indices[-1] <= min(len(x), _DEPTH),
                    "indices of 1 to 4 numbers", node, (x, indices))  # fmt: skip
            return [(*indices[:-1], *x[indices[-1] :])]
        require(0 <= batch <= min(axis, len(indices)) and x[:batch] == indices[:batch],
                "batch dimensions before the axis, of both operands", node, (x, indices, batch))  # fmt: skip
        require(x[axis] > 0, "an axis with elements", node, x)
        return [(*x[:axis], *indices[batch:], *x[axis + 1 :])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        data = graph.const(node.inputs[0])
        x = inputs[0] if data is None else data.astype(np.float64)
        known = graph.const(node.inputs[1])
        indices = inputs[-1] if known is None else known
        p = _params(node, graph, 1)
        return [_gathered(p, x[None], indices[None]).reshape(cls.shapes(node, graph)[0])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        check_moved(node, graph, node.inputs[:1])
        x, indices = (graph.value(name) for name in node.inputs)
        require(
            indices.dtype == "int32", "int32 indices", node, f"{indices.name} is {indices.dtype}"
        )
        params = _params(node, graph, DTYPES[x.dtype])
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: GatherParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        width = inputs[0].dtype.itemsize
        return [_gathered(_elements(p, width), *inputs)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, indices: Shape, dtype: str = "int8", **attrs: int) -> Case:
            full = {"axis": 0, "batch": 0, "tuples": False, **attrs}
            rng = case_random(cls, name)
            numbers = rng.integers(-1, 1 + max(x), indices).astype(np.int32)
            operands = [
                activation("input", x, dtype=dtype),
                Value("indices", indices, "int32", None, numbers),
            ]
            probe = single(cls, name, operands, [activation("output", (1,))], full)
            (shape,) = cls.shapes(probe.graph.nodes[0], probe.graph)
            return single(cls, name, operands, [activation("output", shape, dtype=dtype)], full)

        return [
            case("rows", (7, 5), (4,)),
            case("middle", (2, 5, 3), (2, 2), axis=1),
            case("batches", (3, 5, 2), (3, 4), axis=1, batch=1),
            case("tuples", (3, 4, 5), (6, 2), tuples=1),
            case("words", (6, 2), (3,), "int32"),
        ]


def from_front(node: Node, draft: Draft, indices: str, count: int | Array) -> str:
    """ONNX's indices as int32 counted from the front; `count` is the size of what they name."""
    data = draft.const(indices)
    if data is not None:
        return draft.constant(indices, (data % count).astype(np.int32))
    value = draft.value(indices)
    at = (
        indices if value.dtype == "int32" else draft.add("cast", node, [indices], {}, dtype="int32")
    )
    sizes = draft.constant(indices, np.asarray(count, np.int32))
    return import_integers(node, draft, "mod", [at, sizes])


def of_elements(node: Node, draft: Draft, x: str, at: str, axis: int, output: str = "") -> str:
    """out[i, j, k] = x[i, at[i, j, k], k] for an axis of 1: tuples of the element's own indices, and
    the given one in its place."""
    shape, whole = draft.shape(at), draft.shape(x)
    if len(shape) > 3 and _without(shape, axis) == _without(whole, axis):
        sides = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
        x = draft.reshape(node, x, (sides[0], whole[axis], sides[1]))
        at = draft.reshape(node, at, (sides[0], shape[axis], sides[1]))
        return draft.reshape(node, of_elements(node, draft, x, at, 1), shape, output)
    own = np.indices(shape, dtype=np.int32)
    columns = [draft.constant(at, own[a][..., None]) for a in range(len(shape))]
    columns[axis] = draft.reshape(node, at, (*shape, 1))
    tuples = draft.add("concat", node, columns, {"axis": len(shape)}, dtype="int32")
    return draft.add("gather", node, [x, tuples], {"axis": 0, "batch": 0, "tuples": True}, output)


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])


def _import_tuples(node: Node, draft: Draft) -> None:
    """GatherND; along batch axes the tuples get the element's own indices in front."""
    x, indices = node.inputs
    shape, batch = draft.shape(indices), int(node.attrs.get("batch_dims", 0))
    sizes = np.asarray(draft.shape(x)[batch : batch + shape[-1]])
    at = from_front(node, draft, indices, sizes)
    if batch:
        own = np.indices(shape[:-1], dtype=np.int32)
        columns = [draft.constant(at, own[a][..., None]) for a in range(batch)]
        axis = {"axis": len(shape) - 1}
        at = draft.add("concat", node, [*columns, at], axis, dtype="int32")
    attrs = {"axis": 0, "batch": 0, "tuples": True}
    draft.add("gather", node, [x, at], attrs, node.outputs[0])


def _params(node: Node, graph: Graph, width: int) -> GatherParams:
    """The walk of a node over elements of `width` bytes."""
    x, indices = (graph.value(name).shape for name in node.inputs)
    axis, batch = node.attrs["axis"], node.attrs["batch"]
    depth = indices[-1] if node.attrs["tuples"] else 1
    steps = [step * width for step in strides(x)[axis : axis + depth]]
    fill = _DEPTH - depth
    # Axes between the batch and the gathered one repeat a batch's indices.
    between = math.prod(x[batch:axis])
    require(batch == 0 or between == 1, "batch dimensions up to the axis", node, (x, batch, axis))
    return GatherParams(
        outer=math.prod(x[:axis]), count=math.prod(indices[batch:]) // depth, again=int(batch > 0),
        depth=depth, size=(*x[axis : axis + depth], *(1,) * fill), step=(*steps, *(0,) * fill),
        run=math.prod(x[axis + depth :]) * width, whole=math.prod(x[axis:]) * width,
    )  # fmt: skip


def _elements(p: GatherParams, width: int) -> GatherParams:
    """The same walk in elements."""
    step = tuple(s // width for s in p.step)
    return GatherParams(p.outer, p.count, p.again, p.depth, p.size, step, p.run // width, p.whole // width)  # fmt: skip


def _gathered(p: GatherParams, x: Array, indices: Array) -> Array:
    samples = len(x)
    numbers = np.clip(
        indices.reshape(samples, -1, p.count, p.depth).astype(np.int64), 0,
        np.array(p.size[: p.depth]) - 1,
    )  # fmt: skip
    at = (numbers * np.array(p.step[: p.depth])).sum(axis=-1)[..., None] + np.arange(p.run)
    at = np.broadcast_to(at, (samples, p.outer, p.count, p.run)).reshape(samples, p.outer, -1)
    return np.take_along_axis(x.reshape(samples, p.outer, p.whole), at, axis=2)
