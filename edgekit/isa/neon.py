"""Constants as the kernels for AArch64 want them.

With SMULL and SMLAL two products of int8 share a 16-bit lane before they are added to 32 bits. That
is exact when the two weights are at most 255 together in magnitude, which is read off the real
weights. SDOT adds to 32 bits at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit import fixed
from edgekit.isa.dsp import Channels, sums
from edgekit.op import Const, Packed, Params

Array = NDArray[Any]
Consts = Mapping[str, Array]

_LANE = 255  # 128 * 255 is below 2^15

CONSTS = (
    Const("weights", "int8_t", "[groups of 4 channels][16 taps at a time, then 8]", weights=True),
    Const("scales", "int32_t", "per group: 4 biases, 4 multipliers, 4 shifts, negative is right"),
)


def _channels(p: Any, consts: Consts, weights: Array) -> Channels:
    """The channels; those whose output is one constant get it from a bias of four times that number,
    less the zero point, rescaled by one half and shifted by one."""
    c = Channels.of(p, consts, weights)
    dead = c.multiplier == 0
    return Channels(
        weights=c.weights,
        bias=np.where(dead, 4 * (c.zero - p.output_zero), c.bias),
        multiplier=np.where(dead, 1 << 30, c.multiplier),
        shift=np.where(dead, 1, c.shift),
        zero=c.zero,
    )


def _chunks(weights: Array) -> tuple[Array, Array]:
    """Weights [channels, taps] as read: [channels, chunks, 16], then [channels, chunks, 8].

    What is left of chunks of 16 is one of 8 where that suffices or there is none of 16. The last
    chunk overlaps the one before it with weights of 0; fewer than 8 taps are filled up.
    """
    channels, taps = weights.shape
    starts = {16: list(range(0, taps - 15, 16)), 8: []}
    left = taps - 16 * len(starts[16])
    if starts[16] and left > 8:
        starts[16].append(taps - 16)
    elif left:
        starts[8] = [taps - left] if taps <= 8 else [*([] if starts[16] else [0]), taps - 8]
    done, parts = 0, []
    for size, firsts in starts.items():
        chunks = np.zeros((channels, len(firsts), size), weights.dtype)
        for i, first in enumerate(firsts):
            new = weights[:, max(first, done) : first + size]
            at = max(first, done) - first
            chunks[:, i, at : at + new.shape[1]] = new
            done = first + size
        parts.append(chunks)
    return parts[0], parts[1]


def _share_lanes(weights: Array) -> bool:
    """Whether the taps 8 apart of every chunk of 16 may share a lane."""
    sixteens, _ = _chunks(weights)
    sizes = np.abs(sixteens)
    return bool((sizes[:, :, :8] + sizes[:, :, 8:] <= _LANE).all())


def fours_of(channels: int) -> Array:
    """The channels as they are computed, four at a time; the last four overlap."""
    return np.minimum(np.arange(0, channels, 4), channels - 4)[:, None] + np.arange(4)


def _together(channels: int) -> list[int]:
    """How many groups of four channels SDOT makes at once, in order: four, then two, then one."""
    rest = channels % 16
    return [4] * (channels // 16) + [2] * (rest // 8) + [1] * (-(-(rest % 8) // 4))


def _packed(kind: Callable[..., Params], p: Any, c: Channels, *, dot: bool, **more: int) -> Packed:
    """`dot`: for SDOT, whose weights stand as [4 taps][groups made together][4 channels][4 taps],
    else [groups][chunks][4 channels][taps of a chunk]."""
    fours = fours_of(len(c.bias))
    blocks = _together(len(c.bias)) if dot else [1] * len(fours)
    parts, at = [], 0
    for groups in blocks:
        block = fours[at : at + groups]
        at += groups
        for chunks in _chunks(c.weights):
            size = 4 if dot else chunks.shape[2]
            taps = chunks.reshape(len(chunks), chunks[0].size // size, size)
            parts.append(taps[block].transpose(2, 0, 1, 3).ravel())
    scales = np.stack([c.bias, c.multiplier, -c.shift])[:, fours]
    return Packed(kind(**asdict(p), rescaling=_rescaling(p, c), **more), {
        "weights": np.concatenate(parts).astype(np.int8),
        "scales": scales.transpose(1, 0, 2).astype(np.int32),
    })  # fmt: skip


# How sums become outputs; EK_NEON_ANY and the like in ek_neon.h.
ANY, SHIFTED, RELU = range(3)


def _rescaling(p: Any, c: Channels) -> int:
    """Which proof of `ek_neon.h` the numbers give. Below the zero point a ReLU shows nothing, so how
    negative ties are rounded does not matter there."""
    ends = fixed.requantize(np.stack(sums(c.weights, c.bias)), c.multiplier, -c.shift)
    if (np.abs(ends) >= 2**15).any():
        return ANY
    if p.out_min == p.output_zero:
        return RELU
    return SHIFTED if (c.shift > 0).all() and (p.out_min, p.out_max) == (-128, 127) else ANY


# How the windows of a row are laid out; EK_NEON_SHARED and the like in ek_neon_conv2d.h.
SHARED, COLUMNS, ROWS = range(3)


def _layout(p: Any) -> int:
    """Windows share columns, unless their taps are no neighbours, or many short rows of windows are
    copied with fewer instructions than the columns of their stride."""
    if p.dilation_w > 1:
        return COLUMNS
    short = p.stride_w > 1 and p.kernel_w * p.in_c <= 16 and p.out_w >= 16
    return ROWS if short else SHARED


def _convolution(p: Any, consts: Consts) -> Channels:
    """The taps of a window as they are laid out."""
    weights = consts["weights"].reshape(p.out_c, p.kernel_h, p.kernel_w, p.in_c)
    if _layout(p) != ROWS:
        weights = weights.transpose(0, 2, 1, 3)
    return _channels(p, consts, weights.reshape(p.out_c, -1))


def conv2d_dot_fits(p: Any, consts: Consts) -> bool:
    """Four channels or more; no left shift."""
    return p.out_c >= 4 and bool((_convolution(p, consts).shift >= 0).all())


def conv2d_fits(p: Any, consts: Consts) -> bool:
    return conv2d_dot_fits(p, consts) and _share_lanes(_convolution(p, consts).weights)


def pack_conv2d(kind: Callable[..., Params], p: Any, consts: Consts, *, dot: bool) -> Packed:
    c = _convolution(p, consts)
    return _packed(kind, p, c, dot=dot, layout=_layout(p), windows=_before_windows(p))


def _columns(p: Any) -> int:
    """Columns that the windows of a row reach over."""
    return int((p.out_w - 1) * p.stride_w + p.kernel_w)


def _before_windows(p: Any) -> int:
    """Bytes of scratch before the windows: a cell of the zero point and, for `ROWS`, a row."""
    return int(p.in_c * (1 + (_columns(p) if _layout(p) == ROWS else 0)))


def conv2d_scratch(p: Any) -> int:
    """None where pixels are read in place; 8 taps are read where there are fewer."""
    taps = p.kernel_h * p.kernel_w * p.in_c
    inside = (p.out_h - 1) * p.stride_h < p.in_h and (p.out_w - 1) * p.stride_w < p.in_w
    if p.kernel_h * p.kernel_w == 1 and p.pad_top + p.pad_left == 0 and inside and taps >= 8:
        return 0
    columns = _columns(p) if _layout(p) == SHARED else p.out_w * p.kernel_w
    return int(_before_windows(p) + columns * p.kernel_h * p.in_c + max(8 - taps, 0))


def _dense(p: Any, consts: Consts) -> Channels:
    return _channels(p, consts, consts["weights"])


def dense_dot_fits(p: Any, consts: Consts) -> bool:
    """8 inputs and 4 outputs or more; no left shift."""
    return p.in_c >= 8 and p.out_c >= 4 and bool((_dense(p, consts).shift >= 0).all())


def dense_fits(p: Any, consts: Consts) -> bool:
    return dense_dot_fits(p, consts) and _share_lanes(_dense(p, consts).weights)


def pack_dense(kind: Callable[..., Params], p: Any, consts: Consts, *, dot: bool) -> Packed:
    return _packed(kind, p, _dense(p, consts), dot=dot)


# Depthwise layers: blocks of channels side by side.
BLOCKS = (
    Const("weights", "int8_t", "[blocks][kernel_h][kernel_w][16 channels, or 8]", weights=True),
    Const("scales", "int32_t", "per block: biases, multipliers, shifts, negative is right"),
)


def blocks_of(channels: int) -> list[range]:
    """Blocks of 16 or 8 of at least 8 channels; the last one overlaps where they are no multiple."""
    blocks, at = [], 0
    while at < channels:
        size = 16 if channels - at > 8 and channels >= 16 else 8
        start = min(at, channels - size)
        blocks.append(range(start, start + size))
        at = start + size
    return blocks


def _depthwise(p: Any, consts: Consts) -> Channels:
    return _channels(p, consts, consts["weights"].reshape(-1, len(consts["bias"])).T)


def depthwise_fits(p: Any, consts: Consts) -> bool:
    """One output channel per input channel, of which there are 8 or more; no left shift; taps in
    pairs that may share a lane."""
    if p.multiplier_c != 1 or p.in_c < 8:
        return False
    c = _depthwise(p, consts)
    rows = c.weights.reshape(len(c.bias), 1 if _is_3x3(p) else p.kernel_h, -1)
    pairs = np.abs(np.pad(rows, ((0, 0), (0, 0), (0, rows.shape[2] % 2))))
    pairs = pairs.reshape(len(c.bias), -1, 2)
    return bool((c.shift >= 0).all() and (pairs.sum(axis=2) <= _LANE).all())


def _is_3x3(p: Any) -> bool:
    return bool(p.kernel_h == p.kernel_w == 3)


def pack_depthwise(kind: Callable[..., Params], p: Any, consts: Consts) -> Packed:
    c = _depthwise(p, consts)
    numbers = np.stack([c.bias, c.multiplier, -c.shift])
    blocks = blocks_of(p.in_c)
    return Packed(kind(**asdict(p), rescaling=_rescaling(p, c)), {
        "weights": np.concatenate([c.weights[block].T.ravel() for block in blocks]).astype(np.int8),
        "scales": np.concatenate([numbers[:, block].ravel() for block in blocks]).astype(np.int32),
    })  # fmt: skip


# Depthwise layers with SDOT: a word of every column of the window for each channel.
COLUMNS_OF_3 = (
    Const("weights", "int8_t", "[blocks][3 columns][8 channels][3 rows and 0]", weights=True),
    Const("scales", "int32_t", "per block: 8 biases, multipliers, shifts, negative is right"),
)


def depthwise_dot_fits(p: Any, consts: Consts) -> bool:
    """A 3x3 window, not dilated, every one with a row of the input; 8 channels or more, one output
    channel each; no left shift; columns one or two apart."""
    if p.multiplier_c != 1 or p.in_c < 8 or not _is_3x3(p):
        return False
    near = (p.dilation_h, p.dilation_w) == (1, 1) and p.stride_w <= 2 and p.pad_top <= 2
    inside = (p.out_h - 1) * p.stride_h - p.pad_top < p.in_h
    return bool(near and inside and (_depthwise(p, consts).shift >= 0).all())


def pack_depthwise_dot(kind: Callable[..., Params], p: Any, consts: Consts) -> Packed:
    c = _depthwise(p, consts)
    firsts = np.minimum(np.arange(0, p.in_c, 8), p.in_c - 8)
    blocks = firsts[:, None] + np.arange(8)
    words = np.pad(c.weights.reshape(-1, 3, 3), ((0, 0), (0, 1), (0, 0)))
    numbers = np.stack([c.bias, c.multiplier, -c.shift])
    return Packed(kind(**asdict(p), rescaling=_rescaling(p, c)), {
        "weights": words[blocks].transpose(0, 3, 1, 2).ravel().astype(np.int8),
        "scales": numbers[:, blocks].transpose(1, 0, 2).ravel().astype(np.int32),
    })  # fmt: skip


def depthwise_scratch(p: Any) -> int:
    """A pixel of the zero point."""
    return int(p.in_c)


def pool_fits(p: Any, consts: Consts) -> bool:
    """Eight channels or more."""
    return bool(p.in_c >= 8)


def pool_fits_16_bits(p: Any, consts: Consts) -> bool:
    """Eight channels or more, and no more cells than sums of 16 bits can hold."""
    return pool_fits(p, consts) and bool(p.kernel_h * p.kernel_w * 128 < 2**15)
