"""`edgekit schedule`: several models in one program, their memory, their deadlines."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import shared
from test_cli import HELLO, KWS, edgekit

from edgekit.bundle import open_bundle
from edgekit.errors import EdgekitError
from edgekit.target import load_target
from edgekit.tasks import write as writing
from edgekit.tasks.describe import read_tasks
from edgekit.tasks.run import schedule

BOARD = """\
inherits = "cortex-m4"
description = "a small board"
clock_hz = 16_000_000
[[memory]]
name = "sram"
kind = "ram"
base = 0x2000_0000
size = "{ram}"
[[memory]]
name = "flash"
kind = "flash"
base = 0x0800_0000
size = "256K"
"""
QUICK = {"model": str(HELLO), "name": "quick", "period": "10ms"}
SLOW = {"model": str(HELLO), "name": "slow", "period": "50ms"}


def board(folder: Path, ram: str = "32K") -> str:
    path = folder / "board.toml"
    path.write_text(BOARD.format(ram=ram))
    return str(path)


def passed(report: dict[str, Any]) -> bool:
    return all(gate["passed"] for gate in report["gates"])


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Keyword spotting that a small network interrupts."""
    folder = tmp_path_factory.mktemp("schedule")
    (folder / "edgekit.toml").write_text(
        f'[schedule]\ntarget = "{board(folder)}"\noutput = "{folder / "both"}"\npreemptive = true\n'
        '[[task]]\nmodel = "kws.tflite"\nperiod = "1s"\noverhead = "1ms"\n'
        '[[task]]\nmodel = "hello.tflite"\nperiod = "10ms"\n'
    )
    (folder / "kws.tflite").write_bytes(KWS.read_bytes())
    (folder / "hello.tflite").write_bytes(HELLO.read_bytes())
    done = edgekit("schedule", "-c", folder / "edgekit.toml", "--format", "json")
    assert done.returncode == 0, done.stderr
    return folder / "both", json.loads(done.stdout)


def test_jobs_that_interrupt_each_other_compute_the_same_bytes(
    two: tuple[Path, dict[str, Any]],
) -> None:
    folder, report = two
    assert report["bit_exact"]
    assert report["interrupts"] == 3
    assert report["mode"] == "preemptive"
    assert [task["name"] for task in report["tasks"]] == ["hello", "kws"]
    assert [task["level"] for task in report["tasks"]] == [0, 1]
    assert report["levels"] == 2
    assert report["flash_bytes"] < report["flash_bytes_apart"]
    for task in report["tasks"]:
        assert task["wcet_us"] <= task["response_us"] <= task["deadline_us"]
        bundle = open_bundle(folder / task["name"])
        assert bundle.manifest["arena_bytes"] == task["arena_bytes"]


