"""What TensorFlow Lite Micro's signal operators share: options, types, and their transform in numpy.

The transform is KISS FFT's of 16 bits, which TensorFlow Lite Micro calls: passes of four, then one of
two where the length asks for it, each of which divides by its radix first; sums wrap. Twin of
`runtime/include/ek_signal.h`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.fixed import Int
from edgekit.frontends.flexbuffer import numbers
from edgekit.graph import Graph, Node
from edgekit.op import require
from edgekit.sketch import Sketch

Array = NDArray[Any]


def option(node: Node, name: str, low: int, high: int) -> int:
    """One of a custom operator's options. Raises EK202 where it is absent or out of range."""
    found = (numbers(node.attrs["custom_options"]) or {}).get(name)
    require(found is not None and low <= found <= high, f"{name} from {low} to {high}", node, found)
    return int(found or 0)


def check_types(
    node: Node, graph: Graph, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> None:
    """Raises EK202 where operands have other types."""
    found = tuple(
        graph.value(name).dtype if name else "none" for name in (*node.inputs, *node.outputs)
    )
    require(
        found == (*inputs, *outputs), " ".join((*inputs, "to", *outputs)), node, " ".join(found)
    )


def constant(node: Node, graph: Graph, index: int) -> Array:
    """A constant operand. Raises EK202 where it is computed."""
    data = graph.const(node.inputs[index])
    require(data is not None, "constant tables", node, node.inputs[index])
    assert data is not None
    return data


def moved_on(sketch: Sketch, state: str, x: str, part: range | None = None, out: str = "") -> str:
    """What a variable holds, and behind it `x` along the last axis; the variable then keeps the last of
    that. Returns all of it, or where a `part` of it is asked for that, in `out`."""
    axis = len(sketch.graph.value(x).shape) - 1
    before = sketch.add("read_variable", [state])
    joined = sketch.add("concat", [before, x], {"axis": axis})
    shape, kept = sketch.graph.value(joined).shape, sketch.graph.value(state).shape[-1]
    outer = [range(n) for n in shape[:-1]]
    last = sketch.part(joined, [*outer, range(shape[-1] - kept, shape[-1])])
    sketch.add("assign_variable", [last], output=state)
    return joined if part is None else sketch.part(joined, [*outer, part], out)


def wrapped(x: Array) -> Int:
    """The 16 low bits as a number with sign."""
    return np.asarray(((x + 0x8000) & 0xFFFF) - 0x8000)


def rounded(x: Array) -> Int:
    """A product of Q0.15 numbers in Q0.15."""
    return wrapped((x + (1 << 14)) >> 15)


def radices(n: int) -> list[int]:
    """Of the passes over n = 2^k members, the last one first."""
    return [4] * ((n.bit_length() - 1) // 2) + [2] * ((n.bit_length() - 1) % 2)


def circle(turns: Array) -> NDArray[np.int16]:
    """cos and sin of -2 pi turns, as floor(32767 v + 1/2): [..., 2]."""
    phase = -2 * math.pi * turns
    return np.stack([np.floor(0.5 + 32767 * f(phase)) for f in (np.cos, np.sin)], axis=-1).astype(
        np.int16
    )


def twiddles(n: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Of a real transform of n members: the circle of its passes, and the turns of its bins."""
    half = n // 2
    return circle(np.arange(half) / half), circle((np.arange(half // 2) + 1) / n + 0.25)


def places(n: int) -> NDArray[np.int16]:
    """Which member stands at each place when the passes begin."""

    def spread(at: NDArray[Any], parts: list[int]) -> NDArray[Any]:
        if not parts:
            return at
        return np.concatenate([spread(at[q :: parts[0]], parts[1:]) for q in range(parts[0])])

    return spread(np.arange(n), radices(n)).astype(np.int16)


def _product(re: Array, im: Array, w: Array) -> tuple[Int, Int]:
    c, s = w[..., 0].astype(np.int64), w[..., 1].astype(np.int64)
    return rounded(re * c - im * s), rounded(re * s + im * c)


def transform(re: Int, im: Int, twiddle: Array, parts: list[int]) -> tuple[Int, Int]:
    """The transform of [..., n] members; `twiddle` is a circle of as many points as the whole has."""
    if not parts:
        return re, im
    p, n = parts[0], re.shape[-1]
    step, m = len(twiddle) // n, n // p
    divide = 32767 // p
    made = []
    for q in range(p):
        r, i = transform(re[..., q::p], im[..., q::p], twiddle, parts[1:])
        r, i = rounded(r * divide), rounded(i * divide)
        made.append(_product(r, i, twiddle[q * step * np.arange(m)]) if q else (r, i))
    if p == 2:
        (ar, ai), (br, bi) = made
        pairs = [(ar + br, ai + bi), (ar - br, ai - bi)]
    else:
        (ar, ai), (br, bi), (cr, ci), (dr, di) = made
        sr, si, tr, ti = wrapped(ar + cr), wrapped(ai + ci), wrapped(ar - cr), wrapped(ai - ci)
        ur, ui, vr, vi = wrapped(br + dr), wrapped(bi + di), wrapped(br - dr), wrapped(bi - di)
        pairs = [(sr + ur, si + ui), (tr + vi, ti - vr), (sr - ur, si - ui), (tr - vi, ti + vr)]
    return tuple(  # type: ignore[return-value]
        np.concatenate([wrapped(pair[k]) for pair in pairs], axis=-1) for k in (0, 1)
    )


def real_transform(x: Int, twiddle: Array, turn: Array) -> Int:
    """Bins 0..N/2 of real members x [..., N], as (re, im) pairs [..., N + 2]."""
    half = x.shape[-1] // 2
    re, im = transform(x[..., ::2], x[..., 1::2], twiddle, radices(half))
    re, im = rounded(re * 16383), rounded(im * 16383)
    k = np.arange(1, half // 2 + 1)
    a, b, c, d = re[..., k], im[..., k], re[..., half - k], -im[..., half - k]
    sr, si = wrapped(a + c), wrapped(b + d)
    tr, ti = _product(wrapped(a - c), wrapped(b - d), turn[k - 1])
    out = np.zeros((*x.shape[:-1], half + 1, 2), np.int64)
    out[..., 0, 0], out[..., half, 0] = re[..., 0] + im[..., 0], re[..., 0] - im[..., 0]
    out[..., k, 0], out[..., k, 1] = (sr + tr) >> 1, (si + ti) >> 1
    out[..., half - k, 0], out[..., half - k, 1] = (sr - tr) >> 1, (ti - si) >> 1
    return wrapped(out).reshape(*x.shape[:-1], -1)


def root64(x: NDArray[np.uint64]) -> Int:
    """The square root to the nearest, at most 65535 of numbers below 2^32 and 2^32 - 1 of others."""
    found = np.sqrt(x.astype(np.float64)).astype(np.uint64)
    found = np.minimum(found, np.uint64(2**32 - 1))
    found -= (found * found > x).astype(np.uint64)
    following = np.minimum(found + np.uint64(1), np.uint64(2**32 - 1))
    found = np.where(following * following <= x, following, found)
    up = x - found * found > found
    most = np.where(x < 2**32, np.uint64(2**16 - 1), np.uint64(2**32 - 1))
    return np.where(up & (found < most), found + np.uint64(1), found).astype(np.int64)


def log_table() -> NDArray[np.int16]:
    """What log2(1 + i / 128) is above i / 128, i = 0..128, in Q16, and a 0 behind it."""
    at = np.arange(129) / 128
    rise = np.floor((np.log2(1 + at) - at) * 2**16 + 0.5)
    return np.append(rise, 0).astype(np.int16)
