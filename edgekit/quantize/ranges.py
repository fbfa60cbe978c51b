"""The range of real values that 256 integer steps are spread over, by four rules.

Values are counted in a histogram that grows by doubling, so that samples stream past it and any two
histograms can be added. A range always holds 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Quant

Array = NDArray[Any]
Range = tuple[float, float]

_BINS = 8192  # over [-limit, limit]
_STEPS = 255
_LEAST_SCALE = 1e-30


class Histogram:
    """Counts of real values; zeros are kept apart, because every range has an exact zero.

    limit: a power of two, 0 while nothing was counted. low, high: the extremes, 0 among them.
    """

    def __init__(self) -> None:
        self.limit = 0.0
        self.counts = np.zeros(_BINS, np.int64)
        self.zeros = 0
        self.low = self.high = 0.0

    def add(self, x: Array) -> None:
        """Count the elements of a finite array."""
        x = x.reshape(-1)
        low, high = float(x.min(initial=0)), float(x.max(initial=0))
        self.low, self.high = min(self.low, low), max(self.high, high)
        nonzero = x[x != 0]
        self.zeros += x.size - nonzero.size
        if nonzero.size:
            self._reach(max(-low, high))
            at = (nonzero * (_BINS / 2 / self.limit) + _BINS / 2).astype(np.int64)
            self.counts += np.bincount(np.clip(at, 0, _BINS - 1), minlength=_BINS)

    def merge(self, other: Histogram) -> None:
        """Count everything that another histogram has counted."""
        copy = Histogram()
        copy.limit, copy.counts = other.limit, other.counts
        if other.limit:
            self._reach(other.limit)
            copy._reach(self.limit)
        self.counts = self.counts + copy.counts
        self.zeros += other.zeros
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    def _reach(self, value: float) -> None:
        if not self.limit:
            self.limit = 2.0 ** math.ceil(math.log2(value))
        while self.limit < value:
            self.limit *= 2
            grown = np.zeros(_BINS, np.int64)
            grown[_BINS // 4 : 3 * _BINS // 4] = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = grown

    @property
    def centres(self) -> Array:
        return (np.arange(_BINS) + 0.5 - _BINS / 2) * (2 * self.limit / _BINS)


def minmax(h: Histogram) -> Range:
    """Everything that was seen."""
    return h.low, h.high


def percentile(h: Histogram, share: float = 0.99995) -> Range:
    """All but the outermost values: `share` of them stay, the rest is cut at both ends alike."""
    total = int(h.counts.sum()) + h.zeros
    cut = total * (1 - share) / 2
    ordered = h.counts.copy()
    ordered[_BINS // 2] += h.zeros
    upto = np.cumsum(ordered)
    width = 2 * h.limit / _BINS
    first = int(np.searchsorted(upto, cut, side="right"))
    last = int(np.searchsorted(upto, total - cut, side="left"))
    low, high = (first * width - h.limit, (last + 1) * width - h.limit)
    return max(h.low, min(low, 0.0)), min(h.high, max(high, 0.0))


def mse(h: Histogram) -> Range:
    """The range of least mean squared error, rounding and clipping together."""
    x, counts = _seen(h)

    def loss(low: float, high: float) -> float:
        quant = affine(low, high)
        scale, zero = quant.scale[0], quant.zero_point[0]
        q = np.clip(np.rint(x / scale) + zero, -128, 127) - zero
        return float((counts * (x - q * scale) ** 2).sum())

    return _least(h, loss)


def entropy(h: Histogram) -> Range:
    """The range whose 256 levels keep most of the distribution: least Kullback-Leibler divergence."""
    x, counts = _seen(h)

    total = counts.sum()

    def loss(low: float, high: float) -> float:
        inside = (x >= low) & (x <= high)
        kept = counts[inside] / total
        if not kept.size:
            return math.inf
        p = kept.copy()
        p[0] += counts[x < low].sum() / total
        p[-1] += counts[x > high].sum() / total
        level = np.rint((x[inside] - low) * (_STEPS / (high - low))).astype(np.int64)
        q = (np.bincount(level, kept) / np.maximum(np.bincount(level), 1))[level]
        return float((p * np.log(p / (q / q.sum()))).sum())

    return _least(h, loss)


RANGES: dict[str, Callable[[Histogram], Range]] = {
    "minmax": minmax,
    "percentile": percentile,
    "mse": mse,
    "entropy": entropy,
}


def _seen(h: Histogram) -> tuple[Array, Array]:
    """Centres and counts of the bins that hold anything."""
    at = np.flatnonzero(h.counts)
    return h.centres[at], h.counts[at].astype(np.float64)


def _least(h: Histogram, loss: Callable[[float, float], float]) -> Range:
    """One end after the other is moved inwards to where the loss is least, twice."""
    low, high = h.low, h.high
    if low == high:
        return low, high
    shares = np.linspace(1.0, 0.2, 81)
    for _ in range(2):
        if h.high > 0:
            high = min((loss(low, h.high * t), -t, h.high * t) for t in shares)[2]
        if h.low < 0:
            low = min((loss(h.low * t, high), -t, h.low * t) for t in shares)[2]
    return float(low), float(high)


def power_of_two(low: float, high: float) -> Quant:
    """int16 numbers around 0, their step a power of two of at least 2^-15, with at least a factor of two
    to spare: what a network accumulates may grow beyond what was seen."""
    exponent = max(math.frexp(max(-low, high))[1] + 1, 0)
    return Quant((2.0 ** (exponent - 15),), (0,))


def affine(low: float, high: float, power: bool = False) -> Quant:
    """int8 numbers for a range that holds 0. A range of nothing but 0 gets steps of 1/255. power: the
    step is the next longer power of two."""
    if high - low <= 0:
        low, high = 0.0, 1.0
    scale = _step((high - low) / _STEPS, power)
    zero = int(np.clip(np.rint(-128 - low / scale), -128, 127))
    return Quant((scale,), (zero,))


def symmetric(low: float, high: float, power: bool = False) -> Quant:
    """int16 numbers for a range: zero point 0, the larger end is 32767 or, by a power of two, less."""
    return Quant((_step((max(-low, high) or 1.0) / 32767, power),), (0,))


def _step(wanted: float, power: bool) -> float:
    scale = float(np.float32(max(wanted, _LEAST_SCALE)))
    return 2.0 ** math.ceil(math.log2(scale)) if power else scale
