"""The search on a toy: what is found, the same again, after a kill, with workers and on a cluster."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("optuna", reason="the extra [search] is not installed")

from toy_search import LIMITS, SPACE, Toy, search

from edgekit.errors import EdgekitError
from edgekit.search.engines import open_engine
from edgekit.search.front import excesses, feasible, front, ranked
from edgekit.search.space import Space, shares

TRIALS = 16


def untimed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "cpu_seconds"} for row in rows]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The rows of a search in one process that nothing interrupts."""
    return untimed(search(tmp_path_factory.mktemp("alone"), TRIALS))


def test_first_trials_are_the_whole_model_in_each_scheme(alone: list[dict[str, Any]]) -> None:
    recipes = [row["recipe"] for row in alone[:3]]
    assert recipes == [[{"kind": "quantize", "scheme": s}] for s in SPACE.schemes]
    assert [row["trial"] for row in alone] == list(range(TRIALS))


def test_the_front_is_what_trying_everything_finds_nearly(tmp_path: Path) -> None:
    """The most accurate feasible recipe of all 216 is at most a point above that of 40 trials."""
    axes = SPACE.axes()
    everything = []
    for n, choices in enumerate(itertools.product(*axes.values())):
        steps, options = SPACE.recipe(dict(zip(axes, choices, strict=True)))
        everything.append({"trial": n} | Toy()(steps, options))
    best, found = ranked(everything, "accuracy")[0], ranked(search(tmp_path, 40), "accuracy")[0]
    assert found["accuracy"] >= best["accuracy"] - 0.01


def test_the_same_seed_gives_the_same_trials(alone: list[dict[str, Any]], tmp_path: Path) -> None:
    assert untimed(search(tmp_path, TRIALS)) == alone
    (tmp_path / "other").mkdir()
    assert untimed(search(tmp_path / "other", TRIALS, seed=1)) != alone


def test_more_trials_go_on_where_fewer_stopped(alone: list[dict[str, Any]], tmp_path: Path) -> None:
    first = untimed(search(tmp_path, 7))
    assert first == alone[:7]
    assert untimed(search(tmp_path, TRIALS)) == alone


@pytest.mark.parametrize("ahead", [1, 2])
def test_a_killed_search_goes_on_as_if_it_had_not_been(
    alone: list[dict[str, Any]], tmp_path: Path, ahead: int
) -> None:
    """Killed without warning, twice, in the middle of trials."""
    whole = alone if ahead == 1 else untimed(search(_folder(tmp_path, "whole"), TRIALS, 2))
    folder = _folder(tmp_path, "killed")
    for at_least in (3, 8):
        _kill_after(folder, at_least, ahead)
    kept = _stored(folder)
    assert 8 <= len(kept) < TRIALS
    rows = search(folder, TRIALS, ahead, seconds=0.01)
    assert untimed(rows) == whole
    again = _stored(folder)
    assert all(again[number] == row for number, row in kept.items())  # none was run again


def _folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


def _stored(folder: Path) -> dict[int, str]:
    """What the storage holds of finished trials."""
    with sqlite3.connect(folder / "search.db") as database:
        found = database.execute(
            "select number, value_json from trials join trial_user_attributes using (trial_id) "
            "where key = 'row'"
        ).fetchall()
    return dict(found)


def _kill_after(folder: Path, finished: int, ahead: int) -> None:
    command = [sys.executable, str(ROOT / "tests" / "toy_search.py"), str(folder), str(TRIALS),
               str(ahead), "0.15"]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end and child.poll() is None:
            try:
                if len(_stored(folder)) >= finished:
                    break
            except sqlite3.OperationalError:  # not made yet
                pass
            time.sleep(0.02)
        assert child.poll() is None, "it ended before it was killed"
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def test_workers_change_no_trial_whichever_is_done_first(tmp_path: Path) -> None:
    """Two processes and one process that keeps two trials open ask for the same trials."""
    slow = search(_folder(tmp_path, "slow"), 12, 2, seconds=0.05)
    quick = search(_folder(tmp_path, "quick"), 12, 2)
    assert untimed(slow) == untimed(quick)


def test_workers_end_with_a_process_that_was_killed(tmp_path: Path) -> None:
    """They would take a core for as long as a trial lasts, and then wait for ever."""
    command = [
        sys.executable,
        str(ROOT / "tests" / "toy_search.py"),
        str(tmp_path),
        "9",
        "2",
        "600",
    ]
    child = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)})
    workers: set[int] = set()
    end = time.monotonic() + 120
    while time.monotonic() < end and not workers:
        workers = _children(child.pid)
        time.sleep(0.1)
    child.kill()
    child.wait()
    assert workers
    while time.monotonic() < end and any(map(_runs, workers)):
        time.sleep(0.1)
    assert not any(map(_runs, workers))


