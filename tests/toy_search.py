"""A search whose trials take no time: the figures are functions of the recipe. Also a program:

python tests/toy_search.py FOLDER TRIALS AHEAD [SECONDS a trial]
"""

from __future__ import annotations

import sys
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.search.engines import open_engine
from edgekit.search.explore import Row, explore
from edgekit.search.front import excesses
from edgekit.search.space import Space, Tables

SPACE = Space(
    keep=(1.0, 0.9, 0.8, 0.7, 0.6, 0.5),
    schemes=("w8a8", "w4a8", "w2a8"),
    fragile=("first", "last", "middle"),
    optimize=("balanced", "speed", "ram"),
)
LIMITS = {"ram": 9000.0, "flash": 60000.0, "accuracy-drop": 6.0}


@dataclass(frozen=True)
class Toy:
    """seconds: that a trial takes, more or less, so that later ones may be done before earlier ones."""

    seconds: float = 0.0

    def __call__(self, steps: Tables, options: Mapping[str, Any]) -> Row:
        keep = next((s["macs"] for s in steps if s["kind"] == "prune"), 1.0)
        numbers = next(s for s in steps if s["kind"] == "quantize")
        bits, fine = int(numbers["scheme"][1]), len(numbers.get("layer_schemes", ()))
        noise = zlib.crc32(repr((steps, options)).encode()) % 7
        time.sleep(self.seconds * (1 + noise / 7))
        row: Row = {
            "accuracy": None, "interval": None, "drop": None,
            "ram_bytes": {"speed": 10000, "balanced": 8000, "ram": 6000}[options["optimize"]],
            "flash_bytes": int(keep * (10000 * bits + 3000 * fine)),
            "cycles": int(keep * 1e6) + 1000 * len(options["optimize"]),
        }  # fmt: skip
        row["excess"] = excesses(row, LIMITS)
        if all(over <= 0 for over in row["excess"].values()):
            row["drop"] = 100 * ((1 - keep) * 0.1 + (8 - bits) / (60 + 20 * fine)) + noise / 10
            row["accuracy"] = 0.9 - row["drop"] / 100
            row["excess"] = excesses(row, LIMITS)
        return row | {"cpu_seconds": self.seconds}


def search(folder: Path, trials: int, ahead: int = 1, *, seed: int = 0, kind: str = "local",
           seconds: float = 0.0, **more: Any) -> list[Row]:  # fmt: skip
    with open_engine(kind, ahead) as engine:
        return explore(folder / "search.db", SPACE, Toy(seconds), engine, trials=trials, seed=seed,
                       ahead=ahead, question={"seed": seed}, **more)  # fmt: skip


if __name__ == "__main__":
    folder, trials, ahead, seconds = sys.argv[1:]
    search(Path(folder), int(trials), int(ahead), seconds=float(seconds))
