"""ONNX's Expand and Tile: repetition along axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edgekit.graph import Node
from edgekit.op import Transient, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


class Repeat(Transient):
    name = "repeat"
    onnx = ("Expand", "Tile")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        (x, _), shape, counts = node.inputs, draft.shape(node.inputs[0]), draft.integers(node, 1)
        if node.op == "Expand":
            made = draft.broadcast(node, x, tuple(np.broadcast_shapes(shape, tuple(counts))))
        else:
            require(len(counts) == len(shape), "a count per axis", node, (counts, shape))
            made = x
            for axis, count in enumerate(counts):
                made = _tiled(node, draft, made, axis, count)
        draft.same(node.outputs[0], made)


def _tiled(node: Node, draft: Draft, name: str, axis: int, count: int) -> str:
    """The tensor `count` times along an axis, by an axis of its own before it."""
    if count == 1:
        return name
    shape = draft.shape(name)
    before, rest = math.prod(shape[:axis]), math.prod(shape[axis:])
    rows = draft.reshape(node, name, (before, 1, rest))
    many = draft.broadcast(node, rows, (before, count, rest))
    return draft.reshape(node, many, (*shape[:axis], count * shape[axis], *shape[axis + 1 :]))
