"""Functions of one real number that have constants: ONNX's activations beside the common ones.

out = the output step nearest to f((in - zero_in) * scale_in), ties to even
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.fixed import Int
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case
from edgekit.ops.lut import Lut, case
from edgekit.ops.real_function import nearest

if TYPE_CHECKING:
    from edgekit.draft import Draft

_Constants = Mapping[str, float]


def _exponential(x: Array, alpha: float) -> Array:
    """alpha * (exp(x) - 1) below 0."""
    return alpha * np.expm1(np.minimum(x, 0.0))


def _shrink(x: Array, c: _Constants) -> Array:
    beyond = np.where(x < -c["lambd"], x + c["bias"], x - c["bias"])
    return np.where(np.abs(x) > c["lambd"], beyond, 0.0)


_FUNCTIONS: Mapping[str, Callable[[Array, _Constants], Array]] = {
    "Celu": lambda x, c: np.maximum(x, 0.0) + _exponential(x / c["alpha"], c["alpha"]),
    "Elu": lambda x, c: np.maximum(x, 0.0) + _exponential(x, c["alpha"]),
    "HardSigmoid": lambda x, c: np.clip(c["alpha"] * x + c["beta"], 0.0, 1.0),
    "Selu": lambda x, c: c["gamma"] * (np.maximum(x, 0.0) + _exponential(x, c["alpha"])),
    "Shrink": _shrink,
    "Swish": lambda x, c: x / (1.0 + np.exp(-c["alpha"] * x)),
    "ThresholdedRelu": lambda x, c: np.where(x > c["alpha"], x, 0.0),
}
# Of opset 6 and later.
_DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "Celu": {"alpha": 1.0},
    "Elu": {"alpha": 1.0},
    "HardSigmoid": {"alpha": 0.2, "beta": 0.5},
    "Selu": {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875},
    "Shrink": {"bias": 0.0, "lambd": 0.5},
    "Swish": {"alpha": 1.0},
    "ThresholdedRelu": {"alpha": 1.0},
}


class Activation(Lut):
    name = "activation"
    onnx = tuple(name for name in _FUNCTIONS if name != "Elu")
    saturation = 0.7

    @classmethod
    def onnx_attributes(cls, node: Node, draft: Draft) -> Mapping[str, Any]:
        constants = {k: float(node.attrs.get(k, v)) for k, v in _DEFAULTS[node.op].items()}
        return {"function": node.op, **constants}

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        with np.errstate(over="ignore"):
            return [_FUNCTIONS[node.attrs["function"]](inputs[0].astype(np.float64), node.attrs)]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: Int) -> Int:
        return nearest(cls, node, x, out, difference)

    @classmethod
    def cases(cls) -> list[Case]:
        ends = {
            "HardSigmoid": (1 / 255, -128),
            "Shrink": (0.05, 0),
            "ThresholdedRelu": (0.03, -128),
        }
        made = []
        for name, constants in _DEFAULTS.items():
            attrs: dict[str, Any] = {"function": name, **constants}
            made.append(case(cls, name.lower(), (0.05, 5), ends.get(name, (0.04, -90)), **attrs))
        return made
