"""Rules of the `.pt2` vocabulary: calls that move, cut, join or make tensors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgekit.frontends.pt2_step import Step

_PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}


def reshape(s: Step) -> None:
    """The program says which shape results, so that -1 and ranges of axes need no thought."""
    x = s.tensor(s.call.arguments[0].name)
    if s.shape(x) == s.out_shape:
        s.identity(x)
    else:
        s.emit("Reshape", [x, s.integers("shape", s.out_shape)])


def squeeze(s: Step) -> None:
    x = s.tensor("self")
    shape = s.shape(x)
    axes = [axis for axis in s.axes("dim", len(shape)) if shape[axis] == 1]
    if axes:
        s.emit("Squeeze", [x, s.integers("axes", axes)])
    else:
        s.identity(x)


def unsqueeze(s: Step) -> None:
    x = s.tensor("self")
    s.emit("Unsqueeze", [x, s.integers("axes", [s.axis("dim", 0, len(s.shape(x)) + 1)])])


def permute(s: Step) -> None:
    x = s.tensor("self")
    rank = len(s.shape(x))
    s.emit("Transpose", [x], {"perm": [s.normal(axis, rank) for axis in s.argument("dims")]})


def transpose(s: Step) -> None:
    """Two axes change places: dim0 and dim1 (axis0 and axis1 for swapaxes), or those of a matrix."""
    x = s.tensor("self")
    rank = len(s.shape(x))
    perm = list(range(rank))
    if rank > 1:
        first = s.normal(s.argument("dim0", s.argument("axis0", 0)), rank)
        second = s.normal(s.argument("dim1", s.argument("axis1", 1)), rank)
        perm[first], perm[second] = perm[second], perm[first]
    s.emit("Transpose", [x], {"perm": perm})


def matrix_transpose(s: Step) -> None:
    x = s.tensor("self")
    rank = len(s.shape(x))
    s.require(rank >= 2, "a tensor of at least 2 axes", s.shape(x))
    s.emit("Transpose", [x], {"perm": [*range(rank - 2), rank - 1, rank - 2]})


def expand(s: Step) -> None:
    x = s.tensor("self")
    if s.shape(x) == s.out_shape:
        s.identity(x)
    else:
        s.emit("Expand", [x, s.integers("shape", s.out_shape)])


def cat(s: Step) -> None:
    names = s.tensors("tensors")
    s.emit("Concat", names, {"axis": s.axis("dim", 0, len(s.out_shape))})


def stack(s: Step) -> None:
    axis = s.axis("dim", 0, len(s.out_shape))
    part = (*s.out_shape[:axis], 1, *s.out_shape[axis + 1 :])
    names = [s.reshape(name, part, f"part {i}") for i, name in enumerate(s.tensors("tensors"))]
    s.emit("Concat", names, {"axis": axis})


def cut(s: Step) -> None:
    """slice.Tensor; torch clamps both ends to the tensor."""
    x = s.tensor("self")
    axis = s.axis("dim", 0, len(s.shape(x)))
    size, step = s.shape(x)[axis], s.argument("step", 1)
    start, end = s.argument("start", 0), s.argument("end", size)
    start, end, step = slice(start, end, step).indices(size)
    if (start, end, step) == (0, size, 1):
        s.identity(x)
    else:
        s.emit("Slice", [x, *_range(s, axis, start, end, step)])


def narrow(s: Step) -> None:
    x = s.tensor("self")
    axis = s.axis("dim", 0, len(s.shape(x)))
    start = s.argument("start") % s.shape(x)[axis]
    s.emit("Slice", [x, *_range(s, axis, start, start + s.argument("length"), 1)])


def select(s: Step) -> None:
    """One index of an axis, which goes away."""
    x = s.tensor("self")
    axis = s.axis("dim", 0, len(s.shape(x)))
    index = s.normal(s.argument("index"), s.shape(x)[axis])
    shape = (*s.shape(x)[:axis], 1, *s.shape(x)[axis + 1 :])
    part = s.between("Slice", [x, *_range(s, axis, index, index + 1, 1)], shape, "part")
    s.emit("Squeeze", [part, s.integers("squeezed", [axis])])


def _range(s: Step, axis: int, start: int, end: int, step: int) -> list[str]:
    parts = {"starts": start, "ends": end, "axes": axis, "steps": step}
    return [s.integers(role, [value]) for role, value in parts.items()]


def split(s: Step) -> None:
    """split, split_with_sizes, chunk and unbind: the program says which sizes result."""
    x, outputs, writer = s.tensor("self"), s.call.outputs, s.writer
    rank = len(s.shape(x))
    axis = s.axis("dim", 0, rank)
    shapes = [writer.program.meta(name).shape for name in outputs]
    squeezed = "unbind" in s.call.target
    sizes = [1] * len(outputs) if squeezed else [shape[axis] for shape in shapes]
    s.require(sum(sizes) == s.shape(x)[axis], f"parts that make up {s.shape(x)[axis]}", sizes)
    parts = [f"{name}:part" if squeezed else name for name in outputs]
    for name, part, shape in zip(outputs, parts, shapes, strict=True):
        writer.declare(name)
        if squeezed:
            writer.activation(part, (*shape[:axis], 1, *shape[axis:]), s.dtype)
    writer.node("Split", [x, s.integers("split", sizes)], parts, {"axis": axis})
    for name, part in zip(outputs, parts, strict=True) if squeezed else ():
        writer.node("Squeeze", [part, s.integers("squeezed", [axis])], [name], {})


def pad(s: Step) -> None:
    """torch lists pairs from the last axis on; ONNX all beginnings, then all ends."""
    x, pairs = s.tensor("self"), s.argument("pad")
    rank, mode = len(s.shape(x)), s.argument("mode", "constant")
    s.require(mode in _PAD_MODES, "constant padding", mode)
    s.require(
        len(pairs) % 2 == 0 and len(pairs) <= 2 * rank, f"pairs for at most {rank} axes", pairs
    )
    before, after = ([0] * (rank - len(pairs) // 2) + pairs[end::2][::-1] for end in (0, 1))
    operands = [x, s.integers("pads", before + after)]
    if mode == "constant":
        operands.append(s.number("value", s.argument("value", 0)))
    s.emit("Pad", operands, {"mode": _PAD_MODES[mode]})


def filled(value: float | None = None) -> Callable[[Step], None]:
    """A rule for full, zeros, ones and their likes: a constant of one number."""

    def rule(s: Step) -> None:
        number = s.argument("fill_value", s.argument("s", value)) if value is None else value
        s.writer.declare(s.out)
        s.writer.constant(s.out, np.full(s.out_shape, number, s.dtype))

    return rule


def arange(s: Step) -> None:
    start, step = s.argument("start", 0), s.argument("step", 1)
    s.writer.declare(s.out)
    count = s.out_shape[0]
    s.writer.constant(s.out, (start + step * np.arange(count)).astype(s.dtype))
