"""`edgekit compress` from a file to a bundle: its rows, its control, its bytes, and its refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from test_compress_graph import Network, residual

from edgekit.bundle import COMPRESSION
from edgekit.cli import cli
from edgekit.commands import validate
from edgekit.compress import Recipe, Subject, compress, evaluate
from edgekit.compress.energy import energy
from edgekit.compress.figures import wilson
from edgekit.errors import EdgekitError
from edgekit.quantize import Calibration
from edgekit.target import load_target

HELLO = ROOT / "tests" / "models" / "hello_world.tflite"
PRUNE = {"kind": "prune", "macs": 0.6}
FOUR = {"kind": "quantize", "scheme": "w4a8"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A network, and data that it labels itself: [N, 3, 6, 6]."""
    folder = tmp_path_factory.mktemp("compress")
    net = Network()
    net.classifier(residual(net))
    onnx.save(net.model([net.last]), folder / "net.onnx")
    rng = np.random.default_rng(0)
    paths = {"model": folder / "net.onnx"}
    for name, count in (("calibration", 40), ("train", 60), ("test", 50)):
        x = rng.normal(size=(count, 3, 6, 6)).astype("f4")
        paths[name] = folder / f"{name}.npz"
        np.savez(paths[name], x=x, y=rng.integers(0, 3, count))
    return paths


