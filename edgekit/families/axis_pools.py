"""ONNX pools that no kernel has, one axis after the other: of any rank, dilated, of whole numbers.

A window is a box, so that its maximum is a maximum along each axis in turn. Its average is one of
averages, since the cells that count are a box, too; an average along an axis is a dense layer whose
weights are shares.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edgekit.families.integers import import_integers
from edgekit.families.window import Axis
from edgekit.graph import Node, plain
from edgekit.op import Array, require

if TYPE_CHECKING:
    from edgekit.draft import Draft

_WEIGHTS = 1 << 16


def max_pool(node: Node, draft: Draft, axes: list[Axis]) -> None:
    """The largest of the window's cells inside the input: extremes of as many gathers as it has taps."""
    made = node.inputs[0]
    for number, axis in enumerate(axes, 2):
        taps = _inside(node, axis)
        parts = [_picked(node, draft, made, number, column) for column in taps.T]
        made = parts[0]
        for part in parts[1:]:
            made = _larger(node, draft, made, part)
    draft.same(node.outputs[0], made)


def _inside(node: Node, axis: Axis) -> Array:
    """Input indices [outputs, taps]; a tap outside the input stands for another one of its window."""
    at = _taps(axis)
    inside = (at >= 0) & (at < axis.size)
    require(bool(inside.any(axis=1).all()), "windows with a cell inside the input", node, axis)
    return np.where(inside, at, at[np.arange(len(at)), inside.argmax(axis=1)][:, None])


def _taps(axis: Axis) -> Array:
    first = np.arange(axis.out)[:, None] * axis.stride - axis.before
    return first + np.arange(axis.kernel) * axis.dilation


def _picked(node: Node, draft: Draft, name: str, axis: int, indices: Array) -> str:
    steps = np.diff(indices)
    if len(steps) and steps[0] > 0 and (steps == steps[0]).all():
        whole = [range(n) for n in draft.shape(name)]
        whole[axis] = range(int(indices[0]), int(indices[-1]) + 1, int(steps[0]))
        return draft.part(node, name, whole)
    at = draft.constant(name, indices.astype(np.int32))
    return draft.add("gather", node, [name, at], {"axis": axis, "batch": 0, "tuples": False},
                     quant=draft.value(name).quant)  # fmt: skip


def _larger(node: Node, draft: Draft, a: str, b: str) -> str:
    if plain(draft.value(a)):
        return import_integers(node, draft, "max", [a, b])
    return draft.add("extremum", node, [a, b], {"sign": 1}, quant=draft.value(a).quant)


def average(node: Node, draft: Draft, axes: list[Axis], counted: bool) -> None:
    """counted: does padding count, that which the node has, not that which rounding up reaches?"""
    made = node.inputs[0]
    for number, axis in enumerate(axes, 2):
        made = dense(node, draft, made, number, _shares(node, axis, counted))
    draft.same(node.outputs[0], made)


def total(node: Node, draft: Draft, name: str, axes: list[Axis]) -> str:
    """Sums over the windows."""
    for number, axis in enumerate(axes, 2):
        name = dense(node, draft, name, number, _weights(axis))
    return name


def _weights(axis: Axis) -> Array:
    """How often each input index [outputs, inputs] is in a window: 0 or 1."""
    at, made = _taps(axis), np.zeros((axis.out, axis.size))
    for row, taps in zip(made, at, strict=True):
        row[taps[(taps >= 0) & (taps < axis.size)]] = 1
    return made


def _shares(node: Node, axis: Axis, counted: bool) -> Array:
    weights, at = _weights(axis), _taps(axis)
    cells = weights.sum(axis=1)
    if counted:
        after = axis.declared if node.attrs.get("ceil_mode", 0) else axis.after
        cells = ((at >= -axis.before) & (at < axis.size + after)).sum(axis=1)
    require(bool(np.all(cells > 0)), "windows with a cell inside the input", node, axis)
    return np.asarray(weights / cells[:, None])


def dense(node: Node, draft: Draft, name: str, axis: int, weights: Array) -> str:
    """A dense layer along one axis, which is moved to the end for it and back."""
    shape = draft.shape(name)
    require(
        weights.size <= _WEIGHTS, f"at most {_WEIGHTS} weights along an axis", node, weights.shape
    )
    swap = [a for a in range(len(shape)) if a != axis] + [axis]
    rows = draft.reshape(
        node, draft.permute(node, name, swap), (math.prod(shape) // shape[axis], shape[axis])
    )
    kernel = draft.constant(name, weights.astype(np.float32))
    attrs = {"activation": "NONE", "keep_num_dims": False}
    made = draft.add("fully_connected", node, [rows, kernel], attrs)
    moved = draft.reshape(node, made, (*(shape[a] for a in swap[:-1]), len(weights)))
    return draft.permute(node, moved, sorted(range(len(swap)), key=swap.__getitem__))
