"""Tensors of single bits: channel c of a pixel is bit c % 32 of its word c // 32.

A bit stands for 1 where it is set, else for -1 (or whatever low number its layer was made for). Bits
beyond the last channel are 0, in activations and weights alike, so that they never differ.
"""

from __future__ import annotations

import numpy as np

from edgekit.op import Array

WORD = 32


def words_of(channels: int) -> int:
    """Words of a pixel."""
    return -(-channels // WORD)


def packed(bits: Array) -> Array:
    """int32 words [..., words] of booleans [..., channels]."""
    filled = np.zeros((*bits.shape[:-1], words_of(bits.shape[-1]) * WORD), np.uint8)
    filled[..., : bits.shape[-1]] = bits
    return (
        np.packbits(filled, axis=-1, bitorder="little").view("<u4").astype(np.uint32).view(np.int32)
    )


def unpacked(words: Array, channels: int) -> Array:
    """Booleans [..., channels] of int32 words."""
    raw = np.ascontiguousarray(words, np.int32).view(np.uint8)
    return np.unpackbits(raw, axis=-1, bitorder="little", count=channels).astype(bool)


def signs(words: Array, channels: int) -> Array:
    """1 and -1 as int8."""
    return np.where(unpacked(words, channels), 1, -1).astype(np.int8)
