"""Constants of minus infinity in ONNX graphs: masks, which become the operator `masked`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.graph import Node
from edgekit.op import Array

if TYPE_CHECKING:
    from edgekit.draft import Draft


def mask_of(draft: Draft, name: str) -> Array | None:
    """Where a constant is finite; None for one that is so everywhere, and for what is no constant."""
    data = draft.const(name)
    if data is None or data.dtype.kind != "f" or not np.isneginf(data).any():
        return None
    return np.asarray(np.isfinite(data))


def write_mask(node: Node, draft: Draft, name: str, mask: str, output: str = "") -> str:
    """The tensor under a mask; the smaller of both is repeated."""
    shape = tuple(np.broadcast_shapes(draft.shape(name), draft.shape(mask)))
    operands = [draft.broadcast(node, n, shape) for n in (name, mask)]
    return draft.add("masked", node, operands, {}, output, dtype="float32")


def add_mask(node: Node, draft: Draft, output: str) -> bool:
    """Write an addition of which one operand is a constant with minus infinities; False for another."""
    a, b = node.inputs
    for name, other in ((a, b), (b, a)):
        finite = mask_of(draft, name)
        if finite is None or draft.const(other) is not None:
            continue
        data = draft.const(name)
        assert data is not None
        rest = np.where(finite, data, 0).astype(np.float32)
        if rest.any():
            other = draft.binary(node, "add", other, draft.constant(name, rest))
        write_mask(node, draft, other, draft.constant(name, finite), output)
        return True
    return False
