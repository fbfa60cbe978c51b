"""Builds every benchmark model for an emulated Cortex-M4 and prints the table: `make bench`.

``--write`` moves the budgets to what was measured; a change that makes a figure worse has to do that
in the open. Instruction counts depend on the compiler, which is printed with them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from edgekit.build import build

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
PEERS, BUDGETS = HERE / "peers.toml", HERE / "budgets.toml"
FIGURES = ("instructions", "arena_bytes", "state_bytes", "flash_bytes", "stack_bytes")
TARGET = "cortex-m4"


def models_folder() -> Path:
    """The shared models: EDGEKIT_SHARED, by default ../shared beside the repository."""
    return Path(os.environ.get("EDGEKIT_SHARED") or HERE.parent.parent / "shared") / "models"


def peers() -> dict[str, dict[str, Any]]:
    """The peers' figures, model key to row."""
    return tomllib.loads(PEERS.read_text())


def budgets() -> dict[str, dict[str, int]]:
    """The figures that must not get worse, model key to row."""
    return tomllib.loads(BUDGETS.read_text())


def measure(key: str, file: str, target: str = TARGET) -> dict[str, Any]:
    """The report of one benchmark model, built in a temporary folder."""
    with tempfile.TemporaryDirectory() as work:
        return build(models_folder() / file, target=target, name=key, output=Path(work) / key)


def row(key: str, report: dict[str, Any], peer: dict[str, Any]) -> str:
    """One line of the table: ours, and the ratio peer / ours where the peer has a figure."""

    def ratio(name: str, ours: int | None) -> str:
        return f"{peer[name] / ours:5.2f}x" if name in peer and ours else "     -"

    arena, flash = report["arena_bytes"], report["flash_bytes"]
    return (
        f"{key:<15}{report['macs'] / 1e6:8.3f}{report['instructions'] / 1e6:9.3f}"
        f"{report['instructions'] / max(report['macs'], 1):7.2f}{report['cycles_estimate'] / 1e6:9.3f}"
        f" {ratio('reference', report['instructions'])} {ratio('cmsis', report['instructions'])}"
        f"{arena:9,} {ratio('arena', arena)}{report['state_bytes']:7,}{flash:10,} {ratio('flash', flash)}"
        f"{report['stack_bytes']:6,} {ratio('stack', report['stack_bytes'])}  {report['bit_exact']}"
    )


HEADING = (
    f"{'model':<15}{'M MAC':>8}{'M insn':>9}{'i/MAC':>7}{'M cyc':>9} {'tflm-ref':>6} {'cmsis':>4}"
    f"{'arena':>9} {'tflm':>6}{'state':>7}{'flash':>10} {'tflm':>6}{'stack':>6} {'tflm':>6}  exact"
)


def main() -> int:
    """Print the table; with --write store the figures as the new budgets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="store the figures as budgets")
    arguments = parser.parse_args()
    lines, first = [], True
    for key, peer in peers().items():
        report = measure(key, peer["file"])
        if first:
            print(f"{TARGET}: {report['compiler']}\n{report['compiler_flags']}\n"
                  "ratios: the peer's figure over ours; cycles are estimates\n\n" + HEADING)  # fmt: skip
            first = False
        print(row(key, report, peer), flush=True)
        lines += [f"[{key}]", *(f"{name} = {report[name]}" for name in FIGURES), ""]
    if arguments.write:
        head = "# What `make bench` measured for cortex-m4; tests/test_budgets.py holds it. See --write.\n\n"
        BUDGETS.write_text(head + "\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
