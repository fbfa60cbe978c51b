"""Functions of one real number: EXP, LOG, SQRT, SQUARE, SIN, COS, NEG, CEIL, FLOOR, ROUND.

    out = the output step nearest to f((in - zero_in) * scale_in), ties to even

TensorFlow Lite Micro computes these on reals only. Where f has no value (the root or the logarithm
of a negative number) the nearest step is that of the closest number which has one, and a logarithm of
0 is the lowest step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.fixed import Int
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case
from edgekit.ops.lut import Lut, case

if TYPE_CHECKING:
    from edgekit.draft import Draft

_FUNCTIONS: Mapping[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "log": lambda x: np.log(np.maximum(x, np.finfo(np.float64).tiny)),
    "sqrt": lambda x: np.sqrt(np.maximum(x, 0.0)),
    "square": np.square,
    "sin": np.sin,
    "cos": np.cos,
    "neg": np.negative,
    "ceil": np.ceil,
    "floor": np.floor,
    "round": np.rint,
}


class RealFunction(Lut):
    name = "real_function"
    tflite = tuple(name.upper() for name in _FUNCTIONS)
    onnx = tuple(name.capitalize() for name in _FUNCTIONS if name != "square")
    saturation = 0.7

    @classmethod
    def attributes(cls, node: Node) -> Mapping[str, str | float]:
        return {"function": node.op.lower()}

    @classmethod
    def onnx_attributes(cls, node: Node, draft: Draft) -> Mapping[str, Any]:
        return {"function": node.op.lower()}

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        with np.errstate(over="ignore"):
            return [_FUNCTIONS[node.attrs["function"]](inputs[0].astype(np.float64))]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: Int) -> Int:
        return nearest(cls, node, x, out, difference)

    @classmethod
    def cases(cls) -> list[Case]:
        numbers = {
            "exp": ((0.03, 5), (0.2, -128)),
            "log": ((0.05, -128), (0.04, 20)),
            "sqrt": ((0.05, -128), (0.015, -128)),
            "square": ((0.03, -7), (0.06, -128)),
            "sin": ((0.05, 3), (1 / 128, 0)),
            "cos": ((0.05, 3), (1 / 128, 0)),
            "neg": ((0.05, 3), (0.05, -3)),
            "ceil": ((0.05, -90), (0.06, -90)),
            "floor": ((0.05, 90), (0.06, 70)),
            "round": ((0.04, 0), (0.05, 2)),
        }
        return [case(cls, name, *pair, function=name) for name, pair in numbers.items()]


def nearest(op: type[Lut], node: Node, x: Value, out: Value, difference: Int) -> Int:
    """`levels` of an operator whose integers are those nearest to its `real`, ties to even."""
    (real,) = op.real(node, Graph("", {}, (), (), ()), difference * x.scale)
    return np.asarray(np.rint(np.clip(real / out.scale, -1e9, 1e9)), np.int64) + out.zero_point
