"""Budgets, gates, and the size report with its bars."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from edgekit.errors import EdgekitError

Report = dict[str, Any]
Gate = dict[str, Any]

_BYTES = {"": 1, "K": 1024, "M": 1024**2}
_CYCLES = {"": 1, "K": 10**3, "M": 10**6}
_WIDTH = 10  # of a bar
_MOST = 5  # largest contributors that are named


def parse_budget(text: str) -> dict[str, float]:
    """``ram=32K,flash=128K,cycles=3M,accuracy-drop=0.5`` to numbers.

    K and M are 1024s of bytes, 1000s of cycles; the drop is in percent points.

    Raises EK001 on anything else.
    """
    budget: dict[str, float] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        match = re.fullmatch(r"(ram|flash|cycles|accuracy-drop)=(\d+(?:\.\d+)?)([KM]?)", part)
        if not match or (match[1] == "accuracy-drop" and match[3]):
            raise EdgekitError(
                "EK001", "the budget cannot be read", where="--budget", found=part,
                help="write it as ram=32K,flash=128K,cycles=3M,accuracy-drop=0.5",
            )  # fmt: skip
        if match[1] == "accuracy-drop":
            budget[match[1]] = float(match[2])
            continue
        units = _CYCLES if match[1] == "cycles" else _BYTES
        budget[match[1]] = int(float(match[2]) * units[match[3]])
    return budget


def gates(report: Report, budget: Mapping[str, float]) -> list[Gate]:
    """What has to hold: the target's memory, the budget, and that all places compute the same."""
    found = []
    ram, reserved, limit = report["ram_bytes"], report["reserved_bytes"], report["ram_limit_bytes"]
    if limit is not None:
        found.append(_limit("ram fits", limit, ram + reserved, _ram_reason(report)))
    if len(report["regions"]) > 1:
        found += [
            _limit(f"ram fits {r['name']}", r["size_bytes"], used_bytes(r), _ram_reason(report))
            for r in report["regions"]
        ]
    if report["flash_limit_bytes"] is not None:
        flash = report["flash_bytes"] + report["flash_reserved_bytes"]
        found.append(
            _limit("flash fits", report["flash_limit_bytes"], flash, _flash_reason(report))
        )
    if "ram" in budget:
        found.append(_limit("ram budget", budget["ram"], ram, _ram_reason(report)))
    if "flash" in budget:
        found.append(
            _limit("flash budget", budget["flash"], report["flash_bytes"], _flash_reason(report))
        )
    if "cycles" in budget:
        cycles = report.get("cycles_estimate")
        gate = _limit("cycles budget", budget["cycles"], cycles or 0, "")
        found.append(gate if cycles is not None else gate | {
            "found": None, "passed": False, "reason": "cycles cannot be counted on this target"
        })  # fmt: skip
    if "mismatches" in report:
        found.append(
            _limit("bit-exact", 0, report["mismatches"], report.get("first_difference") or "")
        )
    return found


def arena_limit(report: Report, budget: Mapping[str, float]) -> int | None:
    """Bytes that the target's RAM and the budget leave for the arena, None where neither has a limit.

    Parts of the RAM that are not known yet count as 0.
    """
    limits = [int(budget["ram"])] if "ram" in budget else []
    if report["ram_limit_bytes"] is not None:
        limits.append(report["ram_limit_bytes"] - report["reserved_bytes"])
    return min(limits) - (report["ram_bytes"] - report["arena_bytes"]) if limits else None


def used_bytes(region: Report) -> int:
    """What a memory region holds, the rest of the firmware included."""
    return int(region["arena_bytes"] + region["other_bytes"] + region["reserved_bytes"])


def accuracy_gate(report: Report, limit: float) -> Gate:
    """How far the model may fall behind its original, in percent points of accuracy or AUC.

    Not passed where `report`, of `validate`, does not have both figures.
    """
    gate: Gate = {"name": "accuracy-drop", "limit": limit, "found": None, "passed": False}
    for key in ("accuracy", "auc"):
        ours, theirs = report.get(key), report.get(f"reference_{key}")
        if ours is not None and theirs is not None:
            # Shares are binary fractions: without rounding 90.5 - 90.0 is more than 0.5.
            drop = round(100 * (theirs - ours), 6)
            gate |= {"found": drop, "passed": drop <= limit}
            reason = f"{key} {ours:.4f}, original {theirs:.4f}"
            return gate if gate["passed"] else gate | {"reason": reason}
    return gate | {"reason": "it takes labelled data, and the original beside the model"}


