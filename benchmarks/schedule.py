"""Keyword spotting, visual wake words and a control loop on one STM32F446, in each mode; prints the table.

python -m benchmarks.schedule [--output build/schedules]
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import models_folder
from edgekit.screens import table
from edgekit.tasks.run import MODES, schedule

TARGET = "stm32f446"
TASKS = (
    {"name": "control", "period": "5ms", "wcet": "300us"},
    {"name": "kws", "model": "mlperf_tiny_kws01_dscnn_int8.tflite", "period": "100ms", "overhead": "1ms"},
    {"name": "vww", "model": "mlperf_tiny_vww01_mobilenetv1_int8.tflite", "period": "400ms", "overhead": "2ms"},
)  # fmt: skip
HEADS = ("mode", "levels", "load", *(f"{task['name']} ms" for task in TASKS), "arenas B", "RAM B",
         "flash B", "jobs / interrupts / differing", "verdict")  # fmt: skip


def row(mode: str, report: Mapping[str, Any]) -> tuple[object, ...]:
    """A mode's line: responses in the order of `TASKS`."""
    times = {task["name"]: task["response_us"] for task in report["tasks"]}
    failed = [gate["name"] for gate in report["gates"] if not gate["passed"]]
    known = "flash_bytes" in report
    checked = (
        f"{report['jobs']} / {report['interrupts']} / {report['mismatches']}" if known else "-"
    )
    return (
        mode, report["levels"], f"{report['utilisation']:.1%}",
        *("-" if (t := times[task["name"]]) is None else f"{t / 1000:.2f}" for task in TASKS),
        report["arena_bytes"], report["ram_bytes"], report["flash_bytes"] if known else "-", checked,
        "holds" if not failed else f"late: {', '.join(failed)}",
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("build/schedules"))
    given = parser.parse_args()
    rows = []
    for mode in MODES:
        report = schedule(TASKS, models_folder(), TARGET, mode=mode, output=given.output / mode)
        rows.append(row(mode, report))
        for remedy in report.get("remedies", ()):
            print(f"{mode}: {remedy}")
    print(table(HEADS, rows))


if __name__ == "__main__":
    main()
