"""A model in the flash that it may have: more of its weights as streams where that does not suffice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edgekit.rewrite.code_weights import Storage, by_worth, calls_of, candidates, storages

if TYPE_CHECKING:
    from edgekit.build import Compiled

Report = dict[str, Any]

_ROUNDS = 3  # what code a layer's kernel adds is known only after the compile


def flash_excess(report: Report, budget: Mapping[str, float]) -> int:
    """Bytes that a model takes too many, of the target's flash or of the budget's."""
    limits = [int(budget["flash"])] if "flash" in budget else []
    if report["flash_limit_bytes"] is not None:
        limits.append(report["flash_limit_bytes"] - report["flash_reserved_bytes"])
    return max(0, report["flash_bytes"] - min(limits)) if limits else 0


def within_flash(
    stages: Compiled,
    report: Report,
    budget: Mapping[str, float],
    rebuild: Callable[[Compiled], tuple[Compiled, Report]],
) -> tuple[Compiled, Report]:
    """The stages and report with as many more weights as streams as the flash needs, those first that save
    most for an instruction; the smallest where none suffice, as they were where coding is not "auto".

    rebuild: compiles stages, planned for the RAM they may have.
    """
    best = stages, report
    for _ in range(_ROUNDS if stages.options.code_weights == "auto" else 0):
        excess = flash_excess(report, budget)
        layers = list(stages.options.coded or ())
        found = candidates(stages.plain, calls_of(stages.program))
        smaller = by_worth(c for c in found if c.storage.saved > 0)
        more = [c for c in smaller if c.plain.name not in layers]
        if not excess or not more:
            break
        for c in more:
            if excess > 0:
                layers.append(c.plain.name)
                excess -= c.storage.saved
        stages, report = rebuild(stages.coding(layers))
        if report["flash_bytes"] < best[1]["flash_bytes"]:
            best = stages, report
    return best if best[0] is stages else rebuild(best[0])


def storage_report(stages: Compiled) -> list[Report]:
    """How flash holds the weights that are streams, layer by layer."""
    found = storages(stages.plain, stages.program, stages.options.coded or ())
    return [storage_json(s) for s in found]


def storage_json(storage: Storage) -> Report:
    """One layer of it."""
    bits = 8 * (storage.stream_bytes + storage.code_bytes) / storage.weights
    return asdict(storage) | {"bits_per_weight": round(bits, 3)}
