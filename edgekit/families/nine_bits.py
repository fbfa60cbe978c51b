"""Weights of nine bits, as legacy uint8 files have them once their zero point is taken off.

w - zero lies in -255..255, but all save a few of a layer's weights fit 8 bits, since the file's range
ends at two of them. Flash holds those 8 bits, and a list of what is left of the others; the simulator
computes with the whole weights. The list has (channel, tap, rest) and ends with a channel that is none.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.op import Array, Const, Packed

NINE_BITS = ("int8", "int16")  # the types of weights before they are split
REST = Const(
    "rest", "int32_t", "[][3]: channel, tap, what 8 bits leave of its weight; ends at out_c"
)


def fits_byte(weights: Array) -> bool:
    """Whether every weight is an int8 number."""
    return bool(weights.size == 0 or (weights.min() >= -128 and weights.max() <= 127))


def split(p: object, consts: Mapping[str, Array], weights: Array, stored: Array) -> Packed:
    """The packed constants. weights: [out_c, taps] as a channel's sum runs over them; stored: the same
    numbers in the order that the kernel reads bytes in."""
    rest = weights.astype(np.int32) - np.clip(weights, -128, 127)
    channels, taps = np.nonzero(rest)
    entries = np.stack([channels, taps, rest[channels, taps]], axis=1)
    end = np.array([[len(weights), 0, 0]])
    listed = np.concatenate([entries, end]).astype(np.int32)
    bytes_ = np.clip(stored, -128, 127).astype(np.int8)
    return Packed(p, {**consts, "weights": bytes_, "rest": listed})  # type: ignore[arg-type]
