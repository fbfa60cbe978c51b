"""The text form of a search's report."""

from __future__ import annotations

from typing import Any

from edgekit.screens import table

Report = dict[str, Any]


def search_screen(report: Report) -> str:
    """The front, a line a trial, and what became of the best."""
    chosen = {row["trial"]: row for row in report["rows"]}
    best = report["best"] and report["best"]["trial"]
    rows = [
        (
            f"{number}{' *' if number == best else ''}", _words(chosen[number]),
            f"{chosen[number]['accuracy']:.4f}", chosen[number]["flash_bytes"],
            chosen[number]["ram_bytes"], chosen[number]["cycles"],
        )
        for number in report["front"]
    ]  # fmt: skip
    heads = ("trial", "recipe", "accuracy", "flash B", "RAM B", "cycles")
    small = sum(row["accuracy"] is not None for row in report["rows"])
    lines = [
        f"model   {report['model']} on {report['target']}, reference {report['reference']:.4f}",
        f"trials  {len(report['rows'])}, {small} small enough to be judged, {len(rows)} on the front",
        "",
        *([table(heads, rows, text=2), ""] if rows else []),
    ]
    if best is not None:
        bundle = report["bundle"]
        lines.append(
            f"best    trial {best}, built: flash {bundle['flash_bytes']:,} B, RAM {bundle['ram_bytes']:,} B, "
            f"weights {bundle['weights_bytes']:,} B, {_or_dash(bundle['cycles_estimate'])} cycles"
        )
        lines.append(
            f"test    {_quality(bundle['test'])}, the model as it came {_quality(bundle['test_original'])}"
        )
    lines += [
        f"FAILED  {g['name']}: {g.get('reason', '')}" for g in report["gates"] if not g["passed"]
    ]
    return "\n".join(lines)


def _words(row: Report) -> str:
    """A recipe in a line."""
    parts = []
    for step in row["recipe"]:
        if step["kind"] == "prune":
            parts.append(f"keep {step['macs']:.0%}")
        else:
            fine = len(step.get("layer_schemes", ()))
            parts.append(step["scheme"] + (f", {fine} layers finer" if fine else ""))
    options = row["options"]
    parts += [options["optimize"]] + [f"streams {options['code_weights']}"] * (
        options["code_weights"] != "none"
    )
    return ", ".join(parts)


def _quality(found: Report) -> str:
    value = found["auc"] if found.get("metric") == "auc" else found["accuracy"]
    if value is None:
        return "not known"
    ends = found.get("interval")
    span = f" ({ends[0]:.4f} to {ends[1]:.4f})" if ends else ""
    return f"{value:.4f}{span} of {found['samples']}"


def _or_dash(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
