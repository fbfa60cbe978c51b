"""Weights of few distinct numbers: a code book of int8 values a layer, zero among them.

Channels are brought to one shape by their scales, and the book is the exact optimum of one-dimensional k-means over the
int8 numbers of all of them, each weighted with what an error does to the layer's output. There are 255
numbers only, so that a dynamic programme over where one value's neighbourhood ends finds it (Wang and Song,
2011, https://doi.org/10.32614/RJ-2011-015). Then the weights are rounded onto the book (`sweep`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.quantize.sweep import Sweep, refitted

Array = NDArray[Any]

LARGEST = 127
_NUMBERS = np.arange(-LARGEST, LARGEST + 1)


def in_book(weights: Array, moments: Array | None, bits: int) -> tuple[Array, Array]:
    """int8 levels of at most 2^bits distinct numbers, and scales [channels], for weights [channels, taps].

    moments: of the layer's windows (`sweep`). Levels are all 0 where weights are.
    """
    scale = _scales(weights)
    safe = np.where(scale > 0, scale, 1.0)
    sweep = Sweep.of(moments, weights.shape[1])
    numbers = book(_histogram(weights, safe, sweep), 2**bits).astype(np.float64)
    between = (numbers[:-1] + numbers[1:]) / 2
    levels = sweep.rounded(weights, safe, lambda x, price: numbers[np.searchsorted(between, x)])
    return levels, np.where(scale > 0, refitted(weights, levels, safe, moments), 0.0)


def _scales(weights: Array) -> Array:
    """In proportion to a channel's standard deviation; the largest weight of all is 127."""
    deviation = np.sqrt((weights**2).mean(axis=1))
    relative = np.abs(weights).max(axis=1) / np.where(deviation > 0, deviation, 1.0)
    return np.asarray(deviation * relative.max() / LARGEST)


def _histogram(weights: Array, scale: Array, sweep: Sweep) -> Array:
    """What errors of one step cost in all weights that are nearest to each number from -127 to 127: [255]."""
    steps = np.clip(np.rint(weights / scale[:, None]), -LARGEST, LARGEST)
    cost = sweep.use(len(weights)) * scale[:, None] ** 2
    at = steps.astype(np.int64) + LARGEST
    return np.bincount(at.ravel(), cost.ravel(), len(_NUMBERS))


def book(cost: Array, count: int) -> Array:
    """At most `count` ascending int8 numbers, 0 among them, with the least sum of cost times squared distance to
    the nearest of them. cost: of the numbers from -127 to 127, [255]."""
    own, zero = _errors(cost)
    # Of the numbers before j, in k neighbourhoods: without and with one whose value is 0.
    without = np.full(len(_NUMBERS) + 1, np.inf)
    without[0], within = 0.0, np.full(len(_NUMBERS) + 1, np.inf)
    choices = []
    for _ in range(min(count, len(_NUMBERS))):
        ways = [without[:, None] + own, within[:, None] + own, without[:, None] + zero]
        begins = [way.argmin(axis=0) for way in ways]
        without, kept, fresh = (way.min(axis=0) for way in ways)
        choices.append((begins, fresh < kept))
        within = np.minimum(kept, fresh)
    return _traced(choices, cost)


def _errors(cost: Array) -> tuple[Array, Array]:
    """Of the numbers from i to before j, around their best int8 value and around 0: [256, 256], infinite
    where i is not before j."""
    before = [np.concatenate([[0.0], np.cumsum(cost * _NUMBERS**power)]) for power in range(3)]
    w, m, s = (x[None, :] - x[:, None] for x in before)
    value = np.rint(m / np.where(w > 0, w, 1.0))
    empty = np.tri(len(w), dtype=bool)
    own = np.maximum(s - 2 * value * m + value**2 * w, 0.0)
    return np.where(empty, np.inf, own), np.where(empty, np.inf, s)


def _traced(choices: list[tuple[list[Array], Array]], cost: Array) -> Array:
    """The values of the neighbourhoods that the last step's best way is made of."""
    end, values, zero_to_come = len(_NUMBERS), [], True
    for begins, fresh in reversed(choices):
        here = zero_to_come and bool(fresh[end])
        begin = int(begins[2 if here else int(zero_to_come)][end])
        weight = float(cost[begin:end].sum())
        mean = float((cost * _NUMBERS)[begin:end].sum()) / weight if weight > 0 else 0.0
        values.append(0 if here else round(mean))
        zero_to_come, end = zero_to_come and not here, begin
    return np.unique(np.array(values, np.int8))
