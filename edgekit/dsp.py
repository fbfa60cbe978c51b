"""Constants as the kernels for Cortex-M cores with the DSP extension want them.

These kernels multiply two pairs of 16-bit numbers in one instruction (SMLAD). Four int8 values of a
word are taken apart into the pairs (0, 2) and (1, 3), which costs one instruction a pair, so weights
are stored in that order too.

Two channels share a 16-bit lane as ``256 * high + low``: one SMLAD sums both at once,
``mix = 256 * acc_high + acc_low``; sign-extending the low bytes gives what sums acc_low alone, and
``acc_high = (mix - acc_low) >> 8``. That is exact modulo 2^24.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.op import Const, Packed

Array = NDArray[Any]
Consts = Mapping[str, Array]

# A larger right shift would let the folded zero point overflow.
_MOST_SHIFT = 22

WEIGHTS = Const(
    "weights", "int32_t", "[pairs of channels][taps / 2], two taps a word", weights=True
)
PAIRS = Const("pairs", "int32_t", "[pairs of channels]: bias low, bias mixed, two times multiplier, rounding, shift")  # fmt: skip


def accumulators(weights: Array, bias: Array) -> tuple[Array, Array]:
    """The lowest and highest value that each channel's sum with any int8 input can have.

    weights: [channels, taps]; bias: [channels], input zero point folded in.
    """
    w, b = weights.astype(np.int64), bias.astype(np.int64)
    return (
        b + np.minimum(w * -128, w * 127).sum(axis=1),
        b + np.maximum(w * -128, w * 127).sum(axis=1),
    )


def magnitude(weights: Array, bias: Array) -> Array:
    """The largest magnitude of each channel's sum."""
    low, high = accumulators(weights, bias)
    return np.asarray(np.maximum(np.abs(low), np.abs(high)))


def can_rescale(weights: Array, consts: Consts) -> bool:
    """Whether `rescaling` can say the channels' rescaling. weights: [channels, taps]."""
    sums, shift = magnitude(weights, consts["bias"]), -consts["shift"].astype(np.int64)
    vanishes = 2 * sums < np.int64(1) << np.maximum(shift, 0)
    return bool((sums < 2**30).all() and (shift >= 0).all()
                and ((shift <= _MOST_SHIFT) | vanishes).all())  # fmt: skip


def rescaling(consts: Consts, zero: int) -> Array:
    """[channels, 3]: multiplier, rounding, shift, such that a channel's output before saturation is

    t >> shift with t = rounding + high half of (2 * sum * multiplier + 2^31), one less for a
    negative sum where shift > 0. Half of the last bit and the zero point are in the rounding.
    """
    multiplier = consts["multiplier"].astype(np.int64)
    shift = -consts["shift"].astype(np.int64)
    # Beyond this shift `can_rescale` has shown that every sum rounds to 0.
    gone = shift > _MOST_SHIFT
    multiplier, shift = np.where(gone, 0, multiplier), np.where(gone, 1, shift)
    rounding = (zero << shift) + ((np.int64(1) << shift) >> 1)
    return np.stack([multiplier, rounding, shift], axis=1).astype(np.int32)


def pair_of_channels(channels: int) -> Array:
    """[pairs, 2]: the channels that share a lane, low and high; a last odd one overlaps."""
    first = np.minimum(np.arange(0, channels, 2), channels - 2)
    return np.stack([first, first + 1], axis=1)


def can_share_lanes(weights: Array, bias: Array) -> bool:
    """Whether the channels can share lanes: every lane is a 16-bit number, every high sum within
    24 bits. weights: [channels, taps]."""
    low, high = accumulators(weights, bias)
    upper = pair_of_channels(len(weights))[:, 1]
    lanes = _lanes(weights)
    return bool((lanes >= -(2**15)).all() and (lanes < 2**15).all()
                and (low[upper] >= -(2**23)).all() and (high[upper] < 2**23).all())  # fmt: skip


def _lanes(weights: Array) -> Array:
    low, high = pair_of_channels(len(weights)).T
    return np.asarray(256 * weights[high].astype(np.int64) + weights[low])


def lane_words(weights: Array) -> Array:
    """int32 [pairs, taps / 2]: two taps of two channels a word. weights: [channels, taps]."""
    return taps_as_words(_lanes(weights))


def byte_words(weights: Array) -> Array:
    """The same words where lanes cannot be shared: each channel's weight is a byte."""
    low, high = pair_of_channels(len(weights)).T
    lanes = 256 * weights[high].astype(np.int64) + (weights[low].astype(np.int64) & 0xFF)
    return taps_as_words(lanes)


def taps_as_words(lanes: Array) -> Array:
    """16-bit lanes [..., taps] as int32 words [..., taps / 2], taps filled up with 0 to a multiple
    of four and in the order (0, 2), (1, 3) of each four."""
    lanes = np.pad(lanes, [(0, 0)] * (lanes.ndim - 1) + [(0, -lanes.shape[-1] % 4)])
    fours = lanes.astype(np.int64).reshape(*lanes.shape[:-1], -1, 4) & 0xFFFF
    words = fours[..., :2] | fours[..., 2:] << 16
    return as_int32(words.reshape(*lanes.shape[:-1], -1))


def as_int32(words: Array) -> Array:
    """Integers modulo 2^32 as int32."""
    return np.asarray((words & 0xFFFFFFFF).astype(np.uint32).view(np.int32))


def pairs(consts: Consts, zero: int, *, mixed: bool) -> Array:
    """int32 [pairs, 8]: what a tile needs of two channels; `mixed` where they share lanes."""
    chosen = pair_of_channels(len(consts["bias"]))
    bias = consts["bias"].astype(np.int64)[chosen]
    if mixed:
        bias = np.stack([bias[:, 0], 256 * bias[:, 1] + bias[:, 0]], axis=1)
    scales = rescaling(consts, zero)[chosen].reshape(len(chosen), 6)
    return np.concatenate([as_int32(bias), scales], axis=1)


def _rows(consts: Consts) -> Array:
    """The weights as [channels, taps]."""
    return consts["weights"].reshape(len(consts["bias"]), -1)


def conv2d_fits(p: Any, consts: Consts) -> bool:
    """Two channels or more, whose sums and rescaling the instructions can hold."""
    return bool(p.out_c >= 2 and can_rescale(_rows(consts), consts))


def conv2d_shares_lanes(p: Any, consts: Consts) -> bool:
    return conv2d_fits(p, consts) and can_share_lanes(_rows(consts), consts["bias"])


def pack_lanes(p: Any, consts: Consts) -> Packed:
    """Weights as lanes of two channels."""
    return Packed(
        p, {"weights": lane_words(_rows(consts)), "pairs": pairs(consts, p.output_zero, mixed=True)}
    )


def pack_bytes(p: Any, consts: Consts) -> Packed:
    """Weights as bytes of two channels in turn."""
    return Packed(
        p,
        {"weights": byte_words(_rows(consts)), "pairs": pairs(consts, p.output_zero, mixed=False)},
    )


def conv2d_scratch(p: Any) -> int:
    """Four widened patches, and one as it is where the window is more than a pixel."""
    taps = -(-p.kernel_h * p.kernel_w * p.in_c // 4) * 4
    pointwise = p.kernel_h * p.kernel_w == 1 and p.pad_top + p.pad_left == 0
    return int(taps * (8 if pointwise else 9))
