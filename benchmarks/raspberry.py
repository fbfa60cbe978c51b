"""The Raspberry Pi table: `python -m benchmarks.raspberry [CORE...]`.

Instructions of one inference, one thread, planned with `--optimize speed` (RAM is not scarce there);
and an estimate of the cycles of a Cortex-A72 (`static_cycles.py`). ``--write`` moves the budgets and
docs/RASPBERRY.md to what was measured; a change that makes a figure worse has to do that in the open.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import HERE, models_folder, read_toml
from benchmarks.__main__ import table
from benchmarks.static_cycles import cycles, version
from edgekit.bench import execute
from edgekit.build import Options, compile_program
from edgekit.emit import emit
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.toolchain import find_compiler
from edgekit.validate.data import random_samples
from edgekit.validate.runners import deploy, make_runner

CORES = {"rpi4": "Cortex-A72", "rpi-zero2": "Cortex-A53", "rpi5": "Cortex-A76"}
ESTIMATED = "rpi4"
MODELS = ("kws", "resnet8", "vww", "ad", "mobilenet_v2")
BUDGETS, DOCUMENT = HERE / "raspberry_budgets.toml", HERE.parent / "docs" / "RASPBERRY.md"


class Figures(NamedTuple):
    """One inference; cycles None where they are not estimated; exact: outputs as the simulator's."""

    instructions: int
    cycles: int | None
    exact: bool


Found = dict[tuple[str, str], Figures]


@functools.cache
def peers() -> dict[str, Any]:
    """The frozen figures and limits, in millions."""
    return read_toml(HERE / "raspberry.toml")


def budgets() -> dict[str, Any]:
    """The figures that must not get worse, core to model to instructions, and cycles."""
    return read_toml(BUDGETS)


def measure(core: str, key: str) -> Figures:
    """Build one model for one core, count it there and compare its outputs."""
    target, model = load_target(core), models_folder() / peers()["files"][key]
    with tempfile.TemporaryDirectory() as work:
        program = compile_program(model, Options(key, core, optimize="speed")).program
        for file, text in emit(key, program, model.name)[0].items():
            (Path(work) / file).write_text(text)
        deployed = deploy(program, Path(work), key)
        sample = random_samples([program.buffers[name] for name in program.inputs], 1).arrays
        answer = execute(deployed, target, [x[0] for x in sample])
        with make_runner("emulator", deployed, target) as runner:
            found = runner.run(sample)
    pairs = zip(found, Simulator(program).run(sample), strict=True)
    estimate = cycles(answer) if core == ESTIMATED and version() else None
    return Figures(
        int(answer["counts"].sum()), estimate, all(np.array_equal(a, b) for a, b in pairs)
    )


def compiler(core: str) -> str:
    """The name and version of the compiler that is found for a core."""
    return find_compiler(load_target(core)).version


def best(figures: dict[str, dict[str, float]], key: str) -> float:
    """The best peer, in millions."""
    return min(of[key] for peer, of in figures.items() if peer != "limit")


def cell(core: str, key: str, found: int) -> str:
    """Ours in millions, in brackets the best peer's over ours."""
    return f"{found / 1e6:.3f} ({best(peers()[core], key) * 1e6 / found:.2f})"


def main() -> int:
    """Print a line a core and model; 1 where a limit is not kept or an output differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.raspberry", description=__doc__)
    parser.add_argument("cores", nargs="*", metavar="CORE", help="of " + ", ".join(CORES))
    parser.add_argument("--write", action="store_true", help="store the figures; all cores then")
    arguments = parser.parse_args()
    found: Found = {}
    good = True
    for core in CORES if arguments.write else arguments.cores or CORES:
        for key in MODELS:
            figures = found[core, key] = measure(core, key)
            limit = peers()[core]["limit"][key]
            kept = figures.exact and figures.instructions <= limit * 1e6
            good &= kept
            estimate = cell("cycles", key, figures.cycles) if figures.cycles else "-"
            print(f"{core:10} {key:13} {cell(core, key, figures.instructions):16} limit {limit:5} "
                  f"cycles {estimate:14}{'' if kept else ' NOT KEPT'}", flush=True)  # fmt: skip
    if arguments.write:
        BUDGETS.write_text(_budgets(found))
        DOCUMENT.write_text(_document(found))
    return 0 if good else 1


def _budgets(found: Found) -> str:
    lines = [
        "# What `python -m benchmarks.raspberry --write` measured; tests/test_budgets.py holds it."
    ]
    for core in CORES:
        lines += ["", f"[{core}]", f"compiler = {compiler(core)!r}"]
        lines += [f"{key} = {found[core, key].instructions}" for key in MODELS]
    lines += ["", "[cycles]", f"tool = {version()!r}"]
    lines += [f"{key} = {found[ESTIMATED, key].cycles}" for key in MODELS]
    return "\n".join(lines) + "\n"


def _document(found: Found) -> str:
    rows = []
    for key in MODELS:
        cells = [cell(core, key, found[core, key].instructions) for core in CORES]
        estimate = found[ESTIMATED, key].cycles
        cells.append(cell("cycles", key, estimate) if estimate else "-")
        rows.append([key, *cells, "yes" if all(found[c, key].exact for c in CORES) else "NO"])
    names = [f"{name} ({core})" for core, name in CORES.items()]
    text = table(("model", *names, f"{CORES[ESTIMATED]} cycles (estimate)", "exact"), rows)
    return f"""# Raspberry Pi

Written by `python -m benchmarks.raspberry --write`.

One inference in millions of executed instructions, one thread, initialisation excluded, on emulated
cores; in brackets the best peer's figure over ours: above 1 is less for us. The peers are LiteRT with
XNNPACK, ONNX Runtime and ncnn, on the same emulated cores with the same weights and scales; all their
figures are in `benchmarks/raspberry.toml`. Exact: the outputs are the simulator's, byte for byte.

{text}

ncnn's convolutions of ResNet-8 use fewer multiplications (Winograd) on cores without SDOT.

Instructions are not time. The cycles are llvm-mca's ({version()}) of every executed block with its
model of the Cortex-A57, whose pipes a Cortex-A72 has; caches are perfect and no branch is mispredicted, so
they bound the time from below, the peers' likewise.

Compiled by {compiler(ESTIMATED)}.
"""


if __name__ == "__main__":
    sys.exit(main())
