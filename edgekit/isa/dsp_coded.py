"""Constants of the DSP kernels that decode their weights: those of `dsp`, without what is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.families.decoding import decoded
from edgekit.isa import dsp
from edgekit.isa.dsp import PAIRS, SCALES, Array, Channels, as_int32, pairs_of
from edgekit.op import Packed

__all__ = ["PAIRS", "SCALES"]

Consts = Mapping[str, Array]

_TILE = 4  # pixels
_MORE = 3  # channels that may join the last tile of a depthwise layer


def _channels(p: Any, consts: Consts, taps: int) -> Channels:
    """With the weights as they stand in the stream: none is made 0 where an output is constant."""
    weights = decoded(p.format, consts["code"], consts["stream"], p.coded_channels, taps)
    return replace(Channels.of(p, consts, weights), weights=weights.astype(np.int64))


def _convolution(p: Any, consts: Consts) -> Channels:
    return _channels(p, consts, p.kernel_h * p.kernel_w * p.in_c)


def conv2d_fits(p: Any, consts: Consts) -> bool:
    return p.out_c >= 2 and _convolution(p, consts).fit()


def conv2d_shares_lanes(p: Any, consts: Consts) -> bool:
    return conv2d_fits(p, consts) and _convolution(p, consts).can_share_lanes(pairs_of(p.out_c))


def pack_conv2d(p: Any, consts: Consts, *, mixed: bool) -> Packed:
    channels, pairs = _convolution(p, consts), pairs_of(p.out_c)
    scales = channels.rescaling_by_ties(p)[pairs].reshape(len(pairs), 6)
    columns = np.concatenate([channels.biases(pairs, mixed=mixed), scales], axis=1)
    own = {"stream": consts["stream"], "code": consts["code"], "pairs": as_int32(columns)}
    return Packed(p, own)


def conv2d_scratch(p: Any) -> int:
    """Windows of four pixels and a row of one as bytes, the table, two channels as they are decoded,
    and a tile of pairs, with the channel that may join the last one."""
    taps, row = p.kernel_h * p.kernel_w * p.in_c, -(-p.kernel_w * p.in_c // 4) * 4
    channels = 2 * (-(-taps // 4) * 4 + 4)
    tile = (p.tile + 2) // 2 * 2 * p.kernel_h * row
    return int(2 * _TILE * p.kernel_h * row + row + (2 << p.window) + channels + tile)


def depthwise3x3_fits(p: Any, consts: Consts) -> bool:
    return dsp.window_is_3x3(p) and _channels(p, consts, 9).fit()


def pack_depthwise3x3(p: Any, consts: Consts) -> Packed:
    channels = _channels(p, consts, 9)
    scales = np.concatenate([2 * channels.bias[:, None], channels.rescaling_by_ties(p)], axis=1)
    own = {"stream": consts["stream"], "code": consts["code"], "scales": as_int32(scales)}
    return Packed(p, own)


def depthwise3x3_scratch(p: Any) -> int:
    """The rows of four channels, the table, a channel as it is decoded, and a tile of them."""
    tile = 24 * (p.tile + _MORE)
    return int(dsp.depthwise3x3_scratch(p) + (2 << p.window) + 12 + tile)
