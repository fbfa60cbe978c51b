"""An arena over several memory regions: the same bytes, what is hot in the fast region, an argument each."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli import as_json, edgekit
from test_plan import Network as Chains
from test_streams import SLOW, equal_to_the_graph, maps

from edgekit import commands
from edgekit.build import Options, build, compile_program
from edgekit.errors import EdgekitError
from edgekit.graph import IntGraph, State
from edgekit.plan import OPTIMIZE, plan
from edgekit.plan.check import check_plan
from edgekit.plan.regions import Room, accesses
from edgekit.plan.streams import Network
from edgekit.program import ARENA, Program
from edgekit.ram import rooms
from edgekit.target import load_target

KWS = ROOT / "examples" / "keyword_spotting" / "kws_ref_model.tflite"


def lies_in_its_regions(program: Program) -> None:
    """Blocks of the plan: none across regions, every region as large as what it holds."""
    held = dict.fromkeys(program.regions, 0)
    for block in program.plan.blocks:
        region = program.region(block.offset)
        assert block.offset + block.bytes <= region.offset + region.bytes
        held[region] = max(held[region], block.offset + block.bytes - region.offset)
    for region, used in held.items():
        assert used <= region.bytes < used + 16
    for first, second in zip(program.regions, program.regions[1:], strict=False):
        assert first.offset + first.bytes == second.offset
        assert second.offset % 16 == 0


@settings(deadline=None, max_examples=80, suppress_health_check=SLOW)
@given(maps(), st.sampled_from(OPTIMIZE), st.lists(st.floats(0.1, 0.9), min_size=2, max_size=3), st.booleans())  # fmt: skip
def test_regions_change_no_byte(
    graph: IntGraph, optimize: str, shares: list[float], asked: bool
) -> None:
    whole = plan(graph, optimize=optimize)
    given = [Room(f"r{i}", round(s * whole.arena_bytes), not i) for i, s in enumerate(shares)]
    program = plan(graph, optimize=optimize, rooms=given, asked=asked)
    lies_in_its_regions(program)
    assert [r.name for r in program.regions] == sorted(r.name for r in program.regions)
    equal_to_the_graph(graph, program)


@given(st.data())
@settings(deadline=None, max_examples=30, suppress_health_check=SLOW)
def test_one_region_that_holds_the_arena_is_enough(data: st.DataObject) -> None:
    graph = data.draw(maps())
    whole = plan(graph, optimize="ram")
    large = Room("large", whole.arena_bytes, True)
    program = plan(graph, optimize="ram", rooms=[Room("fast", 0, False), large])
    assert program.regions == (("large", 0, whole.arena_bytes),)
    assert program.buffers.keys() == whole.buffers.keys()
    assert all(b.offset == whole.buffers[n].offset for n, b in program.buffers.items())


def board(folder: Path, dtcm: int, sram: int, wait: float = 0.0) -> Path:
    file = folder / "board.toml"
    file.write_text(
        'inherits = "cortex-m7"\ndescription = "two memories"\n'
        f'[[memory]]\nname = "dtcm"\nkind = "ram"\nbase = 0x20000000\nsize = {dtcm}\nwait = {wait}\n'
        f'[[memory]]\nname = "sram"\nkind = "ram"\nbase = 0x20010000\nsize = {sram}\n'
    )
    return file


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Keyword spotting without streams: 13 kB, more than either memory of the board."""
    folder = tmp_path_factory.mktemp("regions")
    target = board(folder, 8704, 8704)
    report = build(KWS, target=str(target), name="kws", output=folder / "kws", optimize="speed")
    return folder / "kws", report


def test_a_bundle_over_two_regions_is_exact_everywhere(
    spread: tuple[Path, dict[str, Any]],
) -> None:
    _, report = spread
    assert report["bit_exact"]
    assert len(report["verified_places"]) == 3, report["left_out"]
    assert report["instructions"]
    assert report["fits"]
    assert [gate["name"] for gate in report["gates"]][:3] == ["ram fits", "ram fits dtcm", "ram fits sram"]  # fmt: skip
    assert all(gate["passed"] for gate in report["gates"])
    sizes = {region["name"]: region["arena_bytes"] for region in report["regions"]}
    assert sum(sizes.values()) == report["arena_bytes"] > 8704
    assert min(sizes.values()) > 0


def test_the_interface_has_an_array_for_each_region(spread: tuple[Path, dict[str, Any]]) -> None:
    folder, report = spread
    header = (folder / "kws.h").read_text()
    for region in report["regions"]:
        macro = f"KWS_ARENA_{region['name'].upper()}_BYTES"
        assert f"#define {macro} {region['arena_bytes']}" in header
    assert "int kws_run(void *arena_dtcm, void *arena_sram);" in header
    assert "KWS_ARENA_BYTES" not in header
    source = (folder / "kws.c").read_text()
    assert source.count("return EK_ERROR_NULL;") == source.count("return EK_ERROR_ALIGN;") == 2
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [region["name"] for region in manifest["regions"]] == ["dtcm", "sram"]


