"""Elementwise subtraction of two tensors of one shape: `add` with a negative second operand.

out = requantize(r1(a) - r2(b), m) + zero_out
"""

from __future__ import annotations

from edgekit.ops.add import Add


class Sub(Add):
    name = "sub"
    wide = "sub_s16"
    tflite = ("SUB",)
    onnx = ("Sub",)
    sign = -1
