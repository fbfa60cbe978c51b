"""Rounding weights one tap after the other onto any set of levels, each error made up for by those to come.

With H the sum of x x^T over a layer's windows x, an error e of a channel's weights adds e^T H e to the squared error
of its output. Once a tap is rounded, the taps that are still real move to where they lower that sum most; the rows of
the Cholesky factor of H's inverse say how (optimal brain compression in the form of GPTQ: Frantar et al., 2022,
https://arxiv.org/abs/2210.17323). What a tap may become is the caller's: a grid, a code book, a grid with a price.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# Weights in steps [groups, channels] and what an error of one step costs there, to levels of the same shape.
Choice = Callable[[Array, Array], Array]

DAMPING = 0.01  # of H's mean diagonal, as published


@dataclass(frozen=True, eq=False)
class Sweep:
    """What the second moments of a layer's windows say of the order of its taps and of their errors.

    order: taps by use, [groups, taps]; factor: upper Cholesky factors of H's damped inverse in that order,
    [groups, taps, taps]; of layers whose moments are a diagonal only, or unknown, `factor` is diagonal, too.
    """

    order: Array
    factor: Array

    @classmethod
    def of(cls, moments: Array | None, taps: int) -> Sweep:
        """moments: [groups, taps, taps], their diagonal [groups, taps], or None (all taps alike)."""
        if moments is None:
            moments = np.ones((1, taps))
        if moments.ndim == 2:
            order = np.broadcast_to(np.arange(taps), moments.shape)
            return cls(order, 1 / np.sqrt(moments + _damping(moments)))
        diagonal = np.diagonal(moments, axis1=1, axis2=2)
        order = np.argsort(-diagonal, axis=1, kind="stable")
        groups = np.arange(len(moments))[:, None, None]
        ordered = moments[groups, order[:, :, None], order[:, None, :]]
        damped = ordered + _damping(diagonal)[:, :, None] * np.eye(taps)
        return cls(order, np.linalg.cholesky(np.linalg.inv(damped)).transpose(0, 2, 1))

    @property
    def price(self) -> Array:
        """What a squared error costs at each tap, as it comes in `order`: [groups, taps]."""
        factor = self.factor
        own = factor if factor.ndim == 2 else np.diagonal(factor, axis1=1, axis2=2)
        return np.asarray(1 / own**2)

    def use(self, channels: int) -> Array:
        """The same for each weight: [channels, taps]."""
        found = np.empty(self.order.shape)
        np.put_along_axis(found, self.order, self.price, axis=1)
        return np.repeat(found, channels // len(found), axis=0)

    def rounded(self, weights: Array, scale: Array, choose: Choice) -> Array:
        """int8 levels for weights [channels, taps] with a scale each [channels].

        choose: what each weight becomes, given in steps of its scale, and the cost of an error of one step.
        """
        groups, taps = self.order.shape
        channels = len(weights) // groups
        grouped = weights.reshape(groups, channels, taps).astype(np.float64)
        left = np.take_along_axis(grouped, self.order[:, None, :], axis=2).transpose(2, 0, 1).copy()
        steps, made = scale.reshape(groups, channels), np.empty(left.shape, np.int8)
        price = self.price
        for k in range(taps):
            made[k] = choose(left[k] / steps, price[:, k, None] * steps**2)
            if self.factor.ndim == 3:
                error = (left[k] - made[k] * steps) / self.factor[:, k, k, None]
                rest = self.factor[:, k, k + 1 :]
                left[k + 1 :] -= rest.T[:, :, None] * error[None]
        back = np.argsort(self.order, axis=1)
        found = np.take_along_axis(made.transpose(1, 2, 0), back[:, None, :], axis=2)
        return np.ascontiguousarray(found.reshape(weights.shape))


def _damping(diagonal: Array) -> Array:
    """Per group, [groups, 1]; a group that is never used is damped to ones."""
    mean = DAMPING * diagonal.mean(axis=1, keepdims=True)
    return np.asarray(np.where(mean > 0, mean, 1.0))


def output_error(error: Array, moments: Array | None) -> Array:
    """Squared error of each channel's output, for errors of its weights [channels, taps]: e^T H e."""
    if moments is None:
        return np.asarray((error**2).sum(axis=1))
    grouped = error.reshape(len(moments), -1, error.shape[1])
    if moments.ndim == 2:
        return np.asarray((grouped**2 * moments[:, None, :]).sum(axis=2).reshape(-1))
    return np.asarray(((grouped @ moments) * grouped).sum(axis=2).reshape(-1))


def refitted(weights: Array, levels: Array, scale: Array, moments: Array | None) -> Array:
    """The scales [channels] with the least output error for these levels; where that is none above 0, `scale`."""
    numbers = levels.astype(np.float64)
    above = _between(weights, numbers, moments)
    below = _between(numbers, numbers, moments)
    usable = (above > 0) & (below > 0)
    return np.asarray(np.where(usable, above / np.where(usable, below, 1.0), scale))


def _between(a: Array, b: Array, moments: Array | None) -> Array:
    """a^T H b of each channel."""
    if moments is None:
        return np.asarray((a * b).sum(axis=1))
    first, second = (x.reshape(len(moments), -1, x.shape[1]) for x in (a, b))
    used = first * moments[:, None, :] if moments.ndim == 2 else first @ moments
    return np.asarray((used * second).sum(axis=2).reshape(-1))
