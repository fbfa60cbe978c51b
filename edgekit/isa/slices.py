"""Constants of the kernels that count the differing bits of 32 output channels at once.

A word holds one bit of each of 32 channels. What the channels have counted is kept as slices: word p
has bit p of all 32 counts, and adding a bit to each of them is a full adder, five logical operations
for two taps. Inputs are taken in pairs: of each the even bit, then the sum modulo 2 of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgekit.families import bits
from edgekit.op import Array, Const, Packed

Consts = Mapping[str, Array]

WEIGHTS = Const(
    "weights",
    "int32_t",
    "[32 channels][kernel_w][kernel_h][words of in_c][32 bits]: even ones, pairs modulo 2",
    weights=True,
)
SCALES = Const(
    "scales",
    "int32_t",
    "[32 channels][8][4]: factor and offset of a count, of channel 8 j + i at [i][j]",
)
EDGES = Const(
    "edges", "int32_t", "[32 channels]: slices of the count that ends the ones, and what is turned"
)

_MOST_SCRATCH = 8192
_LEAST_FILL = 0.75  # of the channels of the last word, over all words


def fits(p: Any, consts: Consts) -> bool:
    """Channels that nearly fill words, counts of 16 bits, windows whose masks find place; and an even
    number of channels where taps are missing, which count one half."""
    groups = bits.words_of(p.out_c)
    filled = p.out_c >= _LEAST_FILL * 32 * groups
    return bool(filled and p.taps < 2**15 and scratch(p) <= _MOST_SCRATCH
                and (p.in_c % 2 == 0 or not p.padded))  # fmt: skip


def scratch(p: Any) -> int:
    """A mask for each bit of the columns that a window reaches over, and a run for each of its own."""
    columns = (p.kernel_w - 1) * p.dilation_w + 1
    masks = columns * p.kernel_h * bits.words_of(p.in_c) * bits.WORD
    return int(4 * masks + 12 * (p.kernel_w + 1))


def slices_of(p: Any) -> int:
    """Bits of a count, and of the number behind the largest."""
    return int(p.taps + 1).bit_length()


def line_fits(p: Any, consts: Consts) -> bool:
    """As `fits`; nothing but whole windows, which lie in one line where they are a column wide or alone."""
    return fits(p, consts) and not p.padded and (p.kernel_w == 1 or p.out_w == 1 == p.dilation_w)


def _weights(p: Any, consts: Consts, *, line: bool) -> Array:
    """[groups, kernel_w, kernel_h, words, 32] words of 32 channels; in a line, even bits are summed
    modulo 2 with all before them."""
    groups, words = bits.words_of(p.out_c), bits.words_of(p.in_c)
    raw = consts["weights"].reshape(p.out_c, p.kernel_h, p.kernel_w, words)
    each = bits.unpacked(raw, words * 32).reshape(p.out_c, p.kernel_h, p.kernel_w, -1)
    filled = np.zeros((groups * 32, p.words * 32), bool)
    filled[: p.out_c] = each.transpose(0, 2, 1, 3).reshape(p.out_c, -1)
    summed = np.logical_xor.accumulate(filled, axis=1) if line else filled.copy()
    filled[:, 1::2] ^= filled[:, 0::2]
    filled[:, 0::2] = summed[:, 0::2]
    lanes = filled.reshape(groups, 32, p.words * 32).transpose(0, 2, 1)
    shape = (groups, p.kernel_w, p.kernel_h, words, 32)
    return bits.packed(lanes)[..., 0].reshape(shape)


def pack_bytes(p: Any, consts: Consts, *, line: bool = False) -> Packed:
    factor, offset = consts["scales"].astype(np.int64).T
    lines = np.zeros((bits.words_of(p.out_c) * 32, 2), np.int64)
    lines[: p.out_c] = np.stack([-2 * factor, factor * p.taps + offset], axis=1)
    ordered = lines.reshape(-1, 4, 8, 2).transpose(0, 2, 1, 3)
    weights = _weights(p, consts, line=line)
    return Packed(p, {"weights": weights, "scales": ordered.astype(np.int32)})


def pack_bits(p: Any, consts: Consts, *, line: bool = False) -> Packed:
    count = slices_of(p)
    groups = bits.words_of(p.out_c)
    ends = np.zeros(groups * 32, np.int64)
    ends[: p.out_c] = np.clip((p.taps - consts["edges"].astype(np.int64)) // 2 + 1, 0, p.taps + 1)
    each = (ends.reshape(groups, 1, 32) >> np.arange(count)[:, None]) & 1
    planes = bits.packed(each.astype(bool))[..., 0]
    edges = np.concatenate([planes, consts["turned"].reshape(groups, 1)], axis=1)
    return Packed(p, {"weights": _weights(p, consts, line=line), "edges": edges})
