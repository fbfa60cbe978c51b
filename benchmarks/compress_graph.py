"""Recipes on whole networks from their float files, step by step, and the measures of pruning beside each other.

    python -m benchmarks.compress_graph [--measures] [KEY...]

Every row is compiled for the target and counted in its emulator; the last one is a bundle whose simulator, C and
emulated core are compared. Calibration, training and test data are apart: spoken digits have a training set; keyword
spotting is calibrated with the hundred clips that there is audio of and tested on the others of the 500, and person
detection as in `calibration_sets.SPLITS`. Neither of the two has labels to train with.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import models_folder
from benchmarks.calibration_sets import SPLITS, spoken_words, unheard
from benchmarks.sources import data
from edgekit.compress import Recipe, Subject, compress, evaluate
from edgekit.compress.importance import MEASURES
from edgekit.compress.screen import compress_screen
from edgekit.quantize import Calibration

TARGET = "nrf52840"
Table = Mapping[str, Any]
RECIPES: dict[str, tuple[str, Sequence[Table]]] = {
    "fsdd": ("fsdd", (
        {"kind": "prune", "macs": 0.5},
        {"kind": "quantize", "scheme": "w4a8"},
    )),
    "fsdd trained": ("fsdd", (
        {"kind": "prune", "macs": 0.3},
        {"kind": "finetune", "epochs": 12, "learning_rate": 2e-3},
        {"kind": "quantize", "scheme": "w4a8"},
    )),
    "kws": ("kws", (
        {"kind": "prune", "macs": 0.85, "rounds": 4},
        {"kind": "quantize", "scheme": "w4a8"},
    )),
    "kws trained": ("kws", (
        {"kind": "prune", "macs": 0.6, "rounds": 4},
        {"kind": "finetune", "epochs": 100, "learning_rate": 1e-3, "batch": 32},
        {"kind": "quantize", "scheme": "w4a8"},
    )),
    "vww": ("vww", (
        {"kind": "prune", "macs": 0.85},
        {"kind": "quantize", "scheme": "w4a8"},
    )),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("keys", nargs="*", choices=[*RECIPES, []], metavar="KEY")
    parser.add_argument(
        "--measures", action="store_true", help="the measures of importance instead"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.measures:
            measures(Path(folder))
            return
        for key in options.keys or RECIPES:
            print(f"\n{key}", flush=True)
            print(run(key, Path(folder)), flush=True)


def run(key: str, folder: Path) -> str:
    """The screen of one recipe."""
    split, steps = RECIPES[key]
    files = data_files(split, folder)
    report = compress(
        models_folder() / SPLITS[split].file, steps, target=TARGET, calibration=files["calibration"], test=files["test"],
        data=files.get("train"), output=folder / "bundle",
    )  # fmt: skip
    return compress_screen(report)


def measures(folder: Path) -> None:
    """Spoken digits with half their MACs by every measure, int8 weights: channels taken out alone, with their
    means in the biases, and with a fit."""
    files = data_files("fsdd", folder)
    subject = Subject.open(
        models_folder() / SPLITS["fsdd"].file, calibration=Calibration(files["calibration"]),
        test=files["test"], train=files["train"],
    )  # fmt: skip
    print("| importance | channels only | and biases | and fitted |\n|---|---|---|---|")
    for measure in MEASURES:
        if measure == "batch_norm":  # the file's are folded
            continue
        found = [
            evaluate(subject, Recipe.of([
                {"kind": "prune", "macs": 0.5, "importance": measure, "refit": refit, "bias": bias}
            ]))["accuracy"]
            for refit, bias in ((False, False), (False, True), (True, True))
        ]  # fmt: skip
        cells = [f"{100 * accuracy:.1f} %" for accuracy in found]
        print(f"| {measure} | {' | '.join(cells)} |", flush=True)


def data_files(split: str, folder: Path) -> dict[str, Path]:
    """The `.npz` files of a split, in `folder`; of spoken digits also what they are trained with."""
    own = SPLITS[split]
    x, y = own.test()
    calibration = own.calibration()
    if split == "vww":
        calibration = calibration[::5]
    if split == "kws":
        apart = unheard()
        calibration, x, y = spoken_words(), x[apart], y[apart]
    arrays = {"calibration": {"x": calibration}, "test": {"x": x, "y": y}}
    if split == "fsdd":
        found = data("fsdd_digits_logmel_train_1350_f16.npz")
        arrays["train"] = {"x": found["x"].astype(np.float32), "y": found["y"]}
    paths = {}
    for name, content in arrays.items():
        paths[name] = folder / f"{split}_{name}.npz"
        np.savez(paths[name], **content)
    return paths


if __name__ == "__main__":
    main()