def test_the_folder_builds_as_it_is(two: tuple[Path, dict[str, Any]]) -> None:
    folder, report = two
    done = subprocess.run(["make", "-C", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (folder / "libschedule.a").is_file()
    header = (folder / "schedule.h").read_text()
    assert f"#define SCHEDULE_MEMORY_SRAM_BYTES {report['memory'][0]['bytes']}\n" in header
    assert "#define SCHEDULE_KWS_PERIOD_US 1000000u\n" in header


def test_one_level_takes_turns_in_one_arena(tmp_path: Path) -> None:
    target, tables = board(tmp_path), [SLOW, QUICK]
    apart = schedule(tables, tmp_path, target, mode="preemptive", output=tmp_path / "apart")
    together = schedule(tables, tmp_path, target, output=tmp_path / "together")
    assert passed(apart)
    assert passed(together)
    arenas = [task["arena_bytes"] for task in together["tasks"]]
    assert together["levels"] == 1
    assert max(arenas) <= together["arena_bytes"] < max(arenas) + 16
    assert together["ram_bytes"] < apart["ram_bytes"]


def test_overlapping_memory_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the arena of a task is given to one that interrupts it, outputs differ."""

    lay_out = writing.lay_out

    def broken(spots: Any, home: str) -> Any:
        placed, blocks = lay_out(spots, home)
        return [replace(spot, arena_offset=0) for spot in placed], blocks

    monkeypatch.setattr(writing, "lay_out", broken)
    report = schedule([SLOW, QUICK], tmp_path, board(tmp_path), mode="preemptive",
                      output=tmp_path / "broken")  # fmt: skip
    assert report["mismatches"] > 0
    assert not passed(report)


def test_a_deadline_that_cannot_be_met(tmp_path: Path) -> None:
    blocked = [QUICK | {"period": "5ms"}, {"name": "own", "period": "50ms", "wcet": "20ms"}]
    report = schedule(blocked, tmp_path, board(tmp_path), mode="cooperative",
                      output=tmp_path / "none")  # fmt: skip
    failed = [gate["name"] for gate in report["gates"] if not gate["passed"]]
    assert failed == ["deadline quick"]
    assert "without --cooperative an arrangement holds" in report["remedies"]
    assert any("times as fast is in time" in remedy for remedy in report["remedies"])
    assert not (tmp_path / "none").exists()


def test_more_work_than_time(tmp_path: Path) -> None:
    tables = [{"name": n, "period": "10ms", "wcet": "6ms"} for n in ("one", "two")]
    report = schedule(tables, tmp_path, "cortex-m4", output=tmp_path / "none")
    failed = [gate["name"] for gate in report["gates"] if not gate["passed"]]
    assert "utilisation" in failed
    assert not (tmp_path / "none").exists()


def test_memory_that_does_not_hold_them(tmp_path: Path) -> None:
    (tmp_path / "edgekit.toml").write_text(
        f'[schedule]\ntarget = "{board(tmp_path, "128")}"\noutput = "{tmp_path / "none"}"\n'
        f'[[task]]\nmodel = "{HELLO}"\nperiod = "10ms"\n'
    )
    done = edgekit("schedule", "-c", tmp_path / "edgekit.toml")
    assert done.returncode == 1, done.stderr
    assert "FAILED  ram fits sram" in done.stdout
    assert "B of RAM for them all jobs are in time" in done.stdout
    assert not (tmp_path / "none").exists()


def test_state_is_kept_apart(tmp_path: Path) -> None:
    wake = shared("models", "microwakeword_v2_vad_streaming_varhandle_int8.tflite")
    tables = [QUICK, {"model": str(wake), "name": "wake", "period": "20ms"}]
    report = schedule(tables, tmp_path, board(tmp_path), mode="preemptive", output=tmp_path / "x")
    assert passed(report)
    assert report["bit_exact"]
    assert report["state_bytes"] > 0


@pytest.mark.parametrize(
    ("tables", "found"),
    [
        ([], "no table [[task]]"),
        ([{"model": "x.tflite"}], "no key period"),
        ([{"name": "x", "period": "5ms"}], "no model, bundle or wcet"),
        ([{"period": "5ms", "wcet": "1ms"}], "neither name, model nor bundle"),
        ([{"name": "x", "perod": "5ms"}], "perod"),
        ([{"name": "x", "period": 5, "wcet": "1ms"}], '5, wanted "200ms"'),
        ([{"name": "x", "period": "5ms", "deadline": "6ms", "wcet": "1ms"}], "deadline 6000000 ns"),
        ([{"name": "x", "period": "5ms", "wcet": "1ms"}] * 2, "x"),
        ([{"name": "X Y", "period": "5ms", "wcet": "1ms"}], "'X Y', wanted"),
        ([{"name": "x", "period": "5ms", "wcet": "1ms", "scheme": "w4a8"}], "scheme"),
        ("x", "no table"),
        (["x"], "'x'"),
    ],
)
def test_tables_that_cannot_be_read(tables: Any, found: str) -> None:
    with pytest.raises(EdgekitError) as refused:
        read_tasks(tables, Path())
    assert refused.value.code == "EK003"
    assert found in refused.value.found


def test_some_priorities_are_refused_and_all_decide() -> None:
    a = {"name": "a", "period": "5ms", "wcet": "1ms", "priority": 1}
    b = {"name": "b", "period": "50ms", "wcet": "1ms"}
    with pytest.raises(EdgekitError, match="EK003"):
        read_tasks([a, b], Path())
    assert [t.name for t in read_tasks([a, b | {"priority": 2}], Path())] == ["b", "a"]


def test_a_target_without_clock_needs_times(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="the time of a task is not known"):
        schedule([QUICK], tmp_path, "cortex-m4", output=tmp_path / "x")
    assert load_target("cortex-m4").clock_hz is None


def test_other_commands_read_a_file_with_tasks(tmp_path: Path) -> None:
    (tmp_path / "edgekit.toml").write_text('[[task]]\nname = "own"\nperiod = "1ms"\n')
    done = edgekit("check", HELLO, "-c", tmp_path / "edgekit.toml")
    assert done.returncode == 0, done.stderr


def test_a_schedule_is_no_bundle(two: tuple[Path, dict[str, Any]]) -> None:
    done = edgekit("size", two[0])
    assert done.returncode == 2
    assert "EK005" in done.stderr
