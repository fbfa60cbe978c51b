"""Exponential, logistic and tanh in 32-bit fixed point, as the gemmlowp family computes them.

Qm.n below is an int32 with m integer and n = 31 - m fraction bits, held in int64 arrays. The
numbers are used at build time, for tables; `reciprocal` and `log_above_one` have twins in C.
Constants are the nearest Q0.31 (or Q2.29) numbers to the reals beside them.
"""

from __future__ import annotations

import math

import numpy as np

from edgekit.fixed import (
    INT32_MAX,
    INT32_MIN,
    Int,
    multiply_high,
    quantize_multiplier,
    requantize,
    rounding_shift,
)

_EXP_MINUS_EIGHTH = 1895147668
_THIRD = 715827883
# exp(-2^k) for k = -2..4
_EXP_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
_48_OVER_17 = 1515870810  # Q2.29
_32_OVER_17 = 1010580540  # Q2.29
_ONE_Q2 = 1 << 29
_SQRT_HALF = 1518500250  # Q0.31
_LOG_2 = 1488522236
_SQRT_SQRT_HALF = 1805811301
# With f = 2^(1/4): 11 f / 240, f / 20, 2 / f - f and f / 4
_LOG_NUMERATOR, _LOG_SQUARE, _LOG_CONSTANT, _LOG_LINEAR = (
    117049297,
    127690142,
    1057819769,
    638450708,
)


def shift_left(x: Int, bits: int | Int) -> Int:
    """``x * 2^bits``, saturated to int32."""
    return np.asarray(np.clip(x << bits, INT32_MIN, INT32_MAX))


def fixed_input(difference: Int, scale: float, integer_bits: int) -> tuple[Int, int]:
    """``difference * scale`` as Q(integer_bits), and the radius within which that is valid.

    difference: quantized value minus zero point; scale: its step, times beta for a softmax. Beyond
    the radius the function has reached its limit, and the value returned is the one at the radius.
    Raises EK303 when scale is out of range.
    """
    multiplier, shift = quantize_multiplier(scale * 2.0 ** (31 - integer_bits))
    limit = (2**integer_bits - 1) * 2.0 ** (31 - integer_bits)
    radius = math.floor(limit / 2.0**shift)
    return requantize(np.clip(difference, -radius, radius), multiplier, shift), radius


def exp_on_negative_values(x: Int, integer_bits: int) -> Int:
    """exp(x) in Q0.31 for x <= 0 in Q(integer_bits).

    The part of x below a quarter goes through a Taylor polynomial around -1/8; each bit above it
    multiplies by its own exp(-2^k).
    """
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    low = (x & (quarter - 1)) - quarter
    result = _exp_minus_quarter_to_0(low << integer_bits)
    rest = low - x
    for power, factor in zip(range(-2, integer_bits), _EXP_POWERS, strict=False):
        bit = (rest >> (fraction_bits + power)) & 1
        result = np.where(bit == 1, multiply_high(result, factor), result)
    return np.where(x == 0, INT32_MAX, result)


def _exp_minus_quarter_to_0(x: Int) -> Int:
    """exp(x), x in [-1/4, 0), both Q0.31: degree 4 in y = x + 1/8."""
    y = x + (1 << 28)
    y2 = multiply_high(y, y)
    y3 = multiply_high(y2, y)
    y4 = multiply_high(y2, y2)
    tail = multiply_high(rounding_shift(y4, 2) + y3, _THIRD)
    polynomial = y + rounding_shift(tail + y2, 1)
    return _EXP_MINUS_EIGHTH + multiply_high(polynomial, _EXP_MINUS_EIGHTH)


def _divide_by_half_sum(x: Int) -> Int:
    """2 / (1 + x) in Q2.29 for x in [0, 1] in Q0.31: three Newton-Raphson steps."""
    denominator = (x + (1 << 31)) >> 1  # (1 + x) / 2, rounded up
    y = _48_OVER_17 + multiply_high(denominator, -_32_OVER_17)
    for _ in range(3):
        error = _ONE_Q2 - multiply_high(denominator, y)
        y = y + shift_left(multiply_high(y, error), 2)
    return y


