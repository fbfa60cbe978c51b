"""Gaussian error linear unit and the error function (Gelu, Erf): tables.

gelu(x) = x / 2 * (1 + erf(x / sqrt(2)))
gelu(x) = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))     approximate "tanh"

out = the output step nearest to the function, ties to even
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.fixed import Int
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case, require
from edgekit.ops.lut import Lut, case
from edgekit.ops.real_function import nearest

if TYPE_CHECKING:
    from edgekit.draft import Draft

_ERF = np.frompyfunc(math.erf, 1, 1)


def _erf(x: Array) -> Array:
    return np.asarray(_ERF(x), np.float64)


class Gelu(Lut):
    """Attribute `function`: "erf", "gelu", or "gelu_tanh"."""

    name = "gelu"
    onnx = ("Gelu", "Erf")
    saturation = 0.5

    @classmethod
    def onnx_attributes(cls, node: Node, draft: Draft) -> Mapping[str, Any]:
        if node.op == "Erf":
            return {"function": "erf"}
        approximate = node.attrs.get("approximate", "none")
        require(approximate in ("none", "tanh"), 'approximate of "none" or "tanh"', node, approximate)  # fmt: skip
        return {"function": "gelu_tanh" if approximate == "tanh" else "gelu"}

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x, function = inputs[0].astype(np.float64), node.attrs["function"]
        if function == "erf":
            return [_erf(x)]
        if function == "gelu":
            return [x / 2 * (1 + _erf(x / math.sqrt(2)))]
        return [x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: Int) -> Int:
        return nearest(cls, node, x, out, difference)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            case(cls, "erf", (0.015, 5), (1 / 127, 0), function="erf"),
            case(cls, "exact", (0.04, -20), (0.03, -100), function="gelu"),
            case(cls, "tanh", (0.05, 20), (0.03, -100), function="gelu_tanh"),
        ]
