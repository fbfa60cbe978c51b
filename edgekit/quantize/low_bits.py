"""Integer weights by least squares: numbers and a scale per channel, so that a quadratic form is small.

For a channel the error is (s n - w)^T H (s n - w): n are its integers, s its scale, w the real weights that would serve
best, H the second moments of what they are multiplied with. Scales are tried from a grid; each
rounds the weights one after the other, the most used first, what a weight loses being spread over those still to come
(optimal brain compression in the form of GPTQ: Frantar et al., 2022, https://arxiv.org/abs/2210.17323). The best goes
on by coordinate descent: one integer at a time to where the error is least, then the scale by least squares.
Weights that are 0, because they were pruned, stay 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_FACTORS = np.linspace(0.25, 1.05, 17)  # of the scale that reaches a channel's largest weight
_FACTORS_OF_BYTES = np.linspace(0.9, 1.0, 3)
_SWEEPS = 8
_BLOCK = 64  # weights whose losses are spread over the rest by one product


def span(bits: int) -> tuple[int, int]:
    """The least and greatest number of so many bits: -8 and 7 of four; of eight -127 and 127."""
    return (-127, 127) if bits == 8 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def largest(weights: Array, bits: int) -> Array:
    """The scale per channel of weights [channels, taps] whose largest one is the greatest number."""
    return np.asarray(np.abs(weights).max(axis=1) / span(bits)[1])


def powers(scale: Array) -> Array:
    """The nearest powers of two; 0 stays."""
    return np.where(scale > 0, np.exp2(np.rint(np.log2(np.where(scale > 0, scale, 1.0)))), 0.0)


def nearest(weights: Array, scale: Array, bits: int) -> Array:
    """Each weight of [channels, taps] to the nearest of its channel's steps, int8; scale > 0."""
    return np.asarray(np.clip(np.rint(weights / scale[:, None]), *span(bits)), np.int8)


def scales(weights: Array, bits: int, use: Array | None = None, power: bool = False) -> Array:
    """The scale per channel, of a grid, whose nearest numbers are off least; 0 where all weights are.

    use: [channels, taps], what each weight's squared error counts. power: powers of two alone.
    """
    tried = _tried(weights, bits, power)
    safe = np.where(tried > 0, tried, 1.0)[..., None]
    error = (safe * np.clip(np.rint(weights / safe), *span(bits)) - weights) ** 2
    best = (error if use is None else error * use).sum(axis=2).argmin(axis=0)
    return np.asarray(tried[best, np.arange(len(weights))])


def fitted(
    weights: Array, h: Array, bits: int, power: bool = False, zero: Array | None = None
) -> tuple[Array, Array]:
    """Integers [channels, taps], int8, and the scales [channels] of real weights; where a channel has no
    weight but 0 its scale is 0. h: positive definite [taps, taps]. zero: those that must be 0, [channels, taps]."""
    order = np.argsort(-np.diagonal(h), kind="stable")
    sorted_h, w = h[np.ix_(order, order)], weights[:, order].astype(np.float64)
    free = np.ones(w.shape, bool) if zero is None else ~zero[:, order]
    grid = _tried(w * free, bits, power)
    grid = np.where(grid > 0, grid, 1.0)
    spreading = np.linalg.cholesky(np.linalg.inv(sorted_h)).T
    # The nearest numbers are tried, too, so that none are worse than those.
    ways = [(_one_by_one(w, free, scale, spreading, bits), scale) for scale in grid]
    ways += [(nearest(w * free, scale, bits).astype(np.float64), scale) for scale in grid]
    best = np.array([_errors(n, s, w, sorted_h) for n, s in ways]).argmin(axis=0)
    numbers = np.stack([ways[way][0][row] for row, way in enumerate(best)])
    scale = np.array([ways[way][1][row] for row, way in enumerate(best)])
    scaled = bits < 8 and not power
    numbers, scale = _descended(numbers, scale, w, free, sorted_h, bits, scaled)
    result = np.empty(w.shape, np.int8)
    result[:, order] = numbers
    return result, np.where(numbers.any(axis=1), scale, 0.0)


def _tried(weights: Array, bits: int, power: bool) -> Array:
    """Scales [candidates, channels]."""
    factors = _FACTORS_OF_BYTES if bits == 8 else _FACTORS
    tried = largest(weights, bits) * factors[:, None]
    return powers(tried) if power else tried


def _errors(numbers: Array, scale: Array, weights: Array, h: Array) -> Array:
    off = numbers * scale[:, None] - weights
    return np.asarray(((off @ h) * off).sum(axis=1))


def _one_by_one(weights: Array, free: Array, scale: Array, factor: Array, bits: int) -> Array:
    """Rounded tap by tap. factor: the upper Cholesky factor of H's inverse, whose rows say how much of an
    error the taps still to come can make up for."""
    left, made = weights.astype(np.float64), np.empty(weights.shape)
    for first in range(0, len(factor), _BLOCK):
        end = min(first + _BLOCK, len(factor))
        errors = np.empty((len(left), end - first))
        for k in range(first, end):
            made[:, k] = np.clip(np.rint(left[:, k] / scale), *span(bits)) * free[:, k]
            errors[:, k - first] = (left[:, k] - made[:, k] * scale) / factor[k, k]
            left[:, k + 1 : end] -= errors[:, k - first, None] * factor[k, k + 1 : end]
        left[:, end:] -= errors @ factor[first:end, end:]
    return made


def _descended(
    numbers: Array, scale: Array, weights: Array, free: Array, h: Array, bits: int, scaled: bool
) -> tuple[Array, Array]:
    """Coordinate descent over the free numbers; no step makes a channel's error larger. scaled: over the
    scales, too."""
    for _ in range(_SWEEPS):
        if scaled:
            reached = numbers @ h
            square, along = (reached * numbers).sum(axis=1), (reached * weights).sum(axis=1)
            better = (square > 0) & (along > 0)
            scale = np.where(better, along / np.where(square > 0, square, 1.0), scale)
        slope, moved = (numbers * scale[:, None] - weights) @ h, False
        for k in range(len(h)):
            wanted = np.rint(numbers[:, k] - slope[:, k] / (h[k, k] * scale))
            change = np.where(free[:, k], np.clip(wanted, *span(bits)) - numbers[:, k], 0)
            rows = np.flatnonzero(change)
            if rows.size:
                moved = True
                numbers[rows, k] += change[rows]
                slope[rows] += (change[rows] * scale[rows])[:, None] * h[k]
        if not moved:
            break
    return numbers, scale
