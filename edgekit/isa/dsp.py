"""Constants as the kernels for Cortex-M cores with the DSP extension want them.

These kernels multiply two pairs of 16-bit numbers in one instruction (SMLAD). Four int8 values of a
word are taken apart into the pairs (0, 2) and (1, 3), which costs one instruction a pair, so weights
are stored in that order too.

Two channels share a 16-bit lane as ``256 * high + low``: one SMLAD sums both at once,
``mix = 256 * acc_high + acc_low``; sign-extending the low bytes gives what sums acc_low alone, and
``acc_high = (mix - acc_low) >> 8``. That is exact modulo 2^24.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit import fixed
from edgekit.op import Const, Packed

Array = NDArray[Any]
Consts = Mapping[str, Array]

# A larger right shift would let the folded zero point overflow.
_MOST_SHIFT = 22
# Added to a shift; EK_DSP_NO_TIES in ek_dsp.h.
NO_TIES = 256

WEIGHTS = Const(
    "weights", "int32_t", "[pairs of channels][taps / 2], two taps a word", weights=True
)
PAIRS = Const(
    "pairs",
    "int32_t",
    "per pair: bias low, bias mixed, twice (multiplier, rounding, shift and ties)",
)


@dataclass(frozen=True)
class Channels:
    """The output channels of an operator with weights.

    weights: [channels, taps]; the others [channels]. bias has the input's zero point folded in;
    shift is to the right; zero is added to the rescaled sum. Everything is int64.
    """

    weights: Array
    bias: Array
    multiplier: Array
    shift: Array
    zero: Array

    @staticmethod
    def of(p: Any, consts: Consts, weights: Array) -> Channels:
        """A channel whose output is the same for both ends of its sum is that constant for every
        input (rescaling is monotonous), and gets it from `zero` alone. Such channels, dead in
        training, are the ones with extreme biases and shifts."""
        w, bias = weights.astype(np.int64), consts["bias"].astype(np.int64)
        low, high = (
            fixed.requantize(end, consts["multiplier"], consts["shift"]) + p.output_zero
            for end in sums(w, bias)
        )
        first, last = (np.clip(end, p.out_min, p.out_max) for end in (low, high))
        dead = first == last
        return Channels(
            weights=np.where(dead[:, None], 0, w),
            bias=np.where(dead, 0, bias),
            multiplier=np.where(dead, 0, consts["multiplier"].astype(np.int64)),
            shift=np.where(dead, 0, -consts["shift"].astype(np.int64)),
            zero=np.where(dead, first, p.output_zero),
        )

    def fit(self) -> bool:
        """Whether `rescaling` can say them: no left shift, sums below 2^30, and no right shift that
        the zero point would overflow, unless it takes every sum to 0."""
        largest = np.abs(np.stack(sums(self.weights, self.bias))).max(axis=0)
        return bool((largest < 2**30).all() and (self.shift >= 0).all()
                    and ((self.shift <= _MOST_SHIFT) | self._vanish(largest)).all())  # fmt: skip

    def _vanish(self, largest: Array) -> Array:
        return 2 * largest < np.int64(1) << self.shift

    def rescaling(self) -> Array:
        """[channels, 3]: multiplier, rounding, shift, such that a channel's output before
        saturation is

        t >> shift with t = rounding + high word of (2 * sum * multiplier + 2^31), one less for a
        negative sum where shift > 0. Half of the last bit and the zero point are in the rounding.
        """
        gone = self.shift > _MOST_SHIFT
        multiplier, shift = np.where(gone, 0, self.multiplier), np.where(gone, 1, self.shift)
        rounding = (self.zero << shift) + ((np.int64(1) << shift) >> 1)
        return np.stack([multiplier, rounding, shift], axis=1)

    def rescaling_by_ties(self, p: Any) -> Array:
        """`rescaling`, `NO_TIES` added to the shift where negative ties may go either way: there is no
        shift, no sum is negative, or the clamp of `p` begins at the zero point, as a ReLU's does."""
        scales, (lowest, _) = self.rescaling(), sums(self.weights, self.bias)
        free = (scales[:, 2] == 0) | (lowest >= 0) | (p.out_min >= p.output_zero)
        return np.asarray(scales + np.array([0, 0, NO_TIES]) * free[:, None])

    def can_share_lanes(self, pairs: Array) -> bool:
        """Whether every lane is a 16-bit number and every high sum one of 24 bits."""
        low, high = sums(self.weights, self.bias)
        lanes, upper = self.lanes(pairs, mixed=True), pairs[:, 1]
        return bool((lanes >= -(2**15)).all() and (lanes < 2**15).all()
                    and (low[upper] >= -(2**23)).all() and (high[upper] < 2**23).all())  # fmt: skip

    def lanes(self, pairs: Array, *, mixed: bool) -> Array:
        """[pairs, taps]: the weights of two channels as lanes, each weight a byte unless `mixed`."""
        low, high = self.weights[pairs[:, 0]], self.weights[pairs[:, 1]]
        return np.asarray(256 * high + (low if mixed else low & 0xFF))

    def biases(self, pairs: Array, *, mixed: bool) -> Array:
        """[pairs, 2]: what the sums of a low and a high or mixed channel begin with."""
        low, high = self.bias[pairs[:, 0]], self.bias[pairs[:, 1]]
        return np.stack([low, 256 * high + low if mixed else high], axis=1)


