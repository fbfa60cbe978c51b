"""Weights for coded storage: accuracy, bytes and instructions of keyword spotting and visual wake words.

    python -m benchmarks.coded_weights [--build] [--rows SCHEME...] [KEY...]

Each row is made from the float model, without training: numbers by `--scheme`. Calibration data are those of
`calibration_sets`; accuracy is that of the integer program, whose bytes host C and the emulated core repeat. The
interval is Wilson's, of 95 %. Bytes are those of each layer's smallest storage, codes included, without the
padding of kernels. With ``--build`` a bundle for a Cortex-M4 is built, too (`--code-weights all`), verified, and
the instructions of one inference are counted in the emulator.
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
from benchmarks.calibration_sets import SPLITS, unheard
from edgekit.build import Compiled, Options, build, compile_program
from edgekit.commands import bench
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
# Weights of the same network at eight bits without constant channels, a byte each: `w8a8`'s.
INT8 = {"kws": 22016, "vww": 28610}
HEADS = (
    "scheme",
    "top-1",
    "95 %",
    "not calibrated with",
    "bytes",
    "of int8's weights",
    "bits a weight",
)
BUILT = ("scheme", "weights_bytes", "tables_bytes", "flash_bytes", "arena_bytes", "instructions")


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


def row(key: str, scheme: str, weights: str) -> list[str]:
    """One line of the table."""
    program = compiled_of(key, Settings(scheme=scheme, weights=weights)).program
    x, y = SPLITS[key].test()
    good = right(program, x, y)
    low, high = wilson(int(good.sum()), len(y))
    rest = f"{good[unheard()].mean():.4f}" if key == "kws" else "all"
    size, elements = stored(program), sum(w.size for w in weights_of(program))
    plain = scheme == "w8a8"
    return [
        f"{scheme} {weights}".strip(), f"{good.mean():.4f}", f"{low:.3f} to {high:.3f}", rest,
        f"{elements if plain else size:,}", f"{100 * (elements if plain else size) / INT8[key]:.1f} %",
        f"{8.0 if plain else 8 * size / elements:.2f}",
    ]  # fmt: skip


def built(key: str, scheme: str, weights: str) -> list[str]:
    """What a bundle of these numbers takes and costs on a Cortex-M4."""
    split = SPLITS[key]
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "b"
        report = build(
            models_folder() / split.file, calibration=split.calibration(),
            quantization=Settings(scheme=scheme, weights=weights), target="cortex-m4", output=bundle, name="m",
            code_weights="none" if scheme in ("w8a8", "w4a8") else "all",
        )  # fmt: skip
        assert report["bit_exact"]
        counted = bench(bundle)["instructions"]
    keys = ("weights_bytes", "tables_bytes", "flash_bytes", "arena_bytes")
    return [f"{scheme} {weights}".strip(), *(f"{report[k]:,}" for k in keys), f"{counted:,}"]


def weights_of(program: Program) -> list[Array]:
    """The plain int8 weights of its layers."""
    return [step.consts["weights"] for step in program.steps if "weights" in step.consts]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coded_weights", description=__doc__)
    parser.add_argument("keys", nargs="*", metavar="KEY", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--build", action="store_true", help="bundles and instructions")
    parser.add_argument("--rows", nargs="+", metavar="SCHEME", help="only these rows, 'mixed 40%%'")
    arguments = parser.parse_args()
    for key in arguments.keys or ROWS:
        rows = []
        for scheme, weights in ROWS[key]:
            if arguments.rows and f"{scheme} {weights}".strip() not in arguments.rows:
                continue
            rows.append((built if arguments.build else row)(key, scheme, weights))
            print(" | ".join([key, *rows[-1]]), file=sys.stderr, flush=True)
        print(
            f"\n{key}, {len(SPLITS[key].test()[1])} samples\n\n{table(BUILT if arguments.build else HEADS, rows)}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
