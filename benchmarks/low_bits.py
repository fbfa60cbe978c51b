"""Post-training quantization to few bits: float networks, quantized here without training, on real data.

    python -m benchmarks.low_bits [KEY...] [--scheme SCHEME] [--seeds N]

Prints a table row by row: each network as float, with bytes (plain, and learned), with weights of four, three and two
bits, and with the nearest numbers of so many bits as the control. The integer program runs on the simulator. ``--seeds``:
how often the bench network is calibrated with other training images; the least and greatest score are printed.
"""

from __future__ import annotations

import argparse
import functools
import sys
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from benchmarks.low_bits_data import CASES, Case
from edgekit.build import Compiled, Options, compile_program
from edgekit.quantize import Calibration, Settings
from edgekit.simulate import Simulator
from edgekit.validate.data import dequantize, samples_of
from edgekit.validate.metrics import agreement_top1, sqnr_db
from edgekit.validate.reference import reference_outputs

Array = NDArray[Any]
BY_KEY = {case.key: case for case in CASES}
# What is tried, by the command's options.
LEARNED_BYTES = "w8a8, learned, mse"
WAYS = {
    "w8a8": Settings(),
    LEARNED_BYTES: Settings(ranges="mse", rounding="learned"),
    "w4a8": Settings(scheme="w4a8"),
    "w4a8, nearest": Settings(scheme="w4a8", rounding="nearest"),
    "w3a8": Settings(scheme="w3a8"),
    "w3a8, nearest": Settings(scheme="w3a8", rounding="nearest"),
    "w2a8": Settings(scheme="w2a8"),
    "w2a8, nearest": Settings(scheme="w2a8", rounding="nearest"),
}
SEEDED = {"digits", "mnist"}


@dataclass(frozen=True)
class Row:
    """The figure of the integers and of the float model (0 to 1), how often both name the same class, the
    outputs' SQNR in dB, and the weights' bytes in flash."""

    ours: float
    real: float
    agreement: float
    sqnr_db: float
    weights: int


@functools.cache
def loaded(key: str) -> tuple[Array, Array, Array]:
    return BY_KEY[key].load()


def compiled(case: Case, settings: Settings, seed: int = 0) -> Compiled:
    """Calibrated with the case's own data, or with other training images by a seed that is not 0."""
    calibration = case.other(seed) if seed and case.other else loaded(case.key)[0]
    options = Options("m", quantization=settings)
    return compile_program(case.path, options, numbers=Calibration(calibration))


@functools.cache
def float_outputs(key: str) -> Array:
    """[N, outputs] of the original, in onnxruntime or LiteRT."""
    case = BY_KEY[key]
    program = compiled(case, Settings(rounding="nearest", equalize=False)).program
    x = loaded(key)[1]
    buffers = [program.buffers[name] for name in program.inputs]
    samples = samples_of({"x": x}, buffers, key, layouts=program.layouts)
    (found,) = reference_outputs(case.path, samples, real=True).outputs
    return found.reshape(len(x), -1)


def measured(key: str, settings: Settings, seed: int = 0) -> Row:
    case, program = BY_KEY[key], compiled(BY_KEY[key], settings, seed).program
    _, x, y = loaded(key)
    buffers = [program.buffers[name] for name in program.inputs]
    samples = samples_of({"x": x}, buffers, key, layouts=program.layouts)
    (found,) = Simulator(program).run(samples.arrays)
    ours = dequantize(found, program.buffers[program.outputs[0]].quant).reshape(len(x), -1)
    real = float_outputs(key)
    weights = [step.packed.consts.get("weights") for step in program.steps]
    return Row(
        case.figure(ours, x, y), case.figure(real, x, y), agreement_top1(ours, real),
        sqnr_db(real, ours), sum(w.nbytes for w in weights if w is not None),
    )  # fmt: skip


def spread(key: str, settings: Settings, seeds: int) -> tuple[float, float]:
    """Least and greatest figure over so many other calibration sets."""
    found = [measured(key, settings, seed).ours for seed in range(1, seeds + 1)]
    return min(found), max(found)


def main() -> int:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.low_bits", description=__doc__)
    parser.add_argument("keys", nargs="*", metavar="KEY", help=f"of {', '.join(BY_KEY)}")
    parser.add_argument("--scheme", action="append", choices=WAYS, help="only these")
    parser.add_argument("--seeds", type=int, default=0, metavar="N")
    arguments = parser.parse_args()
    if unknown := set(arguments.keys) - BY_KEY.keys():
        parser.error(f"no such network: {', '.join(sorted(unknown))}")
    print(
        "| network | numbers | score | of float | same class | SQNR | bytes of weights | other calibration |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---|")
    for key in arguments.keys or BY_KEY:
        for way in arguments.scheme or WAYS:
            row = measured(key, WAYS[way])
            same = f"{row.agreement:.4f}" if BY_KEY[key].classes else "-"
            others = "-"
            if arguments.seeds and key in SEEDED:
                others = "{:.4f} to {:.4f}".format(*spread(key, WAYS[way], arguments.seeds))
            print(f"| {key} | {way} | {row.ours:.4f} | {row.ours - row.real:+.4f} | {same} | {row.sqnr_db:.1f} dB "
                  f"| {row.weights:,} | {others} |", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
