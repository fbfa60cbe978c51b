"""Every command as a user or a script meets it: output, JSON keys, exit codes."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT

from edgekit import cli

KWS = ROOT / "examples" / "keyword_spotting" / "kws_ref_model.tflite"
CLIPS = KWS.with_name("clips.npz")
HELLO = ROOT / "tests" / "models" / "hello_world.tflite"

DESCRIBED = """model target name edgekit_version operators parameters macs arena_bytes
    arena_lower_bound_bytes arena_optimal state_bytes layers""".split()
MEMORY = """stack_bytes stack_bounded static_bytes reserved_bytes ram_bytes ram_limit_bytes flash_bytes
    flash_limit_bytes code_bytes weights_bytes tables_bytes fits gates""".split()
SPEED = "instructions cycles_estimate cycles_method".split()
COMPARED = "samples outputs_compared mismatches bit_exact".split()


def edgekit(
    *arguments: str | Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgekit.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=env)


def as_json(*arguments: str | Path, exits: int = 0) -> dict[str, Any]:
    """The one JSON object that a command prints."""
    done = edgekit(*arguments, "--format", "json")
    assert done.returncode == exits, done.stderr
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "a folder" / "kws"
    report = as_json("build", KWS, "--target", "cortex-m4", "--name", "kws", "-o", folder)
    missing = {*DESCRIBED, *MEMORY, *SPEED, *COMPARED} - set(report)
    assert not missing
    assert report["bit_exact"]
    assert report == json.loads((folder / "report.json").read_text())
    return folder


def test_build_prints_the_money_screen(tmp_path: Path) -> None:
    done = edgekit("build", HELLO, "--target", "stm32f446", "-o", tmp_path / "hello")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "model", "folded", "plan", "RAM", "Flash", "speed", "check", "wrote",
    ]  # fmt: skip
    assert done.stderr == ""


def test_quiet_prints_nothing(tmp_path: Path) -> None:
    done = edgekit("build", HELLO, "-o", tmp_path / "hello", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_size_has_the_contracts_keys(bundle: Path) -> None:
    assert not {*DESCRIBED, *MEMORY} - set(as_json("size", bundle, "--target", "stm32f446"))


def test_size_fails_by_how_much_and_where(bundle: Path) -> None:
    done = edgekit("size", bundle, "--budget", "ram=4K,flash=20K")
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 2
    assert all("over by" in line and "layer" in line for line in failed)


def test_a_model_that_does_not_fit_is_still_written(tmp_path: Path) -> None:
    small = tmp_path / "small.toml"
    small.write_text(
        'inherits = "cortex-m4"\ndescription = "too small"\n'
        '[[memory]]\nname = "sram"\nkind = "ram"\nbase = 0x20000000\nsize = "4K"\n'
    )
    report = as_json("build", KWS, "--target", small, "-o", tmp_path / "kws", exits=1)
    assert not report["fits"]
    assert [gate["name"] for gate in report["gates"] if not gate["passed"]] == ["ram fits"]
    assert (tmp_path / "kws" / "manifest.json").is_file()


def test_check_needs_no_compiler(tmp_path: Path) -> None:
    env = {**os.environ, "PATH": str(tmp_path)}
    done = edgekit("check", KWS, "--target", "nrf52840", env=env)
    assert (done.returncode, done.stderr) == (0, "")


def test_validate_compares_three_places(bundle: Path) -> None:
    report = as_json("validate", bundle, "--data", CLIPS, "--on", "emulator", "--samples", "20")
    pairs = {(pair["a"], pair["b"]) for pair in report["comparisons"]}
    assert pairs == {("original", "simulator"), ("simulator", "emulator"), ("original", "emulator")}
    assert all(pair["bit_exact"] for pair in report["comparisons"])
    assert report["accuracy"] == report["reference_accuracy"]
    assert not set(COMPARED) - set(report)


def test_validate_gates_the_drop_of_accuracy(bundle: Path) -> None:
    here = ["validate", bundle, "--on", "simulator", "--budget", "ram=1,accuracy-drop=0.5"]
    gate = as_json(*here, "--data", CLIPS, "--samples", "20")["gates"][-1]
    assert gate == {"name": "accuracy-drop", "limit": 0.5, "found": 0, "passed": True}
    gate = as_json(*here, exits=1)["gates"][-1]
    assert (gate["found"], gate["passed"]) == (None, False)
    assert "labelled data" in gate["reason"]


def test_validate_without_data_says_so(bundle: Path) -> None:
    assert "random" in as_json("validate", bundle, "--on", "simulator")["data"]


def test_bench_counts_every_layer(bundle: Path) -> None:
    report = as_json("bench", bundle)
    assert not {*DESCRIBED, *SPEED} - set(report)
    assert sum(layer["instructions"] for layer in report["layers"]) == report["instructions"]


@pytest.mark.parametrize(
    "arguments",
    [["inspect", str(KWS)], ["targets"], ["targets", "show", "rp2040"], ["ops"], ["doctor"]],
)
def test_other_commands_have_both_forms(arguments: list[str]) -> None:
    done = edgekit(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 5
    if arguments != ["targets"]:
        as_json(*arguments)


def test_a_configuration_file_gives_defaults(tmp_path: Path) -> None:
    config = tmp_path / "edgekit.toml"
    config.write_text('[check]\ntarget = "rp2040"\n')
    assert as_json("check", KWS, "-c", config)["target"] == "rp2040"
    assert as_json("check", KWS, "-c", config, "--target", "rpi4")["target"] == "rpi4"
    config.write_text('[check]\ntragte = "rp2040"\n')
    error = as_json("check", KWS, "-c", config, exits=2)["error"]
    assert error["code"] == "EK003"
    assert "target" in error["help"]


@pytest.mark.parametrize(
    ("arguments", "code", "exits"),
    [
        (["build", "--no-such-option"], "EK001", 2),
        (["build", str(KWS), "--target", "cortex-m5"], "EK002", 2),
        (["build", str(KWS), "--budget", "ram=lots"], "EK001", 2),
        (["build", str(KWS), "--name", "2fast"], "EK001", 2),
        (["size", str(ROOT)], "EK005", 2),
        (["validate", str(ROOT)], "EK005", 2),
    ],
)
def test_usage_errors(arguments: list[str], code: str, exits: int) -> None:
    assert as_json(*arguments, exits=exits)["error"]["code"] == code


def test_bad_data_files(bundle: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.npz"
    for arrays in ({}, {"x": np.zeros((3, 7), np.int8)}, {"x": np.zeros((3, 49, 10, 1), complex)}):
        np.savez(data, **arrays)
        report = as_json("validate", bundle, "--data", data, exits=2)
        assert report["error"]["code"] == "EK004"


def test_an_unknown_place_is_a_usage_error(bundle: Path) -> None:
    assert as_json("validate", bundle, "--on", "moon", exits=2)["error"]["code"] == "EK001"


def test_no_compiler_is_exit_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.toolchain.locate", lambda tool: ())
    done = CliRunner().invoke(cli.cli, ["build", str(KWS), "-o", str(tmp_path / "kws")])
    assert done.exit_code == 4
    assert list(tmp_path.iterdir()) == []


def test_a_bug_is_exit_70_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("edgekit.commands.inspect", broken)
    done = CliRunner().invoke(cli.cli, ["inspect", str(KWS), "--format", "json"])
    assert done.exit_code == 70
    assert "EK901" in done.output
    assert "Traceback" not in done.output


def test_interrupt_is_exit_130(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgekit.cli", "build", str(KWS), "-o", str(tmp_path / "kws")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_help_is_quick() -> None:
    """Of processor time, which a busy machine does not stretch."""
    assert min(_seconds("--help") for _ in range(3)) < 0.2


def _seconds(*arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert edgekit(*arguments).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
