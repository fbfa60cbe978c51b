"""Visual wake words from real numbers, searched for a board of 64 KiB RAM and 256 KiB flash; prints the table.

    python -m benchmarks.search [--trials 30] [--workers 2] [--output build/search_vww]

Trials are judged by every other of the 500 photographs of each class, the chosen recipe by the others. Calibration
data are 164 of `calibration_sets.photographs`, none of which is among them. Called again it goes on, or prints anew.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import HERE, models_folder
from benchmarks.calibration_sets import photographs
from benchmarks.sources import persons
from edgekit.search.run import search
from edgekit.search.screen import search_screen

MODEL = "mlperf_tiny_vww01_mobilenetv1_float32.tflite"
BOARD = HERE / "small_board.toml"
# Half of the multiply-accumulates belong to channels that are constant: a share of 0.5 leaves nearly all of the rest.
KEEP = (1.0, 0.5, 0.48, 0.46, 0.44)
SCHEMES = ("w8a8", "w4a8", "e5a8", "e4a8", "c4a8")
BUDGET = "accuracy-drop=1.5"


def files(folder: Path) -> tuple[Path, Path]:
    """Calibration and labelled data as the command takes them."""
    folder.mkdir(parents=True, exist_ok=True)
    calibration, labelled = folder / "photographs.npz", folder / "persons.npz"
    if not calibration.exists():
        np.savez(calibration, x=photographs()[::4])
    if not labelled.exists():
        x, y = persons()
        np.savez(labelled, x=x, y=y)
    return calibration, labelled


def summary(report: Mapping[str, Any], seconds: float) -> list[str]:
    """What was spent, and the chosen recipe beside the model at eight bits."""
    rows, best = report["rows"], report["best"]
    spent = [row["cpu_seconds"] for row in rows]
    lines = [
        f"{len(rows)} trials took {sum(spent):.0f} s of processor time, {max(spent):.0f} s the longest; "
        f"{sum(spent) / 120:.1f} minutes on two free cores ({seconds / 60:.1f} by the clock of this run)"
    ]
    if best is not None:
        first = rows[0]
        share = best["weights_bytes"] / first["weights_bytes"]
        lines.append(
            f"weights {best['weights_bytes']:,} B, {share:.1%} of the {first['weights_bytes']:,} B at eight bits "
            f"(flash {best['flash_bytes']:,} of {first['flash_bytes']:,} B)"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("build/search_vww"))
    given = parser.parse_args()
    calibration, labelled = files(given.output.with_name(f"{given.output.name}_data"))
    begun = time.monotonic()
    report = search(
        models_folder() / MODEL, target=str(BOARD), budget=BUDGET, trials=given.trials, name="vww",
        test=labelled, calibration=calibration, keep=KEEP, schemes=SCHEMES, optimize=("balanced", "ram"),
        prefer="flash", workers=given.workers, output=given.output,
        progress=lambda what, done, total: print(f"{done}/{total} {what}", flush=True),
    )  # fmt: skip
    print(search_screen(report))
    print("\n".join(summary(report, time.monotonic() - begun)))


if __name__ == "__main__":
    main()
