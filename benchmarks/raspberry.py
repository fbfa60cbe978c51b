"""The Raspberry Pi table: `python -m benchmarks.raspberry [CORE...]`.

Instructions of one inference, one thread, planned with `--optimize speed` (RAM is not scarce there);
and an estimate of the cycles of a Cortex-A72 (`static_cycles.py`).
"""

from __future__ import annotations

import functools
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import HERE, models_folder, tomllib
from benchmarks.static_cycles import cycles, tool
from edgekit.bench import execute
from edgekit.build import Options, compile_program
from edgekit.emit import emit
from edgekit.target import load_target
from edgekit.validate.data import random_samples
from edgekit.validate.runners import deploy

CORES = ("rpi4", "rpi-zero2", "rpi5")
ESTIMATED = "rpi4"
MODELS = ("kws", "resnet8", "vww", "ad", "mobilenet_v2")


class Figures(NamedTuple):
    """One inference; cycles None where they are not estimated."""

    instructions: int
    cycles: int | None


@functools.cache
def peers() -> dict[str, Any]:
    """The frozen figures and limits, in millions."""
    return tomllib.loads((HERE / "raspberry.toml").read_text())


def measure(core: str, key: str) -> Figures:
    """Build one model for one core and count it there."""
    target, model = load_target(core), models_folder() / peers()["files"][key]
    with tempfile.TemporaryDirectory() as work:
        program = compile_program(model, Options(key, core, optimize="speed")).program
        for file, text in emit(key, program, model.name)[0].items():
            (Path(work) / file).write_text(text)
        one = random_samples([program.buffers[name] for name in program.inputs], 1)
        inputs = [x[0] for x in one.arrays]
        answer = execute(deploy(program, Path(work), key), target, inputs)
    estimate = cycles(answer) if core == ESTIMATED and tool() else None
    return Figures(int(answer["counts"].sum()), estimate)


def best(figures: dict[str, dict[str, float]], key: str) -> float:
    """The best peer, in millions."""
    return min(of[key] for peer, of in figures.items() if peer != "limit")


def cell(core: str, key: str, found: Figures) -> str:
    """Ours, in brackets the best peer's over ours; cycles behind a slash."""
    millions = found.instructions / 1e6
    text = f"{millions:.3f} ({best(peers()[core], key) / millions:.2f})"
    if found.cycles is None:
        return text
    estimate = found.cycles / 1e6
    return f"{text} / {estimate:.3f} ({best(peers()['cycles'], key) / estimate:.2f})"


def main(cores: list[str]) -> int:
    """Print a line a core and model; 1 where a limit is not kept."""
    kept = True
    for core in cores or CORES:
        for key in MODELS:
            found, limit = measure(core, key), peers()[core]["limit"][key]
            good = found.instructions <= limit * 1e6
            kept &= good
            print(f"{core:10} {key:13} {cell(core, key, found):34} limit {limit}"
                  f"{'' if good else '  NOT KEPT'}", flush=True)  # fmt: skip
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