@pytest.fixture(scope="module")
def made(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    output = tmp_path_factory.mktemp("bundles") / "net"
    report = compress(
        files["model"], [PRUNE, FOUR], calibration=files["calibration"], test=files["test"], output=output
    )  # fmt: skip
    return output, report


def test_there_is_a_row_for_each_step_and_for_the_control(made: tuple[Path, Any]) -> None:
    _, report = made
    labels = [row["step"] for row in report["rows"]]
    assert labels == ["real numbers", "as it came", "1 prune", "2 quantize"]
    before, pruned, four = report["rows"][1:]
    assert pruned["macs"] <= 0.6 * before["macs"]
    assert before["weights_bytes"] > pruned["weights_bytes"] > four["weights_bytes"]
    assert report["control"]["macs"] <= 0.6 * before["macs"]
    for row in report["rows"]:
        low, high = row["interval"]
        assert low <= row["accuracy"] <= high
    assert json.loads(json.dumps(report)) == report


def test_the_bundle_is_what_the_last_row_says(made: tuple[Path, Any]) -> None:
    _, report = made
    last, bundle = report["rows"][-1], report["bundle"]
    assert bundle["bit_exact"]
    for key in ("flash_bytes", "weights_bytes", "arena_bytes", "macs"):
        assert bundle[key] == last[key], key


def test_a_compressed_bundle_is_made_again_and_held_against_its_original(
    made: tuple[Path, Any], files: dict[str, Path]
) -> None:
    folder, report = made
    found = validate(folder, data=files["test"], place="host")
    assert [gate["passed"] for gate in found["gates"]] == [True]
    assert found["accuracy"] == report["rows"][-1]["accuracy"]
    assert found["reference_accuracy"] == report["rows"][0]["accuracy"]


def test_the_same_recipe_makes_the_same_bytes(
    made: tuple[Path, Any], files: dict[str, Path], tmp_path: Path
) -> None:
    folder, _ = made
    compress(
        files["model"], Recipe.of([PRUNE, FOUR]), calibration=files["calibration"], test=files["test"],
        output=tmp_path / "again", control=False,
    )  # fmt: skip
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_a_damaged_compression_in_a_bundle_is_refused(
    made: tuple[Path, Any], files: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made[0], folder)
    data = bytearray((folder / COMPRESSION).read_bytes())
    data[len(data) // 2] ^= 0xFF
    (folder / COMPRESSION).write_bytes(data)
    with pytest.raises(EdgekitError, match="EK005"):
        validate(folder, data=files["test"], place="simulator")


def test_what_fails_leaves_what_was_there(
    made: tuple[Path, Any], files: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "net"
    shutil.copytree(made[0], folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for steps in ([PRUNE, {"kind": "quantize", "scheme": "w1a1"}], [{**PRUNE, "importance": "batch_norm"}]):  # fmt: skip
        with pytest.raises(EdgekitError):
            compress(files["model"], steps, calibration=files["calibration"], output=folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_evaluate_says_what_the_compiled_rows_say(
    made: tuple[Path, Any], files: dict[str, Path]
) -> None:
    subject = Subject.open(
        files["model"], calibration=Calibration(files["calibration"]), test=files["test"]
    )
    found = evaluate(subject, Recipe.of([PRUNE, FOUR]))
    last = made[1]["rows"][-1]
    for key in ("accuracy", "interval", "weights_bytes", "arena_bytes", "macs"):
        assert found[key] == last[key], key
    assert evaluate(subject, Recipe.of([PRUNE, FOUR])) == found
    assert "accuracy" not in evaluate(subject, Recipe(), accuracy=False)


@pytest.mark.parametrize("kind", ["finetune", "qat"])
def test_training_is_repeated_by_its_seed_and_keeps_zeros(
    kind: str, files: dict[str, Path]
) -> None:
    pytest.importorskip("torch")
    subject = Subject.open(
        files["model"], calibration=Calibration(files["calibration"]), test=files["test"], train=files["train"]
    )  # fmt: skip
    recipe = Recipe.of([PRUNE, {"kind": kind, "epochs": 1, "batch": 16, "validation": 0.2}])
    first, second = (recipe.run(subject.first(), subject.context) for _ in range(2))
    pruned = Recipe.of([PRUNE]).run(subject.first(), subject.context)
    if kind == "qat":
        assert first.decided is not None
        assert second.decided is not None
        for name, array in first.decided.data.items():
            np.testing.assert_array_equal(array, second.decided.data[name])
    for name, array in first.compression.data.items():
        np.testing.assert_array_equal(array, second.compression.data[name])
        if array.ndim > 1:
            assert (array[pruned.graph.values[name].data == 0] == 0).all()
    assert subject.estimate(first)[0]["macs"] == subject.estimate(pruned)[0]["macs"]
    control = recipe.control()
    assert [step.kind for step in control.steps] == ["prune"]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["compress", *map(str, words)])


def test_the_command_takes_its_recipe_from_either_file(
    files: dict[str, Path], tmp_path: Path
) -> None:
    config = tmp_path / "edgekit.toml"
    config.write_text(
        '[compress]\ntarget = "host"\ncontrol = false\n\n[[compress.step]]\nkind = "prune"\nmacs = 0.6\n'
    )
    given = ["--calibration", files["calibration"]]
    named = run(
        files["model"],
        "--recipe",
        config,
        "--no-control",
        "--format",
        "json",
        *given,
        "-o",
        tmp_path / "a",
    )
    configured = run(files["model"], "-c", config, *given, "-o", tmp_path / "b")
    assert named.exit_code == configured.exit_code == 0, configured.output
    report = json.loads(named.stdout)
    assert report["control"] is None
    assert [row["step"] for row in report["rows"]] == ["as it came", "1 prune"]
    assert "control" not in configured.stdout
    assert f"{report['rows'][1]['flash_bytes']:,}" in configured.stdout
    assert "bit-exact" in configured.stdout


def test_a_command_without_a_recipe_says_where_one_goes(files: dict[str, Path]) -> None:
    refused = run(files["model"]).exception
    assert isinstance(refused, EdgekitError)
    assert refused.code == "EK001"
    assert "[[compress.step]]" in refused.help


def test_energy_is_of_a_named_source_or_unknown() -> None:
    known = energy(load_target("nrf52840"), 1_000_000)
    assert known["energy_estimate_uj"] == pytest.approx(155)
    assert "specification" in known["energy_method"]
    assert energy(load_target("nrf52840"), None)["energy_estimate_uj"] is None
    assert energy(load_target("host"), 1_000_000)["energy_estimate_uj"] is None


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)  # fmt: skip
def test_intervals_are_wilsons(right: int, count: int, low: float, high: float) -> None:
    assert wilson(right, count) == pytest.approx((low, high), abs=5e-5)


def test_an_int8_file_loses_channels_and_keeps_its_scales(tmp_path: Path) -> None:
    x = np.linspace(0, 2 * np.pi, 40, dtype="f4").reshape(-1, 1)
    np.savez(tmp_path / "x.npz", x=x)
    report = compress(
        HELLO, [{"kind": "prune", "macs": 0.7, "multiple": 2}], calibration=tmp_path / "x.npz",
        output=tmp_path / "hello", control=False,
    )  # fmt: skip
    before, after = report["rows"]
    assert after["macs"] <= 0.9 * before["macs"]
    found = validate(tmp_path / "hello", data=tmp_path / "x.npz", place="host")
    assert [gate["name"] for gate in found["gates"]] == ["simulator = host"]
    original = next(pair for pair in found["comparisons"] if pair["a"] == "original")
    assert original["mismatches"] > 0
    assert original["max_abs_error"] < 64
