"""Larger or smaller of two elements (MAXIMUM, MINIMUM); of booleans LOGICAL_OR and LOGICAL_AND.

    out = a if sign * a > sign * b else b

Operands and output have one type, scale and zero point: the integers are compared as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.cases import activation, single
from edgekit.families.integers import import_integers
from edgekit.families.movement import check_moved
from edgekit.graph import Graph, Node, plain
from edgekit.op import Array, Case, Params, Shape, c_field
from edgekit.ops.pairwise import Pairwise

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class ExtremumParams(Params):
    sign: int = c_field("int32_t", "1 for the larger, -1 for the smaller")


class Extremum(Pairwise):
    name = "extremum"
    wide = "extremum_s16"
    kernel = "extremum"
    Params = ExtremumParams
    tflite = ("MAXIMUM", "MINIMUM", "LOGICAL_OR", "LOGICAL_AND")
    onnx = ("Max", "Min")
    dtypes = ("int8", "bool")
    same_scale = True

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        """Of any number of operands."""
        first, *others = node.inputs
        if plain(draft.value(first)):
            import_integers(node, draft, node.op.lower(), node.inputs, node.outputs[0])
            return
        attrs = {"sign": 1 if node.op == "Max" else -1}
        for i, name in enumerate(others, 1):
            output = node.outputs[0] if i == len(others) else ""
            first = draft.binary(node, cls.name, first, name, output, attrs)
        if not others:
            draft.same(node.outputs[0], first)

    @classmethod
    def attributes(cls, node: Node) -> Mapping[str, Any]:
        return {"sign": 1 if node.op in ("MAXIMUM", "LOGICAL_OR") else -1}

    @classmethod
    def function(cls, node: Node, a: Array, b: Array) -> Array:
        return np.maximum(a, b) if node.attrs["sign"] > 0 else np.minimum(a, b)

    @classmethod
    def params(cls, node: Node, graph: Graph) -> ExtremumParams:
        check_moved(node, graph, node.inputs)
        return ExtremumParams(node.attrs["sign"])

    @classmethod
    def run(cls, p: ExtremumParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        return [np.maximum(*inputs) if p.sign > 0 else np.minimum(*inputs)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, sign: int) -> Case:
            operands = [activation("a", shape, 0.05, 3), activation("b", shape, 0.05, 3)]
            output = activation("output", shape, 0.05, 3)
            return single(cls, name, operands, [output], {"sign": sign})

        return [case("larger", (1, 4, 5, 3), 1), case("smaller", (17,), -1)]
