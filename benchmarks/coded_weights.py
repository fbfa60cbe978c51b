"""Weights for coded storage: accuracy, bytes and instructions of keyword spotting and visual wake words.

    python -m benchmarks.coded_weights [KEY...]

Each row is a bundle that is built from the float model, without training: numbers by `--scheme`, storage by
`--code-weights`. Calibration data are those of `calibration_sets`; accuracy is that of the integer program,
whose bytes host C and the emulated core repeat. The interval is Wilson's, of 95 %. Instructions are those of
one inference on an emulated Cortex-M4.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import models_folder
from benchmarks.__main__ import table
from benchmarks.calibration_sets import SPLITS, Split, unheard
from edgekit.build import Compiled, Options, build, compile_program
from edgekit.commands import bench, reopen
from edgekit.families.coding import best_bytes
from edgekit.program import Program
from edgekit.quantize import Calibration, Settings
from edgekit.simulate import Simulator
from edgekit.validate.data import samples_of

Array = NDArray[Any]
# Scheme and `weights` of each row.
ROWS = {
    "kws": (("w8a8", ""), ("w4a8", ""), ("c4a8", ""), ("c3a8", ""), ("e4a8", ""), ("e3a8", ""), ("e2.5a8", ""), ("mixed", "40%"), ("mixed", "33%")),
    "vww": (("w8a8", ""), ("w4a8", ""), ("c4a8", ""), ("e4a8", ""), ("mixed", "50%"), ("mixed", "40%"), ("mixed", "33%")),
}  # fmt: skip
HEADS = ("scheme", "top-1", "95 %", "not calibrated with", "weights_bytes", "of int8", "bits a weight", "tables", "instructions")  # fmt: skip


def compiled_of(key: str, settings: Settings) -> Compiled:
    """The program of a split's model with these numbers."""
    split = SPLITS[key]
    calibration = Calibration(split.calibration())
    return compile_program(models_folder() / split.file, Options("m", quantization=settings), numbers=calibration)  # fmt: skip


def right(program: Program, x: Array, y: Array) -> NDArray[np.bool_]:
    """Which samples have their label as the largest output, [N]."""
    buffers = [program.buffers[name] for name in program.inputs]
    samples = samples_of({"x": x}, buffers, "test", layouts=program.layouts)
    (outputs,) = Simulator(program).run(samples.arrays, samples.sequence)
    return np.asarray(outputs.reshape(len(y), -1).argmax(axis=1) == y)


def stored(program: Program) -> int:
    """Bytes of all weights in their smallest storage, tables included."""
    found = 0
    for step in program.steps:
        if "weights" in step.consts:
            weights = step.consts["weights"]
            last = step.op.name.startswith("depthwise")
            rows = np.moveaxis(weights, -1, 0) if last else weights
            found += best_bytes(rows.reshape(len(rows), -1))[1]
    return found


def wilson(good: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Ends of the 95 % interval of a share."""
    share, spread = good / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z * np.sqrt(share * (1 - share) / count + spread / count / 4) / (1 + spread)
    return float(middle - half), float(middle + half)


def row(key: str, split: Split, scheme: str, weights: str, first: int) -> tuple[list[str], int]:
    """One line of the table, and its bytes of weights. first: those of int8, 0 in its own line."""
    settings = Settings(scheme=scheme, weights=weights)
    coding = "none" if scheme in ("w8a8", "w4a8") else "all"
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "b"
        report = build(
            models_folder() / split.file, calibration=split.calibration(), quantization=settings,
            target="cortex-m4", output=bundle, name="m", code_weights=coding,
        )  # fmt: skip
        assert report["bit_exact"]
        counted = bench(bundle)["instructions"]
        program = reopen(bundle)[1].program
    x, y = split.test()
    good = right(program, x, y)
    low, high = wilson(int(good.sum()), len(y))
    rest = f"{good[unheard()].mean():.4f}" if key == "kws" else "all"
    size, elements = report["weights_bytes"], sum(s.consts["weights"].size for s in program.steps if "weights" in s.consts)  # fmt: skip
    return [
        f"{scheme} {weights}".strip(), f"{good.mean():.4f}", f"{low:.3f} to {high:.3f}", rest, f"{size:,}",
        f"{100 * size / (first or size):.1f} %", f"{8 * size / elements:.2f}", f"{report['tables_bytes']:,}",
        f"{counted:,}",
    ], size  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coded_weights", description=__doc__)
    parser.add_argument("keys", nargs="*", metavar="KEY", help=f"of {', '.join(ROWS)}")
    for key in parser.parse_args().keys or ROWS:
        rows, first = [], 0
        for scheme, weights in ROWS[key]:
            line, size = row(key, SPLITS[key], scheme, weights, first)
            first = first or size
            rows.append(line)
            print(" | ".join([key, *line]), file=sys.stderr, flush=True)
        print(f"\n{key}, {len(SPLITS[key].test()[1])} samples\n\n{table(HEADS, rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
