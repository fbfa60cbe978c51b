"""Magnitudes of the spectra of frames of a signal: window, Fourier transform, absolute value.

    out[t, k] = root(re^2 + im^2), re + i im = 2^15 / N * sum over n of in[t step + n] w[n] exp(-2 pi i n k / N)

The signal is int16, in pieces of equal length: a map [1, P, 1, piece]. A frame begins at a piece, every
`step` pieces, and has `frame` samples, then zeros up to the length N, a power of two. The result is the
map [1, T, bins, 1] of int32 of the bins from `first` on. Fixed point: windows are Q0.15, products are
exact, and each pass of the transform halves (`edgekit/families/spectral.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgekit.cases import activation, single
from edgekit.families import spectral
from edgekit.fixed import Int, round_half_away
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Cost, Op, Params, Shape, c_field, require


@dataclass(frozen=True)
class SpectrumParams(Params):
    """`frames` is the height of the output."""

    frames: int
    piece: int = c_field("int32_t", "samples of a row of the input")
    step: int = c_field("int32_t", "rows of the input from one frame to the next")
    frame: int = c_field("int32_t", "samples of a frame")
    length: int = c_field("int32_t", "of the transform, a power of two")
    first: int = c_field("int32_t", "first bin")
    bins: int = c_field("int32_t", "number of bins")

    @property
    def span(self) -> int:
        """Rows of the input that a frame touches."""
        return -(-self.frame // self.piece)

    def reads(self, row: int) -> range:
        return range(row * self.step, row * self.step + self.span)

    def strip(self, rows: range, inputs: range) -> SpectrumParams:
        return replace(self, frames=len(rows))


class Spectrum(Op):
    """Canonical attributes: those of the parameters, and `window`, a name."""

    name = "spectrum"
    kernel = "spectrum"
    signature = "rows"
    Params = SpectrumParams
    consts = (
        Const("window", "int16_t", "[frame], Q0.15"),
        Const("twiddle", "int32_t", "[length / 4][2], cosines and sines of a quarter, Q0.31"),
    )
    coupling = "mix"
    tolerance = 2.0**16  # 16 of up to 30 bits, and a window that ends below 1

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        a, (_, pieces, _, piece) = node.attrs, graph.value(node.inputs[0]).shape
        length = a["length"]
        require(length >= 8 and length & (length - 1) == 0 and length >= a["frame"],
                "a transform of a power of two, from 8 and not shorter than a frame", node, length)  # fmt: skip
        span = -(-a["frame"] // piece)
        require(pieces >= (a["frames"] - 1) * a["step"] + span, "samples for all frames", node, pieces)  # fmt: skip
        require(a["first"] >= 0 and a["first"] + a["bins"] <= length // 2 + 1,
                "bins of the spectrum", node, (a["first"], a["bins"]))  # fmt: skip
        return [(1, a["frames"], a["bins"], 1)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        a = node.attrs
        frames = _frames(inputs[0].reshape(-1), a["frames"], a["step"] * inputs[0].shape[3], a["frame"])  # fmt: skip
        bins = np.abs(np.fft.rfft(frames * spectral.window(a["window"], a["frame"]), a["length"]))
        return [bins[:, a["first"] : a["first"] + a["bins"]][None, :, :, None]]

    @classmethod
    def scale(cls, x: float, length: int) -> float:
        """Of the output, for that of the input."""
        return x * length / 2**15

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        a, x = node.attrs, graph.value(node.inputs[0])
        out = graph.value(node.outputs[0])
        require((x.dtype, out.dtype, x.zero_point) == ("int16", "int32", 0), "int16 samples with zero point 0",
                node, (x.dtype, x.zero_point))  # fmt: skip
        require(out.scale == cls.scale(x.scale, a["length"]), "the transform's own scale", node, out.scale)  # fmt: skip
        keys = ("frames", "step", "frame", "length", "first", "bins")
        params = SpectrumParams(piece=x.shape[3], **{key: a[key] for key in keys})
        window = round_half_away(spectral.window(a["window"], a["frame"]) * 2.0**15)
        consts: dict[str, Array] = {
            "window": np.minimum(window, 2**15 - 1).astype(np.int16),
            "twiddle": np.stack(spectral.cosines(a["length"]), axis=1).astype(np.int32),
        }
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(cls, p: SpectrumParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), -1).astype(np.int64)
        frames = np.zeros((len(x), p.frames, p.length), np.int64)
        windowed = _frames(x, p.frames, p.step * p.piece, p.frame) * consts["window"].astype(
            np.int64
        )
        frames[..., : p.frame] = windowed
        re, im = spectral.spectrum(frames, p.first, p.bins)
        return [spectral.root(re * re + im * im).astype(np.int32)[:, None, :, :, None]]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, SpectrumParams)
        passes = p.length.bit_length() - 2
        return Cost(p.frames * (p.frame + p.length * passes + 4 * p.bins), 4 * p.length)

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, pieces: int, piece: int, **attrs: int | str) -> Case:
            x = activation("input", (1, pieces, 1, piece), 1 / 32768, dtype="int16")
            scale = cls.scale(x.scale, int(attrs["length"]))
            shape = (1, int(attrs["frames"]), int(attrs["bins"]), 1)
            return single(
                cls, name, [x], [activation("output", shape, scale, dtype="int32")], attrs
            )

        return [
            case("overlapping", 6, 16, frames=5, step=1, frame=24, length=32, first=1, bins=16, window="hann"),
            case("apart", 7, 5, frames=2, step=4, frame=8, length=8, first=0, bins=5, window="none"),
            case("middle", 3, 64, frames=2, step=1, frame=128, length=128, first=32, bins=2, window="hamming"),
            case("one_frame", 1, 16, frames=1, step=1, frame=16, length=16, first=8, bins=1, window="hann"),
        ]  # fmt: skip


def _frames(x: Array | Int, count: int, step: int, frame: int) -> Array:
    """[..., samples] to [..., count, frame]."""
    return np.asarray(x[..., np.arange(count)[:, None] * step + np.arange(frame)])
