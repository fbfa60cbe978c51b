"""Binary layers: what they execute on an emulated Cortex-M4, and a small network trained so.

    python -m benchmarks.binary                 both tables (one to two minutes; needs torch and scikit-learn)
    python -m benchmarks.binary --layers        instructions per multiply-accumulate alone

The table of `docs/COMPRESSION.md`, section "Binary layers". Instructions are those of whole layers, called
once, with everything they execute: windows, borders, rescaling, stores.
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.binary_net import digits, float_labels, trained
from edgekit.bench import count
from edgekit.build import Compiled, Options, compile_program
from edgekit.emit import emit
from edgekit.families.window import Axis, window_attrs
from edgekit.frontends import model_file
from edgekit.graph import Graph, IntGraph, IntNode, Node, Quant, Value
from edgekit.lowering import lower
from edgekit.op import PORTABLE, Array, Kernel
from edgekit.plan import plan
from edgekit.program import Program
from edgekit.quantize import Calibration
from edgekit.rewrite.binary_layers import binary_layers
from edgekit.rewrite.constant_channels import drop_constant_channels
from edgekit.simulate import Simulator
from edgekit.target import Target, load_target
from edgekit.tune import measure
from edgekit.validate.data import quantize
from edgekit.validate.runners import deploy, make_runner
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


@dataclass(frozen=True)
class Built:
    """A program's figures: correct answers, bytes of weights, arena, instructions of an inference."""

    labels: Array
    weights: int
    arena: int
    instructions: int
    equal: bool


def built(program: Program, x: Array, board: Target) -> Built:
    """What the simulator, the C on this machine and the emulated core make of the inputs."""
    found = Simulator(program).run([x])[0]
    with tempfile.TemporaryDirectory(prefix="edgekit-") as work:
        folder = Path(work)
        for file, text in emit("net", program, "net")[0].items():
            (folder / file).write_text(text)
        model = deploy(program, folder, "net")
        instructions = count(model, board, [x[0]]).instructions
        equal = True
        for place, target in (("host", load_target("host")), ("emulator", board)):
            with make_runner(place, model, target) as runner:
                equal &= bool(np.array_equal(runner.run([x], False)[0], found))
    packed = [(step.kernel, step.packed.consts) for step in program.steps]
    weights = sum(c[const.name].nbytes for k, c in packed for const in k.consts if const.weights)
    return Built(
        found.reshape(len(x), -1).argmax(axis=1), weights, program.arena_bytes, instructions, equal
    )


def print_network(board: Target) -> None:
    """A binary network on digits: as trained, as built, and the same integers on int8 kernels."""
    module, data = trained(), digits()
    wanted = float_labels(module, data.test)
    with model_file(module, (data.example,)) as path:
        options = Options("net", board.name, optimize="speed")
        stages = compile_program(path, options, numbers=Calibration(data.train[:128]))
    quant = stages.quantized.value(stages.quantized.inputs[0])
    assert quant.quant is not None
    x = quantize(data.test, quant.quant, quant.dtype).reshape(len(data.test), *quant.shape)
    print("| network | correct of 450 | same label as float | weights, bytes | arena | instructions | host = emulator = simulator |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    print(f"| float, torch | {(wanted == data.labels).sum()} | 450 | | | | |")
    for name, program in (("binary layers", stages.program), ("the same on int8 kernels", on_bytes(stages, board))):  # fmt: skip
        made = built(program, x, board)
        print(f"| {name} | {(made.labels == data.labels).sum()} | {(made.labels == wanted).sum()} | {made.weights:,} | "
              f"{made.arena:,} | {made.instructions:,} | {'yes' if made.equal else 'NO'} |")  # fmt: skip


def on_bytes(stages: Compiled, board: Target) -> Program:
    """The network's program without the rewrite to bits."""
    return plan(choose(drop_constant_channels(stages.lowered), board.isa), optimize="speed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--layers", action="store_true", help="no training")
    parser.add_argument("--target", default="cortex-m4")
    options = parser.parse_args()
    board = load_target(options.target)
    print_layers(board)
    if not options.layers:
        print()
        print_network(board)


if __name__ == "__main__":
    main()
