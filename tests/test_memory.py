"""RAM of the streamed plans: no worse than recorded, below what was promised, as the document says."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from conftest import shared

from benchmarks import TARGET, memory, memory_goals, read_toml
from edgekit.build import Options, compile_program

FIGURES = read_toml(memory.FIGURES)
KEYS = [key for key in memory_goals() if key in FIGURES]
QUICK = [key for key in KEYS if key != "mobilenet_v2"]
pytestmark = pytest.mark.slow


@functools.cache
def planned(key: str) -> dict[str, Any]:
    program = compile_program(
        shared("models", memory_goals()[key]["file"]), Options("m", TARGET, optimize="ram")
    ).program
    return {"arena_bytes": program.arena_bytes, "state_bytes": program.state_bytes}


def test_the_document_says_what_was_measured() -> None:
    assert memory.DOCUMENT.read_text() == memory.document(FIGURES)


@pytest.mark.parametrize("key", QUICK)
def test_no_plan_is_larger_than_recorded(key: str) -> None:
    recorded = FIGURES[key]["ram"]
    for name, found in planned(key).items():
        assert found <= recorded[name], f"{name}; write the new figures with benchmarks.memory"


@pytest.mark.parametrize("key", KEYS)
def test_recorded_figures_stay_below_what_must_be_reached(key: str) -> None:
    assert memory.total(FIGURES[key]["ram"]) <= memory_goals()[key]["must"]


@pytest.mark.parametrize("key", KEYS)
def test_every_recorded_build_was_exact(key: str) -> None:
    for way in memory.builds(memory_goals()[key]):
        found = FIGURES[key][way.key]
        assert (found["mismatches"], found["samples"]) == (0, 16)


@pytest.mark.parametrize("key", KEYS)
def test_balanced_adds_at_most_three_percent(key: str) -> None:
    speed, balanced = (FIGURES[key][way]["instructions"] for way in ("speed", "balanced"))
    assert balanced <= 1.03 * speed


@pytest.mark.parametrize("key", [key for key in KEYS if "more" in memory_goals()[key]])
def test_streams_add_no_more_than_they_may(key: str) -> None:
    off, ram = (FIGURES[key][way]["instructions"] for way in ("off", "ram"))
    assert ram <= (1 + memory_goals()[key]["more"] / 100) * off
