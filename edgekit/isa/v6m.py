"""Constants as the kernels for Armv6-M (Cortex-M0, M0+) want them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.isa.dsp import SUMS, TAPS, Channels, as_int32
from edgekit.op import Const, Packed

Array = NDArray[Any]
Consts = Mapping[str, Array]

ROWS = Const("weights", "int8_t", "[out_c][taps filled up to a multiple of four]", weights=True)
EIGHTS = Const(
    "weights",
    "uint8_t",
    "[groups of eight channels][taps filled up to eights][8], plus 128",
    weights=True,
)
CONV2D, DENSE, DEPTHWISE = (ROWS, SUMS), (EIGHTS, SUMS), (TAPS, SUMS)


def _rows(p: Any, consts: Consts) -> Channels:
    return Channels.of(p, consts, consts["weights"].reshape(p.out_c, -1))


def _columns(p: Any, consts: Consts) -> Channels:
    return Channels.of(p, consts, consts["weights"].reshape(-1, len(consts["bias"])).T)


def _packed(p: Any, channels: Channels, weights: Array) -> Packed:
    scales = np.concatenate([channels.bias[:, None], channels.rescaling()], axis=1)
    return Packed(p, {"weights": weights, "scales": as_int32(scales)})


def conv2d_fits(p: Any, consts: Consts) -> bool:
    return _rows(p, consts).fit()


def pack_conv2d(p: Any, consts: Consts) -> Packed:
    channels = _rows(p, consts)
    rows = np.pad(channels.weights, ((0, 0), (0, -channels.weights.shape[1] % 4)))
    return _packed(p, channels, rows.astype(np.int8))


def conv2d_scratch(p: Any) -> int:
    """Four windows, each value a word."""
    return int(16 * (-(-p.kernel_h * p.kernel_w * p.in_c // 4) * 4))


def dense_fits(p: Any, consts: Consts) -> bool:
    """Eight channels or more, and sums that weights of up to 255 cannot overflow."""
    shifted = 3 * p.in_c * 128 * 255
    return bool(p.out_c >= 8 and shifted < 2**30) and _rows(p, consts).fit()


def pack_dense(p: Any, consts: Consts) -> Packed:
    channels = _rows(p, consts)
    first = np.minimum(np.arange(0, p.out_c, 8), p.out_c - 8)
    groups = channels.weights[first[:, None] + np.arange(8)] + 128
    groups = np.pad(groups, ((0, 0), (0, 0), (0, -p.in_c % 8)), constant_values=128)
    return _packed(p, channels, groups.transpose(0, 2, 1).astype(np.uint8))


def depthwise_fits(p: Any, consts: Consts) -> bool:
    """One output channel per input channel, of which there are four or more."""
    return p.multiplier_c == 1 and p.in_c >= 4 and _columns(p, consts).fit()


def pack_depthwise(p: Any, consts: Consts) -> Packed:
    channels = _columns(p, consts)
    return _packed(p, channels, channels.weights.T.astype(np.int8))


def depthwise_scratch(p: Any) -> int:
    """The list of taps."""
    return int(8 * p.kernel_h * p.kernel_w)
