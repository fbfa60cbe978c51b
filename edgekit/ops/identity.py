"""What computes nothing in a finished network: identities and dropout, whose mask drops nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.graph import Node
from edgekit.op import Transient

if TYPE_CHECKING:
    from edgekit.draft import Draft


class Identity(Transient):
    name = "identity"
    onnx = ("Identity", "Dropout")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        draft.same(node.outputs[0], node.inputs[0])
        for mask in node.outputs[1:]:
            draft.same(mask, draft.constant(mask, np.ones(draft.shape(node.inputs[0]), bool)))