def reciprocal(x: Int) -> Int:
    """1 / (1 + x) in Q0.31 for x in [0, 1] in Q0.31."""
    return shift_left(_divide_by_half_sum(x), 1)


def logistic(x: Int, integer_bits: int) -> Int:
    """1 / (1 + exp(-x)) in Q0.31 for x in Q(integer_bits)."""
    positive = reciprocal(exp_on_negative_values(-np.abs(x), integer_bits))
    result = np.where(x > 0, positive, INT32_MAX - positive)
    return np.where(x == 0, 1 << 30, result)


def tanh(x: Int, integer_bits: int) -> Int:
    """tanh(x) in Q0.31 for x in Q(integer_bits), as (1 - e) / (1 + e) with e = exp(-2 |x|)."""
    # The same bits read with one more integer bit are twice the value.
    e = exp_on_negative_values(-np.abs(x), integer_bits + 1)
    result = shift_left(_divide_by_half_sum(e) - _ONE_Q2, 2)
    return np.where(x == 0, 0, np.where(x < 0, -result, result))


def inverse_sqrt(x: Int) -> tuple[Int, Int]:
    """1 / sqrt(x) as ``root * 2**(-31 - right)`` for whole numbers x >= 0; 0 counts as 1.

    x is brought to [1/4, 1) as Q3.28 by an even shift; five Newton-Raphson steps follow, and a factor
    of sqrt(1/2) for the half that is left of the even shift.
    """
    tiny, right = x <= 1, np.full(x.shape, 11, np.int64)
    x = np.maximum(x, 1)
    while (large := x >= 1 << 29).any():
        x, right = np.where(large, x >> 2, x), right + large
    # frexp gives the bit length.
    pairs = (31 - np.frexp(x.astype(np.float64))[1].astype(np.int64)) // 2 - 1
    right = right - pairs
    half_input, three_halves = rounding_shift(x << (2 * pairs) >> 1, 1), (1 << 28) + (1 << 27)
    y = np.full(x.shape, 1 << 28, np.int64)
    for _ in range(5):
        cube = shift_left(multiply_high(multiply_high(y, y), y), 6)
        # Q3.28 times Q3.28 is Q6.25.
        y = shift_left(multiply_high(y, three_halves) - multiply_high(half_input, cube), 3)
    root = multiply_high(y, _SQRT_HALF) << np.maximum(-right, 0)
    return np.where(tiny, INT32_MAX, root), np.where(tiny, 0, np.maximum(right, 0))


def log_above_one(x: Int, integer_bits: int, result_bits: int) -> Int:
    """log(x) in Q(result_bits) for x >= 1 in Q(integer_bits).

    x is brought near sqrt(sqrt(1/2)) by a power of two, or by one and a half, whichever leaves less;
    what is left goes through a quotient of polynomials, and the power times log(2) is added.
    """
    accumulator = result_bits + 1
    one = 1 << (31 - accumulator)
    first = _leading_zeros(x)
    r = shift_left(multiply_high(x << (first - 1), _SQRT_HALF), 1)
    power = (integer_bits - first) * one + (one >> 2)
    headroom = _leading_zeros(multiply_high(x, _SQRT_HALF)) - 1
    r = np.minimum(r, shift_left(x, headroom))
    power = np.maximum(power, (integer_bits - headroom) * one - (one >> 2))
    middle = (r + _SQRT_SQRT_HALF + 1) >> 1
    q = 2 * (r - _SQRT_SQRT_HALF)
    square = multiply_high(q, q)
    numerator = multiply_high(q, r) + multiply_high(multiply_high(q, square), _LOG_NUMERATOR)
    bracket = _LOG_CONSTANT + q + multiply_high(_LOG_SQUARE, square)
    denominator = multiply_high(middle, bracket) + multiply_high(_LOG_LINEAR, q)
    quotient = multiply_high(rounding_shift(numerator, accumulator), reciprocal(denominator))
    return shift_left(multiply_high(power, _LOG_2) + quotient, 1)


def _leading_zeros(x: Int) -> Int:
    """Of positive 32-bit numbers."""
    return 32 - np.frexp(x.astype(np.float64))[1].astype(np.int64)
