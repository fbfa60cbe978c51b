"""What computes nothing in a finished network: identities, dropout, casts between real types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.graph import Node
from edgekit.op import Transient, require

if TYPE_CHECKING:
    from edgekit.draft import Draft

_REAL = (1, 10, 11, 16)  # codes of ONNX's FLOAT, FLOAT16, DOUBLE, BFLOAT16


class Identity(Transient):
    name = "identity"
    onnx = ("Identity", "Dropout", "Cast")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        if node.op == "Cast":
            real = draft.value(node.inputs[0]).dtype in ("float32", "int8")
            require(real and node.attrs["to"] in _REAL, "a cast between floating-point types", node,
                    (draft.value(node.inputs[0]).dtype, node.attrs["to"]))  # fmt: skip
        draft.same(node.outputs[0], node.inputs[0])
