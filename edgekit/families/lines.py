"""A rescaled sum as one line: ``(factor * v + offset) >> shift``, equal for every whole number v in reach."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgekit.op import Array

_MOST = 2**30  # of a product
_SHIFT = 22
_TRIED = (0, 1, -1, 2, -2)


class Line(NamedTuple):
    """factor and offset [channels] int64, shift to the right."""

    factor: Array
    offset: Array
    shift: int


def line_through(wanted: Array, slope: Array, v: Array, low: int, high: int) -> Line | None:
    """The line whose value, clamped to low..high, is `wanted` [channels, v] everywhere, near the real
    slopes [channels]. None where a channel has none.

    For a factor the offsets that serve are an interval; a clamped value bounds it at one side only.
    """
    reach, steepest = int(np.abs(v).max()), float(np.abs(slope).max())
    shift = _SHIFT
    while shift and (steepest * reach + 2 * max(abs(low), abs(high)) + 2) * 2**shift >= _MOST:
        shift -= 1
    unit = np.int64(1) << shift
    far = np.int64(2**40)
    least = np.where(wanted > low, wanted * unit, -far)
    most = np.where(wanted < high, (wanted + 1) * unit - 1, far)
    factor = offset = np.zeros(len(slope), np.int64)
    found = np.zeros(len(slope), bool)
    exact = np.rint(slope * float(unit)).astype(np.int64)
    # A channel that is one number for every v has a factor of 0.
    for tried in (*(exact + step for step in _TRIED), 0 * exact):
        rise = tried[:, None] * v
        first, last = (least - rise).max(axis=1), (most - rise).min(axis=1)
        nearest = np.clip(0, first, last)
        serves = (first <= last) & ~found & (np.abs(nearest) + np.abs(tried) * reach < 2**31)
        factor, offset = np.where(serves, tried, factor), np.where(serves, nearest, offset)
        found |= serves
    return Line(factor, offset, shift) if found.all() else None
