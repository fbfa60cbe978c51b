"""Weights for entropy-coded storage: levels of the int8 grid that trade a layer's output error for code length.

All channels of a layer share one histogram, so one code. A level costs the output error that it leaves (`sweep`) and,
times `trade`, the bits that the histogram of the last round gives it; a few rounds settle both
(entropy-constrained quantization: Chou, Lookabaugh, Gray, 1989, https://doi.org/10.1109/29.17498). Steps of
channels lie between one real number for all, which gives most bits to channels with large weights, and one in
proportion to a channel's weights, which gives all of them as many.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.quantize.sweep import Sweep, refitted

Array = NDArray[Any]

LARGEST = 127
_ROUNDS = 3  # of histogram and levels
_TRIES = 8  # of a step, each nearer to the wanted rate
_CLOSE = 0.01  # bits a weight
_UNSEEN = 1 / 16  # of a weight: what a level counts that none has yet, so that it can be taken
# At high rates a step s costs s^2 / 12 a weight, and a bit more halves s: dD/dR = -2 ln 2 D.
_SLOPE = 2 * np.log(2) / 12
_FIRST = 3.5  # standard deviations that 2^bits steps span, about, at these bits of entropy


def entropy(levels: Array) -> float:
    """Bits a weight of an ideal code for these levels, without its table."""
    if not levels.size:
        return 0.0
    shares = np.unique(levels, return_counts=True)[1] / levels.size
    return float(max(0.0, -(shares * np.log2(shares)).sum()))


def at_rate(
    weights: Array, moments: Array | None, bits: float, live: Array | None = None, trade: float = _SLOPE
) -> tuple[Array, Array]:  # fmt: skip
    """int8 levels and scales [channels] for weights [channels, taps], with about so many bits of entropy a weight.

    moments: of the layer's windows (`sweep`). live: which weights flash will hold, [channels,
    taps]; bits are counted of those. trade: what a bit may cost, in squared steps of
    a tap's average price; 0 rounds without regard to code length. Levels are all 0 where weights are.
    """
    sweep = Sweep.of(moments, weights.shape[1])
    shape, live = _steps(weights, sweep), _some(live, weights)
    step = _FIRST * float(np.sqrt((weights[live] ** 2).mean())) / 2**bits
    if step == 0:
        return np.zeros(weights.shape, np.int8), np.zeros(len(weights))
    best: tuple[float, Array, Array] | None = None
    for _ in range(_TRIES):
        scale = np.maximum(step * shape, np.abs(weights).max(axis=1) / LARGEST)
        safe = np.where(scale > 0, scale, 1.0)
        levels = traded(weights, safe, sweep, trade * float(sweep.price.mean()) * step**2, live)
        missed = entropy(levels[live]) - bits
        if best is None or abs(missed) < best[0]:
            best = abs(missed), levels, safe
        if abs(missed) < _CLOSE:
            break
        step *= 2.0**missed
    assert best is not None
    return best[1], refitted(weights, best[1], best[2], moments)


def _some(live: Array | None, weights: Array) -> Array:
    """`live`, or all weights where that leaves none."""
    return np.ones(weights.shape, bool) if live is None or not live.any() else live


def _steps(weights: Array, sweep: Sweep) -> Array:
    """Each channel's step beside the layer's. An error would cost the same in every channel's output, were it not
    that channels with small weights have what follows multiply them: by the root of their deviation."""
    price = sweep.price.mean(axis=1)
    even = np.repeat(np.sqrt(price.mean() / price), len(weights) // len(price))
    deviation = np.sqrt((weights**2).mean(axis=1))
    mean = deviation.mean()
    relative = np.where(deviation > 0, deviation, mean) / (mean if mean > 0 else 1.0)
    return np.asarray(even * np.sqrt(relative))


def traded(weights: Array, scale: Array, sweep: Sweep, trade: float, live: Array) -> Array:
    """Levels for weights [channels, taps] in steps of their scales; trade: squared output error that a bit
    is worth."""
    levels = sweep.rounded(weights, scale, lambda x, price: _clipped(np.rint(x)))
    for _ in range(_ROUNDS if trade > 0 else 0):
        choose = functools.partial(_cheapest, bits=trade * _lengths(levels[live]))
        levels = sweep.rounded(weights, scale, choose)
    return levels


def _lengths(levels: Array) -> Array:
    """Bits of each level from -127 to 127 by these levels' histogram: [255]."""
    counts = np.bincount(levels.reshape(-1).astype(np.int64) + LARGEST, minlength=2 * LARGEST + 1)
    return np.asarray(-np.log2((counts + _UNSEEN) / (counts + _UNSEEN).sum()))


def _clipped(x: Array) -> Array:
    return np.asarray(np.clip(x, -LARGEST, LARGEST))


def _cheapest(x: Array, price: Array, bits: Array) -> Array:
    """Of the nearest level, the two next towards zero, and zero: the one of least error and bits together."""
    nearest = _clipped(np.rint(x))
    inward = np.sign(nearest)
    best, least = nearest, np.full(x.shape, np.inf)
    for level in (nearest, nearest - inward, nearest - 2 * inward, np.zeros_like(x)):
        cost = (x - level) ** 2 * price + bits[level.astype(np.int64) + LARGEST]
        best, least = np.where(cost < least, level, best), np.minimum(cost, least)
    return best
