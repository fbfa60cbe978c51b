"""Step functions: real functions of two values with one edge between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from edgekit.op import Array

_TOLERANCE = 1e-6
# Where a function is looked at: around every power of ten that networks hold, and densely between.
_SIZES = np.concatenate([np.geomspace(1e-30, 1e-4, 105), np.geomspace(1.0001e-4, 1e6, 2003)])
_PROBES = np.unique(np.concatenate([-_SIZES, [0.0], _SIZES])).astype(np.float32)


class Step(NamedTuple):
    """1 from `edge` on and `low` (-1 or 0) below, or up to `edge` and beyond where it falls.

    third: at the very edge the function has a value of its own, which counts as 1.
    """

    edge: float
    rising: bool
    low: float
    third: bool = False


def step_of(function: Callable[[Array], Array]) -> Step | None:
    """The step that a function of one real number is; None where it is none, or one of other values.

    Numbers are those of float32.
    """
    # Exponentials overflow far out; what is no number there is no step.
    with np.errstate(all="ignore"):
        y = function(_PROBES.astype(np.float64))
    if not np.isfinite(y).all():
        return None
    first, last = (float(np.rint(y[i])) for i in (0, -1))
    if {first, last} not in ({-1.0, 1.0}, {0.0, 1.0}):
        return None
    low, rising = min(first, last), last == 1.0

    def upper(values: Array) -> Array:
        return np.abs(values - low) > _TOLERANCE

    is_upper = upper(y) if rising else upper(y)[::-1]
    others = upper(y) & (np.abs(y - 1.0) > _TOLERANCE)
    turns = np.flatnonzero(is_upper[1:] != is_upper[:-1])
    if len(turns) != 1 or others.sum() > 1:
        return None
    ordered = _PROBES if rising else _PROBES[::-1]
    below, edge = (np.float32(ordered[turns[0] + i]) for i in (0, 1))
    while True:
        middle = np.float32((np.float64(below) + np.float64(edge)) / 2)
        if middle in (below, edge):
            break
        if upper(function(np.array([middle], np.float64)))[0]:
            edge = middle
        else:
            below = middle
    # A lone third value stands at the edge or nowhere.
    if others.any() and float(_PROBES[others][0]) != float(edge):
        return None
    return Step(float(edge), rising, low, bool(others.any()))
