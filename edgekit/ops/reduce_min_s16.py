"""Smallest value of int16 over any axes: the kernel of `reduce_max_s16`.

out = smallest of in over the axes
"""

from __future__ import annotations

from edgekit.ops.reduce_max_s16 import ReduceMaxWide
from edgekit.ops.reduce_min import ReduceMin


class ReduceMinWide(ReduceMaxWide):
    name = "reduce_min_s16"
    narrow = ReduceMin
