"""Rough counts of the instructions of kernels: enough to choose between them and between plans.

A function of the unpacked Params and of `n`, the output rows that one call makes, gives the
instructions of that call. The constants are read off the inner loops and fitted to counts of whole
layers; `edgekit bench` counts what a finished build really takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit.graph import IntNode, Value
from edgekit.op import PORTABLE

_CALL = 150  # the driver, and a kernel's entry
_MAC, _OUTPUT = 3, 15  # portable kernels, per multiply-accumulate and per element of the output
_LONE = 1  # more, per multiply-accumulate, where a portable convolution's pixel has no partner
_CELL = 6  # pools and sums, per element of the input


def of_node(node: IntNode, values: Mapping[str, Value], calls: int) -> int:
    """Instructions of a node whose rows are made in so many calls of equal size: as they were
    counted, or else an estimate."""
    counted = node.measured.get((node.variant.suffix if node.variant else PORTABLE, calls))
    if counted is not None:
        return counted
    out = values[node.outputs[0]]
    rows = out.shape[1] // calls if len(out.shape) > 1 else 1
    if node.variant and node.variant.instructions:
        return calls * node.variant.instructions(node.params, rows)
    own = None if node.variant else node.op.estimate(node.params, rows)
    if own is not None:
        return calls * own
    outputs = sum(values[name].elements for name in node.outputs)
    macs = node.op.cost(node, values).macs
    work = (1 if node.variant else _MAC) * macs
    if not macs and node.op.signature in ("rows", "sum"):
        work = _CELL * sum(values[name].elements for name in node.inputs)
        work //= 2 if node.variant else 1
    if calls > 1 and not node.variant and node.op.lingers(node.params):
        work += _LONE * macs // (2 * out.shape[2])
    return work + _OUTPUT * outputs + (_CALL + node.op.unpacking(node.params)) * calls


def decoding(p: Any) -> int:
    """The weights of a coded layer, once: its tokens, the words they are read from, its channels and
    the tables of its codes."""
    token = 18 if p.group else 14 if p.low else 10
    tables = -(-p.coded_channels // p.span)
    return int(token * p.tokens + 8 * p.words + 40 * p.coded_channels + tables * (3 << p.window))


def _dsp_words(p: Any) -> tuple[int, int]:
    """Words of a widened window, and pairs of channels."""
    return p.kernel_h * -(-p.kernel_w * p.in_c // 4) * 2, (p.out_c + 1) // 2


def conv2d_dsp(p: Any, n: int) -> int:
    """Four pixels at a time, the last ones in tiles of three and two."""
    pixels, (words, pairs) = n * p.out_w, _dsp_words(p)
    return int(_CALL + pixels * (3 * words + 15 * p.kernel_h + 30 + pairs * (3 * words + 24))
               + (pixels % 4 > 0) * (80 + 10 * pairs))  # fmt: skip


def conv2d_dsp_two(p: Any, n: int) -> int:
    """Two pixels at a time, then a lone one."""
    pixels, (words, pairs) = n * p.out_w, _dsp_words(p)
    tile = 10 * words + 60 * p.kernel_h + 150 + pairs * (6 * words + 54)
    lone = 5 * words + 50 * p.kernel_h + pairs * (15 * words // 4 + 38)
    return int(_CALL + pixels // 2 * tile + pixels % 2 * lone)


def conv2d_w4_dsp(p: Any, n: int) -> int:
    """As `conv2d_dsp_two`, with weights taken apart on the way."""
    pixels, (words, pairs) = n * p.out_w, _dsp_words(p)
    tile = 10 * words + 60 * p.kernel_h + 150 + pairs * (17 * words // 2 + 55)
    lone = 5 * words + 50 * p.kernel_h + pairs * (13 * words // 2 + 45)
    return int(_CALL + pixels // 2 * tile + pixels % 2 * lone)


def conv2d_coded_dsp(p: Any, n: int) -> int:
    """As `conv2d_dsp`, windows once more for each further tile of channels, and the decoding."""
    (words, _), tiles = _dsp_words(p), -(-p.out_c // p.tile)
    gathered = p.pad_top + p.pad_left > 0
    window = 3 * words + (15 + 70 * gathered) * p.kernel_h + 30
    lanes = 3 * words * p.out_c
    return int(conv2d_dsp(p, n) + (tiles - 1) * n * p.out_w * window + lanes + decoding(p))


def depthwise_coded_dsp3x3(p: Any, n: int) -> int:
    """As `depthwise_dsp3x3`, and the decoding."""
    return int(depthwise_dsp3x3(p, n) + 60 * p.in_c + decoding(p))


def depthwise_dsp3x3(p: Any, n: int) -> int:
    """Row by row and by fours of channels: three rows taken apart, then the window slides."""
    pairs, singles = (p.out_w // 2, p.out_w % 2) if p.stride_w == 1 else (0, p.out_w)
    four = 220 + 24 * p.in_w + 4 * (33 * pairs + 21 * singles)
    return int(_CALL + 100 + n * (60 + -(-p.in_c // 4) * four))


def depthwise_dsp(p: Any, n: int) -> int:
    """By pixels; the list of taps is made anew for each row and at its edges."""
    return _by_taps(p, n, 11, 115)


def depthwise_v6m(p: Any, n: int) -> int:
    return _by_taps(p, n, 22, 380)


def depthwise_rv32(p: Any, n: int) -> int:
    return _by_taps(p, n, 22, 120)


def _by_taps(p: Any, n: int, tap: int, four: int) -> int:
    taps, edges = p.kernel_h * p.kernel_w, 1 + 2 * min(1, p.pad_left)
    pixel = 100 + -(-p.in_c // 4) * (tap * taps + four)
    return int(_CALL + n * (edges * 20 * taps + p.out_w * pixel))


def conv2d_v6m(p: Any, n: int) -> int:
    """Four pixels at a time, whichever rows they are of; fewer cost nearly as much."""
    taps = -(-p.kernel_h * p.kernel_w * p.in_c // 4) * 4
    tile = 4 * (7 * taps // 2 + 60) + p.out_c * (13 * taps + 240)
    return int(_CALL + -(-n * p.out_w // 4) * tile + 8 * taps)


def conv2d_mve(p: Any, n: int) -> int:
    """Four pixels at a time, then lone ones, sixteen taps a step."""
    pixels, steps = n * p.out_w, -(-p.kernel_h * p.kernel_w * p.in_c // 16)
    window = 30 if p.kernel_h == 1 else 30 + p.kernel_h * (20 + 4 * -(-p.kernel_w * p.in_c // 16))
    tile, lone = p.out_c * (24 + 10 * steps) + 30, -(-p.out_c // 4) * (34 + 10 * steps) + 40
    return int(_CALL + pixels * window + pixels // 4 * tile + pixels % 4 * lone)


def depthwise_mve(p: Any, n: int) -> int:
    """Four pixels by sixteen channels; fewer pixels cost nearly as much."""
    pixels, taps = n * p.out_w, p.kernel_h * p.kernel_w
    groups, steps, blocks = -(-taps // 4), -(-taps // 16), -(-p.in_c // 16)
    tile = 80 + blocks * 60 + p.in_c * (26 + 11 * steps)
    pixel = 30 + 12 * taps + blocks * (8 + 14 * groups)
    return int(_CALL + 20 * p.kernel_h + -(-pixels // 4) * tile + pixels * pixel)


def conv2d_rv32(p: Any, n: int) -> int:
    """Four pixels by four channels, then lone pixels."""
    pixels, taps = n * p.out_w, p.kernel_h * p.kernel_w * p.in_c
    groups = -(-p.out_c // 4)
    gathered = pixels * (3 * taps + 30 * p.kernel_h)
    tile, lone = groups * (43 * taps + 340), groups * (17 * taps + 90)
    return int(_CALL + gathered + pixels // 4 * tile + pixels % 4 * lone)


def conv2d_neon_dot(p: Any, n: int) -> int:
    """Four pixels by sixteen channels, four taps of four channels an instruction."""
    taps, outputs = _neon_taps(p), n * p.out_w * p.out_c
    return int(_CALL + taps * outputs // 16 + 9 * outputs // 4 + _neon_windows(p, n))


def conv2d_neon(p: Any, n: int) -> int:
    """Four pixels by four channels, three instructions for sixteen products."""
    taps, outputs = _neon_taps(p), n * p.out_w * p.out_c
    return int(_CALL + 3 * taps * outputs // 16 + 5 * outputs + _neon_windows(p, n))


def dense_neon_dot(p: Any, n: int) -> int:
    """A vector at a time; `n` is 1."""
    return int(_CALL + p.batch * p.out_c * (p.in_c + 40) // 10)


def dense_neon(p: Any, n: int) -> int:
    return int(_CALL + p.batch * p.out_c * (p.in_c + 20) // 4)


def _neon_taps(p: Any) -> int:
    return int(-(-p.kernel_h * p.kernel_w * p.in_c // 8) * 8)


def _neon_windows(p: Any, n: int) -> int:
    """Laying out the columns of windows of more than a pixel."""
    columns = p.out_w * p.stride_w * (p.kernel_h * p.kernel_w > 1)
    return int(n * p.kernel_h * (100 + columns * (4 + p.in_c // 8)))


def depthwise_neon(p: Any, n: int) -> int:
    """By pixels and eight channels, of which sixteen are made together."""
    return int(_CALL + n * p.out_w * -(-p.in_c // 8) * (3 * p.kernel_h * p.kernel_w + 18))


def depthwise_neon_dot(p: Any, n: int) -> int:
    """By blocks of eight channels, then by pixels; a column more where the window skips one."""
    return int(_CALL + n * -(-p.in_c // 8) * (60 + p.out_w * (21 + 8 * p.stride_w)))


def interleave_neon(p: Any, n: int) -> int:
    """Sixteen pixels at a time."""
    return int(_CALL + n * (20 + 8 * -(-p.width // 16)))


def binary(p: Any, n: int) -> int:
    """Portable binary layers: words of a window for every output."""
    return int(_CALL + n * p.out_w * (100 + 8 * p.words + p.out_c * (40 + 15 * p.words)))


def slices(p: Any, n: int) -> int:
    """32 channels at a time; a mask for each bit of new columns."""
    columns = min(p.stride_w, p.kernel_w) * p.words // p.kernel_w
    return _slices(p, n, 46 * columns, 14 * p.kernel_w + 215 * p.words)


def slices_line(p: Any, n: int) -> int:
    return _slices(p, n, 55 * p.words, 199 * p.words)


def _slices(p: Any, n: int, masks: int, group: int) -> int:
    groups = -(-p.out_c // 32)
    return int(_CALL + n * p.out_w * (120 + masks + groups * (260 + group)))
