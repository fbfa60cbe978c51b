"""Elementwise subtraction of int16: `add_s16` with a negative second operand.

out = requantize(r1(a) - r2(b), m)
"""

from __future__ import annotations

from edgekit.ops.add_s16 import AddWide
from edgekit.ops.sub import Sub


class SubWide(AddWide):
    name = "sub_s16"
    narrow = Sub
    sign = Sub.sign
