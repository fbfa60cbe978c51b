"""A border of one value around a tensor of int16.

out[i] = in[i - before] where that index exists, else value
"""

from __future__ import annotations

from edgekit.families import wide
from edgekit.op import Case
from edgekit.ops.pad import Pad


class PadWide(Pad):
    name = "pad_s16"
    kernel = "pad"
    element = "s16"
    wide = ""
    as_rows = ""
    tflite = ()
    onnx = ()
    dtype = "int16"

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls, Pad.cases())
