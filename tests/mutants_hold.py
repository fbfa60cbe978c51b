"""Damaged `.tflite` files of single operators: lowered, or refused with a code."""

from __future__ import annotations

from mutants import mutants

from edgekit.errors import EdgekitError
from edgekit.frontends.tflite import load
from edgekit.lowering import lower
from edgekit.passes import canonical


def hold(model: bytes, count: int) -> None:
    """`count` mutants of a file; some must get through, some not."""
    outcomes = {"refused": 0, "lowered": 0}
    for mutant in mutants(model, count, seed=1):
        try:
            lower(canonical(load(mutant, "mutant")))
            outcomes["lowered"] += 1
        except EdgekitError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 0
