"""Powers with one constant: x^c and c^x (Pow), a table like every function of one byte.

    out = the output step nearest to the power, ties to even

Where a power has no value (the root of a negative number, 0 to a negative power) it is that of the
closest number which has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.families.integers import import_integers
from edgekit.fixed import Int
from edgekit.graph import Graph, Node, Value, kept, plain
from edgekit.op import Array, Case, require
from edgekit.ops.lut import Lut, case
from edgekit.ops.real_function import nearest

if TYPE_CHECKING:
    from edgekit.draft import Draft

_EXPONENTS = 8
_LEAST = 1e-30  # the closest number to 0 that has every power


class Power(Lut):
    """Attribute `exponent`, or `base` where the exponent is the tensor."""

    name = "power"
    onnx = ("Pow",)
    saturation = 0.7

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        if plain(draft.value(node.inputs[0])):
            _import_integers(node, draft)
            return
        constants = [draft.real(name) for name in node.inputs]
        exponents = constants[1]
        if exponents is not None and exponents.size > 1 and constants[0] is None:
            _by_exponent(node, draft, exponents)
            return
        for key, index in (("exponent", 1), ("base", 0)):
            data = constants[index]
            if data is not None:
                whole = data.size == 1 and data.ndim <= len(draft.shape(node.inputs[1 - index]))
                require(whole, "a single number as the constant operand", node, data.shape)
                number = float(data.reshape(-1)[0])
                require(key == "exponent" or number > 0, "a positive base", node, number)
                draft.add(cls.name, node, [node.inputs[1 - index]], {key: number}, node.outputs[0])
                return
        require(False, "a constant base or exponent", node, node.inputs)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x, attrs = inputs[0].astype(np.float64), node.attrs
        with np.errstate(over="ignore"):
            if "base" in attrs:
                return [np.power(attrs["base"], x)]
            exponent = attrs["exponent"]
            if exponent != round(exponent):
                x = np.maximum(x, _LEAST)
            elif exponent < 0:
                x = np.where(np.abs(x) < _LEAST, _LEAST, x)
            return [np.minimum(np.power(x, exponent), np.finfo(np.float32).max)]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: Int) -> Int:
        return nearest(cls, node, x, out, difference)

    @classmethod
    def cases(cls) -> list[Case]:
        def powers(name: str, x: tuple[float, int], out: tuple[float, int], **attrs: Any) -> Case:
            return case(cls, name, x, out, **attrs)

        return [
            powers("cube", (0.03, 5), (0.4, 3), exponent=3.0),
            powers("root", (0.05, -128), (0.015, -128), exponent=0.5),
            powers("inverse", (0.05, -128), (0.05, -100), exponent=-1.0),
            powers("two_to_the", (0.03, 0), (0.06, -128), base=2.0),
        ]


def _import_integers(node: Node, draft: Draft) -> None:
    """Whole numbers to whole powers, in the type of the base."""
    x, y = node.inputs
    known, dtype = draft.const(y), kept(draft.value(x).dtype)
    if known is not None:
        require(bool(np.all(known == np.rint(known))), "whole exponents of whole numbers", node, y)
        y = draft.constant(y, known.astype(dtype))
    elif kept(draft.value(y).dtype) != dtype:
        require(
            plain(draft.value(y)), "whole exponents of whole numbers", node, draft.value(y).dtype
        )
        y = draft.add("cast", node, [y], {}, dtype=dtype)
    import_integers(node, draft, "pow", [x, y], node.outputs[0])


def _by_exponent(node: Node, draft: Draft, exponents: Array) -> None:
    """An exponent an element: the powers with each of them, chosen where it stands."""
    x = node.inputs[0]
    shape = tuple(np.broadcast_shapes(draft.shape(x), exponents.shape))
    every = np.broadcast_to(exponents, shape)
    found = np.unique(exponents)
    require(len(found) <= _EXPONENTS, f"at most {_EXPONENTS} exponents", node, len(found))
    made = ""
    for exponent in found:
        powers = draft.add("power", node, [x], {"exponent": float(exponent)})
        powers = draft.broadcast(node, powers, shape)
        if made:
            here = draft.constant(x, np.asarray(every == exponent))
            powers = draft.add("select", node, [here, powers, made], {}, dtype="float32")
        made = powers
    draft.same(node.outputs[0], made)
