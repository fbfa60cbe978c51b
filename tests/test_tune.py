"""Cost files: what is counted, what a build makes of it, and which files are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import ROOT
from test_variants import maps

from edgekit.bench import can_count
from edgekit.build import build
from edgekit.cli import cli
from edgekit.commands import check, reopen
from edgekit.costs import Costs, kernels_hash, load_costs
from edgekit.errors import EdgekitError
from edgekit.op import PORTABLE
from edgekit.target import load_target
from edgekit.tune import measure, tune
from edgekit.variants import choose

HELLO = ROOT / "tests" / "models" / "hello_world.tflite"
CORE = "cortex-m4"


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The cost file of a model of three dense layers, and the report."""
    path = tmp_path_factory.mktemp("costs") / "m4.json"
    return path, tune(HELLO, CORE, path)


def changed(source: Path, to: Path, **head: Any) -> Path:
    to.write_text(json.dumps(json.loads(source.read_text()) | head))
    return to


def test_every_kernel_of_every_layer_is_counted(tuned: tuple[Path, dict[str, Any]]) -> None:
    path, report = tuned
    dense = [layer for layer in report["layers"] if layer["op"] == "fully_connected"]
    assert len(dense) == report["measured"] == 3
    for layer in dense:
        assert set(layer["ways"]) == {PORTABLE, "dsp", "dsp_bytes"}
        assert layer["instructions"] == min(layer["ways"].values())
        assert layer["kernel"].startswith("ek_fully_connected_s8")
    assert load_costs(path).core == CORE


def test_what_is_known_is_not_counted_again(
    tuned: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, report = tuned
    whole = path.read_text()
    table = json.loads(whole)
    last = sorted(table["layers"])[-1]
    del table["layers"][last]
    part = tmp_path / "part.json"
    part.write_text(json.dumps(table))
    assert tune(HELLO, CORE, part)["measured"] == 1
    assert part.read_text() == whole
    monkeypatch.setattr("edgekit.tune.measure", None)
    assert tune(HELLO, CORE, part) == report | {"measured": 0, "costs": str(part)}


def test_counts_of_older_kernels_are_replaced(
    tuned: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    old = changed(tuned[0], tmp_path / "old.json", kernels="0" * 64)
    assert tune(HELLO, CORE, old)["measured"] == 3
    assert old.read_text() == tuned[0].read_text()


def test_a_build_takes_what_was_counted_to_be_quickest(
    tuned: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    layers = json.loads(tuned[0].read_text())["layers"]
    for entry in layers.values():
        for ways in entry.values():
            ways["dsp_bytes"] = 1
    costs = changed(tuned[0], tmp_path / "costs.json", layers=layers | {"unknown": {"1": {"c": 1}}})
    report = build(HELLO, target=CORE, output=tmp_path / "hello", costs=costs)
    kernels = [layer["kernel"] for layer in report["layers"]]
    assert kernels.count("ek_fully_connected_s8_dsp_bytes") == 3
    assert report["bit_exact"]
    # The bundle carries what it was built by, and nothing else.
    costs.unlink()
    assert set(load_costs(tmp_path / "hello" / "costs.json").layers) == set(layers)
    _, stages, _ = reopen(tmp_path / "hello")
    assert [step.kernel.symbol for step in stages.program.steps] == kernels


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ({"core": "cortex-m0plus"}, "another core"),
        ({"isa": []}, "another core"),
        ({"kernels": "0" * 64}, "out of date"),
        ({"format": 2}, "cannot be read"),
        ({"layers": {"x": {"1": {"c": -1}}}}, "cannot be read"),
        ({"layers": {"x": {"one": {"c": 1}}}}, "cannot be read"),
        ({"layers": [1]}, "cannot be read"),
    ],
)
def test_a_file_that_does_not_hold_is_refused(
    head: dict[str, Any], found: str, tuned: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    costs = changed(tuned[0], tmp_path / "costs.json", **head)
    with pytest.raises(EdgekitError, match=found) as refused:
        check(HELLO, CORE, costs=costs)
    assert refused.value.code == "EK006"


@pytest.mark.parametrize("content", [None, "", "[]", "{", '{"format": 1}'])
def test_a_file_that_is_none_is_refused(content: str | None, tmp_path: Path) -> None:
    costs = tmp_path / "costs.json"
    if content is not None:
        costs.write_text(content)
    arguments = ["build", str(HELLO), "--target", CORE, "-o", str(tmp_path / "hello"),
                 "--costs", str(costs), "--format", "json"]  # fmt: skip
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["code"] == "EK006"
    assert not (tmp_path / "hello").exists()


def test_tuning_leaves_a_foreign_file_as_it_is(
    tuned: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    foreign = changed(tuned[0], tmp_path / "m0.json", core="cortex-m0plus", isa=["armv6m"])
    before = foreign.read_bytes()
    with pytest.raises(EdgekitError, match="another core"):
        tune(HELLO, CORE, foreign)
    assert foreign.read_bytes() == before


def test_the_command_prints_the_layers(tuned: tuple[Path, dict[str, Any]]) -> None:
    done = CliRunner().invoke(
        cli, ["tune", str(HELLO), "--target", CORE, "-o", str(tuned[0]), "--format", "json"]
    )
    assert done.exit_code == 0
    assert json.loads(done.stdout)["layers"] == tuned[1]["layers"]


def test_rows_are_counted_one_by_one_too() -> None:
    target = load_target(CORE)
    assert can_count(target)
    graph = choose(maps(), target.isa)
    node = next(n for n in graph.nodes if n.op.name == "conv2d")
    rows = graph.values[node.outputs[0]].shape[1]
    entry = measure(node, graph, target)
    assert set(entry) == {1, rows}
    assert entry[1].keys() == entry[rows].keys() == {PORTABLE, *(v.suffix for v in node.variants)}
    assert all(entry[rows][suffix] > entry[1][suffix] for suffix in ("dsp", "dsp_two"))


def test_the_hash_of_the_kernels_is_that_of_this_version() -> None:
    costs = Costs.none(load_target(CORE), "gcc")
    assert costs.kernels == kernels_hash()
    assert not costs.is_stale()
