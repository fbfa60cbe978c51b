"""Weights of four bits: flash holds two to a byte, the simulator computes with plain ones.

A byte has a tap of two neighbouring output channels, the even one in its low bits, so that a kernel takes
both apart in two instructions and multiplies them with the same input. A last channel without a neighbour
shares its bytes with zeros.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.families.nine_bits import fits_byte
from edgekit.graph import Value
from edgekit.op import Array, Packed


def suffix(weights: Value) -> str:
    """Of the operator that serves a layer's weights: those of four bits or fewer, of a byte, of nine bits."""
    assert weights.data is not None
    if weights.quant is not None and weights.quant.bits <= 4:
        return "_w4"
    return "" if fits_byte(weights.data) else "_nine"


def pairs(channels: Array) -> Array:
    """Bytes [ceil(C / 2), ...] of weights [C, ...], each of -8..7."""
    if len(channels) % 2:
        channels = np.concatenate([channels, np.zeros_like(channels[:1])])
    low, high = channels[0::2].astype(np.uint8) & 15, channels[1::2].astype(np.uint8) << 4
    return np.ascontiguousarray(low | high).view(np.int8)


def packed(p: object, consts: Mapping[str, Array], weights: Array) -> Packed:
    """The constants with other weights."""
    return Packed(p, {**consts, "weights": weights})  # type: ignore[arg-type]


def unpacked(raw: Array, elements: int) -> Array:
    """int8 numbers of a `.tflite` file's packed ones, the first in the low bits of a byte."""
    both = np.stack([(raw << 4).view(np.int8) >> 4, raw.view(np.int8) >> 4], axis=1)
    return both.reshape(-1)[:elements]
