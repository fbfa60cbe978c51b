"""ONNX's Where: a choice whose operands repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.graph import Node, kept, plain
from edgekit.op import Transient

if TYPE_CHECKING:
    from edgekit.draft import Draft


class Where(Transient):
    name = "where"
    onnx = ("Where",)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        shape = tuple(np.broadcast_shapes(*map(draft.shape, node.inputs)))
        operands = [draft.broadcast(node, name, shape) for name in node.inputs]
        values = [draft.value(name) for name in operands[1:]]
        dtype = kept(values[0].dtype) if all(map(plain, values)) else "float32"
        draft.add("select", node, operands, {}, node.outputs[0], dtype=dtype)
