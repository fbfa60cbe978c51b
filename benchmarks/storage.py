"""What holding weights as streams of bits saves and costs: counted bundles for a Cortex-M4.

    python -m benchmarks.storage [--write]     the table of docs/COMPRESSION.md, "Storage"
    python -m benchmarks.storage --code        bytes of code of the kernels that it is chosen by

The int8 files keep their own numbers: every row of a model computes the same bytes. Rows of fewer bits are
made from the float file, calibrated with spoken digits of another corpus, none of which is a test clip;
what such numbers do to the accuracy is another table's matter.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import HERE, models_folder
from benchmarks.calibration_sets import foreign_words
from edgekit.build import Compiled, build
from edgekit.commands import reopen
from edgekit.data import data_dir
from edgekit.families.coded import coded_op
from edgekit.families.prefix import entropy
from edgekit.quantize import Settings
from edgekit.rewrite.kernel_bytes import KERNEL_BYTES
from edgekit.screens import table
from edgekit.target import load_target
from edgekit.toolchain import find_compiler

DOCUMENT = HERE.parent / "docs" / "COMPRESSION.md"
START, END = "<!-- storage: written by benchmarks.storage -->", "<!-- /storage -->"
TARGET = "cortex-m4"
INT8 = {
    "KWS": "mlperf_tiny_kws01_dscnn_int8.tflite",
    "VWW": "mlperf_tiny_vww01_mobilenetv1_int8.tflite",
    "ResNet-8": "mlperf_tiny_ic01_resnet8_int8.tflite",
    "AD": "mlperf_tiny_ad01_autoencoder_int8.tflite",
}
FLOAT = "mlperf_tiny_kws01_dscnn_float32.tflite"
HEADS = ("model", "numbers", "--code-weights", "weights_bytes", "share", "bits a weight", "entropy",
         "tables_bytes", "code_bytes", "flash_bytes", "arena_bytes", "instructions")  # fmt: skip


def rows() -> Iterator[tuple[object, ...]]:
    """The table's, model by model."""
    for name, file in INT8.items():
        yield from _model(name, "int8", models_folder() / file, {})
    for scheme in ("w4a8", "w3a8", "c4a8", "e3a8"):
        given = {"calibration": foreign_words(), "quantization": Settings(scheme=scheme)}
        yield from _model("KWS", scheme, models_folder() / FLOAT, given)


def _model(
    name: str, numbers: str, path: Path, given: dict[str, Any]
) -> Iterator[tuple[object, ...]]:
    plain = 0
    for mode in ("none", "auto", "all"):
        with tempfile.TemporaryDirectory() as folder:
            report = build(path, target=TARGET, output=Path(folder) / "b", name="m", optimize="size",
                           code_weights=mode, **given)  # fmt: skip
            _, stages, _ = reopen(Path(folder) / "b", "")
        assert report["mismatches"] == 0
        plain = plain or report["weights_bytes"]
        keys = ("tables_bytes", "code_bytes", "flash_bytes", "arena_bytes", "instructions")
        yield (name, numbers, mode, report["weights_bytes"], f"{report['weights_bytes'] / plain:.1%}",
               *_bits(stages, report), *(report[key] for key in keys))  # fmt: skip


def _bits(stages: Compiled, report: dict[str, Any]) -> tuple[str, str]:
    """Bits a weight of all streams and codes, and the entropy of these layers' weights, each by itself."""
    coded = {e["layer"]: e for e in report["coded_weights"]}
    if not coded:
        return "", ""
    nodes = [(n, coded_op(n)) for n in stages.plain.nodes if n.name in coded]
    counts = [np.unique(n.consts["weights"], return_counts=True)[1] for n, op in nodes if op]
    weights = sum(int(c.sum()) for c in counts)
    used = sum(e["stream_bytes"] + e["code_bytes"] for e in coded.values())
    return f"{8 * used / weights:.2f}", f"{sum(map(entropy, counts)) / weights:.2f}"


def code() -> Iterator[tuple[str, int, int]]:
    """Kernels, their bytes of code here, and as `KERNEL_BYTES` has them."""
    compiler, runtime = find_compiler(load_target(TARGET)), data_dir("runtime")
    with tempfile.TemporaryDirectory() as work:
        sources = [runtime / "kernels" / f"{name}.c" for name in KERNEL_BYTES]
        objects = compiler.compile(sources, Path(work), include=[runtime / "include"])
        for built, (name, kept) in zip(objects, KERNEL_BYTES.items(), strict=True):
            sizes = subprocess.run(["arm-none-eabi-size", built], capture_output=True, text=True, check=True)  # fmt: skip
            yield name, int(sizes.stdout.split("\n")[1].split()[0]), kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--code", action="store_true")
    given = parser.parse_args()
    if given.code:
        print(table(("kernel", "bytes", "kept"), list(code())))
        return
    made = []
    for row in rows():
        print(*map(_cell, row), file=sys.stderr, flush=True)
        made.append(row)
    print(table(HEADS, made, text=3))
    if given.write:
        lines = [HEADS, ("---",) * 3 + ("---:",) * (len(HEADS) - 3), *made]
        text = "\n".join("| " + " | ".join(_cell(x) for x in line) + " |" for line in lines)
        before, rest = DOCUMENT.read_text().split(START)
        DOCUMENT.write_text(f"{before}{START}\n\n{text}\n\n{END}{rest.split(END)[1]}")


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    main()
