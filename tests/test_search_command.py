"""`edgekit search` on a small classifier: what it writes, what it refuses, and going on after Ctrl-C."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx_writer import model, node
from test_cli import HELLO, edgekit
from test_schedule import board

pytest.importorskip("optuna", reason="the extra [search] is not installed")

from edgekit.bundle import open_bundle
from edgekit.compress import Recipe
from edgekit.errors import EdgekitError
from edgekit.search.run import search
from edgekit.search.split import halves


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two dense layers of random weights; the labels are what they answer, a tenth of them wrong."""
    folder, rng = tmp_path_factory.mktemp("search"), np.random.default_rng(0)
    first, last = (rng.normal(size=s).astype(np.float32) for s in ((8, 32), (32, 4)))
    nodes = [
        node("Gemm", ["x", "first"], ["hidden"], name="first"),
        node("Relu", ["hidden"], ["active"]),
        node("Gemm", ["active", "last"], ["scores"], name="last"),
    ]
    constants = {"first": first, "last": last}
    network = model(nodes, constants, {"x": (1, 8)}, {"scores": (1, 4)})
    onnx.save(network, folder / "classifier.onnx")
    x = rng.normal(size=(200, 8)).astype(np.float32)
    y = (np.maximum(x @ first, 0) @ last).argmax(1)
    y[::10] = (y[::10] + 1) % 4
    np.savez(folder / "calibration.npz", x=rng.normal(size=(64, 8)).astype(np.float32))
    np.savez(folder / "test.npz", x=x, y=y)
    found = {
        name: str(folder / name) for name in ("classifier.onnx", "calibration.npz", "test.npz")
    }
    return found | {"board": board(folder)}


def arguments(files: dict[str, str], output: Path, *more: str) -> list[str]:
    return ["search", files["classifier.onnx"], "--target", files["board"], "--calibration",
            files["calibration.npz"], "--test", files["test.npz"], "--schemes", "w8a8,w4a8,w2a8",
            "-o", str(output), *more]  # fmt: skip


@pytest.fixture(scope="module")
def found(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("found") / "out"
    done = edgekit(*arguments(files, folder, "--trials", "5", "--format", "json"))
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_the_best_is_built_as_it_was_tried(found: tuple[Path, dict[str, Any]]) -> None:
    folder, report = found
    best, bundle = report["best"], report["bundle"]
    assert best["trial"] in report["front"]
    assert bundle["bit_exact"]
    for key in ("flash_bytes", "weights_bytes", "arena_bytes", "ram_bytes", "instructions"):
        assert bundle[key] == best[key]
    assert bundle["cycles_estimate"] == best["cycles"]
    assert bundle["test"]["samples"] == 100
    assert 0.8 < report["reference"] <= 1
    assert open_bundle(folder / "bundle").name == "classifier"
    assert report == json.loads((folder / "search.json").read_text())


def test_the_recipe_and_the_picture_can_be_read(found: tuple[Path, dict[str, Any]]) -> None:
    folder, report = found
    recipe = Recipe.read(folder / "edgekit.toml")
    assert recipe == Recipe.of(report["best"]["recipe"])
    picture = xml.etree.ElementTree.fromstring((folder / "front.svg").read_text())
    circles = [e for e in picture.iter() if e.tag.endswith("circle")]
    assert len(circles) >= len(report["front"])


def test_halves_share_no_sample_and_have_each_class(files: dict[str, str], tmp_path: Path) -> None:
    one, other = (dict(np.load(p)) for p in halves(Path(files["test.npz"]), tmp_path, 0))
    assert len(one["x"]) == len(other["x"]) == 100
    assert not {row.tobytes() for row in one["x"]} & {row.tobytes() for row in other["x"]}
    assert np.abs(np.bincount(one["y"]) - np.bincount(other["y"])).max() <= 1


def test_a_budget_that_nothing_holds(files: dict[str, str], tmp_path: Path) -> None:
    done = edgekit(*arguments(files, tmp_path / "out", "--trials", "2", "--budget", "flash=200"))
    assert done.returncode == 1, done.stderr
    assert "FAILED  budget: no trial holds it; the nearest is trial" in done.stdout
    assert "flash" in done.stdout
    assert not (tmp_path / "out" / "bundle").exists()


def test_an_interrupted_search_goes_on(
    files: dict[str, str], found: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "edgekit.cli",
               *arguments(files, tmp_path / "out", "--trials", "5")]  # fmt: skip
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end = time.monotonic() + 200
    while time.monotonic() < end and child.poll() is None and not _finished(tmp_path / "out"):
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=100)
    assert child.returncode == 130, errors
    assert b"Traceback" not in errors
    kept = _finished(tmp_path / "out")
    assert 0 < kept < 5
    done = edgekit(*arguments(files, tmp_path / "out", "--trials", "5", "--format", "json"))
    again, whole = json.loads(done.stdout)["rows"], found[1]["rows"]
    assert [_untimed(row) for row in again] == [_untimed(row) for row in whole]


def _finished(folder: Path) -> int:
    try:
        with sqlite3.connect(folder / "search.db") as database:
            query = "select count(*) from trial_user_attributes where key = 'row'"
            return int(database.execute(query).fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def _untimed(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "cpu_seconds"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"schemes": ("w9a9",)}, "EK001"),
        ({"optimize": ("fast",)}, "EK001"),
        ({"calibration": None}, "EK203"),
        ({"test": "missing.npz"}, "EK004"),
        ({"model": str(HELLO)}, "EK001"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "EK001"),
    ],
)
def test_what_cannot_be_searched(
    changes: dict[str, Any], code: str, files: dict[str, str], tmp_path: Path
) -> None:
    given: dict[str, Any] = {
        "model": files["classifier.onnx"], "target": files["board"], "trials": 1,
        "calibration": files["calibration.npz"], "test": files["test.npz"],
        "schemes": ("w8a8", "w4a8"), "output": tmp_path / "out",
    } | changes  # fmt: skip
    with pytest.raises(EdgekitError) as refused:
        search(given.pop("model"), **given)
    assert refused.value.code == code
