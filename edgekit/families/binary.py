"""What layers of binary weights and activations share: their window, and products of signs.

    v[y, x, o] = sum over the taps (i, j, c) inside the input of in * w, both 1 or -1
               = taps - 2 * (differing bits)

Taps outside the input count 0, as those of padding with zeros do in the network that was trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit import instructions
from edgekit.families import bits
from edgekit.families.window import WindowParams, axes_of, exact_matmul, patches, window_axes
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Const, Cost, Op, Shape, c_field


@dataclass(frozen=True)
class BinaryParams(WindowParams):
    """`in_c` and `out_c` count channels, 32 of them to a word."""

    dilation_h: int = c_field("int32_t", "rows between taps")
    dilation_w: int = c_field("int32_t", "columns between taps")
    out_c: int = c_field("int32_t", "output channels")

    @property
    def taps(self) -> int:
        """Products of an output."""
        return self.kernel_h * self.kernel_w * self.in_c

    @property
    def words(self) -> int:
        """Words of a window."""
        return self.kernel_h * self.kernel_w * bits.words_of(self.in_c)

    @property
    def padded(self) -> bool:
        """Whether a tap of any window lies outside the input."""
        return self.pad_top > 0 or self.pad_left > 0 or any(a.after > 0 for a in axes_of(self))


WEIGHTS = Const(
    "weights", "int32_t", "[out_c][kernel_h][kernel_w][words of in_c], bits", weights=True
)


def products(p: BinaryParams, consts: Mapping[str, Array], x: Array) -> Array:
    """v as int64 [N, out_h, out_w, out_c] of words [N, ..., in_h, in_w, words]."""
    x = x.reshape(len(x), p.in_h, p.in_w, -1)
    window = patches(bits.signs(x, p.in_c), *axes_of(p), 0)
    weights = bits.signs(consts["weights"], p.in_c).reshape(p.out_c, p.taps)
    total = exact_matmul(window.reshape(-1, p.taps), weights)
    return total.reshape(len(x), p.out_h, p.out_w, p.out_c)


class BinaryLayer(Op):
    """Base of the layers; has no name of its own. As a canonical node, which tests alone make: attributes
    of the window and `in_c`, the operand 1 weights of 1 and -1 [O, KH, KW, C]."""

    signature = "rows"
    coupling = "mix"

    @classmethod
    def estimate(cls, p: BinaryParams, n: int) -> int:
        return instructions.binary(p, n)

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, w = graph.value(node.inputs[0]).shape, graph.value(node.inputs[1]).shape
        rows, columns = window_axes(node, x, (w[1], w[2]))
        return [(1, rows.out, columns.out, cls.elements(w[0]))]

    @classmethod
    def elements(cls, channels: int) -> int:
        """Of a pixel of the output."""
        return channels

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, BinaryParams)
        # The portable kernel copies a window whose words do not follow one another.
        scratch = 0 if p.kernel_h == 1 and (p.kernel_w == 1 or p.dilation_w == 1) else 4 * p.words
        return Cost(macs=p.out_h * p.out_w * p.out_c * p.taps, scratch=scratch)


def params_of(node: Node, graph: Graph) -> dict[str, Any]:
    """The fields of `BinaryParams` of a canonical node."""
    x, w = graph.value(node.inputs[0]).shape, graph.value(node.inputs[1]).shape
    rows, columns = window_axes(node, x, (w[1], w[2]))
    return {
        "in_h": x[1], "in_w": x[2], "in_c": w[3], "out_h": rows.out, "out_w": columns.out,
        "kernel_h": w[1], "kernel_w": w[2], "stride_h": rows.stride, "stride_w": columns.stride,
        "pad_top": rows.before, "pad_left": columns.before, "out_min": -128, "out_max": 127,
        "dilation_h": rows.dilation, "dilation_w": columns.dilation, "out_c": w[0],
    }  # fmt: skip


def weight_bits(node: Node, graph: Graph) -> Array:
    data = graph.value(node.inputs[1]).data
    assert data is not None
    return bits.packed(data > 0)


def windows_of_cases() -> list[tuple[str, Shape, Shape, dict[str, int]]]:
    """Name, input [H, W, C], weights [O, KH, KW, C] and attributes of the window; C fills words, so that
    any random word is a valid one."""
    from edgekit.families.window import tflite_axis, window_attrs

    def made(name: str, x: Shape, w: Shape, padding: str = "SAME", stride: int = 1, dilation: int = 1):  # type: ignore[no-untyped-def]  # fmt: skip
        rows = tflite_axis(padding, x[0], w[1], stride, dilation)
        columns = tflite_axis(padding, x[1], w[2], stride, dilation)
        return name, x, w, window_attrs(rows, columns)

    return [
        made("pointwise", (3, 5, 32), (5, 1, 1, 32)),
        made("dense", (1, 1, 96), (33, 1, 1, 96)),
        made("same3x3", (5, 6, 64), (32, 3, 3, 64)),
        made("stride2", (7, 8, 32), (64, 3, 3, 32), stride=2),
        made("valid_dilated", (9, 7, 32), (40, 3, 2, 32), "VALID", dilation=2),
        made("same_dilated", (4, 9, 32), (31, 3, 3, 32), dilation=2),
        made("whole_map", (3, 2, 64), (24, 3, 2, 64), "VALID"),
        made("larger_than_input", (2, 2, 32), (32, 5, 5, 32)),
        made("time_axis", (20, 1, 32), (30, 4, 1, 32), stride=3),
    ]


def random_signs(name: str, shape: Shape) -> Array:
    """Weights of 1 and -1 that depend on the name; the first channel is 1, the last one -1 throughout."""
    import zlib

    rng = np.random.default_rng(zlib.crc32(name.encode()))
    w = np.where(rng.random(shape) < 0.5, -1, 1).astype(np.int8)
    w[0], w[-1] = 1, -1
    return w