def _limit(name: str, limit: float, found: int, reason: str) -> Gate:
    passed = found <= limit
    gate: Gate = {"name": name, "limit": limit, "found": found, "passed": passed}
    if not passed and name != "bit-exact":
        gate["reason"] = f"over by {found - limit:,}" + f"; {reason}" * bool(reason)
    elif not passed:
        gate["reason"] = reason
    return gate


def _ram_reason(report: Report) -> str:
    advice = report.get("ram_advice")
    if advice is not None:
        layer = f" at layer {advice['layer']}" if advice["layer"] else ""
        return (
            f"the smallest arena found is {advice['arena_bytes']:,} B, its lower bound "
            f"{advice['lower_bound_bytes']:,} B{layer}"
        )
    live = max((e["ram_bytes"] for e in report["layer_memory"]), default=0)
    return f"the arena's peak is at layer {report['arena_peak']} with {live:,} B alive"


def _flash_reason(report: Report) -> str:
    largest = max(report["layer_memory"], key=lambda e: e["flash_bytes"], default=None)
    if largest is None:
        return ""
    return f"layer {largest['name']} has the largest constants, {largest['flash_bytes']:,} B"


def bar(used: int, limit: int) -> str:
    """``[==        ]`` with a mark for every tenth begun; ``[=========>]`` beyond the limit."""
    if used > limit:
        return f"[{'=' * (_WIDTH - 1)}>]"
    filled = -(-used * _WIDTH // limit) if limit else 0
    return f"[{'=' * filled:<{_WIDTH}}]"


def memory_line(
    label: str, used: int, limit: int | None, parts: list[tuple[str, int | None]]
) -> str:
    """One line of the size report: bar, share, bytes, and what they are made of."""
    detail = " + ".join(f"{name} {size:,}" for name, size in parts if size)
    if limit is None:
        return f"{label:<8}{used:,} B   {detail}"
    share = f"{100 * used / limit:.1f} %" if limit else "-"
    return f"{label:<8}{bar(used, limit)} {share:>6}   {used:,} of {limit:,} B   {detail}".rstrip()


def memory_lines(report: Report) -> list[str]:
    """RAM and flash, each with its parts."""
    ram = [
        ("arena", report["arena_bytes"]),
        ("state", report["state_bytes"]),
        ("static", report.get("static_bytes")),
        ("stack", report["stack_bytes"]),
        ("reserved", report["reserved_bytes"]),
    ]
    flash = [
        ("weights", report["weights_bytes"]),
        ("code", report["code_bytes"]),
        ("tables", report["tables_bytes"]),
        ("reserved", report["flash_reserved_bytes"]),
    ]
    ram_used = report["ram_bytes"] + report["reserved_bytes"]
    flash_used = report["flash_bytes"] + report["flash_reserved_bytes"]
    regions = report["regions"] if len(report["regions"]) > 1 else []
    return [
        memory_line("RAM", ram_used, report["ram_limit_bytes"], ram),
        *(_region_line(region) for region in regions),
        memory_line("Flash", flash_used, report["flash_limit_bytes"], flash),
    ]


def _region_line(region: Report) -> str:
    parts = [(p, region[f"{p}_bytes"]) for p in ("arena", "other", "reserved")]
    return memory_line(f"  {region['name']}", used_bytes(region), region["size_bytes"], parts)


def contributors(report: Report) -> list[str]:
    """The layers that take most flash, and those at which most RAM is alive."""
    lines = []
    for label, key in (("flash", "flash_bytes"), ("RAM", "ram_bytes")):
        largest = sorted(report["layer_memory"], key=lambda e: -e[key])[:_MOST]
        lines.append(f"most {label}")
        lines += [f"        {e['name']:<24}{e['op']:<18}{e[key]:>10,} B" for e in largest]
    return lines
