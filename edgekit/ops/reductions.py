"""ONNX's reductions beside mean, sum and extremes, written as those and functions of one number.

ReduceL1 = sum |x|    ReduceL2 = sqrt(sum x^2)    ReduceSumSquare = sum x^2
ReduceLogSum = log(sum x)    ReduceLogSumExp = max + log(sum exp(x - max))    ReduceProd = x * x * ...
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgekit.families.reduction import add_reduction, reduced
from edgekit.graph import Node
from edgekit.op import Transient, require

if TYPE_CHECKING:
    from edgekit.draft import Draft

# The function before the sum, and the one behind it.
_AROUND = {
    "ReduceL1": ("absolute", ""), "ReduceL2": ("square", "sqrt"), "ReduceSumSquare": ("square", ""),
    "ReduceLogSum": ("", "log"),
}  # fmt: skip
_FACTORS = 64


class Reductions(Transient):
    name = "reductions"
    onnx = (*_AROUND, "ReduceLogSumExp", "ReduceProd")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        axes, keep = reduced(node, draft)
        if node.op == "ReduceProd":
            _product(node, draft, axes)
        elif node.op == "ReduceLogSumExp":
            _log_sum_exp(node, draft, axes, keep)
        else:
            before, behind = _AROUND[node.op]
            x = _function(node, draft, before, node.inputs[0])
            output = "" if behind else node.outputs[0]
            total = add_reduction(node, draft, "total", x, axes, keep, output)
            if behind:
                _function(node, draft, behind, total, node.outputs[0])


def _function(node: Node, draft: Draft, function: str, name: str, output: str = "") -> str:
    if function in ("", "absolute"):
        return draft.add(function, node, [name], {}, output) if function else name
    return draft.add("real_function", node, [name], {"function": function}, output)


def _log_sum_exp(node: Node, draft: Draft, axes: list[int], keep: bool) -> None:
    """The largest is taken off first, so that no exponential exceeds 1."""
    x = node.inputs[0]
    most = add_reduction(node, draft, "reduce_max", x, axes, True)
    exps = _function(node, draft, "exp", draft.binary(node, "sub", x, most))
    log = _function(node, draft, "log", add_reduction(node, draft, "total", exps, axes, True))
    shape = draft.source.value(node.outputs[0]).shape
    made = draft.binary(node, "add", log, most, node.outputs[0] if keep else "")
    if not keep:
        draft.reshape(node, made, shape, node.outputs[0])


def _product(node: Node, draft: Draft, axes: list[int]) -> None:
    """The reduced axes are brought to the end, and their slices multiplied one after the other."""
    x, shape = node.inputs[0], draft.shape(node.inputs[0])
    rest = [a for a in range(len(shape)) if a not in axes]
    count = math.prod(shape[a] for a in axes)
    require(count <= _FACTORS, f"at most {_FACTORS} factors", node, count)
    rows = math.prod(shape[a] for a in rest)
    table = draft.reshape(node, draft.permute(node, x, (*rest, *axes)), (rows, count))
    parts = [draft.part(node, table, (range(rows), range(i, i + 1))) for i in range(count)]
    made = parts[0]
    for part in parts[1:]:
        made = draft.binary(node, "mul", made, part)
    draft.reshape(node, made, draft.source.value(node.outputs[0]).shape, node.outputs[0])