def sums(weights: Array, bias: Array) -> tuple[Array, Array]:
    """The lowest and the highest value of each channel's sum with any int8 input."""
    w = weights.astype(np.int64)
    return (
        bias + np.minimum(w * -128, w * 127).sum(axis=1),
        bias + np.maximum(w * -128, w * 127).sum(axis=1),
    )


def pairs_of(channels: int) -> Array:
    """[pairs, 2]: the channels that share a lane, low and high; a last odd one overlaps."""
    first = np.minimum(np.arange(0, channels, 2), channels - 2)
    return np.stack([first, first + 1], axis=1)


def tap_words(lanes: Array) -> Array:
    """16-bit lanes [..., taps] as int32 words [..., taps / 2], taps filled up with 0 to a multiple
    of four and in the order (0, 2), (1, 3) of each four."""
    lanes = np.pad(lanes, [(0, 0)] * (lanes.ndim - 1) + [(0, -lanes.shape[-1] % 4)])
    fours = lanes.reshape(*lanes.shape[:-1], -1, 4) & 0xFFFF
    words = fours[..., :2] | fours[..., 2:] << 16
    return as_int32(words.reshape(*lanes.shape[:-1], -1))


def as_int32(words: Array) -> Array:
    """Integers modulo 2^32 as int32."""
    return np.asarray((words & 0xFFFFFFFF).astype(np.uint32).view(np.int32))


def _convolution(p: Any, consts: Consts) -> Channels:
    """Every row of the window is filled up to whole words, with weights of 0."""
    rows = consts["weights"].reshape(p.out_c, p.kernel_h, p.kernel_w * p.in_c)
    rows = np.pad(rows, ((0, 0), (0, 0), (0, -rows.shape[2] % 4)))
    return Channels.of(p, consts, rows.reshape(p.out_c, -1))


def conv2d_fits(p: Any, consts: Consts) -> bool:
    return p.out_c >= 2 and _convolution(p, consts).fit()


def conv2d_shares_lanes(p: Any, consts: Consts) -> bool:
    return conv2d_fits(p, consts) and _convolution(p, consts).can_share_lanes(pairs_of(p.out_c))


def pack_conv2d(p: Any, consts: Consts, *, mixed: bool) -> Packed:
    channels, pairs = _convolution(p, consts), pairs_of(p.out_c)
    scales = channels.rescaling_by_ties(p)[pairs].reshape(len(pairs), 6)
    columns = [channels.biases(pairs, mixed=mixed), scales]
    return Packed(p, {
        "weights": tap_words(channels.lanes(pairs, mixed=mixed)),
        "pairs": as_int32(np.concatenate(columns, axis=1)),
    })  # fmt: skip


