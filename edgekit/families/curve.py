"""Functions of int16 kept as 513 points and read between them; twin of `runtime/include/ek_curve.h`.

The points are those of TensorFlow Lite Micro's 16-bit tables: chords miss a bent function most in
their middle, so each point gives up half of what the chord behind it misses there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgekit import fixed
from edgekit.op import Array

POINTS = 513


def table(function: Callable[[Array], Array], low: float, high: float, scale: float) -> Array:
    """Points of a real function from `low` to `high`, in steps of `scale`, int16.

    In float32, in the order that TensorFlow Lite Micro computes them in.
    """
    single = np.float32
    step = (single(high) - single(low)) / single(POINTS - 1)
    at = single(low) + np.arange(POINTS, dtype=single) * step
    inverse = single(1 / scale)

    def sampled(x: Array) -> Array:
        return np.asarray(function(x.astype(np.float64)), single) * inverse

    exact, middle = sampled(at), sampled(at[:-1] + step / single(2))
    points = _rounded(exact)
    chord = _rounded((exact[1:] + points[:-1]) / single(2))
    points[:-1] -= _rounded((chord - _rounded(middle)) / single(2))
    return fixed.saturate16(points)


def values(x: Array, points: Array) -> fixed.Int:
    """The function at int16 numbers."""
    place = x.astype(np.int64) + 32768
    at, rest = place >> 7, place & 127
    wide = points.astype(np.int64)
    return np.asarray(wide[at] + (((wide[at + 1] - wide[at]) * rest + 64) >> 7))


def _rounded(x: Array) -> Array:
    return fixed.round_half_away(x).astype(np.float32)
