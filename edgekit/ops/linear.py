"""ONNX operators that are linear in one operand, the others being constants: a dense layer.

out = weights * in + bias

The matrix is found by evaluating the operator on unit vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.families.evaluation import linear
from edgekit.graph import Node
from edgekit.op import Transient, require

if TYPE_CHECKING:
    from edgekit.draft import Draft

# Leading axes along which the operator does the same with every index.
_LEAD = {"AffineGrid": 0, "Col2Im": 0, "DFT": 0, "GridSample": 0, "RoiAlign": 0, "STFT": 0}


class Linear(Transient):
    name = "linear"
    onnx = tuple(_LEAD)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        if node.op == "RoiAlign":
            mode = node.attrs.get("mode", "avg")
            require(mode == "avg", "an average, mode avg", node, mode)
        linear(node, draft, lead=_LEAD[node.op])
