"""Comparison of two elements: LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, EQUAL, NOT_EQUAL.

    out = less, equal or greater, each 0 or 1, by the order of r(a) and r(b)

with r(x) = requantize((x - zero) * 2^8, scale). Integers without a scale are compared as they are.
The output is boolean, a byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.families.integers import import_integers
from edgekit.families.masks import mask_of
from edgekit.graph import Graph, Node, Value, plain
from edgekit.op import Array, Case, Params, Shape, c_field, require
from edgekit.ops.masked import Masked
from edgekit.ops.pairwise import Pairwise

if TYPE_CHECKING:
    from edgekit.draft import Draft

_LEFT = 8
# less, equal, greater
_TRUTH = {
    "LESS": (1, 0, 0), "LESS_EQUAL": (1, 1, 0), "GREATER": (0, 0, 1),
    "GREATER_EQUAL": (0, 1, 1), "EQUAL": (0, 1, 0), "NOT_EQUAL": (1, 0, 1),
}  # fmt: skip
_ONNX = {
    "Less": "LESS", "LessOrEqual": "LESS_EQUAL", "Greater": "GREATER",
    "GreaterOrEqual": "GREATER_EQUAL", "Equal": "EQUAL",
}  # fmt: skip


@dataclass(frozen=True)
class CompareParams(Params):
    zero1: int = c_field("int32_t", "zero point of the first input")
    multiplier1: int = c_field("int32_t", "rescaling of the first input")
    right1: int = c_field("int32_t", "and its right shift")
    zero2: int = c_field("int32_t", "zero point of the second input")
    multiplier2: int = c_field("int32_t", "rescaling of the second input")
    right2: int = c_field("int32_t", "and its right shift")
    truth: tuple[int, ...] = c_field("int8_t", "result for less, equal, greater", 3)


class Compare(Pairwise):
    name = "compare"
    kernel = "compare"
    Params = CompareParams
    tflite = tuple(_TRUTH)
    onnx = tuple(_ONNX)
    dtypes = ("int8", "bool")
    saturation = 1.0

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        a, b = node.inputs
        if plain(draft.value(a)):
            operands = (b, a) if node.op.startswith("Greater") else (a, b)
            function = _ONNX[node.op].lower().replace("greater", "less")
            import_integers(node, draft, function, operands, node.outputs[0])
            return
        masks = [mask_of(draft, name) for name in (a, b)]
        if node.op == "Equal" and any(m is not None and not m.any() for m in masks):
            scores = b if masks[0] is not None else a
            far = draft.constant(a, np.asarray(-Masked.reach / 2, np.float32))
            truth = {"truth": _TRUTH["LESS"]}
            draft.binary(node, cls.name, scores, far, node.outputs[0], truth, dtype="bool")
            return
        attrs = {"truth": _TRUTH[_ONNX[node.op]]}
        draft.binary(node, cls.name, a, b, node.outputs[0], attrs, dtype="bool")

    @classmethod
    def attributes(cls, node: Node) -> Mapping[str, Any]:
        return {"truth": _TRUTH[node.op]}

    @classmethod
    def function(cls, node: Node, a: Array, b: Array) -> Array:
        truth = np.asarray(node.attrs["truth"])
        return np.asarray(truth[np.sign(a - b).astype(np.int64) + 1])

    @classmethod
    def params(cls, node: Node, graph: Graph) -> CompareParams:
        out = graph.value(node.outputs[0])
        require(out.dtype == "bool", "a boolean output", node, out.dtype)
        operands = [graph.value(name) for name in node.inputs]
        unit = 1.0
        if graph.one_rounding and operands[0].quant is not None:
            unit = max(x.scale for x in operands) / 2**11
        a, b = (_rescaling(node, x, unit) for x in operands)
        return CompareParams(*a, *b, truth=tuple(node.attrs["truth"]))

    @classmethod
    def run(cls, p: CompareParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        a, b = (x.astype(np.int64) for x in inputs)
        first = fixed.requantize((a - p.zero1) << _LEFT, p.multiplier1, -p.right1)
        second = fixed.requantize((b - p.zero2) << _LEFT, p.multiplier2, -p.right2)
        return [np.asarray(p.truth, bool)[np.sign(first - second) + 1]]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, op: str, b: tuple[float, int]) -> Case:
            operands = [activation("a", shape, 0.05, 3), activation("b", shape, *b)]
            output = Value("output", shape, "bool")
            return single(cls, name, operands, [output], {"truth": _TRUTH[op]})

        return [
            case("less", (1, 4, 5, 3), "LESS", (0.05, 3)),
            case("greater_equal", (17,), "GREATER_EQUAL", (0.02, -90)),
            case("not_equal", (1, 9), "NOT_EQUAL", (0.9, 127)),
        ]


def _rescaling(node: Node, x: Value, unit: float) -> tuple[int, int, int]:
    """Zero point, multiplier and right shift of an operand; booleans count as they are. `unit`: what the
    scales are measured in, 1 in TensorFlow Lite; numbers of our own keep 19 bits of a step."""
    if x.quant is None:
        return 0, 1 << 30, 0
    require(unit != 1 or x.scale < 1, "scales below 1", node, f"{x.scale:g}")
    multiplier, shift = fixed.quantize_multiplier(x.scale / unit)
    return x.zero_point, multiplier, -shift
