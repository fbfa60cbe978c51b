"""ONNX's Scatter, ScatterElements and ScatterND with constant indices.

    out = data, but updates at the indices; or data + updates, and so on, with a `reduction`

The elements of data and updates, side by side, are gathered. With a reduction the updates of an element
are applied one after the other; where there are none, what changes nothing is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edgekit.families.evaluation import rearranged
from edgekit.families.integers import import_integers
from edgekit.families.movement import axis_of
from edgekit.graph import Node, plain
from edgekit.op import Array, Transient, require

if TYPE_CHECKING:
    from edgekit.draft import Draft

_OPS = {"add": "add", "mul": "mul", "max": "extremum", "min": "extremum"}
_ROUNDS = 64


class Scatter(Transient):
    name = "scatter"
    onnx = ("Scatter", "ScatterElements", "ScatterND")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        data, indices, updates = node.inputs
        known, reduction = draft.const(indices), node.attrs.get("reduction", "none")
        require(known is not None, "constant indices", node, indices)
        require(
            reduction in ("none", *_OPS),
            "a reduction of none, add, mul, max or min",
            node,
            reduction,
        )
        assert known is not None
        targets = _targets(node, draft, known)
        count = math.prod(draft.shape(data))
        if reduction == "none":
            sources = np.arange(count)
            sources[targets] = count + np.arange(len(targets))
            shaped = sources.reshape(draft.shape(data))
            rearranged(node, draft, [data, updates], shaped, node.outputs[0])
        else:
            _reduced(node, draft, targets, reduction)


def _targets(node: Node, draft: Draft, indices: Array) -> Array:
    """The number of the element that each update goes to, in the updates' order."""
    shape = draft.shape(node.inputs[0])
    places = np.arange(math.prod(shape)).reshape(shape)
    if node.op == "ScatterND":
        sizes = np.asarray(shape[: indices.shape[-1]])
        return np.asarray(places[tuple(np.moveaxis(indices % sizes, -1, 0))].reshape(-1))
    axis = axis_of(node, int(node.attrs.get("axis", 0)), len(shape))
    own: list[Array] = list(np.indices(indices.shape))
    own[axis] = indices % shape[axis]
    return np.asarray(places[tuple(own)].reshape(-1))


def _reduced(node: Node, draft: Draft, targets: Array, reduction: str) -> None:
    """A round for the first update of each element, one for the second and so on."""
    made, _, updates = node.inputs
    shape = draft.shape(made)
    order = np.argsort(targets, kind="stable")
    first = np.searchsorted(targets[order], targets[order])
    rounds = np.empty(len(targets), np.int64)
    rounds[order] = np.arange(len(targets)) - first
    most = int(rounds.max(initial=0)) + 1
    require(most <= _ROUNDS, f"at most {_ROUNDS} updates of an element", node, most)
    for turn in range(most):
        sources = np.full(math.prod(shape), -1)
        chosen = np.flatnonzero(rounds == turn)
        sources[targets[chosen]] = chosen
        operand = _operand(node, draft, updates, made, sources.reshape(shape), reduction)
        made = _applied(node, draft, made, operand, reduction)
    draft.same(node.outputs[0], made)


def _operand(
    node: Node, draft: Draft, updates: str, made: str, sources: Array, reduction: str
) -> str:
    """The updates in their places; elsewhere 0 or 1, or for extremes the element itself."""
    count, flat = math.prod(draft.shape(updates)), np.arange(sources.size).reshape(sources.shape)
    if reduction in ("max", "min"):
        both = np.where(sources < 0, count + flat, sources)
        return rearranged(node, draft, [updates, made], both)
    value = draft.value(updates)
    dtype = value.dtype if plain(value) else "float32"
    neutral = draft.constant(updates, np.full(1, int(reduction == "mul"), dtype))
    return rearranged(node, draft, [updates, neutral], np.where(sources < 0, count, sources))


def _applied(node: Node, draft: Draft, made: str, operand: str, reduction: str) -> str:
    if plain(draft.value(made)):
        return import_integers(node, draft, reduction, [made, operand])
    attrs = {"sign": 1 if reduction == "max" else -1} if reduction in ("max", "min") else None
    return draft.binary(node, _OPS[reduction], made, operand, attrs=attrs)
