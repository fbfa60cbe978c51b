"""Energy of an inference, from its estimated cycles and a published figure of the target's core."""

from __future__ import annotations

from typing import Any

from edgekit.target import Target


def energy(target: Target, cycles: int | None) -> dict[str, Any]:
    """``energy_estimate_uj`` (microjoules) and ``energy_method``; the first null where the target has no
    figure with a source, or where cycles cannot be counted. What sleeps between inferences, and what
    memory of its own a board has beside the chip, is not in it."""
    power = target.power
    if power is None:
        method = f"not estimated: no published figure for {target.name} in its target file"
        return {"energy_estimate_uj": None, "energy_method": method}
    method = f"cycles x {power.pj_per_cycle:g} pJ: {power.source}"
    value = None if cycles is None else round(cycles * power.pj_per_cycle / 1e6, 3)
    return {"energy_estimate_uj": value, "energy_method": method}
