"""A part of a tensor: per axis a start, a step and a count (SLICE, SPLIT, UNPACK ...).

out[i0, i1, ...] = in[start0 + i0 * step0, start1 + i1 * step1, ...]

Axes of size 1 may be dropped from the result's shape or added to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare, channels
from edgekit.families.movement import axis_of, check_moved, constant, strides, walk
from edgekit.graph import DTYPES, Graph, IntNode, Node, Value
from edgekit.op import Array, Axes, Case, Shape, require
from edgekit.ops.strided import Strided, StridedParams

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class SliceParams(StridedParams):
    """The kernel walks strides; `run` takes `part` of `in_shape`."""

    in_shape: Shape = ()
    part: tuple[range, ...] = ()


class Slice(Strided):
    """Canonical attributes: `part`, one range of indices per input axis, and `shape`."""

    name = "slice"
    Params = SliceParams
    tflite = ("SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "UNPACK", "REVERSE_V2")
    onnx = ("Slice", "Split")

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        data = node.inputs[1 if node.op == "SPLIT" else 0]
        check_moved(node, graph, [data])
        shape = graph.value(data).shape
        if node.op == "SLICE":
            results = [_slice(node, graph, shape)]
        elif node.op == "STRIDED_SLICE":
            results = [_strided_slice(node, graph, shape)]
        elif node.op == "REVERSE_V2":
            results = [_reversed(node, graph, shape)]
        elif node.op == "UNPACK":
            results = _unpacked(node, shape)
        else:
            results = _split(node, graph, shape)
        names = [node.name] if len(results) == 1 else [f"{node.name}_{i}" for i in range(len(results))]  # fmt: skip
        return [
            Node(name, cls.name, (data,), (out,), {"part": part, "shape": result})
            for name, out, (part, result) in zip(names, node.outputs, results, strict=True)
        ]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        parts = [_onnx_slice(node, draft)] if node.op == "Slice" else _onnx_split(node, draft)
        for output, part in zip(node.outputs, parts, strict=True):
            attrs = {"part": part, "shape": tuple(map(len, part))}
            draft.add(cls.name, node, node.inputs[:1], attrs, output)

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[dict[str, Any], Axes] | None:
        part = node.attrs["part"]
        if len(node.attrs["shape"]) != len(part):
            return None
        ours = tuple(axes.spread(part, range(1)))
        return {"part": ours, "shape": tuple(map(len, ours))}, axes

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, part = graph.value(node.inputs[0]).shape, node.attrs["part"]
        for n, indices in zip(x, part, strict=True):
            require(len(indices) > 0 and min(indices) >= 0 and max(indices) < n,
                    "indices inside the tensor", node, f"{indices} of {n}")  # fmt: skip
        return [tuple(node.attrs["shape"])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [inputs[0][_slices(node.attrs["part"])].reshape(node.attrs["shape"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, part = graph.value(node.inputs[0]), tuple(node.attrs["part"])
        params = _params(node, x.shape, part, DTYPES[x.dtype])
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: SliceParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, *p.in_shape)
        return [x[(slice(None), *_slices(p.part))]]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        p, count = node.params, channels(values[node.outputs[0]])
        assert isinstance(p, SliceParams)
        if not p.part or len(p.part[-1]) != count:
            return [inputs[0].any_of(count)]
        part = list(p.part[-1])
        return [Bounds(inputs[0].low[part], inputs[0].high[part])]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        p, ((x,), (out,)) = node.params, spare
        assert isinstance(p, SliceParams)
        if not p.part or len(p.part[-1]) != len(out) or p.part[-1].step != 1:
            return spare.none()
        part = slice(p.part[-1].start, p.part[-1].stop)
        both = x[part] & out
        rest = x.copy()
        rest[part] = both
        return Spare([rest], [both])

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        p, ((x,), (out,)) = node.params, spare
        assert isinstance(p, SliceParams)
        start, size = int((~x[: p.part[-1].start]).sum()), int((~out).sum())
        shape = (*p.in_shape[:-1], int((~x).sum()))
        part = (*p.part[:-1], range(start, start + size))
        return replace(node, params=_params(node, shape, part, width=1))

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, *part: range, dtype: str = "int8") -> Case:
            y = tuple(len(r) for r in part)
            tensors = (activation("input", x, dtype=dtype), activation("output", y, dtype=dtype))
            return single(cls, name, [tensors[0]], [tensors[1]], {"part": part, "shape": y})

        return [
            case("last_rows", (1, 5, 1, 8), range(1), range(3, 5), range(1), range(8)),
            case("middle", (1, 6, 7, 5), range(1), range(1, 4), range(2, 7), range(1, 4)),
            case("every_second", (1, 7, 9), range(1), range(0, 7, 2), range(1, 9, 3)),
            case("backwards", (4, 5, 3), range(3, -1, -1), range(4, 0, -2), range(2, -1, -1)),
            case("five_axes", (2, 3, 4, 3, 5), *(range(1, n) for n in (2, 3, 4, 3, 5))),
            case("words", (3, 5), range(1, 3), range(1, 5), dtype="int32"),
        ]


Result = tuple[tuple[range, ...], Shape]  # part, shape


def _params(node: Node | IntNode, shape: Shape, part: tuple[range, ...], width: int) -> SliceParams:
    steps = strides(shape)
    offset = sum(r.start * step for r, step in zip(part, steps, strict=True)) * width
    jumps = [r.step * step for r, step in zip(part, steps, strict=True)]
    way = walk([len(r) for r in part], jumps, width, node)
    return SliceParams(offset, way.run, way.shape, way.stride, shape, part)


def _slices(part: Sequence[range]) -> tuple[slice, ...]:
    return tuple(slice(r.start, None if r.stop < 0 else r.stop, r.step) for r in part)


def _slice(node: Node, graph: Graph, shape: Shape) -> Result:
    begins, sizes = constant(node, graph, 1), constant(node, graph, 2)
    require(len(begins) == len(sizes) == len(shape), "a begin and a size per axis", node,
            (begins, sizes, shape))  # fmt: skip
    part = tuple(
        range(begin, n if size == -1 else begin + size)
        for begin, size, n in zip(begins, sizes, shape, strict=True)
    )
    return part, tuple(map(len, part))


def _reversed(node: Node, graph: Graph, shape: Shape) -> Result:
    axes = {axis_of(node, axis, len(shape)) for axis in constant(node, graph, 1)}
    return tuple(range(n)[::-1] if a in axes else range(n) for a, n in enumerate(shape)), shape


def _unpacked(node: Node, shape: Shape) -> list[Result]:
    """One index of the axis an output, which does without it."""
    axis = axis_of(node, node.attrs["axis"], len(shape))
    require(len(node.outputs) == shape[axis], "an output per index of the axis", node,
            (len(node.outputs), shape))  # fmt: skip
    rest = (*shape[:axis], *shape[axis + 1 :])
    every = [[range(n) for n in shape] for _ in node.outputs]
    for i, part in enumerate(every):
        part[axis] = range(i, i + 1)
    return [(tuple(part), rest) for part in every]


def _split(node: Node, graph: Graph, shape: Shape) -> list[Result]:
    count = len(node.outputs)
    axis_operand = 0 if node.op == "SPLIT" else 2
    axis = axis_of(node, constant(node, graph, axis_operand)[0], len(shape))
    n = shape[axis]
    if node.op == "SPLIT":
        require(n % count == 0, "an axis that divides evenly", node, f"{n} by {count}")
        sizes = [n // count] * count
    else:
        sizes = constant(node, graph, 1)
        require(sizes.count(-1) <= 1, "at most one open size", node, sizes)
        rest = n - sum(size for size in sizes if size != -1)
        sizes = [rest if size == -1 else size for size in sizes]
    require(len(sizes) == count and sum(sizes) == n, "sizes that fill the axis", node, (sizes, n))
    results, start = [], 0
    for size in sizes:
        part = tuple(range(start, start + size) if i == axis else range(m) for i, m in enumerate(shape))  # fmt: skip
        results.append((part, tuple(map(len, part))))
        start += size
    return results


def _onnx_slice(node: Node, draft: Draft) -> tuple[range, ...]:
    """Starts, ends, axes and steps: attributes up to opset 9, operands since."""
    shape = draft.shape(node.inputs[0])
    if "starts" in node.attrs:
        starts, ends = ([int(v) for v in node.attrs[key]] for key in ("starts", "ends"))
        axes, steps = list(node.attrs.get("axes", range(len(starts)))), [1] * len(starts)
    else:
        starts, ends = draft.integers(node, 1), draft.integers(node, 2)
        axes = draft.integers(node, 3, range(len(starts)))
        steps = draft.integers(node, 4, [1] * len(starts))
    require(len(starts) == len(ends) == len(axes) == len(steps), "begins, ends and strides of one length",
            node, (starts, ends, axes, steps))  # fmt: skip
    require(0 not in steps, "strides other than 0", node, steps)
    part = [range(n) for n in shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at = axis_of(node, int(axis), len(shape))
        part[at] = range(shape[at])[start:end:step]
    return tuple(part)


def _onnx_split(node: Node, draft: Draft) -> list[tuple[range, ...]]:
    """Even parts, the last one smaller where they do not fill the axis, or parts as given."""
    shape, count = draft.shape(node.inputs[0]), len(node.outputs)
    axis = axis_of(node, int(node.attrs.get("axis", 0)), len(shape))
    given = node.attrs.get("split")
    sizes = draft.integers(node, 1, ()) if given is None else [int(n) for n in given]
    if not sizes:
        each = -(-shape[axis] // count)
        sizes = [each] * (count - 1) + [shape[axis] - each * (count - 1)]
    require(len(sizes) == count and sum(sizes) == shape[axis], "sizes that fill the axis", node,
            (sizes, shape[axis]))  # fmt: skip
    starts = [sum(sizes[:i]) for i in range(count)]
    return [
        tuple(range(s, s + n) if a == axis else range(m) for a, m in enumerate(shape))
        for s, n in zip(starts, sizes, strict=True)
    ]


def _strided_slice(node: Node, graph: Graph, shape: Shape) -> Result:
    """The index expression of STRIDED_SLICE, as TensorFlow Lite reads its masks."""
    begins, ends, steps = (constant(node, graph, i) for i in (1, 2, 3))
    require(len(begins) == len(ends) == len(steps), "begins, ends and strides of one length", node,
            (begins, ends, steps))  # fmt: skip
    masks = {key: node.attrs[f"{key}_mask"] for key in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}  # fmt: skip
    part: list[range] = []
    result: list[int] = []

    def whole(axes: int) -> None:
        for n in shape[len(part) : len(part) + axes]:
            part.append(range(n))
            result.append(n)

    rest = len(shape) - sum(not (masks["ellipsis"] | masks["new_axis"]) >> i & 1 for i in range(len(begins)))  # fmt: skip
    require(rest >= 0, "at most one index per axis", node, (begins, shape))
    for i, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        bit = {key: bool(mask >> i & 1) for key, mask in masks.items()}
        if bit["ellipsis"]:
            whole(rest)
            continue
        if bit["new_axis"]:
            result.append(1)
            continue
        n = shape[len(part)]
        require(step != 0, "strides other than 0", node, steps)
        if node.attrs["offset"]:
            end += begin
        indices = range(n)[
            slice(None if bit["begin"] else begin, None if bit["end"] else end, step)
        ]
        if bit["shrink_axis"]:
            first = (0 if step > 0 else n - 1) if bit["begin"] else begin + (n if begin < 0 else 0)
            indices = range(first, first + 1)
        else:
            result.append(len(indices))
        part.append(indices)
    whole(len(shape) - len(part))
    return tuple(part), tuple(result)
