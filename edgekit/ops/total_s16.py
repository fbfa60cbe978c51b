"""Sum of int16 over any axes: the kernel of `mean_s16`.

out = requantize(sum over the axes of in, scale_in / scale_out)
"""

from __future__ import annotations

from edgekit.ops.mean_s16 import MeanWide
from edgekit.ops.total import Total


class TotalWide(MeanWide):
    name = "total_s16"
    narrow = Total
    keeps_range = False
