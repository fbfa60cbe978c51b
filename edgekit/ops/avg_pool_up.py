"""Average pooling of a legacy uint8 file, whose ties go up.

    out = clamp(floor((sum of the window's cells inside the input + floor(count / 2)) / count))

uint8 numbers are positive, so that their rounding upwards is away from zero there; 128 steps further down it
is not. Otherwise as `avg_pool`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from edgekit.families import pooling
from edgekit.families.window import WindowParams
from edgekit.fixed import saturate
from edgekit.op import Array, Variant
from edgekit.ops.avg_pool import AvgPool


class AvgPoolUp(AvgPool):
    name = "avg_pool_up"
    kernel = "avg_pool_up"
    as_rows = ""
    variants: ClassVar[tuple[Variant, ...]] = ()
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def run(cls, p: WindowParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        total = pooling.windows(p, inputs[0], 0).sum(axis=(3, 4), dtype=np.int32)
        count = pooling.counts(p)
        return [saturate((total + count // 2) // count, p.out_min, p.out_max)[:, None]]
