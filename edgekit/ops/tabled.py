"""What another operator is for a constant second operand: a table of the 256 results.

out = table[byte of in]

Comparisons, minima, quotients and the like against one number become this; see `ops/pairwise.py`.
"""

from __future__ import annotations

import numpy as np

from edgekit.fixed import Int
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case
from edgekit.ops.lut import Lut, case


class Tabled(Lut):
    name = "tabled"

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.maximum(inputs[0], node.attrs["floor"])]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: Int) -> Int:
        lowest = round(node.attrs["floor"] / x.scale)
        return np.asarray(np.maximum(difference, lowest)) + out.zero_point

    @classmethod
    def cases(cls) -> list[Case]:
        return [case(cls, "floor", (0.05, 5), (0.05, 5), floor=-2.0)]
