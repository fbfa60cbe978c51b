"""Constants as the kernels for Cortex-M cores with MVE (Helium) want them.

VMLADAVA multiplies sixteen pairs of int8 values and adds all products to one sum, so weights stay
rows of bytes; loops leave out the lanes beyond the last tap, so rows need no filling up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.isa.dsp import Channels, as_int32, sums
from edgekit.op import Const, Packed

Array = NDArray[Any]
Consts = Mapping[str, Array]

ROWS = Const("weights", "int8_t", "[out_c up to a multiple of four][taps]", weights=True)
SCALES = Const(
    "scales", "int32_t", "per channel: bias, multiplier, shift (negative is right), zero point"
)
DENSE = (ROWS, SCALES)
_ROWS = 4  # channels of one vector with their own multipliers


def _fit(channels: Channels) -> bool:
    """Whether a channel's sum and its output before the clamp are int32, and none shifts left."""
    largest = np.abs(np.stack(sums(channels.weights, channels.bias))).max(axis=0)
    return bool((largest < 2**30).all() and (channels.shift >= 0).all())


def _scales(channels: Channels, rows: int) -> Array:
    """[channels up to a multiple of `rows`, 4]; what is filled up has the output 0."""
    columns = [channels.bias, channels.multiplier, -channels.shift, channels.zero]
    table = np.stack(columns, axis=1)
    return as_int32(np.pad(table, ((0, -len(table) % rows), (0, 0))))


def _dense(p: Any, consts: Consts) -> Channels:
    return Channels.of(p, consts, consts["weights"].reshape(p.out_c, -1))


def dense_fits(p: Any, consts: Consts) -> bool:
    """For convolutions and dense layers."""
    return _fit(_dense(p, consts))


def pack_dense(p: Any, consts: Consts) -> Packed:
    channels = _dense(p, consts)
    rows = np.pad(channels.weights, ((0, -p.out_c % _ROWS), (0, 0))).astype(np.int8)
    return Packed(p, {"weights": rows, "scales": _scales(channels, _ROWS)})


def conv2d_scratch(p: Any) -> int:
    """Four windows, unless all can be read in place."""
    inside = (p.out_w - 1) * p.stride_w + p.kernel_w <= p.in_w and p.pad_left == 0
    rows = (p.out_h - 1) * p.stride_h < p.in_h and p.pad_top == 0
    in_place = p.kernel_h == 1 and p.dilation_w == 1 and inside and rows
    return 0 if in_place else int(4 * p.kernel_h * p.kernel_w * p.in_c)


TAPS = Const("weights", "int8_t", "[channels][kernel_h * kernel_w]", weights=True)
DEPTHWISE = (TAPS, SCALES)


def _depthwise(p: Any, consts: Consts) -> Channels:
    return Channels.of(p, consts, consts["weights"].reshape(-1, len(consts["bias"])).T)


def depthwise_fits(p: Any, consts: Consts) -> bool:
    """One output channel per input channel."""
    return p.multiplier_c == 1 and _fit(_depthwise(p, consts))


def pack_depthwise(p: Any, consts: Consts) -> Packed:
    channels = _depthwise(p, consts)
    weights = np.ascontiguousarray(channels.weights).astype(np.int8)
    return Packed(p, {"weights": weights, "scales": _scales(channels, 1)})


def depthwise_scratch(p: Any) -> int:
    """Four windows of sixteen channels, a list of their taps (a pointer is 8 bytes at most), and a
    pixel of the zero point. Taps are filled up to a multiple of four."""
    taps = -(-p.kernel_h * p.kernel_w // 4) * 4
    return int(4 * (taps * 16 + taps * 8) + p.in_c)


def always(p: Any, consts: Consts) -> bool:
    """No condition."""
    return True


def pool_fits_16_bits(p: Any, consts: Consts) -> bool:
    """Sums of 16 bits."""
    return bool(p.kernel_h * p.kernel_w * 128 < 2**15)
