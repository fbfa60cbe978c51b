"""Sums of two int8 operands as one plane.

The rescaling of a sum is three products with three roundings (`ops/add.py`), but there are only 65,536
pairs of operands, and

    out = clamp((factor1 * a + factor2 * b + offset) >> 22)

is equal for each of them where the plane lies between the steps of the sum. That is found, and proved,
by trying them all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BITS = 22
_OPERAND = np.arange(-128, 128, dtype=np.int64)
_NEIGHBOURS = sorted(product(range(-2, 3), repeat=2), key=lambda step: abs(step[0]) + abs(step[1]))


class Plane(NamedTuple):
    """The numbers of the formula, each of them, and every partial sum, an int32."""

    factor1: int
    factor2: int
    offset: int


@lru_cache(maxsize=256)
def plane_of(formula: Callable[..., NDArray[Any]], p: Any) -> Plane | None:
    """The plane of formula(p, a, b), None where none of those near its slopes is equal to it.

    p: Params of `add`. The slopes are those of the real numbers that it stands for.
    """
    a, b = _OPERAND[:, None], _OPERAND[None, :]
    wanted = formula(p, a, b).astype(np.int64)
    scale = 2.0**BITS * p.multiplier / 2 ** (31 + p.right)
    slopes = (
        scale * p.factor1 / 2 * p.multiplier1 / 2 ** (31 + p.right1),
        scale * p.factor2 / 2 * p.multiplier2 / 2 ** (31 + p.right2) * p.sign2,
    )
    lowest = (wanted << BITS)[wanted > p.out_min]
    highest = ((wanted + 1 << BITS) - 1)[wanted < p.out_max]
    for step in _NEIGHBOURS:
        factors = [round(slope) + more for slope, more in zip(slopes, step, strict=True)]
        sums = factors[0] * a + factors[1] * b
        least = (lowest - sums[wanted > p.out_min]).max(initial=-(2**40))
        most = (highest - sums[wanted < p.out_max]).min(initial=2**40)
        found = Plane(factors[0], factors[1], int(least + most) // 2)
        if least <= most and 128 * sum(map(abs, factors)) + abs(found.offset) < 2**31:
            return found
    return None
