"""Elementwise product of a map and a constant that is the same for every row, row by row.

The formula of `mul`; the kernel of `mul_broadcast` is called for each row inside a stream.
"""

from __future__ import annotations

from edgekit.families.each_row import WithConstant, broadcast_cases
from edgekit.op import Case
from edgekit.ops.mul_broadcast import MulBroadcast


class MulBroadcastRows(WithConstant, MulBroadcast):
    name = "mul_broadcast_rows"

    @classmethod
    def cases(cls) -> list[Case]:
        return broadcast_cases(cls, 0.4)
