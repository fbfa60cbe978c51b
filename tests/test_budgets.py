"""Figures that must not get worse, and the ones that were promised against the peers."""

from __future__ import annotations

import functools
import sys
from typing import Any

import pytest
from conftest import ROOT, shared

sys.path.insert(0, str(ROOT))
from benchmarks import (
    CORES,
    FIGURES,
    TARGET,
    budgets,
    keys_on,
    measure,
    peer_field,
    peers,
    raspberry,
)

KEYS = list(peers())
MLPERF_TINY = ["kws", "resnet8", "vww", "ad", "sww"]
pytestmark = pytest.mark.slow


@functools.cache
def report(key: str, target: str = TARGET) -> dict[str, Any]:
    shared("models")
    return measure(key, peers()[key]["file"], target)


def same_compiler(key: str, target: str = TARGET) -> dict[str, Any]:
    """The report, where it was made with the compiler that the figures are stated for."""
    found = report(key, target)
    wanted = budgets()["cores"].get(target, {}).get("compiler", budgets()["compiler"])
    if found["compiler"] != wanted:
        pytest.skip(f"figures hold for {wanted}, here is {found['compiler']}")
    return found


@pytest.mark.parametrize("key", KEYS)
def test_no_figure_is_worse_than_its_budget(key: str) -> None:
    found, budget = same_compiler(key), budgets()[key]
    worse = {name: (found[name], budget[name]) for name in FIGURES if found[name] > budget[name]}
    assert not worse, "found, budget"
    assert found["bit_exact"]


@pytest.mark.parametrize("key", [k for k in KEYS if "plan" in peers()[k]])
def test_arena_is_near_the_best_whole_tensor_plan_and_its_own_bound(key: str) -> None:
    # Ours has the kernels' scratch in it: four widened windows of a convolution.
    assert report(key)["arena_bytes"] <= 1.2 * peers()[key]["plan"]
    assert report(key)["arena_bytes"] <= 1.05 * report(key)["arena_lower_bound_bytes"]


@pytest.mark.parametrize("key", [k for k in KEYS if "limit" in peers()[k]])
def test_instructions_stay_below_the_limit(key: str) -> None:
    assert same_compiler(key)["instructions"] <= peers()[key]["limit"]


@pytest.mark.parametrize(("core", "key"), [(core, key) for core in CORES for key in keys_on(core)])
def test_no_other_core_takes_more_instructions(key: str, core: str) -> None:
    found = same_compiler(key, core)
    assert found["instructions"] <= budgets()["cores"][core][key]
    assert found["bit_exact"]


@pytest.mark.parametrize("key", keys_on("cortex-m55"))
def test_mve_takes_fewer_instructions_than_the_peer(key: str) -> None:
    found = same_compiler(key, "cortex-m55")
    assert found["instructions"] <= peers()[key][peer_field("cortex-m55")]


@pytest.mark.parametrize("key", raspberry.MODELS)
@pytest.mark.parametrize("core", raspberry.CORES)
def test_no_raspberry_pi_takes_more_instructions_or_cycles(core: str, key: str) -> None:
    shared("models")
    budget, estimated = raspberry.budgets()[core], raspberry.budgets()["cycles"]
    if raspberry.compiler(core) != budget["compiler"]:
        pytest.skip(f"figures hold for {budget['compiler']}, here is {raspberry.compiler(core)}")
    found = raspberry.measure(core, key)
    assert found.exact
    assert found.instructions <= budget[key] <= raspberry.peers()[core]["limit"][key] * 1e6
    if core == raspberry.ESTIMATED and raspberry.version() == estimated["tool"]:
        assert found.cycles
        peers = raspberry.peers()["cycles"]
        assert found.cycles <= estimated[key] <= raspberry.best(peers, key) * 1e6


@pytest.mark.parametrize("key", MLPERF_TINY)
def test_flash_is_below_tflite_micro(key: str) -> None:
    assert report(key)["flash_bytes"] < peers()[key]["flash"]


@pytest.mark.parametrize("key", KEYS)
def test_stack_bound_is_safe_and_tight(key: str) -> None:
    painted, bound = report(key)["stack_measured_bytes"], report(key)["stack_bytes"]
    assert painted <= bound <= max(1.5 * painted, painted + 128)
