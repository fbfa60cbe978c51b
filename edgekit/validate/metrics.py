"""Measures of agreement and of quality: small pure functions on arrays, samples first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


def mismatches(a: Array, b: Array) -> int:
    """How many elements of two arrays of one shape differ."""
    return int((a != b).sum())


def max_abs_error(a: Array, b: Array) -> float:
    """Largest ``|a - b|``; in integer steps for integer arrays. 0 for empty ones."""
    difference = np.abs(a.astype(np.float64) - b.astype(np.float64))
    return float(difference.max(initial=0))


def top1(outputs: Array) -> NDArray[np.int64]:
    """[N, ...] scores to [N] classes: the index of the first largest of each sample."""
    return np.asarray(outputs.reshape(len(outputs), -1).argmax(axis=1), np.int64)


def agreement_top1(a: Array, b: Array) -> float:
    """Share (0 to 1) of samples whose largest output is the same one."""
    return float((top1(a) == top1(b)).mean())


def accuracy(outputs: Array, y: ArrayLike) -> float:
    """Share (0 to 1) of samples whose largest output is the labelled class."""
    return float((top1(outputs) == np.asarray(y)).mean())


def auc(scores: ArrayLike, y: ArrayLike) -> float:
    """Area under the ROC curve: ``P(positive > negative) + P(equal) / 2``.

    Computed as the rank-sum (Mann-Whitney U) statistic over n1 * n0, with the mean rank for ties.
    `y` is 0 or 1. NaN where one of the two classes is absent.
    """
    scores, positive = np.asarray(scores, np.float64).ravel(), np.asarray(y).ravel() == 1
    n1 = int(positive.sum())
    n0 = len(positive) - n1
    if n1 == 0 or n0 == 0:
        return math.nan
    _, group, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    rank = (last - (counts - 1) / 2)[group]  # mean of the 1-based ranks of a group of equals
    return float((rank[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def mse(a: ArrayLike, b: ArrayLike) -> float:
    """Mean squared difference."""
    return float(np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2))


def mae(a: ArrayLike, b: ArrayLike) -> float:
    """Mean absolute difference."""
    return float(np.mean(np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64))))


def sqnr_db(reference: ArrayLike, approximation: ArrayLike) -> float:
    """Signal to quantization noise: ``10 log10(sum r^2 / sum (r - a)^2)`` in dB.

    Infinite where the two are equal; minus infinite for noise upon a zero signal.
    """
    r, a = np.asarray(reference, np.float64), np.asarray(approximation, np.float64)
    signal, noise = float((r**2).sum()), float(((r - a) ** 2).sum())
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf
