"""ONNX's norms over windows, along an axis and across channels, of sums of powers.

LpPool = (sum of the window's |x|^p)^(1/p)    LpNormalization = x / (sum along the axis |x|^p)^(1/p)
LRN = x / (bias + alpha / size * sum over neighbouring channels x^2)^beta
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.families.axis_pools import dense, total
from edgekit.families.movement import axis_of
from edgekit.families.window import onnx_axes
from edgekit.graph import Node
from edgekit.op import Transient

if TYPE_CHECKING:
    from edgekit.draft import Draft


class Lp(Transient):
    name = "lp"
    onnx = ("LpPool", "LpNormalization", "LRN")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        x, output, p = node.inputs[0], node.outputs[0], int(node.attrs.get("p", 2))
        if node.op == "LRN":
            _across_channels(node, draft)
            return
        power = _power(node, draft, x, p)
        if node.op == "LpPool":
            axes = onnx_axes(node, draft.shape(x)[2:], list(node.attrs["kernel_shape"]))
            draft.same(output, _power(node, draft, total(node, draft, power, axes), 1 / p))
            return
        axis = axis_of(node, int(node.attrs.get("axis", -1)), len(draft.shape(x)))
        sums = draft.add("total", node, [power], {"axes": [axis], "keep_dims": True})
        draft.binary(node, "quotient", x, _power(node, draft, sums, 1 / p), output)


def _power(node: Node, draft: Draft, name: str, exponent: float) -> str:
    """|x|^exponent."""
    if exponent % 2:
        name = draft.add("absolute", node, [name], {})
    return name if exponent == 1 else draft.add("power", node, [name], {"exponent": exponent})


def _across_channels(node: Node, draft: Draft) -> None:
    a, x = node.attrs, node.inputs[0]
    size, channels = int(a["size"]), draft.shape(x)[1]
    at, neighbour = np.indices((channels, channels))
    near = (neighbour >= at - (size - 1) // 2) & (neighbour <= at + size // 2)
    sums = dense(node, draft, _power(node, draft, x, 2), 1, near.astype(np.float64))
    for op, number in (
        ("mul", float(a.get("alpha", 1e-4)) / size),
        ("add", float(a.get("bias", 1.0))),
    ):
        operand = draft.constant(x, np.asarray(number, np.float32))
        sums = draft.binary(node, op, sums, operand)
    divisor = draft.add("power", node, [sums], {"exponent": -float(a.get("beta", 0.75))})
    draft.binary(node, "mul", x, divisor, node.outputs[0])
