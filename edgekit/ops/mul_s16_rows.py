"""Product of int16 maps, row by row: the kernel of `mul_s16`, called for each row of the maps.

out[y] = the formula of `mul_s16` on a[y] and b[y], or on a[y] and a constant without rows
"""

from __future__ import annotations

from edgekit.families import each_row, wide
from edgekit.families.each_row import WithConstant
from edgekit.op import Case
from edgekit.ops.mul_s16 import MulWide


class MulWideRows(WithConstant, MulWide):
    name = "mul_s16_rows"

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls, each_row.broadcast_cases(cls, 0.2))
