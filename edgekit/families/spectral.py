"""Spectra, roots and logarithms in integers, in numpy: twin of `runtime/include/ek_spectral.h`.

Formulas and bounds are in runtime/SPEC.md, section 10. Arrays are int64 and hold int32 values.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.fixed import Int, round_half_away

Array = NDArray[Any]

LOG_BITS = 24  # fraction bits of log2
_INTERVALS = 64


def cosines(n: int) -> tuple[Int, Int]:
    """cos and sin of 2 pi k / n for k = 0 .. n/4 - 1, in Q0.31."""
    angle = 2 * np.pi * np.arange(n // 4) / n
    return tuple(  # type: ignore[return-value]
        np.minimum(round_half_away(f(angle) * 2.0**31), 2**31 - 1) for f in (np.cos, np.sin)
    )


def high_product(x: Array, y: Array) -> Int:
    """floor(x y / 2^32), x and y int32."""
    return np.asarray((x * y) >> 32)


def _transform(re: Int, im: Int, cos: Int, sin: Int, whole: int) -> tuple[Int, Int]:
    """The transform of the complex sequences [..., M], divided by M: even and odd members first.

    cos and sin have a quarter of a circle of `whole` points.
    """
    size = re.shape[-1]
    if size == 1:
        return re, im
    half = size // 2
    even = _transform(re[..., ::2], im[..., ::2], cos, sin, whole)
    odd = _transform(re[..., 1::2], im[..., 1::2], cos, sin, whole)
    turned = _turned(*odd, cos, sin, whole // size)
    sums = [(e >> 1) + t for e, t in zip(even, turned, strict=True)]
    differences = [(e >> 1) - t for e, t in zip(even, turned, strict=True)]
    assert sums[0].shape[-1] == half
    return tuple(  # type: ignore[return-value]
        np.concatenate(pair, axis=-1) for pair in zip(sums, differences, strict=True)
    )


def _turned(re: Int, im: Int, cos: Int, sin: Int, step: int) -> tuple[Int, Int]:
    """Half of member j times exp(-2 pi i j step / whole); the second quarter is the first times -i."""
    quarter = max(1, re.shape[-1] // 2)

    def turn(re: Int, im: Int) -> tuple[Int, Int]:
        at = step * np.arange(re.shape[-1])
        c, s = cos[at], sin[at]
        real, imaginary = (
            high_product(re, c) + high_product(im, s),
            high_product(im, c) - high_product(re, s),
        )
        real[..., :1], imaginary[..., :1] = re[..., :1] >> 1, im[..., :1] >> 1
        return real, imaginary

    first = turn(re[..., :quarter], im[..., :quarter])
    second = turn(re[..., quarter:], im[..., quarter:])
    return (
        np.concatenate((first[0], second[1]), axis=-1),
        np.concatenate((first[1], -second[0]), axis=-1),
    )


def spectrum(x: Int, first: int, count: int) -> tuple[Int, Int]:
    """Bins first .. first + count - 1 of the spectra of real sequences x [..., N], divided by N.

    N is a power of two from 8; |x| at most 2^30.
    """
    n = x.shape[-1]
    half, quarter = n // 2, n // 4
    cos, sin = cosines(n)
    re, im = _transform(x[..., ::2], x[..., 1::2], cos, sin, n)
    k = np.arange(half + 1)
    mirrored = np.minimum(k, half - k)
    low, high = mirrored % half, (half - mirrored) % half
    a, b, c, d = (part >> 1 for part in (re[..., low], im[..., low], re[..., high], im[..., high]))
    even_re, even_im, odd_re, odd_im = a + c, b - d, a - c, b + d
    at = np.minimum(mirrored, quarter - 1)  # the ends and the middle are replaced below
    turned_re = high_product(odd_im, cos[at]) - high_product(odd_re, sin[at])
    turned_im = -high_product(odd_re, cos[at]) - high_product(odd_im, sin[at])
    back = k > quarter
    real = (even_re >> 1) + np.where(back, -turned_re, turned_re)
    imaginary = (even_im >> 1) + np.where(back, -turned_im, turned_im)
    imaginary = np.where(back, -imaginary, imaginary)
    ends = re[..., 0] >> 1, im[..., 0] >> 1
    real[..., 0], real[..., half] = ends[0] + ends[1], ends[0] - ends[1]
    imaginary[..., 0] = imaginary[..., half] = 0
    real[..., quarter], imaginary[..., quarter] = re[..., quarter] >> 1, -(im[..., quarter] >> 1)
    part = slice(first, first + count)
    return real[..., part], imaginary[..., part]


def bit_length(x: Array) -> Int:
    """Of non-negative int64 numbers; 0 has none."""
    length = np.zeros(x.shape, np.int64)
    rest = np.asarray(x, np.int64)
    for step in (32, 16, 8, 4, 2, 1):
        more = (rest >> step) > 0
        length += np.where(more, step, 0)
        rest = np.where(more, rest >> step, rest)
    return np.asarray(length + (rest > 0))


def root(x: Array) -> Int:
    """The square root of x, 0 <= x < 2^62, to its 16 highest bits, rounded down."""
    drop = (np.maximum(bit_length(x) - 32, 0) + 1) >> 1
    # float64 has the root of a number of 32 bits exactly enough: no whole root lies near its error.
    return np.asarray(
        np.floor(np.sqrt((x >> 2 * drop).astype(np.float64))).astype(np.int64) << drop
    )


def log_table() -> NDArray[np.int32]:
    """log2(1 + i / 64) in Q24, i = 0..64, raised by half of what chords lie below the curve."""
    at = 1 + np.arange(_INTERVALS + 1) / _INTERVALS
    sag = 1 / (16 * math.log(2) * (at * _INTERVALS) ** 2)
    return np.asarray(round_half_away((np.log2(at) + sag) * 2.0**LOG_BITS), np.int32)


def log2(x: Array, table: NDArray[np.int32]) -> Int:
    """log2(x) in Q24 for 1 <= x < 2^32."""
    x = np.asarray(x, np.int64)
    length = bit_length(x)
    mantissa = x << (32 - length)
    at, rest = (mantissa >> 25) & 63, (mantissa >> 13) & 4095
    low = table[at].astype(np.int64)
    return np.asarray(((length - 1) << LOG_BITS) + low + (((table[at + 1] - low) * rest) >> 12))


def window(name: str, frame: int) -> Array:
    """The periodic window of so many samples: hann, hamming or none (all ones), as reals."""
    turn = np.cos(2 * np.pi * np.arange(frame) / frame)
    return {"hann": 0.5 - 0.5 * turn, "hamming": 0.54 - 0.46 * turn, "none": np.ones(frame)}[name]
