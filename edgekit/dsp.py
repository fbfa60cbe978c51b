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

WEIGHTS = Const(
    "weights", "int32_t", "[pairs of channels][taps / 2], two taps a word", weights=True
)
PAIRS = Const(
    "pairs", "int32_t", "per pair: bias low, bias mixed, twice (multiplier, rounding, shift)"
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

    def can_share_lanes(self) -> bool:
        """Whether every lane is a 16-bit number and every high sum one of 24 bits."""
        low, high = sums(self.weights, self.bias)
        upper = pairs_of(len(self.bias))[:, 1]
        lanes = self._lanes()
        return bool((lanes >= -(2**15)).all() and (lanes < 2**15).all()
                    and (low[upper] >= -(2**23)).all() and (high[upper] < 2**23).all())  # fmt: skip

    def _lanes(self) -> Array:
        low, high = pairs_of(len(self.bias)).T
        return np.asarray(256 * self.weights[high] + self.weights[low])

    def pack(self, p: Any, *, mixed: bool) -> Packed:
        """Weights and pairs; `mixed` where two channels share lanes, else each weight is a byte."""
        low, high = pairs_of(len(self.bias)).T
        lanes = self._lanes() if mixed else 256 * self.weights[high] + (self.weights[low] & 0xFF)
        upper = 256 * self.bias[high] + self.bias[low] if mixed else self.bias[high]
        scales = self.rescaling()
        columns = [self.bias[low][:, None], upper[:, None], scales[low], scales[high]]
        return Packed(
            p, {"weights": tap_words(lanes), "pairs": as_int32(np.concatenate(columns, axis=1))}
        )


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
    return conv2d_fits(p, consts) and _convolution(p, consts).can_share_lanes()


def pack_conv2d(p: Any, consts: Consts) -> Packed:
    """For two channels that share lanes."""
    return _convolution(p, consts).pack(p, mixed=True)


def pack_conv2d_bytes(p: Any, consts: Consts) -> Packed:
    """For weights that are bytes of their own."""
    return _convolution(p, consts).pack(p, mixed=False)


def conv2d_scratch(p: Any) -> int:
    """Four widened patches, and one as bytes where it may not be readable in place."""
    taps = p.kernel_h * (-(-p.kernel_w * p.in_c // 4) * 4)
    pointwise = p.kernel_h * p.kernel_w == 1 and p.pad_top + p.pad_left == 0
    return int(taps * (8 if pointwise and p.in_c % 4 == 0 else 9))


# 3x3 windows over single channels: the weights' rows as bytes, and sums that are doubled throughout.
ROWS = Const("weights", "int32_t", "[channels][3 rows], three taps a word", weights=True)
SCALES = Const("scales", "int32_t", "[channels]: twice the bias, multiplier, rounding, shift")


def _depthwise(p: Any, consts: Consts) -> Channels:
    return Channels.of(p, consts, consts["weights"].reshape(-1, len(consts["bias"])).T)


def depthwise3x3_fits(p: Any, consts: Consts) -> bool:
    """One output channel per input channel, of which there are four or more, neighbouring taps."""
    window = p.kernel_h == p.kernel_w == 3 and p.dilation_h == p.dilation_w == 1
    steps = p.stride_h <= 3 and p.stride_w in (1, 2)
    return (window and steps and p.multiplier_c == 1 and p.in_c >= 4
            and _depthwise(p, consts).fit())  # fmt: skip


def pack_depthwise3x3(p: Any, consts: Consts) -> Packed:
    channels = _depthwise(p, consts)
    rows = np.pad(channels.weights.reshape(-1, 3, 3), ((0, 0), (0, 0), (0, 1)))
    scales = np.concatenate([2 * channels.bias[:, None], channels.rescaling()], axis=1)
    return Packed(p, {"weights": rows.astype(np.int8).view(np.int32), "scales": as_int32(scales)})


def depthwise3x3_scratch(p: Any) -> int:
    """Three rows of four channels, two columns a word; and the four channels' weights."""
    words = p.out_w + 1 if p.stride_w == 2 else (p.out_w - 1) // 2 + 2
    return int(4 * 4 * (3 * words + 10))
