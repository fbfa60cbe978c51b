"""ONNX's OneHot and Hardmax: one value where an index stands, another everywhere else.

OneHot = on where index or index + depth is i, else off    Hardmax = 1 at the first largest, else 0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.families.integers import import_integers
from edgekit.families.movement import axis_of
from edgekit.graph import Node, kept, plain
from edgekit.op import Transient, require
from edgekit.ops.softmax import along_rows

if TYPE_CHECKING:
    from edgekit.draft import Draft


class OneHot(Transient):
    name = "one_hot"
    onnx = ("OneHot", "Hardmax")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        if node.op == "Hardmax":
            along_rows(node, draft, lambda row, out: _largest(node, draft, row))
            return
        indices, depth, values = node.inputs
        count = draft.const(depth)
        require(count is not None and count.size == 1, "a constant depth", node, depth)
        assert count is not None
        shape = draft.shape(indices)
        axis = axis_of(node, int(node.attrs.get("axis", -1)), len(shape) + 1)
        hot = _hot(node, draft, indices, axis, int(count.reshape(-1)[0]))
        _chosen(node, draft, hot, values)


def _hot(node: Node, draft: Draft, indices: str, axis: int, depth: int) -> str:
    """Booleans along a new axis: is its index the given one, counted from the front or the back?"""
    if not plain(draft.value(indices)):
        indices = draft.add("as_integer", node, [indices], {}, dtype="int32")
    elif draft.value(indices).dtype not in ("int32", "int64"):
        indices = draft.add("cast", node, [indices], {}, dtype="int32")
    shape = draft.shape(indices)
    column = draft.reshape(node, indices, (*shape[:axis], 1, *shape[axis:]))
    every = np.arange(depth, dtype=np.int32).reshape(-1, *(1,) * (len(shape) - axis))
    front, back = (
        import_integers(node, draft, "equal", [column, draft.constant(indices, places)])
        for places in (every, every - depth)
    )
    return import_integers(node, draft, "or", [front, back])


def _chosen(node: Node, draft: Draft, hot: str, values: str) -> None:
    """`values` are the one for elsewhere and the one for the index."""
    shape, kind = draft.shape(hot), draft.value(values)
    off, on = (
        draft.broadcast(node, draft.reshape(node, _element(node, draft, values, i), ()), shape)
        for i in (0, 1)
    )
    dtype = kept(kind.dtype) if plain(kind) else "float32"
    draft.add("select", node, [hot, on, off], {}, node.outputs[0], dtype=dtype)


def _element(node: Node, draft: Draft, values: str, index: int) -> str:
    data = draft.value(values)
    if data.data is not None:
        return draft.constant(values, data.data[index : index + 1], data.quant)
    return draft.part(node, values, [range(index, index + 1)])


def _largest(node: Node, draft: Draft, row: str) -> str:
    shape = draft.shape(row)
    attrs = {"axis": len(shape) - 1, "sign": 1, "last": False}
    best = draft.add("arg_max", node, [row], attrs, dtype="int32")
    column = draft.reshape(node, best, (*shape[:-1], 1))
    every = draft.constant(row, np.arange(shape[-1], dtype=np.int32))
    hot = import_integers(node, draft, "equal", [column, every])
    return draft.add("as_real", node, [hot], {})
