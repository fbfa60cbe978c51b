"""Rectifier with a slope per element, usually per channel, row by row.

The formula of `prelu`, whose kernel is called for each row inside a stream; the slopes are the same for
every row.
"""

from __future__ import annotations

from edgekit.cases import activation, single
from edgekit.families.each_row import WithConstant, operands
from edgekit.op import Case, Shape
from edgekit.ops.prelu import Prelu


class PreluRows(WithConstant, Prelu):
    name = "prelu_rows"

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, alpha: Shape) -> Case:
            output = activation("output", x, 0.15, -20)
            return single(cls, name, operands(cls, name, (x, alpha), 0), [output])

        return [
            case("channels", (1, 4, 5, 3), (1, 1, 3)),
            case("one_slope", (1, 4, 5, 3), (1, 1, 1)),
            case("row", (1, 3, 5, 3), (1, 5, 3)),
        ]
