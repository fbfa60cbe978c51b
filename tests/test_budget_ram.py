"""A RAM budget steers the plan, and one that cannot be met is explained by figures that are true."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli import as_json, edgekit
from test_streams import SLOW, equal_to_the_graph, maps

from edgekit import commands, ram
from edgekit.build import Options, build, compile_program
from edgekit.graph import IntGraph
from edgekit.plan import OPTIMIZE, plan
from edgekit.plan.arena import best_arena
from edgekit.plan.limit import within
from edgekit.plan.streams import Network
from edgekit.program import Program

KWS = ROOT / "examples" / "keyword_spotting" / "kws_ref_model.tflite"


@settings(deadline=None, max_examples=25, suppress_health_check=SLOW)
@given(maps(), st.sampled_from(OPTIMIZE), st.floats(0.0, 1.2))
def test_a_limit_is_met_where_any_plan_meets_it(
    graph: IntGraph, optimize: str, share: float
) -> None:
    free, least = plan(graph, optimize=optimize), plan(graph, optimize="ram")
    limit = round(share * free.arena_bytes)
    program = plan(graph, optimize=optimize, limit=limit)
    if free.arena_bytes <= limit:
        assert program.schedule == free.schedule
        assert program.arena_bytes == free.arena_bytes
    elif least.arena_bytes <= limit:
        assert program.arena_bytes <= limit
    else:
        assert program.arena_bytes <= least.arena_bytes
    equal_to_the_graph(graph, program)


@pytest.fixture(scope="module")
def network() -> Network:
    graph = compile_program(KWS, Options("kws")).integer
    return Network(graph, keep_input=False, caller_io=False)


def test_a_smaller_limit_never_costs_fewer_instructions(network: Network) -> None:
    """The turns of a schedule are calls: what streaming costs."""
    plain = best_arena(network, "speed")
    turns = [
        len(within(network, plain, limit).turns)
        for limit in (plain.placed.peak, 9_000, 7_000, 5_500, 4_600, 4_100)
    ]
    assert turns == sorted(turns)
    assert turns[0] < turns[-1]


def check(target: str | Path = "cortex-m4", **options: Any) -> dict[str, Any]:
    return commands.check(KWS, str(target), **options)


def test_a_budget_that_the_plan_meets_changes_nothing() -> None:
    assert check(budget="ram=64K")["arena_bytes"] == check()["arena_bytes"]


def test_a_budget_makes_speed_stream_as_much_as_needed() -> None:
    free, least = (check(optimize=o)["arena_bytes"] for o in ("speed", "ram"))
    found = check(optimize="speed", budget="ram=12K")["arena_bytes"]
    assert free > 12 * 1024 > found > least


def failed(report: dict[str, Any]) -> dict[str, Any]:
    (gate,) = [gate for gate in report["gates"] if not gate["passed"]]
    assert isinstance(gate, dict)
    return gate


def test_a_budget_that_cannot_be_met_is_explained() -> None:
    report = as_json("check", KWS, "--target", "cortex-m4", "--budget", "ram=3K", exits=1)
    shortage = failed(report)["shortage"]
    assert 3 * 1024 < shortage["lower_bound_bytes"] <= report["arena_bytes"]
    assert shortage["layer"] == report["arena_peak"]
    assert sum(a["bytes"] for a in shortage["alive"]) <= report["arena_lower_bound_bytes"]
    assert {a["made_by"] for a in shortage["alive"]} <= {e["name"] for e in report["layers"]} | {""}
    assert shortage["remedies"]
    text = edgekit("check", KWS, "--target", "cortex-m4", "--budget", "ram=3K")
    assert text.returncode == 1
    assert f"needs at least {shortage['lower_bound_bytes']:,} B of arena" in text.stdout
    assert "help  " in text.stdout


def small_board(folder: Path, size: str) -> Path:
    board = folder / "small.toml"
    board.write_text(
        'inherits = "cortex-m4"\ndescription = "small"\n'
        f'[[memory]]\nname = "sram"\nkind = "ram"\nbase = 0x20000000\nsize = "{size}"\n'
    )
    return board


def test_a_board_steers_and_refuses_like_a_budget(tmp_path: Path) -> None:
    board = small_board(tmp_path, "9K")
    assert check(board, optimize="speed")["fits"]
    gate = failed(check(small_board(tmp_path, "2K")))
    assert gate["name"] == "ram fits"
    assert gate["shortage"]["remedies"]


def test_remedies_are_what_the_tool_then_finds() -> None:
    stages = compile_program(KWS, Options("kws", keep_input=True, optimize="speed"))
    used = stages.program.arena_bytes
    found = ram.shortage(stages, {"ram_bytes": used}, used - 4_000)
    claimed = {r["change"]: (r["ram_bytes"], r["enough"]) for r in found["remedies"]}
    least = check(optimize="ram", keep_input=True)["arena_bytes"]
    free = check(optimize="ram")["arena_bytes"]
    assert claimed["--optimize ram"] == (least, least <= 4_000)
    assert claimed.get("--optimize ram without --keep-input", (free, free <= 4_000))[0] == free


def test_a_deeper_stack_than_assumed_is_planned_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ram, "_STACK_WORDS", 0)
    report = build(
        KWS, target="cortex-m4", output=tmp_path / "kws", optimize="speed", budget="ram=8800"
    )
    assert all(gate["passed"] for gate in report["gates"])
    assert report["arena_bytes"] + report["stack_bytes"] <= 8800 < 8712 + report["stack_bytes"]
    assert as_json("size", tmp_path / "kws")["arena_bytes"] == report["arena_bytes"]


def test_what_is_alive_at_the_peak_adds_up_to_the_bound(network: Network) -> None:
    program: Program = plan(network.graph, optimize="ram")
    assert sum(ram.alive_at_peak(program).values()) == program.plan.lower_bound


def test_the_arena_and_its_bound_hold_the_scratch(network: Network) -> None:
    """Every layer's scratch is a block of its own bytes, within the arena and within the bound."""
    program = plan(network.graph, optimize="ram")
    held = {b.owner: b for b in program.plan.blocks if b.row < 0}
    needing = [step for step in program.steps if step.scratch_bytes]
    assert needing
    for step in needing:
        block = held[step.name]
        assert (block.offset, block.bytes) == (step.scratch_offset, -(-step.scratch_bytes // 4) * 4)
        assert block.offset + block.bytes <= program.arena_bytes
    bare = [b for b in program.plan.blocks if b.row >= 0]
    without = dataclasses.replace(program.plan, blocks=tuple(bare)).fullest()[1]
    assert without < program.plan.lower_bound == program.plan.fullest()[1]
