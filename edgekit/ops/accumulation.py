"""ONNX's sums, means and products of several tensors, and of the elements along an axis so far.

    Sum = a + b + ...    Mean = (a + b + ...) / n    CumSum[i] = sum over j <= i    CumProd likewise

`CumSum` of real numbers has a kernel (`cumsum`); of integers, and products, it is one operation an index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.families.integers import import_integers
from edgekit.families.movement import axis_of
from edgekit.graph import Node, plain
from edgekit.op import Transient, require

if TYPE_CHECKING:
    from edgekit.draft import Draft

_STEPS = 64


class Accumulation(Transient):
    name = "accumulation"
    onnx = ("Sum", "Mean", "CumSum", "CumProd")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        if node.op.startswith("Cum"):
            _along_axis(node, draft)
            return
        made = node.inputs[0]
        for name in node.inputs[1:]:
            made = draft.binary(node, "add", made, name)
        if node.op == "Mean" and len(node.inputs) > 1:
            share = draft.constant(made, np.asarray(1 / len(node.inputs), np.float32))
            made = draft.binary(node, "mul", made, share)
        draft.same(node.outputs[0], made)


def _along_axis(node: Node, draft: Draft) -> None:
    x, output, sums = node.inputs[0], node.outputs[0], node.op == "CumSum"
    axis = axis_of(node, draft.integers(node, 1)[0], len(draft.shape(x)))
    exclusive, reverse = (bool(node.attrs.get(key, 0)) for key in ("exclusive", "reverse"))
    if sums and not plain(draft.value(x)):
        attrs = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
        draft.add("cumsum", node, [x], attrs, output)
        return
    shape = draft.shape(x)
    require(shape[axis] <= _STEPS, f"at most {_STEPS} indices along the axis", node, shape)
    parts = [
        draft.part(
            node, x, [range(i, i + 1) if a == axis else range(n) for a, n in enumerate(shape)]
        )
        for i in range(shape[axis])
    ]
    made = _running(node, draft, parts[::-1] if reverse else parts, exclusive)
    made = made[::-1] if reverse else made
    draft.add("concat", node, made, {"axis": axis}, output)


def _running(node: Node, draft: Draft, parts: list[str], exclusive: bool) -> list[str]:
    """The sums or products of the parts up to each; `exclusive` without it."""
    sums, first = node.op == "CumSum", draft.value(parts[0])
    dtype = first.dtype if plain(first) else "float32"
    made = [parts[0]]
    if exclusive:
        made = [draft.constant(parts[0], np.full(first.shape, 0 if sums else 1, dtype)), parts[0]]
    for part in parts[1 : len(parts) - exclusive]:
        if plain(first):
            made.append(import_integers(node, draft, "add" if sums else "mul", [made[-1], part]))
        else:
            made.append(draft.binary(node, "mul", made[-1], part))
    return made[: len(parts)]
