"""A plan's certificate can be checked, and its picture shows what it says."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli import HELLO, KWS, as_json, edgekit
from test_streams import SLOW, maps

from edgekit.build import Options, build, compile_program
from edgekit.bundle import plan_json
from edgekit.graph import IntGraph
from edgekit.plan import OPTIMIZE, plan
from edgekit.plan.certificate import certificate, problems
from edgekit.plan.drawing import draw

SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[int, int, int, int]


def boxes(root: ElementTree.Element) -> list[Box]:
    """The arena's rectangles: row step, distance from the top, row steps, bytes."""
    (arena,) = [g for g in root.iter(f"{SVG}g") if g.get("id") == "arena"]
    keys = ("x", "y", "width", "height")
    return [tuple(int(r.get(k, "")) for k in keys) for r in arena.iter(f"{SVG}rect")]  # type: ignore[misc]


def assert_drawn(proof: dict[str, Any], svg: str) -> None:
    """Every block is a box inside the picture; no two boxes overlap in both time and address."""
    root = ElementTree.fromstring(svg)
    found = [b for b in boxes(root) if b[3]]
    assert len(found) == len([b for b in proof["blocks"] if b["bytes"]])
    for x, y, width, height in found:
        assert 0 <= x < x + width <= proof["row_steps"] + 2
        assert 0 <= y < y + height <= proof["arena_bytes"]
    for a, b in itertools.combinations(found, 2):
        in_time = a[0] < b[0] + b[2] and b[0] < a[0] + a[2]
        in_space = a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
        assert not (in_time and in_space), (a, b)
    at = proof["peak"]["row_step"]
    alive = sum(height for x, _, width, height in found if x <= at < x + width)
    assert alive == proof["peak"]["bytes"] == proof["arena_lower_bound_bytes"]


@settings(deadline=None, max_examples=40, suppress_health_check=SLOW)
@given(maps(), st.sampled_from(OPTIMIZE), st.booleans())
def test_every_plan_is_proved_and_drawn(graph: IntGraph, optimize: str, keep_input: bool) -> None:
    program = plan(graph, optimize=optimize, keep_input=keep_input)
    proof = certificate(program)
    assert problems(proof) == []
    assert proof["arena_gap_bytes"] == max(0, program.arena_bytes - program.plan.proved)
    assert_drawn(proof, draw(proof, "a network"))


@pytest.fixture(scope="module")
def kws() -> dict[str, Any]:
    return certificate(compile_program(KWS, Options("kws", optimize="ram")).program)


def test_a_streamed_network_is_drawn_with_hatched_rows(kws: dict[str, Any]) -> None:
    svg = draw(kws, "kws")
    assert_drawn(kws, svg)
    root = ElementTree.fromstring(svg)
    patterns = {p.get("id") for p in root.iter(f"{SVG}pattern")}
    used = {g.get("fill") for g in root.iter(f"{SVG}g") if "url" in g.get("fill", "")}
    assert used == {f"url(#{name})" for name in patterns}
    assert len(used) > 5
    text = " ".join("".join(t.itertext()) for t in root.iter(f"{SVG}text"))
    assert f"{kws['peak']['bytes']:,} B alive at {kws['peak']['layer']}" in text
    assert "stream of" in text


def test_the_schedule_explains_the_lifetimes(kws: dict[str, Any]) -> None:
    """A row of a layer's own output begins at the row step that makes it."""
    made: dict[tuple[str, int], int] = {}
    time = 0
    for layer, first, rows in kws["schedule"]:
        for row in range(first, first + rows):
            time += 1
            for name in kws["layers"][layer]["outputs"]:
                made[name, row] = time
    assert time == kws["row_steps"]
    rows = [b for b in kws["blocks"] if b["kind"] == "rows"]
    assert rows
    assert all(made[b["owner"], b["row"]] == b["first"] for b in rows)


def test_the_legend_of_a_large_network_stays_short(kws: dict[str, Any]) -> None:
    many = copy.deepcopy(kws)
    many["blocks"] = [
        {**kws["blocks"][0], "owner": f"tensor {i}", "kind": "tensor", "offset": 0, "first": i, "last": i}
        for i in range(200)
    ]  # fmt: skip
    text = list(ElementTree.fromstring(draw(many, "many")).iter(f"{SVG}text"))
    assert len(text) < 60
    assert any("and 182 more" in "".join(t.itertext()) for t in text)


def test_names_cannot_break_the_picture(kws: dict[str, Any]) -> None:
    odd = copy.deepcopy(kws)
    for layer in odd["layers"]:
        layer["name"] = '<b>&"\x00\x1b\ud800 </svg>' + layer["name"]
    assert len(boxes(ElementTree.fromstring(draw(odd, "<&>")))) == len(kws["blocks"])


def _moved(proof: dict[str, Any]) -> None:
    """Two blocks that live together get one place."""
    first = proof["blocks"][0]
    other = next(
        b for b in proof["blocks"][1:] if b["first"] <= first["last"] and first["first"] <= b["last"]
    )  # fmt: skip
    other["offset"] = first["offset"]


BROKEN: dict[str, Callable[[dict[str, Any]], None]] = {
    "share bytes": _moved,
    "outside the arena": lambda p: p["blocks"][0].update(offset=p["arena_bytes"]),
    "no time of the schedule": lambda p: p["blocks"][0].update(last=p["row_steps"] + 5),
    "the most bytes alive": lambda p: p.update(arena_lower_bound_bytes=1),
    "gap and verdict": lambda p: p.update(arena_optimal=True),
    "two memory regions": lambda p: p["regions"].append({"offset": p["blocks"][0]["offset"] + 4}),
    "row steps": lambda p: p["schedule"].pop(),
    "after": lambda p: p["schedule"].reverse(),
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_false_certificate_is_found(kws: dict[str, Any], message: str) -> None:
    proof = copy.deepcopy(kws)
    BROKEN[message](proof)
    assert any(message in text for text in problems(proof))


def test_plan_writes_what_verifies(tmp_path: Path) -> None:
    file, picture = tmp_path / "plan.json", tmp_path / "plan.svg"
    done = edgekit("plan", KWS, "--target", "cortex-m4", "-o", file, "--svg", picture)
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text())
    line = next(line for line in done.stdout.splitlines() if line.startswith("plan "))
    gap = report["plan"]["arena_gap_bytes"]
    assert f"gap {gap:,} B = " in line if gap else "optimal" in line
    assert_drawn(report["plan"], picture.read_text())
    assert as_json("plan", "--verify", file)["problems"] == []
    report["plan"]["blocks"][0]["bytes"] += 4
    file.write_text(plan_json(report))
    assert as_json("plan", "--verify", file, exits=1)["problems"]
    file.write_text('{"model": "m", "plan": {"blocks": [1]}}')
    assert as_json("plan", "--verify", file, exits=2)["error"]["code"] == "EK004"


def test_a_bundle_carries_its_certificate_and_picture(tmp_path: Path) -> None:
    report = build(HELLO, output=tmp_path / "hello")
    files = json.loads((tmp_path / "hello" / "manifest.json").read_text())["files"]
    assert {report["plan"], report["plan_drawing"]} == {"plan.json", "plan.svg"} <= set(files)
    proof = json.loads((tmp_path / "hello" / report["plan"]).read_text())["plan"]
    assert problems(proof) == []
    assert proof["arena_bytes"] == report["arena_bytes"]
    assert_drawn(proof, (tmp_path / "hello" / report["plan_drawing"]).read_text())
