"""Constants as the kernels for Armv6-M (Cortex-M0, M0+) want them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.op import Const, Packed

Array = NDArray[Any]
Consts = Mapping[str, Array]

ROWS = Const("weights", "int8_t", "[out_c][taps filled up to a multiple of four]", weights=True)
EIGHTS = Const(
    "weights", "uint8_t", "[groups of eight channels][taps as above][8], plus 128", weights=True
)


def any_fits(p: Any, consts: Consts) -> bool:
    return True


def pack_conv2d(p: Any, consts: Consts) -> Packed:
    rows = consts["weights"].reshape(p.out_c, -1)
    return Packed(p, {**consts, "weights": np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))})


def conv2d_scratch(p: Any) -> int:
    """Four windows, each value a word."""
    return int(16 * (-(-p.kernel_h * p.kernel_w * p.in_c // 4) * 4))


def dense_fits(p: Any, consts: Consts) -> bool:
    """Eight channels or more, and sums that weights of up to 255 cannot overflow."""
    bias = np.abs(consts["bias"].astype(np.int64)).max()
    return bool(p.out_c >= 8 and bias + 3 * p.in_c * 128 * 255 < 2**31)


def pack_dense(p: Any, consts: Consts) -> Packed:
    first = np.minimum(np.arange(0, p.out_c, 8), p.out_c - 8)
    groups = consts["weights"][first[:, None] + np.arange(8)].astype(np.int16) + 128
    groups = np.pad(groups, ((0, 0), (0, 0), (0, -p.in_c % 4)), constant_values=128)
    return Packed(p, {**consts, "weights": groups.transpose(0, 2, 1).astype(np.uint8)})


def depthwise_fits(p: Any, consts: Consts) -> bool:
    """One output channel per input channel, of which there are four or more."""
    return bool(p.multiplier_c == 1 and p.in_c >= 4)


def depthwise_scratch(p: Any) -> int:
    """The list of taps."""
    return int(8 * p.kernel_h * p.kernel_w)
