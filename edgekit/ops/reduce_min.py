"""Smallest value over any axes; of booleans, whether all hold (REDUCE_MIN, REDUCE_ALL).

out = smallest of in over the axes
"""

from __future__ import annotations

from edgekit.ops.reduce_max import ReduceMax


class ReduceMin(ReduceMax):
    name = "reduce_min"
    wide = "reduce_min_s16"
    tflite = ("REDUCE_MIN", "REDUCE_ALL")
    onnx = ("ReduceMin",)
    as_rows = ""
    sign = -1
