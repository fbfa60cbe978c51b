"""Any function of one int16 value, read between 513 points.

    out = clamp(P[i] + floor(((P[i + 1] - P[i]) * r + 64) / 128)),  in + 32768 = 128 * i + r

What unary operators become whose numbers are our own; those of a TensorFlow Lite file that have a
kernel of 16 bits have it here too (`rescale_s16`, `gate_s16`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.families import curve
from edgekit.families.wide import Wide
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Const, Params, Shape, c_field, int16_pair


@dataclass(frozen=True)
class CurveParams(Params):
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


class Curve(Wide):
    name = "curve_s16"
    kernel = "curve"
    Params = CurveParams
    consts = (Const("points", "int16_t", "[513], the function at -32768, -32640, ..., 32768"),)
    inplace = (0,)
    elementwise = True
    tolerance = 4.0

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.sin(inputs[0])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        return cls.of(node, graph, np.sin)

    @classmethod
    def of(cls, node: Node, graph: Graph, function: Callable[[Array], Array]) -> IntNode:
        """The node for a function of real values."""
        int16_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        edge = 32768 * x.scale

        def bounded(values: Array) -> Array:
            with np.errstate(all="ignore"):
                found = np.nan_to_num(function(values), nan=0.0)
            return np.asarray(np.clip(found, -65536 * out.scale, 65536 * out.scale))

        consts = {"points": curve.table(bounded, -edge, edge, out.scale)}
        return IntNode(node.name, cls, CurveParams(-32768, 32767), (x.name,), node.outputs, consts)

    @classmethod
    def run(cls, p: CurveParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        return [fixed.saturate16(curve.values(inputs[0], consts["points"]), p.out_min, p.out_max)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, scale: float, shape: Shape) -> Case:
            ins = activation("input", shape, scale, 0, "int16")
            return single(cls, name, [ins], [activation("output", shape, 4e-5, 0, "int16")])

        return [case("sine", 1e-4, (1, 5, 7, 3)), case("single", 5e-5, (1,))]
