"""A layer's integers by the name of a scheme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.quantize import low_bits
from edgekit.quantize.clusters import in_book
from edgekit.quantize.rate import at_rate
from edgekit.quantize.schemes import book_bits, rate_bits, weight_bits
from edgekit.quantize.sweep import Sweep, output_error

Array = NDArray[Any]

_SHOWN = 1e-6  # of the variance of a layer's most varying channel: less is below half a step of it


@dataclass(frozen=True, eq=False)
class Rounded:
    """int8 levels [channels, taps] and scales [channels], 0 where a channel has none."""

    levels: Array
    scale: Array

    @property
    def real(self) -> Array:
        return np.asarray(self.levels * self.scale[:, None])


def rounded(
    weights: Array, moments: Array | None, scheme: str, live: Array | None = None
) -> Rounded:
    """Weights [channels, taps] by a scheme of `schemes`. moments: of the layer's windows (`sweep`); live: the
    weights that flash will hold (`living`), None for all."""
    if book_bits(scheme):
        return Rounded(*in_book(weights, moments, book_bits(scheme)))
    if rate_bits(scheme):
        return Rounded(*at_rate(weights, moments, rate_bits(scheme), live))
    bits = weight_bits(scheme)
    if bits == 8:
        scale = low_bits.largest(weights, bits)
        return Rounded(low_bits.nearest(weights, np.where(scale > 0, scale, 1.0), bits), scale)
    sweep = Sweep.of(moments, weights.shape[1])
    scale = low_bits.scales(weights, bits, sweep.use(len(weights)))
    safe, (low, high) = np.where(scale > 0, scale, 1.0), low_bits.span(bits)
    levels = sweep.rounded(weights, safe, lambda x, price: np.clip(np.rint(x), low, high))
    return Rounded(levels, scale)


def living(weights: Array, varies: Array, moments: Array | None) -> Array:
    """The weights [channels, taps] that flash will hold, nearly: those of channels whose result varies, as far as
    eight bits show it, of taps whose windows vary [groups, taps]. `rewrite.constant_channels` takes the others."""
    read = np.repeat(varies, len(weights) // len(varies), axis=0)
    power = output_error(np.where(read, weights, 0.0), moments)
    shown = np.asarray(power > _SHOWN * power.max(initial=0.0))
    return np.asarray(shown[:, None] & read)