def _children(pid: int) -> set[int]:
    """Processes that were started by `pid` and have the interpreter's spawn in their command."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            command = (status.parent / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if parent == pid and b"spawn_main" in command:
            found.add(int(status.parent.name))
    return found


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_two_workers_of_a_local_dask_cluster(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra [dask] is not installed")
    pool = search(_folder(tmp_path, "pool"), 10, 2)
    assert untimed(search(_folder(tmp_path, "dask"), 10, 2, kind="dask")) == untimed(pool)


def test_a_dask_cluster_that_runs_already(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra [dask] is not installed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        open_engine("dask", 2, cluster.scheduler_address) as engine,
    ):
        found = [engine.submit(pow, 2, n).result(timeout=60) for n in range(4)]
    assert found == [1, 2, 4, 8]


def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.search.engines._ANSWER_S", 1.0)
    pytest.importorskip("distributed", reason="the extra [dask] is not installed")
    with pytest.raises(EdgekitError, match="EK601"), open_engine("dask", 1, "tcp://127.0.0.1:9"):
        pass


def test_ray_is_asked_as_its_documentation_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the package: init, tasks with futures, shutdown."""
    calls: list[Any] = []

    def remote(function: Any) -> Any:
        def submit(*arguments: Any) -> Any:
            future: Future[Any] = Future()
            future.set_result(function(*arguments))
            return SimpleNamespace(future=lambda: future)

        return SimpleNamespace(remote=submit)

    ray = SimpleNamespace(
        init=lambda **given: calls.append(given),
        shutdown=lambda: calls.append("end"),
        remote=remote,
    )
    monkeypatch.setitem(sys.modules, "ray", ray)
    with open_engine("ray", 2) as engine:
        assert engine.submit(pow, 2, 3).result() == 8
    with open_engine("ray", 2, "ray://there:1"):
        pass
    assert calls == [{"num_cpus": 2}, "end", {"address": "ray://there:1"}, "end"]


@pytest.mark.parametrize(("kind", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_missing_engine_says_how_to_get_it(
    kind: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EdgekitError, match="EK504") as missing, open_engine(kind, 2):
        pass
    assert missing.value.help == f'pip install "edgekit[{kind}]"'


def test_another_question_is_refused(tmp_path: Path) -> None:
    search(tmp_path, 2)
    with pytest.raises(EdgekitError, match="EK001") as refused:
        search(tmp_path, 2, seed=5)
    assert "seed" in refused.value.found


def test_a_file_that_is_no_storage(tmp_path: Path) -> None:
    (tmp_path / "search.db").write_bytes(b"no database" * 100)
    with pytest.raises(EdgekitError, match="EK001"):
        search(tmp_path, 2)


rows: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.fixed_dictionaries({
        "accuracy": st.sampled_from([0.5, 0.75, 1.0, None]), "ram_bytes": st.integers(1, 3),
        "flash_bytes": st.integers(1, 3), "cycles": st.integers(1, 3), "excess": st.just({}),
    }),
    max_size=12,
)  # fmt: skip


@given(rows)
def test_every_feasible_row_is_on_the_front_or_beaten(found: list[dict[str, Any]]) -> None:
    numbered = [row | {"trial": n} for n, row in enumerate(found)]
    best = front(numbered)

    def better_or_equal(a: Any, b: Any) -> bool:
        sizes = ("ram_bytes", "flash_bytes", "cycles")
        return a["accuracy"] >= b["accuracy"] and all(a[k] <= b[k] for k in sizes)

    for row in numbered:
        if feasible(row) and row not in best:
            assert any(better_or_equal(other, row) for other in best)
    for a in best:
        assert not any(a is not b and better_or_equal(a, b) for b in best)


def test_excess_is_a_share_of_each_limit() -> None:
    row = {"ram_bytes": 18000, "flash_bytes": 30000, "cycles": None, "drop": 7.0}
    found = excesses(row, LIMITS)
    assert found["ram"] == pytest.approx(1.0)
    assert found["flash"] == pytest.approx(-0.5)
    assert found["accuracy-drop"] == pytest.approx(0.01)


def test_shares() -> None:
    assert shares("0.5:1:0.25") == (1.0, 0.75, 0.5)
    assert shares("0.3,1") == (1.0, 0.3)
    for wrong in ("0", "2", "x", "1:2", "0.5:1:0", ""):
        with pytest.raises(EdgekitError, match="EK001"):
            shares(wrong)


def test_fine_layers_keep_the_finest_scheme() -> None:
    steps, _ = SPACE.recipe({"scheme": "w4a8", "fine": 2, "keep": 0.5, "optimize": "ram"})
    assert steps == [
        {"kind": "prune", "macs": 0.5},
        {"kind": "quantize", "scheme": "w4a8", "layer_schemes": {"first": "w8a8", "last": "w8a8"}},
    ]
    assert Space().axes() == {}
