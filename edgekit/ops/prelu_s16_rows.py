"""Rectifier of int16 with slopes, row by row: the kernel of `prelu_s16`, called for each row.

out[y] = the formula of `prelu_s16` on in[y] and slopes without rows
"""

from __future__ import annotations

from edgekit.families import wide
from edgekit.families.each_row import WithConstant
from edgekit.op import Case
from edgekit.ops.prelu_rows import PreluRows
from edgekit.ops.prelu_s16 import PreluWide


class PreluWideRows(WithConstant, PreluWide):
    name = "prelu_s16_rows"

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls, PreluRows.cases())
