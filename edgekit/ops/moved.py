"""ONNX operators that only move elements, their other operands being constants: a gather.

out[i] = in[source[i]], or 0

Which element comes from where is found by evaluating the operator on the elements' numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.families.evaluation import moved
from edgekit.graph import Node
from edgekit.op import Transient

if TYPE_CHECKING:
    from edgekit.draft import Draft


class Moved(Transient):
    name = "moved"
    onnx = ("CenterCropPad", "Compress", "MaxUnpool", "ReverseSequence", "TensorScatter", "Trilu")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        moved(node, draft, *((0, 1) if node.op == "TensorScatter" else (0,)))