def conv2d_scratch(p: Any, tile: int = 4) -> int:
    """The widened windows of a tile, and one of their rows as bytes unless all can be read in place."""
    row = _row(p)
    pointwise = p.kernel_h * p.kernel_w == 1 and p.pad_top + p.pad_left == 0
    inside = (p.out_h - 1) * p.stride_h < p.in_h and (p.out_w - 1) * p.stride_w < p.in_w
    in_place = pointwise and inside and p.in_c % 4 == 0
    return int(2 * tile * p.kernel_h * row + (0 if in_place else row))


def _row(p: Any) -> int:
    """Bytes of a window's row, filled up to whole words."""
    return int(-(-p.kernel_w * p.in_c // 4) * 4)


# Dense layers: weights and sums of four channels together.
GROUPED = Const(
    "weights", "int32_t", "[groups of four channels][taps / 4][2 pairs][2]", weights=True
)
GROUPS = Const(
    "groups", "int32_t", "per group: four biases, four times (multiplier, rounding, shift)"
)


def fours_of(channels: int) -> Array:
    """[groups, 4]: channels computed together; last ones overlap, and fewer than four repeat."""
    first = np.minimum(np.arange(0, channels, 4), max(channels - 4, 0))
    return np.minimum(first[:, None] + np.arange(4), channels - 1)


def _dense(p: Any, consts: Consts) -> Channels:
    return Channels.of(p, consts, consts["weights"])


def dense_fits(p: Any, consts: Consts) -> bool:
    return _dense(p, consts).fit()


def dense_shares_lanes(p: Any, consts: Consts) -> bool:
    channels = _dense(p, consts)
    return channels.fit() and channels.can_share_lanes(fours_of(p.out_c).reshape(-1, 2))


def pack_dense(p: Any, consts: Consts, *, mixed: bool) -> Packed:
    channels, fours = _dense(p, consts), fours_of(p.out_c)
    pairs = fours.reshape(-1, 2)
    words = tap_words(channels.lanes(pairs, mixed=mixed))
    words = words.reshape(len(fours), 2, -1, 2).transpose(0, 2, 1, 3)
    biases = channels.biases(pairs, mixed=mixed).reshape(-1, 4)
    scales = channels.rescaling()[fours].reshape(-1, 12)
    groups = as_int32(np.concatenate([biases, scales], axis=1))
    return Packed(p, {"weights": words, "groups": groups})


# The same row by row of a map: channels of 0 fill up the last group.
ROW_WEIGHTS = Const(
    "weights",
    "int32_t",
    "[rows][groups of four channels][taps / 4][2 pairs][2]",
    weights=True,
)
ROW_SUMS = Const("scales", "int32_t", "[channels]: bias, multiplier, rounding, shift")


def pack_dense_rows(p: Any, consts: Consts) -> Packed:
    channels = _dense(p, consts)
    weights = np.pad(channels.weights, ((0, -p.out_c % 4), (0, 0))) & 0xFF
    low, high = weights[0::2], weights[1::2]
    words = tap_words((256 * high + low).reshape(len(low), p.in_h, -1))
    words = words.reshape(-1, 2, p.in_h, words.shape[-1] // 2, 2).transpose(2, 0, 3, 1, 4)
    scales = np.concatenate([channels.bias[:, None], channels.rescaling()], axis=1)
    return Packed(p, {"weights": np.ascontiguousarray(words), "scales": as_int32(scales)})


def dense_rows_scratch(p: Any) -> int:
    """A sum for each channel."""
    return int(4 * p.out_c)


def row_sums_fit(p: Any, consts: Consts) -> bool:
    """Four channels or more, and rows whose sums 16 bits hold."""
    return bool(p.in_c >= 4 and p.in_w * 128 < 2**15)


def row_sums_scratch(p: Any) -> int:
    """A sum for each channel."""
    return int(4 * p.in_c)


# 3x3 windows over single channels: weights as pairs of neighbours, and sums that are doubled throughout.
ROWS = Const(
    "weights",
    "int32_t",
    "[channels][3 rows]: taps 0 and 1, taps 1 and 2, doubled, two a word",
    weights=True,
)
SCALES = Const(
    "scales", "int32_t", "[channels]: twice the bias, multiplier, rounding, shift and ties"
)


def _depthwise(p: Any, consts: Consts) -> Channels:
    return Channels.of(p, consts, consts["weights"].reshape(-1, len(consts["bias"])).T)


def window_is_3x3(p: Any) -> bool:
    """One output channel per input channel, of which there are four or more, neighbouring taps, and a
    row of the input in each window."""
    window = p.kernel_h == p.kernel_w == 3 and p.dilation_h == p.dilation_w == 1
    meets = p.pad_top < 3 and (p.out_h - 1) * p.stride_h - p.pad_top < p.in_h
    return bool(window and meets and p.stride_w in (1, 2) and p.multiplier_c == 1 and p.in_c >= 4)


def depthwise3x3_fits(p: Any, consts: Consts) -> bool:
    return window_is_3x3(p) and _depthwise(p, consts).fit()


def pack_depthwise3x3(p: Any, consts: Consts) -> Packed:
    channels = _depthwise(p, consts)
    taps = 2 * channels.weights.reshape(-1, 3, 3)[..., [0, 1, 1, 2]]
    rows = np.ascontiguousarray(taps, np.int16)
    scales = np.concatenate([2 * channels.bias[:, None], channels.rescaling_by_ties(p)], axis=1)
    return Packed(p, {"weights": rows.view("<i4"), "scales": as_int32(scales)})


def depthwise3x3_scratch(p: Any) -> int:
    """Three rows of four channels, two columns a word."""
    words = p.out_w + 1 if p.stride_w == 2 else (p.out_w - 1) // 2 + 2
    return int(4 * 4 * 3 * words)


# Other windows over single channels: weights stay as they are.
TAPS = Const("weights", "int8_t", "[kernel_h][kernel_w][in_c]", weights=True)
SUMS = Const("scales", "int32_t", "[channels]: bias, multiplier, rounding, shift")


def depthwise_fits(p: Any, consts: Consts) -> bool:
    """One output channel per input channel, of which there are four or more."""
    return p.multiplier_c == 1 and p.in_c >= 4 and _depthwise(p, consts).fit()


def pack_depthwise(p: Any, consts: Consts) -> Packed:
    channels = _depthwise(p, consts)
    scales = np.concatenate([channels.bias[:, None], channels.rescaling()], axis=1)
    return Packed(p, {"weights": channels.weights.T.astype(np.int8), "scales": as_int32(scales)})


def depthwise_scratch(p: Any) -> int:
    """The list of taps."""
    return int(8 * p.kernel_h * p.kernel_w)


def pool_fits(p: Any, consts: Consts) -> bool:
    """Four channels or more."""
    return bool(p.in_c >= 4)


def pool_fits_16_bits(p: Any, consts: Consts) -> bool:
    """Four channels or more, and no more cells than sums of 16 bits can hold."""
    return pool_fits(p, consts) and bool(p.kernel_h * p.kernel_w * 128 < 2**15)


# Weights of four bits: sums come times sixteen (runtime/include/ek_dsp_nibbles.h).
NIBBLES = Const(
    "weights", "int32_t", "[pairs of channels][taps / 4], two channels a byte", weights=True
)
GROUPED_NIBBLES = Const(
    "weights", "int32_t", "[groups of four channels][taps / 4][2 pairs]", weights=True
)


def _sixteenfold(channels: Channels) -> bool:
    """Whether sixteen times a channel's sum is an int32 number."""
    largest = np.abs(np.stack(sums(channels.weights, channels.bias))).max(initial=0)
    return channels.fit() and bool(largest < 2**27)


def _nibble_words(weights: Array) -> Array:
    """Weights [pairs, 2, taps] as words [pairs, taps / 4], taps filled up with 0."""
    weights = np.pad(weights, ((0, 0), (0, 0), (0, -weights.shape[2] % 4)))
    low, high = weights[:, 0] & 15, weights[:, 1] & 15
    return np.ascontiguousarray(low | high << 4, np.uint8).view("<i4")


def conv2d_w4_fits(p: Any, consts: Consts) -> bool:
    return p.out_c >= 2 and _sixteenfold(_convolution(p, consts))


def pack_conv2d_w4(p: Any, consts: Consts) -> Packed:
    channels, pairs = _convolution(p, consts), pairs_of(p.out_c)
    scales = channels.rescaling_by_ties(p)[pairs].reshape(len(pairs), 6)
    columns = np.concatenate([16 * channels.bias[pairs], scales], axis=1)
    return Packed(
        p, {"weights": _nibble_words(channels.weights[pairs]), "pairs": as_int32(columns)}
    )


def dense_w4_fits(p: Any, consts: Consts) -> bool:
    return p.out_c >= 4 and _sixteenfold(_dense(p, consts))


def pack_dense_w4(p: Any, consts: Consts) -> Packed:
    channels, fours = _dense(p, consts), fours_of(p.out_c)
    words = _nibble_words(channels.weights[fours.reshape(-1, 2)]).reshape(len(fours), 2, -1)
    scales = channels.rescaling_by_ties(p)[fours].reshape(-1, 12)
    groups = as_int32(np.concatenate([16 * channels.bias[fours], scales], axis=1))
    return Packed(p, {"weights": np.ascontiguousarray(words.transpose(0, 2, 1)), "groups": groups})


# Weights of nine bits: a tap whose weight leaves a byte in any channel is there once more, with what is left.
REST = Const("rest", "int32_t", "[rest_taps], taps of the widened window that follow it once more")
MOST_REST = 32  # taps, a multiple of four


def _rest(rows: Array) -> tuple[Array, Array]:
    """Weights [channels, taps] of -255..255 as bytes with more taps, a multiple of four, and which they are."""
    parts, taps = [np.clip(rows, -128, 127)], []
    left = rows - parts[0]
    while left.any():
        used = np.flatnonzero(left.any(axis=0))
        bytes_ = np.clip(left[:, used], -128, 127)
        left[:, used] -= bytes_
        parts.append(bytes_)
        taps.append(used)
    more = np.concatenate(taps) if taps else np.zeros(0, np.int64)
    filler = -len(more) % 4
    parts.append(np.zeros((len(rows), filler), rows.dtype))
    return np.concatenate(parts, axis=1), np.pad(more, (0, filler)).astype(np.int32)


def _nine(p: Any, consts: Consts) -> tuple[Channels, Array]:
    rows: Array = consts["weights"].reshape(p.out_c, p.kernel_h, -1).astype(np.int64)
    rows = np.pad(rows, ((0, 0), (0, 0), (0, -rows.shape[2] % 4))).reshape(p.out_c, -1)
    weights, taps = _rest(rows)
    return Channels.of(p, consts, weights), taps


def conv2d_nine_fits(p: Any, consts: Consts) -> bool:
    channels, taps = _nine(p, consts)
    return p.out_c >= 2 and len(taps) <= MOST_REST and channels.fit()


def pack_conv2d_nine(params: type[Any], p: Any, consts: Consts) -> Packed:
    """As `pack_conv2d` packs bytes; `params` is the class of the variant's struct."""
    (channels, taps), pairs = _nine(p, consts), pairs_of(p.out_c)
    scales = channels.rescaling_by_ties(p)[pairs].reshape(len(pairs), 6)
    columns = np.concatenate([channels.biases(pairs, mixed=False), scales], axis=1)
    words = tap_words(channels.lanes(pairs, mixed=False))
    made = params(**dataclasses.asdict(p), rest_taps=len(taps))
    return Packed(made, {"weights": words, "pairs": as_int32(columns), "rest": taps})


def conv2d_nine_scratch(p: Any) -> int:
    return conv2d_scratch(p) + 2 * 4 * MOST_REST
