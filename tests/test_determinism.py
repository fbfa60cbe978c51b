"""The same model, options and version give the same bytes; and neither build nor simulator is slow."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from benchmarks_data import BY_KEY
from conftest import ROOT

from edgekit.build import Options, build, compile_program
from edgekit.bundle import open_bundle
from edgekit.commands import validate
from edgekit.errors import EdgekitError
from edgekit.simulate import Simulator

KWS = ROOT / "examples" / "keyword_spotting" / "kws_ref_model.tflite"
HELLO = ROOT / "tests" / "models" / "hello_world.tflite"


def test_two_builds_are_byte_identical(tmp_path: Path) -> None:
    bundles = []
    for seed, place in (("1", "here"), ("2", "some/where else")):
        folder = tmp_path / place / "kws"
        env = {**os.environ, "PYTHONHASHSEED": seed}
        command = [
            sys.executable,
            "-m",
            "edgekit.cli",
            "build",
            str(KWS),
            "--target",
            "cortex-m4",
            "-o",
            str(folder),
            "-q",
        ]
        subprocess.run(command, check=True, env=env)
        bundles.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert bundles[0].keys() == bundles[1].keys()
    assert [name for name in bundles[0] if bundles[0][name] != bundles[1][name]] == []


def test_a_moved_bundle_still_validates(tmp_path: Path) -> None:
    build(HELLO, output=tmp_path / "a" / "hello")
    (tmp_path / "a").rename(tmp_path / "b")
    report = validate(tmp_path / "b" / "hello", place="host")
    assert report["bit_exact"]


def test_an_edited_bundle_is_refused(tmp_path: Path) -> None:
    build(HELLO, output=tmp_path / "hello", name="hello")
    with (tmp_path / "hello" / "hello.c").open("a") as file:
        file.write("/* edited */\n")
    with pytest.raises(EdgekitError, match="EK005"):
        open_bundle(tmp_path / "hello")


def test_an_output_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep")
    with pytest.raises(EdgekitError, match="EK001"):
        build(HELLO, output=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


@pytest.mark.slow
def test_a_warm_build_of_kws_takes_seconds(tmp_path: Path) -> None:
    """5 s on a quiet machine; the limit leaves room for a busy one."""
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        build(KWS, target="cortex-m4", output=tmp_path / "kws")
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 8


@pytest.mark.slow
def test_the_simulator_runs_twenty_vww_images_a_second() -> None:
    bench = BY_KEY["vww"]
    simulator = Simulator(compile_program(bench.path, Options("m")).program)
    x = bench.samples(40).arrays
    start = time.perf_counter()
    (outputs,) = simulator.run(x)
    assert len(outputs) / (time.perf_counter() - start) > 20
    assert np.unique(outputs).size > 1
