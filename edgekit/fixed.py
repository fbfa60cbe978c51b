"""The one integer arithmetic, in numpy: twin of `runtime/include/ek_fixed.h` (see runtime/SPEC.md).

All array arguments are integers of any width; results are int64 arrays holding int32 values.
The formulas are those of the gemmlowp family as TensorFlow Lite Micro uses them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgekit.errors import EdgekitError

Int = NDArray[np.int64]

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1


def quantize_multiplier(scale: float) -> tuple[int, int]:
    """Split a positive real `scale` into ``multiplier * 2**(shift - 31)``.

    Returns multiplier in [2^30, 2^31) and shift (positive is left). A scale below 2^-32 becomes
    (0, 0), as in TensorFlow Lite. Raises EK303 when scale is not finite and positive or the left
    shift would pass 30.
    """
    if not (math.isfinite(scale) and scale > 0):
        raise EdgekitError(
            "EK303",
            "a rescaling factor must be finite and positive",
            found=f"{scale!r}",
            help="check the scales of the tensors around this node",
        )
    fraction, shift = math.frexp(scale)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        raise EdgekitError(
            "EK303",
            "a rescaling factor is too large for 32-bit arithmetic",
            found=f"{scale:.6g}, wanted below 2^30",
            help="check the scales of the tensors around this node",
        )
    return multiplier, shift


def single_rounding(scale: float) -> tuple[int, int]:
    """`scale` as ``multiplier * 2**-31`` without a shift where 19 bits or more are left of it.

    `requantize` then rounds once. Larger and smaller scales are split as `quantize_multiplier` does.
    """
    multiplier = math.floor(scale * 2**31 + 0.5) if 2**-12 <= scale < 1 else 2**31
    return (multiplier, 0) if multiplier < 2**31 else quantize_multiplier(scale)


def split(scale: float, one_rounding: bool) -> tuple[int, int]:
    """Multiplier and shift of one scale, in the form that a graph's rounding asks for."""
    return single_rounding(scale) if one_rounding else quantize_multiplier(scale)


def quantize_multipliers(
    scales: Iterable[float], one_rounding: bool = False
) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """`split` over a sequence: arrays of multipliers and shifts."""
    pairs = [split(scale, one_rounding) for scale in scales]
    multipliers, shifts = zip(*pairs, strict=True)
    return np.array(multipliers, np.int32), np.array(shifts, np.int8)


def multiply_high(x: ArrayLike, multiplier: ArrayLike) -> Int:
    """Rounding doubling high multiply: ``floor((x * multiplier + 2^30) / 2^31)``.

    The multiplier is never negative, so the saturating case (-2^31 * -2^31) does not exist.
    """
    product = np.asarray(x, np.int64) * np.asarray(multiplier, np.int64)
    return np.asarray((product + (1 << 30)) >> 31)


def rounding_shift(x: ArrayLike, exponent: ArrayLike) -> Int:
    """``x / 2**exponent`` rounded to nearest, ties away from zero; exponent in 0..31."""
    x = np.asarray(x, np.int64)
    exponent = np.asarray(exponent, np.int64)
    half = (np.int64(1) << exponent) >> 1
    return np.asarray((x + half - ((x < 0) & (exponent > 0))) >> exponent)


def requantize(x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike) -> Int:
    """THE rescaling of every operator: double rounding; a positive shift is applied to x first.

    ``x << shift`` must fit int32; the builders of the operators prove it (EK302 otherwise).
    """
    shift = np.asarray(shift, np.int64)
    left = np.maximum(shift, 0)
    high = multiply_high(np.asarray(x, np.int64) << left, multiplier)
    return rounding_shift(high, left - shift)


def reduced(multiplier: ArrayLike, shift: ArrayLike) -> tuple[Int, Int]:
    """A multiplier of 31 bits and its shift as one of 15 bits and the right shift of the product."""
    multiplier = np.asarray(multiplier, np.int64)
    return np.minimum((multiplier + (1 << 15)) >> 16, 0x7FFF), 15 - np.asarray(shift, np.int64)


def requantize_wide(x: ArrayLike, multiplier: ArrayLike, right: ArrayLike) -> Int:
    """Rescaling of 64-bit sums by a `reduced` multiplier: one rounding, ties upwards.

    |x| < 2^47 and a result within int32 are the caller's to prove (EK302).
    """
    right = np.asarray(right, np.int64)
    product = np.asarray(x, np.int64) * np.asarray(multiplier, np.int64)
    return np.asarray((product + (np.int64(1) << (right - 1))) >> right)


def saturate16(x: ArrayLike, low: int = -32768, high: int = 32767) -> NDArray[np.int16]:
    """Clamp to [low, high] and narrow to int16."""
    return np.asarray(np.clip(np.asarray(x), low, high), np.int16)


def saturate(x: ArrayLike, low: int = -128, high: int = 127) -> NDArray[np.int8]:
    """Clamp to [low, high] and narrow to int8."""
    return np.asarray(np.clip(np.asarray(x), low, high), np.int8)


def round_half_away(x: ArrayLike) -> Int:
    """Nearest integer, ties away from zero: the rounding of C's round()."""
    x = np.asarray(x, np.float64)
    return np.asarray(np.trunc(x + np.copysign(0.5, x)), np.int64)


def prove_accumulator(
    weights: NDArray[Any],
    bias: NDArray[Any],
    shifts: NDArray[np.int8],
    zero_point: int,
    where: str,
) -> None:
    """Raise EK302 unless no order of summation can overflow int32, rescaling shift included.

    weights: [channels, ...] int8; bias: [channels], zero point not yet folded in; inputs are any
    int8. The bound is ``sum|w| * 128 + |bias| + |zero_point| * sum|w|``.
    """
    total = np.abs(weights.astype(np.int64)).reshape(len(weights), -1).sum(axis=1)
    bound = total * (128 + abs(zero_point)) + np.abs(bias.astype(np.int64))
    shifted = bound << np.maximum(shifts.astype(np.int64), 0)
    if shifted.size and int(shifted.max()) > INT32_MAX:
        worst = int(shifted.argmax())
        raise EdgekitError(
            "EK302",
            "a 32-bit accumulator could overflow",
            where=f"{where}, output channel {worst}",
            found=f"bound {int(shifted[worst])}, wanted at most {INT32_MAX}",
            help="split the layer or reduce the range of its weights and bias",
        )
