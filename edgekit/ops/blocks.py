"""ONNX's DepthToSpace and SpaceToDepth, in either order of a block's channels: a transposition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.graph import Node
from edgekit.op import Transient, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


class Blocks(Transient):
    name = "blocks"
    onnx = ("DepthToSpace", "SpaceToDepth")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        x, size = node.inputs[0], int(node.attrs["blocksize"])
        require(len(draft.shape(x)) == 4, "an input of shape [N, C, H, W]", node, draft.shape(x))
        n, c, h, w = draft.shape(x)
        columns_first = node.attrs.get("mode", "DCR") == "CRD"
        if node.op == "DepthToSpace":
            require(c % size**2 == 0, "channels that fill whole blocks", node, (c, size))
            deep = c // size**2
            split = (n, deep, size, size, h, w) if columns_first else (n, size, size, deep, h, w)
            perm = (0, 1, 4, 2, 5, 3) if columns_first else (0, 3, 4, 1, 5, 2)
            shape = (n, deep, h * size, w * size)
        else:
            require(
                h % size == w % size == 0, "rows and columns that fill whole blocks", node, (h, w)
            )
            split = (n, c, h // size, size, w // size, size)
            perm = (0, 1, 3, 5, 2, 4) if columns_first else (0, 3, 5, 1, 2, 4)
            shape = (n, c * size**2, h // size, w // size)
        moved = draft.permute(node, draft.reshape(node, x, split), perm)
        draft.reshape(node, moved, shape, node.outputs[0])
