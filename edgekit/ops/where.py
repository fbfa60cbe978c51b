"""ONNX's Where: a choice whose operands repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.families.masks import mask_of, write_mask
from edgekit.graph import Node, kept, plain
from edgekit.op import Transient

if TYPE_CHECKING:
    from edgekit.draft import Draft


class Where(Transient):
    name = "where"
    onnx = ("Where",)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        condition, *both = node.inputs
        for name, other, holds in ((both[0], both[1], False), (both[1], both[0], True)):
            finite = mask_of(draft, name)
            if finite is not None and not finite.any() and mask_of(draft, other) is None:
                if not holds:
                    condition = draft.add("logical_not", node, [condition], {}, dtype="bool")
                write_mask(node, draft, other, condition, node.outputs[0])
                return
        shape = tuple(np.broadcast_shapes(*map(draft.shape, node.inputs)))
        operands = [draft.broadcast(node, name, shape) for name in node.inputs]
        values = [draft.value(name) for name in operands[1:]]
        dtype = kept(values[0].dtype) if all(map(plain, values)) else "float32"
        draft.add("select", node, operands, {}, node.outputs[0], dtype=dtype)
