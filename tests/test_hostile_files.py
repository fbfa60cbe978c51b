"""Damaged, foreign and impossible model files: an EK code each, and nothing left behind."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from mutants import mutants
from tflite_writer import TensorSpec, one_op_model

from edgekit.build import Options, build, compile_program
from edgekit.emit import emit
from edgekit.errors import EdgekitError

HELLO = ROOT / "tests" / "models" / "hello_world.tflite"
KWS = ROOT / "examples" / "keyword_spotting" / "kws_ref_model.tflite"
PARTS = 4  # so that two workers share the mutants


def refused(error: EdgekitError) -> None:
    """The four parts that every error promises."""
    assert error.message
    assert error.where
    assert error.found or error.help


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("source", [HELLO, KWS], ids=["hello_world", "kws"])
def test_mutants_are_refused_or_compiled(source: Path, part: int, tmp_path: Path) -> None:
    file = tmp_path / "mutant.tflite"
    outcomes = {"refused": 0, "compiled": 0}
    for mutant in mutants(source.read_bytes(), 1000 // PARTS, seed=part):
        file.write_bytes(mutant)
        try:
            emit("m", compile_program(file, Options("m", optimize="speed")).program, file.name)
            outcomes["compiled"] += 1
        except EdgekitError as error:
            refused(error)
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 0


@pytest.mark.slow
def test_mutants_through_the_whole_build(tmp_path: Path) -> None:
    file, folder = tmp_path / "mutant.tflite", tmp_path / "out" / "m"
    for mutant in mutants(HELLO.read_bytes(), 30, seed=99):
        file.write_bytes(mutant)
        try:
            assert build(file, output=folder)["bit_exact"]
        except EdgekitError as error:
            refused(error)
    left = {path.name for path in folder.parent.iterdir()} if folder.parent.is_dir() else set()
    assert left <= {"m"}


def op(name: str, *inputs: TensorSpec, out: TensorSpec | None = None, **options: object) -> bytes:
    return one_op_model(name, inputs, [out or TensorSpec("y", (1, 4), "int8", 0.1, 0)], options)


def int8(shape: tuple[int, ...] = (1, 4), scale: float = 0.1) -> TensorSpec:
    return TensorSpec("x", shape, "int8", scale, 0)


def with_scale(scale: float) -> bytes:
    """hello_world with the scale of its input replaced."""
    data = HELLO.read_bytes()
    marker = struct.pack("<f", 0.024480115622282028)
    assert data.count(marker) == 1
    return data.replace(marker, struct.pack("<f", scale))


FLOAT = TensorSpec("x", (1, 4), "float32")
CASES = {
    "truncated": (HELLO.read_bytes()[:1200], "EK101"),
    "empty": (b"", "EK102"),
    "flipped magic": (HELLO.read_bytes().replace(b"TFL3", b"TFL7"), "EK102"),
    "onnx": (b"\x08\x08\x12\x07pytorch", "EK102"),
    "zip": (b"PK\x03\x04" + bytes(60), "EK101"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(60), "EK102"),
    "pickle": (b"\x80\x04\x95" + bytes(60), "EK102"),
    "text": (b'{"model": 1}', "EK102"),
    "unsupported operator": (op("SIGN", int8()), "EK201"),
    "zero scale": (with_scale(0.0), "EK301"),
    "negative scale": (with_scale(-1.0), "EK301"),
    "scale that is no number": (with_scale(float("nan")), "EK301"),
    "float model": (op("ADD", FLOAT, FLOAT, out=TensorSpec("y", (1, 4), "float32")), "EK203"),
    "dynamic shape": (op("RELU", int8((1, -1)), out=int8((1, -1))), "EK104"),
    "shape that the operator does not make": (op("RELU", int8((1, 4)), out=TensorSpec("y", (1, 5), "int8", 0.1, 0)), "EK105"),
}  # fmt: skip


def edgekit(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgekit.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", CASES)
def test_named_case(name: str, tmp_path: Path) -> None:
    data, code = CASES[name]
    file, folder = tmp_path / "model.tflite", tmp_path / "bundle"
    file.write_bytes(data)
    done = edgekit("build", file, "-o", folder, "--format", "json")
    error = json.loads(done.stdout)["error"]
    assert (error["code"], done.returncode) == (code, 3)
    assert error["message"]
    assert error["where"]
    assert error["help"]
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.tflite"]


@pytest.mark.parametrize("model", ["missing.tflite", "."])
def test_a_model_that_cannot_be_read_is_a_usage_error(model: str, tmp_path: Path) -> None:
    done = edgekit("check", tmp_path / model, "--format", "json")
    assert (json.loads(done.stdout)["error"]["code"], done.returncode) == ("EK001", 2)


def test_an_oversized_file_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.frontends.MAX_FILE_BYTES", 1000)
    with pytest.raises(EdgekitError, match="EK103"):
        compile_program(HELLO, Options("m"))


def test_a_failing_build_leaves_the_previous_bundle_whole(tmp_path: Path) -> None:
    folder, broken = tmp_path / "bundle", tmp_path / "broken.tflite"
    build(HELLO, output=folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    broken.write_bytes(HELLO.read_bytes()[:1500])
    with pytest.raises(EdgekitError):
        build(broken, output=folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.tflite", "bundle"]


def test_an_accumulator_that_could_overflow_is_refused(tmp_path: Path) -> None:
    w = TensorSpec("w", (1, 4), "int8", 0.01, 0, 0, np.full((1, 4), 127, np.int8))
    b = TensorSpec("b", (1,), "int32", 0.001, 0, 0, np.array([2**31 - 1], np.int32))
    file = tmp_path / "model.tflite"
    file.write_bytes(
        op("FULLY_CONNECTED", int8(), w, b, out=TensorSpec("y", (1, 1), "int8", 0.1, 0))
    )
    with pytest.raises(EdgekitError, match="EK302"):
        compile_program(file, Options("m"))
