"""The text form of a schedule's report."""

from __future__ import annotations

from typing import Any

from edgekit.screens import table

Report = dict[str, Any]


def schedule_screen(report: Report) -> str:
    """A line a task, then load, memory, flash and the gates that failed."""
    rows = [
        (
            e["name"], e["level"], _ms(e["period_us"]), _ms(e["wcet_us"]), _ms(e["response_us"]),
            _ms(e["deadline_us"]), f"{e['utilisation']:.1%}", e["arena_bytes"], e["state_bytes"],
            e["region"] or "-",
        )
        for e in report["tasks"]
    ]  # fmt: skip
    heads = ("task", "level", "period ms", "job ms", "response ms", "deadline ms", "load", "arena B",
             "state B", "region")  # fmt: skip
    lines = [
        table(heads, rows),
        "",
        f"load    {report['utilisation']:.1%} of {report['target']} "
        f"(Liu and Layland's bound for {len(rows)}: {report['liu_layland_bound']:.1%}), "
        f"jobs as counted plus {report['margin_percent']:g} %",
        f"memory  {report['ram_bytes']:,} B, of it arenas {report['arena_bytes']:,} in "
        f"{report['levels']} {'level' if report['levels'] == 1 else 'levels'} "
        f"(apart {report['arena_bytes_apart']:,})",
    ]
    if "flash_bytes" in report:
        lines.append(
            f"flash   {report['flash_bytes']:,} B in one image (apart {report['flash_bytes_apart']:,})"
        )
    if "jobs" in report:
        lines.append(
            f"check   {report['jobs']} jobs in one memory on the emulated core, {report['interrupts']} "
            f"interrupted: {report['mismatches']} of {report['outputs_compared']:,} values differ"
        )
    if "left_out" in report:
        lines.append(f"check   left out: {report['left_out']}")
    lines += [
        f"FAILED  {g['name']}: {g['found']:,} of {g['limit']:,}; {g['reason']}"
        if g["found"] is not None
        else f"FAILED  {g['name']}: {g['reason']}"
        for g in report["gates"]
        if not g["passed"]
    ]
    lines += [f"help    {remedy}" for remedy in report.get("remedies", ())]
    return "\n".join(lines)


def _ms(microseconds: float | None) -> str:
    return "-" if microseconds is None else f"{microseconds / 1000:.3f}"
