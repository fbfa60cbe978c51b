"""The text form of a compression's report: a row for each step, and the control's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit.screens import count, gate_lines, table

Report = Mapping[str, Any]
_HEADINGS = (
    "step", "score", "95 %", "flash", "weights", "arena", "stack", "MAC", "instructions", "cycles",
    "energy",
)  # fmt: skip


def compress_screen(report: Report) -> str:
    """What each step did to accuracy, memory, work and energy; what the steps had to say."""
    rows = [*report["rows"], *([report["control"]] if report["control"] else [])]
    lines = [
        f"model   {report['model']} on {report['target']}",
        table(_HEADINGS, (_cells(row) for row in rows)),
        *_scores(rows),
        *(f"note    {note}" for note in report["notes"]),
    ]
    methods = dict.fromkeys(row["energy_method"] for row in rows if "energy_method" in row)
    lines += [f"energy  {method}" for method in methods]
    bundle = report["bundle"]
    exact = "bit-exact on " + ", ".join(bundle["verified_places"])
    if not bundle["bit_exact"]:
        exact = bundle["first_difference"] or "compared nowhere"
    lines.append(f"check   {exact}")
    return "\n".join([*lines, *gate_lines(dict(report))])


def _cells(row: Report) -> list[object]:
    interval, energy = row.get("interval"), row.get("energy_estimate_uj")
    return [
        row["step"],
        _score(row),
        None if interval is None else f"{100 * interval[0]:.1f}..{100 * interval[1]:.1f}",
        *(row.get(key) for key in ("flash_bytes", "weights_bytes", "arena_bytes", "stack_bytes")),
        *(
            None if row.get(key) is None else count(row[key])
            for key in ("macs", "instructions", "cycles_estimate")
        ),
        None if energy is None else f"{energy:.4g} uJ",
    ]


def _score(row: Report) -> str | None:
    """A share in percent, a distance as it is."""
    for key in ("accuracy", "auc"):
        if row.get(key) is not None:
            return f"{100 * row[key]:.2f}"
    return next((f"{row[key]:.4g}" for key in ("mse", "mae") if row.get(key) is not None), None)


def _scores(rows: list[Report]) -> list[str]:
    metrics = {row["metric"]: row["samples"] for row in rows if row.get("metric")}
    return [f"score   {metric} on {samples} samples" for metric, samples in metrics.items()]
