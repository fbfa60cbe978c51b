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
from edgekit.quantize.weights import eight_bit_scales

Array = NDArray[Any]


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
    """Weights [channels, taps] by a scheme of `schemes`. moments: of the layer's windows
    (`low_bits.second_moments`); live: the weights that flash will hold (`coded.living`), None for all."""
    if book_bits(scheme):
        return Rounded(*in_book(weights, moments, book_bits(scheme)))
    if rate_bits(scheme):
        return Rounded(*at_rate(weights, moments, rate_bits(scheme), live))
    bits = weight_bits(scheme)
    scale = eight_bit_scales(weights) if bits == 8 else low_bits.scales(weights, moments, bits)
    safe = np.where(scale > 0, scale, 1.0)
    if bits == 8:
        levels = np.clip(np.rint(weights / safe[:, None]), -127, 127).astype(np.int8)
    else:
        levels = low_bits.levels(weights, safe, moments, bits)
    return Rounded(levels, scale)
