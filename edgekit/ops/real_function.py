"""Functions of one real number: EXP, LOG, SQRT, SQUARE, SIN, COS, NEG, CEIL, FLOOR, ROUND and more.

    out = the output step nearest to f((in - zero_in) * scale_in), ties to even

TensorFlow Lite Micro computes these on reals only. Where f has no value (the root or the logarithm
of a negative number) the nearest step is that of the closest number which has one, and a logarithm of
0 is the lowest step. The reciprocal of 0 is beyond all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from edgekit.families.integers import import_integers
from edgekit.fixed import Int
from edgekit.graph import Graph, Node, Value, plain
from edgekit.op import Array, Case, require
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
    "trunc": np.trunc,
    "sign": np.sign,
    "reciprocal": lambda x: 1.0 / np.where(x == 0, 1e-30, x),
    "tan": np.tan,
    "asin": lambda x: np.arcsin(np.clip(x, -1.0, 1.0)),
    "acos": lambda x: np.arccos(np.clip(x, -1.0, 1.0)),
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "acosh": lambda x: np.arccosh(np.maximum(x, 1.0)),
    "atanh": lambda x: np.arctanh(np.clip(x, -1.0 + 2**-24, 1.0 - 2**-24)),
    "softplus": lambda x: np.logaddexp(0.0, x),
    "softsign": lambda x: x / (1.0 + np.abs(x)),
    "mish": lambda x: x * np.tanh(np.logaddexp(0.0, x)),
}
_TFLITE = ("exp", "log", "sqrt", "square", "sin", "cos", "neg", "ceil", "floor", "round")


class RealFunction(Lut):
    name = "real_function"
    tflite = tuple(name.upper() for name in _TFLITE)
    onnx = tuple(name.capitalize() for name in _FUNCTIONS if name not in ("square", "trunc"))
    saturation = 0.7

    @classmethod
    def attributes(cls, node: Node) -> Mapping[str, str | float]:
        return {"function": node.op.lower()}

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        x = node.inputs[0]
        if not plain(draft.value(x)):
            attrs = {"function": node.op.lower()}
            draft.add(cls.name, node, [x], attrs, node.outputs[0])
            return
        require(node.op in ("Neg", "Sign"), "a real number", node, draft.value(x).dtype)
        one = np.ones((), draft.value(x).dtype)
        if node.op == "Sign":
            x = import_integers(node, draft, "min", [x, draft.constant(x, one)])
            minus = draft.constant(x, np.asarray(-1 if one.dtype.kind == "i" else 0, one.dtype))
            import_integers(node, draft, "max", [x, minus], node.outputs[0])
        else:
            zero = draft.constant(x, one - one)
            import_integers(node, draft, "sub", [zero, x], node.outputs[0])

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
            "trunc": ((0.04, 0), (0.05, 2)),
            "sign": ((0.04, 0), (0.01, 2)),
            "reciprocal": ((0.02, 0), (0.05, 3)),
            "tan": ((0.01, 3), (0.03, 0)),
            "asin": ((1 / 128, 0), (0.0123, 0)),
            "acos": ((1 / 128, 0), (0.0124, -128)),
            "atan": ((0.05, 3), (0.0124, 0)),
            "sinh": ((0.02, 3), (0.05, 0)),
            "cosh": ((0.02, 3), (0.03, -128)),
            "asinh": ((0.05, 3), (0.02, 0)),
            "acosh": ((0.05, -128), (0.013, -128)),
            "atanh": ((1 / 128, 0), (0.03, 0)),
            "softplus": ((0.05, 3), (0.03, -128)),
            "softsign": ((0.05, 3), (1 / 128, 0)),
            "mish": ((0.05, 3), (0.03, -117)),
        }
        return [case(cls, name, *pair, function=name) for name, pair in numbers.items()]


def nearest(op: type[Lut], node: Node, x: Value, out: Value, difference: Int) -> Int:
    """`levels` of an operator whose integers are those nearest to its `real`, ties to even."""
    (real,) = op.real(node, Graph("", {}, (), (), ()), difference * x.scale)
    return np.asarray(np.rint(np.clip(real / out.scale, -1e9, 1e9)), np.int64) + out.zero_point
