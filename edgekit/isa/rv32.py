"""Constants as the kernels for 32-bit RISC-V cores with multiplication want them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.isa.dsp import SUMS, TAPS, Channels, as_int32, fours_of
from edgekit.op import Const, Packed

Array = NDArray[Any]
Consts = Mapping[str, Array]

QUADS = Const("weights", "int8_t", "[groups of four channels][taps][4]", weights=True)
GROUPS = Const("scales", "int32_t", "[groups][4]: bias, multiplier, rounding, shift")
DENSE, DEPTHWISE = (QUADS, GROUPS), (TAPS, SUMS)


def _rows(p: Any, consts: Consts) -> Channels:
    return Channels.of(p, consts, consts["weights"].reshape(p.out_c, -1))


def _columns(p: Any, consts: Consts) -> Channels:
    return Channels.of(p, consts, consts["weights"].reshape(-1, len(consts["bias"])).T)


def _scales(channels: Channels) -> Array:
    return as_int32(np.concatenate([channels.bias[:, None], channels.rescaling()], axis=1))


def dense_fits(p: Any, consts: Consts) -> bool:
    """For convolutions and dense layers: four channels or more."""
    return bool(p.out_c >= 4) and _rows(p, consts).fit()


def pack_dense(p: Any, consts: Consts) -> Packed:
    channels, fours = _rows(p, consts), fours_of(p.out_c)
    weights = channels.weights[fours].transpose(0, 2, 1).astype(np.int8)
    return Packed(p, {"weights": weights, "scales": _scales(channels)[fours]})


def conv2d_scratch(p: Any) -> int:
    """Four windows."""
    return int(4 * p.kernel_h * p.kernel_w * p.in_c)


def depthwise_fits(p: Any, consts: Consts) -> bool:
    """One output channel per input channel, of which there are four or more."""
    return p.multiplier_c == 1 and p.in_c >= 4 and _columns(p, consts).fit()


def pack_depthwise(p: Any, consts: Consts) -> Packed:
    channels = _columns(p, consts)
    return Packed(p, {"weights": channels.weights.T.astype(np.int8), "scales": _scales(channels)})


def depthwise_scratch(p: Any) -> int:
    """The list of taps."""
    return int(8 * p.kernel_h * p.kernel_w)
