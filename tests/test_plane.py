"""Sums of two int8 operands as one plane: equal for every pair, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit import fixed
from edgekit.families.plane import BITS, plane_of
from edgekit.ops.add import AddParams, add

A, B = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128), indexing="ij")


def sum_of(ratio1: float, ratio2: float, zeros: tuple[int, int, int], sign: int) -> AddParams:
    """A sum whose inputs' scales are so many times the output's."""
    twice = 2 * max(ratio1, ratio2)
    multiplier, shift = fixed.quantize_multiplier(twice / 2**20)
    operands = []
    for ratio, zero in zip((ratio1, ratio2), zeros, strict=False):
        m, s = fixed.quantize_multiplier(ratio / twice)
        factor = 2**21 if s < 0 else 2**22
        operands += [factor, -factor * zero, m, max(-s, 1)]
    return AddParams(*operands, sign, multiplier, -shift, zeros[2], -128, 127)


@pytest.mark.parametrize("seed", range(12))
def test_a_plane_is_the_sum_for_every_pair(seed: int) -> None:
    rng = np.random.default_rng(seed)
    zeros = tuple(rng.integers(-128, 128, 3).tolist())
    p = sum_of(*rng.uniform(0.1, 1.2, 2), zeros, 1 if seed % 3 else -1)
    plane = plane_of(add, p)
    assert plane is not None
    factor1, factor2, offset = (np.int32(number) for number in plane)
    sums = [factor1 * A, factor1 * A + factor2 * B, factor1 * A + factor2 * B + offset]
    assert max(np.abs(s.astype(np.int64)).max() for s in sums) < 2**31
    assert np.array_equal(np.clip(sums[2] >> BITS, -128, 127), add(p, A, B))


def test_a_sum_that_does_not_fit_is_refused() -> None:
    assert plane_of(add, sum_of(3.0, 2.5, (-128, 127, 0), 1)) is None
