"""Binary layers: what they execute on an emulated Cortex-M4, and a small network trained so.

    python -m benchmarks.binary                 both tables (one to two minutes; needs torch and scikit-learn)
    python -m benchmarks.binary --layers        instructions per multiply-accumulate alone

The table of `docs/COMPRESSION.md`, section "Binary layers". Instructions are those of whole layers, called
once, with everything they execute: windows, borders, rescaling, stores.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgekit.families.window import Axis, window_attrs
from edgekit.graph import Graph, IntGraph, IntNode, Node, Quant, Value
from edgekit.lowering import lower
from edgekit.op import PORTABLE, Kernel
from edgekit.rewrite.binary_layers import binary_layers
from edgekit.target import Target, load_target
from edgekit.tune import measure
from edgekit.variants import choose

# Name, input [H, W, C], output channels, window.
LAYERS = (
    ("3x3, 16x16, 64 to 64", (16, 16, 64), 64, 3),
    ("3x3, 8x8, 128 to 128", (8, 8, 128), 128, 3),
    ("pointwise, 16x16, 128 to 128", (16, 16, 128), 128, 1),
    ("dense, 512 to 256", (1, 1, 512), 256, 1),
)


@dataclass(frozen=True)
class Count:
    """One kernel's figures for a layer."""

    kernel: str
    instructions: int
    macs: int
    weights: int

    @property
    def per_mac(self) -> float:
        return self.instructions / self.macs


def network(shape: tuple[int, int, int], channels: int, kernel: int, *, steps: bool) -> Graph:
    """Signs of an input, a layer of signs on them, and, where `steps`, the signs of its outputs."""
    h, w, c = shape
    rng = np.random.default_rng(zlib.crc32(repr((shape, channels, kernel)).encode()))
    taps = kernel * kernel * c
    weights = np.where(rng.random((channels, kernel, kernel, c)) < 0.5, -127, 127).astype(np.int8)
    scale = tuple(
        float(np.float32(s)) for s in rng.uniform(0.5, 1.5, channels) / 127 / np.sqrt(taps)
    )
    bias = (rng.normal(0, 0.3, channels) / np.array(scale)).astype(np.int32)
    ones, map_ = Quant((1.0,), (0,)), (1, h, w, channels)
    out = Quant((0.005,) if steps else (0.03,), (0,))
    values = [
        Value("x", (1, h, w, c), "int8", Quant((0.02,), (0,))),
        Value("signs", (1, h, w, c), "int8", ones),
        Value("weights", weights.shape, "int8", Quant(scale, (0,) * channels, 0), weights),
        Value("bias", (channels,), "int32", None, bias),
        Value("y", map_, "int8", out),
        Value("z", map_, "int8", ones),
        Value("last", (1, h, w, channels), "int8", Quant((0.03,), (0,))),
        Value("more", (channels, 1, 1, channels), "int8", Quant((0.01,), (0,)),
              np.full((channels, 1, 1, channels), 127, np.int8)),
    ]  # fmt: skip
    border = (kernel - 1) // 2
    axes = Axis(h, kernel, 1, 1, border, border), Axis(w, kernel, 1, 1, border, border)
    window = {**window_attrs(*axes), "activation": "NONE"}
    sign = {"edge": (0.0,), "rising": (True,), "low": -1.0}
    nodes = [
        Node("sign", "binarize", ("x",), ("signs",), sign),
        Node("layer", "conv2d", ("signs", "weights", "bias"), ("y",), window),
    ]
    if steps:
        point = {**window_attrs(Axis(h, 1, 1), Axis(w, 1, 1)), "activation": "NONE"}
        nodes += [
            Node("step", "binarize", ("y",), ("z",), sign),
            Node("last", "conv2d", ("z", "more"), ("last",), point),
        ]
    named = {value.name: value for value in values}
    return Graph("binary", named, tuple(nodes), ("x",), (nodes[-1].outputs[0],), one_rounding=True)


def counted(graph: IntGraph, board: Target) -> Iterator[Count]:
    """Every kernel that may run the layer."""
    node = next(n for n in choose(graph, board.isa).nodes if n.name == "layer")
    macs = node.op.cost(node, graph.values).macs
    for suffix, instructions in measure(node, graph, board)[1].items():
        variant = next((v for v in node.variants if v.suffix == suffix), None)
        name = f"{node.op.name}, {'portable' if suffix == PORTABLE else suffix}"
        yield Count(name, instructions, macs, weight_bytes(node, Kernel(node.op, variant)))


def weight_bytes(node: IntNode, kernel: Kernel) -> int:
    """Of a kernel's weights in flash."""
    packed = kernel.pack(node.params, node.consts).consts
    return sum(packed[const.name].nbytes for const in kernel.consts if const.weights)


def layers(board: Target) -> Iterator[tuple[str, list[Count]]]:
    """The best int8 kernel, then every binary one, int8 and bits out."""
    for name, shape, channels, kernel in LAYERS:
        plain = lower(network(shape, channels, kernel, steps=False))
        best = min(counted(plain, board), key=lambda c: c.instructions)
        rows = [best]
        for steps in (False, True):
            rows += counted(
                binary_layers(lower(network(shape, channels, kernel, steps=steps))), board
            )
        yield name, rows


def print_layers(board: Target) -> None:
    print("| layer | kernel | instructions | per MAC | int8 / this | weights, bytes |")
    print("|---|---|---|---|---|---|")
    for name, rows in layers(board):
        for row in rows:
            ratio = rows[0].instructions / row.instructions
            print(f"| {name} | {row.kernel} | {row.instructions:,} | {row.per_mac:.3f} | {ratio:.1f} | {row.weights:,} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--layers", action="store_true", help="no training")
    parser.add_argument("--target", default="cortex-m4")
    options = parser.parse_args()
    print_layers(load_target(options.target))


if __name__ == "__main__":
    main()