def test_size_has_a_bar_for_each_region(spread: tuple[Path, dict[str, Any]]) -> None:
    folder, report = spread
    done = edgekit("size", folder)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    for region in report["regions"]:
        assert f"of {region['size_bytes']:,} B" in lines[region["name"]]
    assert as_json("size", folder)["regions"] == report["regions"]
    assert as_json("size", folder, "--target", "rp2040")["fits"]


def test_what_is_hot_lies_in_the_fast_region(tmp_path: Path) -> None:
    """Kernel scratch is read for every multiplication; the input once for each window."""
    target = load_target(board(tmp_path, 8704, 8704))
    options = Options("kws", optimize="speed", rooms=rooms(target, "", 0))
    program = compile_program(KWS, options).program
    by_name = {region.name: region for region in program.regions}
    scratch = [s for s in program.steps if s.scratch_bytes and s.macs]
    assert scratch
    assert all(program.region(s.scratch_offset) == by_name["dtcm"] for s in scratch)


def test_accesses_are_counted_from_the_multiplications() -> None:
    """Scratch takes every gathered value and gives it to pairs of channels; the input is gathered once."""
    graph = compile_program(KWS, Options("kws")).integer
    line = Network(graph, keep_input=False, caller_io=False).cuts.whole
    hot, node = accesses(line), graph.nodes[0]
    cost, channels = node.op.cost(node, graph.values), graph.values[node.outputs[0]].shape[-1]
    assert cost.scratch
    assert hot[node.name, True] == cost.macs / channels + cost.macs / 2
    source = line.storage.place(node.inputs[0]).root
    assert hot[source, False] == max(graph.values[source].elements, cost.macs / channels)


def test_the_named_regions_come_in_the_given_order(tmp_path: Path) -> None:
    target = load_target(board(tmp_path, 6 << 10, 12 << 10, wait=1))
    assert [room.name for room in rooms(target, "", 0)] == ["sram", "dtcm"], "by wait cost"
    assert [room.name for room in rooms(target, "dtcm,sram", 0)] == ["dtcm", "sram"]
    assert rooms(target, "dtcm,sram", 100)[0] == Room("dtcm", 6 * 1024 - 100, True)
    assert rooms(load_target("stm32f446"), "", 0) == (), "a single region"
    assert rooms(load_target("rp2350"), "", 0) == (), "its second one is reserved"
    for wrong in ("itcm", "dtcm,dtcm", "dtcm,"):
        with pytest.raises(EdgekitError, match="EK001"):
            rooms(target, wrong, 0)


def test_a_named_region_is_used_alone() -> None:
    report = commands.check(KWS, "stm32f746", regions="sram")
    assert {r["name"]: r["arena_bytes"] > 0 for r in report["regions"]} == {"dtcm": False, "sram": True}  # fmt: skip
    assert as_json("check", KWS, "--regions", "dtcm", exits=2)["error"]["code"] == "EK001"


def test_regions_that_are_too_small_are_a_failed_gate(tmp_path: Path) -> None:
    report = commands.check(KWS, str(board(tmp_path, 2 << 10, 2 << 10)))
    assert not report["fits"]
    names = [gate["name"] for gate in report["gates"] if not gate["passed"]]
    assert any(name.startswith("ram fits ") for name in names)


def test_streaming_goes_on_until_the_regions_hold_the_plan(tmp_path: Path) -> None:
    """Either memory alone is too small, and both together are for the whole tensors."""
    report = commands.check(KWS, str(board(tmp_path, 3 << 10, 3 << 10)), optimize="speed")
    assert report["fits"]
    assert all(region["fits"] for region in report["regions"])


def test_state_takes_from_the_home_region() -> None:
    net = Chains()
    x, state = net.input(8, 4), net.tensor(8, 4)
    held = net.add("read_variable", [state], 8, 4)
    out = net.add("add", [held, x], 8, 4)
    graph = net.graph([out], (State(state, np.zeros((1, 8, 1, 4), np.int8)),))
    need = plan(graph).arena_bytes
    for room in (need + 31, need + 32):
        program = plan(graph, rooms=[Room("a", room, True), Room("b", need, False)])
        assert program.state_bytes == 32
        assert program.regions[0].name == ("a" if room == need + 32 else "b")


def test_the_checker_finds_a_tensor_in_two_regions(tmp_path: Path) -> None:
    target = load_target(board(tmp_path, 8704, 8704))
    options = Options("kws", optimize="speed", rooms=rooms(target, "", 0))
    program = compile_program(KWS, options).program
    first, second = program.regions
    tensor = next(n for n, b in program.buffers.items() if b.space == ARENA and b.nbytes > 64)
    moved = dataclasses.replace(program.buffers[tensor], offset=second.offset - 32, rows=())
    with pytest.raises(EdgekitError, match="EK402"):
        check_plan(dataclasses.replace(program, buffers={**program.buffers, tensor: moved}))
    late = (first._replace(bytes=first.bytes - 16), second._replace(offset=second.offset - 16))
    with pytest.raises(EdgekitError, match="two memory regions"):
        check_plan(dataclasses.replace(program, regions=late))
