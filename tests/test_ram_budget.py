"""`--budget ram=` steers the plan; where nothing fits, the report says why and what would help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from networks import Net
from test_cli import KWS
from test_edge_plans import EDGES, integer
from test_streams import chain

from edgekit.build import Options, build, compile_program
from edgekit.commands import check, size
from edgekit.plan.advice import advise
from edgekit.plan.front import front
from edgekit.plan.streams import Network
from edgekit.report import arena_limit
from edgekit.rewrite.feed_input import feed_input
from edgekit.screens import size_screen


def network() -> Network:
    stages = compile_program(KWS, Options("kws", "cortex-m4", optimize="speed"))
    return Network(stages.integer, keep_input=False, caller_io=False)


def test_the_quickest_way_that_fits_is_taken() -> None:
    points = front(network())
    assert len(points) > 2
    for point, quicker in ((points[1], points[0]), (points[-1], points[-2])):
        report = check(KWS, "cortex-m4", optimize="speed", budget=f"ram={quicker.bytes - 1}")
        assert report["arena_bytes"] == point.bytes
        assert all(gate["passed"] for gate in report["gates"])


@pytest.mark.parametrize("optimize", ["speed", "balanced", "ram", "size"])
def test_a_budget_that_already_holds_changes_nothing(optimize: str) -> None:
    free = check(KWS, "cortex-m4", optimize=optimize)
    held = check(KWS, "cortex-m4", optimize=optimize, budget=f"ram={free['arena_bytes']}")
    assert held["arena_bytes"] == free["arena_bytes"]
    assert "ram_advice" not in held


def test_what_cannot_fit_is_refused_with_bound_layer_and_remedy() -> None:
    smallest = front(network())[-1]
    report = check(KWS, "cortex-m4", budget="ram=1K")
    advice = report["ram_advice"]
    assert report["arena_bytes"] == advice["arena_bytes"] == smallest.bytes
    assert advice["lower_bound_bytes"] <= advice["arena_bytes"]
    assert sum(entry["bytes"] for entry in advice["alive"]) == smallest.arena.bound
    assert advice["layer"] in {layer["name"] for layer in report["layers"]}
    streamed = check(KWS, "cortex-m4", budget="ram=1K", stream_input=True)["arena_bytes"]
    remedies = {r["change"]: r["arena_bytes"] for r in advice["remedies"]}
    assert remedies["--stream-input"] == streamed
    (gate,) = (gate for gate in report["gates"] if not gate["passed"])
    assert gate["name"] == "ram budget"
    assert f"{advice['lower_bound_bytes']:,} B at layer {advice['layer']}" in gate["reason"]


def test_a_kept_input_is_named_as_what_costs() -> None:
    kept = advise(chain(), keep_input=True, caller_io=False)
    free = advise(chain(), keep_input=False, caller_io=False)
    assert free.arena_bytes in {
        r.arena_bytes for r in kept.remedies if r.change == "without --keep-input"
    }
    assert not free.remedies


def test_an_input_fed_by_rows_is_offered_where_it_helps() -> None:
    graph = compile_program(KWS, Options("kws", "cortex-m4", optimize="speed")).integer
    fed = advise(feed_input(graph), keep_input=False, caller_io=False)
    offered = advise(graph, keep_input=False, caller_io=False).remedies
    assert [(r.change, r.arena_bytes) for r in offered] == [("--stream-input", fed.arena_bytes)]
    assert not fed.remedies


def test_limits_leave_what_the_rest_does_not_take() -> None:
    report = {"ram_limit_bytes": 1000, "reserved_bytes": 100, "ram_bytes": 700, "arena_bytes": 500}
    assert arena_limit(report, {}) == 700
    assert arena_limit(report, {"ram": 600}) == 400
    assert arena_limit(report | {"ram_limit_bytes": None}, {}) is None


def test_a_bundle_keeps_its_plan_and_says_what_a_new_build_would_give(tmp_path: Path) -> None:
    folder = tmp_path / "kws"
    built = build(KWS, target="cortex-m4", budget="ram=6K", output=folder)
    assert built["ram_bytes"] <= 6 * 1024
    assert built["bit_exact"]
    report = size(folder, budget="ram=3K")
    assert report["arena_bytes"] == built["arena_bytes"]
    remedies = {r["change"]: r["arena_bytes"] for r in report["ram_advice"]["remedies"]}
    assert remedies["built for this RAM"] == report["ram_advice"]["arena_bytes"]
    assert "help    built for this RAM" in size_screen(report)


@pytest.mark.parametrize("edge", EDGES, ids=[edge.__name__ for edge in EDGES])
def test_advice_for_networks_at_the_edge(edge: Callable[[Net], list[str]]) -> None:
    graph = integer(edge)
    advice = advise(graph, keep_input=False, caller_io=False)
    assert sum(size for _, size in advice.alive) <= advice.lower_bound_bytes <= advice.arena_bytes
    assert advice.layer in {"", *(node.name for node in graph.nodes)}
    kept = advise(graph, keep_input=True, caller_io=False)
    assert kept.arena_bytes >= advice.arena_bytes
