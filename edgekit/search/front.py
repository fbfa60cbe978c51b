"""Which trials are worth looking at: limits that hold, the Pareto front, the one to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

# key -> whether more of it is better
OBJECTIVES = {"accuracy": True, "ram_bytes": False, "flash_bytes": False, "cycles": False}
PREFER = {"accuracy": "accuracy", "ram": "ram_bytes", "flash": "flash_bytes", "cycles": "cycles"}


def excesses(row: Row, limits: Mapping[str, float]) -> dict[str, float]:
    """By limit how far a row is beyond it, as a share of the limit; 0 and less where it holds.

    limits: ``ram``, ``flash``, ``cycles`` and ``accuracy-drop`` (percent points below ``reference``), as far
    as they are set. What is not known breaks no limit but the drop, where sizes have to hold first.
    """
    found = {}
    for limit, key in (("ram", "ram_bytes"), ("flash", "flash_bytes"), ("cycles", "cycles")):
        if limit in limits and row.get(key) is not None:
            found[limit] = row[key] / max(1.0, limits[limit]) - 1
    if "accuracy-drop" in limits and row.get("drop") is not None:
        found["accuracy-drop"] = (row["drop"] - limits["accuracy-drop"]) / 100
    return found


def feasible(row: Row) -> bool:
    """Whether every limit holds, and the accuracy is known."""
    return row["accuracy"] is not None and all(over <= 0 for over in row["excess"].values())


def front(rows: Sequence[Row]) -> list[Row]:
    """The feasible rows that no other is at least as good as in everything and better in something; of
    equal ones the earliest. The most accurate first."""
    known = [row for row in rows if feasible(row)]
    best = [row for row in known if not any(_beats(other, row) for other in known)]
    seen: dict[tuple[Any, ...], Row] = {}
    for row in best:
        seen.setdefault(_figures(row), row)
    return sorted(seen.values(), key=lambda row: (_figures(row), row["trial"]))


def ranked(rows: Sequence[Row], prefer: str) -> list[Row]:
    """The front by what is preferred, the best first; equals by accuracy, flash, cycles and RAM."""
    first = PREFER[prefer]
    order = (first, "accuracy", "flash_bytes", "cycles", "ram_bytes")
    return sorted(
        front(rows), key=lambda row: (*(_signed(row, key) for key in order), row["trial"])
    )


def _figures(row: Row) -> tuple[float, ...]:
    """The objectives, less being better."""
    return tuple(_signed(row, key) for key in OBJECTIVES)


def _signed(row: Row, key: str) -> float:
    value = row[key]
    return 0.0 if value is None else -float(value) if OBJECTIVES[key] else float(value)


def _beats(a: Row, b: Row) -> bool:
    ours, theirs = _figures(a), _figures(b)
    return ours != theirs and all(x <= y for x, y in zip(ours, theirs, strict=True))
