"""Elementwise subtraction where an operand is smaller than the output and repeats.

out[i] = the formula of `sub` on a[i] and b[i], an axis of size 1 read again for every index
"""

from __future__ import annotations

from edgekit.ops.add_broadcast import AddBroadcast
from edgekit.ops.sub import Sub


class SubBroadcast(AddBroadcast):
    name = "sub_broadcast"
    wide = "sub_s16"
    sign = Sub.sign
