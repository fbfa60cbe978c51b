"""Operators from a folder outside the package: built, verified, opened again, and broken in every way."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx_writer
import pytest
from conftest import ROOT
from tflite_writer import TensorSpec, one_op_model

from edgekit import cli, commands
from edgekit.build import build
from edgekit.catalogue import limits
from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.op import OPS
from edgekit.plugins import load_plugins

Command = Callable[..., dict[str, Any]]
EXAMPLE = ROOT / "examples" / "plugin"


@pytest.fixture(autouse=True)
def nothing_stays_loaded() -> Iterator[None]:
    yield
    load_plugins()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example that a test may break."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "mine"))


@pytest.fixture
def tflite(tmp_path: Path) -> Path:
    x = TensorSpec("x", (1, 7, 4), "int8", 0.05, 9)
    y = TensorSpec("y", (1, 7, 4), "int8", 0.09, -3)
    path = tmp_path / "custom.tflite"
    path.write_bytes(one_op_model("CUSTOM:Delta", [x], [y], {"custom_options": b"order=1"}))
    return path


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    """A custom operator between two of ONNX's own, on real values."""
    nodes = [
        onnx_writer.node("Relu", ["x"], ["a"]),
        onnx_writer.node("Delta", ["a"], ["b"], domain="audio"),
        onnx_writer.node("Tanh", ["b"], ["y"]),
    ]
    shape = (1, 6, 5)
    made = onnx_writer.model(nodes, None, {"x": shape}, {"y": shape}, domains=["audio"])
    made.graph.value_info.append(onnx_writer.tensor("b", shape))
    path = tmp_path / "custom.onnx"
    path.write_bytes(made.SerializeToString())
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The console script, in this process."""

    def command(*words: str | Path, exits: int = 0) -> dict[str, Any]:
        monkeypatch.setattr(sys, "argv", ["edgekit", *map(str, words), "--format", "json"])
        capsys.readouterr()
        with pytest.raises(SystemExit) as done:
            cli.main()
        printed = capsys.readouterr()
        assert done.value.code == exits, printed.err
        report: dict[str, Any] = json.loads(printed.out)
        return report

    return command


def test_a_tflite_custom_operator_is_built_and_opened_again(
    run: Command, folder: Path, tflite: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    report = run("build", tflite, "--plugin", folder, "-o", bundle)
    assert report["bit_exact"]
    assert [layer["op"] for layer in report["layers"]] == ["delta"]
    assert {"ek_delta.c", "ek_delta.h"} <= {path.name for path in bundle.iterdir()}
    x = np.array([-20, 40, 41, 127, -128, 5, 5])
    (made,) = commands.predict(bundle, np.tile((x - 9) * 0.05, (4, 1)).T[None, None])
    steps = np.clip(np.diff(x, prepend=x[:1]) * 0.05, (-128 + 3) * 0.09, (127 + 3) * 0.09)
    np.testing.assert_allclose(made.reshape(7, 4), np.tile(steps, (4, 1)).T, atol=0.09)
    checked = run("validate", bundle, "--plugin", folder, "--on", "host")
    assert checked["reference"] is None
    assert "delta" in checked["reference_skipped"], "no interpreter of others has it"
    assert checked["bit_exact"]


def test_an_onnx_operator_of_a_custom_domain_is_quantized(
    folder: Path, onnx: Path, tmp_path: Path
) -> None:
    load_plugins(folder)
    data = tmp_path / "data.npz"
    np.savez(data, x=np.random.default_rng(1).normal(size=(30, 1, 6, 5)).astype(np.float32))
    report = build(onnx, calibration=data, output=tmp_path / "bundle")
    assert report["bit_exact"]
    assert "delta" in [layer["op"] for layer in report["layers"]]


def test_custom_options_reach_the_import(folder: Path, tflite: Path) -> None:
    load_plugins(folder)
    (node,) = load_model(tflite).nodes
    assert (node.op, node.attrs["custom_options"]) == ("CUSTOM:Delta", b"order=1")


def test_a_bundle_executes_nothing_that_it_carries(
    run: Command, folder: Path, tflite: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    run("build", tflite, "--plugin", folder, "-o", bundle)
    assert not list(bundle.glob("*.py"))
    load_plugins()
    error = run("size", bundle, exits=2)["error"]
    assert error["code"] == "EK005"
    assert "--plugin" in error["help"]
    (folder / "delta.py").write_text((folder / "delta.py").read_text() + "# edited\n")
    error = run("size", bundle, "--plugin", folder, exits=2)["error"]
    assert "changed" in error["found"]


def test_a_configuration_names_several_folders(
    run: Command, folder: Path, tflite: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    text = (folder / "delta.py").read_text().replace("CUSTOM:Delta", "CUSTOM:Step")
    text = text.replace("audio::Delta", "audio::Step").replace('"delta"', '"step"')
    (other / "step.py").write_text(text)
    (other / "step.c").write_text((folder / "delta.c").read_text().replace("delta", "step"))
    config = tmp_path / "edgekit.toml"
    config.write_text(f"[check]\nplugin = {json.dumps([str(folder), str(other)])}\n")
    assert run("check", tflite, "-c", config)["operators"] == 1
    assert {"delta", "step"} <= set(OPS)
    config.write_text(f'[check]\nplugin = "{folder}"\n')
    run("check", tflite, "-c", config)
    assert "step" not in OPS, "the folders of another call have gone"


def test_the_catalogue_reads_its_limits(folder: Path) -> None:
    (op,) = load_plugins(folder)
    assert limits(op) == ["an axis of time steps", "int8 activations", "one sequence"]


PY, C = "delta.py", "delta.c"
BROKEN = {
    "no C file": (C, None, None, "C file cannot be read"),
    "a wrong symbol": (C, "ek_delta_s8", "delta_run", "does not define the kernel"),
    "a header of its own": (C, "ek_fixed.h", "my.h", "a header that a bundle does not have"),
    "no Python": (PY, None, None, "no plug-in in this folder"),
    "no operator": (PY, 'name = "delta"\n', 'name = ""\n', "defines no operator"),
    "a syntax error": (PY, "class Delta(Op):", "class Delta(Op:", "SyntaxError"),
    "bytes": (PY, "class Delta(Op):", "\0", "plug-in's Python fails"),
    "an exit": (PY, "class Delta(Op):", "raise SystemExit(0)\nclass Delta(Op):", "SystemExit"),
    "a failing import": (PY, "import numpy as np", "import no_such_module", "no_such_module"),
    "an operator of ours": (PY, 'name = "delta"', 'name = "conv2d"', "defined twice"),
    "a kernel of ours": (PY, 'kernel = "delta"', 'kernel = "lut"', "edgekit has a kernel"),
    "a kernel as a path": (PY, 'kernel = "delta"', 'kernel = "../delta"', "small letters"),
    "a source of ours": (PY, "CUSTOM:Delta", "CONV_2D", "read the same source operator"),
    "a name for a tuple": (PY, '("CUSTOM:Delta",)', '"CUSTOM:Delta"', "no tuple of names"),
    "a signature": (PY, '"whole"', '"bits"', "unknown signature"),
    "other Params": (PY, "Params = DeltaParams", "Params = dict", "Params is no subclass"),
    "an import that fails": (PY, "return [Node(", "return [Nod(", "NameError"),
    "a lookup that fails": (PY, "x, out = graph.value(node.inputs[0])", "x, out = graph.value(node.inputs[7])", "IndexError"),
    "a formula that fails": (PY, "p.steps, p.features", "p.steps, p.colours", "AttributeError"),
    "no node": (PY, "return IntNode(", "return (", "quantize returns no IntNode"),
    "no list": (PY, "return [fixed.saturate(", "return None and [fixed.saturate(", "run returns no list"),
    "other types": (PY, "[fixed.saturate(", "[np.int32(", "another type or size"),
    "other sizes": (PY, "+ p.output_zero)]", "+ p.output_zero)[:, 1:]]", "another type or size"),
}  # fmt: skip


@pytest.mark.parametrize("way", BROKEN)
def test_a_broken_plugin_is_an_error_with_its_place(
    run: Command, way: str, folder: Path, tflite: Path
) -> None:
    name, old, new, message = BROKEN[way]
    path = folder / name
    if old is None or new is None:
        path.unlink()
    else:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
    error = run("check", tflite, "--plugin", folder, exits=2)["error"]
    assert error["code"] == "EK007"
    assert message in error["message"] + error["found"]
    assert str(folder) in error["where"]
    load_plugins()
    assert "delta" not in OPS


def test_c_that_does_not_compile_leaves_no_bundle(
    run: Command, folder: Path, tflite: Path, tmp_path: Path
) -> None:
    source = folder / "delta.c"
    source.write_text(source.read_text().replace("int32_t at =", "int32_t at = nothing +"))
    error = run("build", tflite, "--plugin", folder, "-o", tmp_path / "b", exits=4)["error"]
    assert error["code"] == "EK502"
    assert "nothing" in error["found"]
    assert not (tmp_path / "b").exists()


def test_c_that_computes_something_else_fails_the_build(
    run: Command, folder: Path, tflite: Path, tmp_path: Path
) -> None:
    source = folder / "delta.c"
    source.write_text(source.read_text().replace("input[at] - input", "input[at] + input"))
    report = run("build", tflite, "--plugin", folder, "-o", tmp_path / "b", exits=1)
    assert not report["bit_exact"]
    assert [g["name"] for g in report["gates"] if not g["passed"]]


def test_a_folder_that_is_none(run: Command, tflite: Path, tmp_path: Path) -> None:
    error = run("check", tflite, "--plugin", tmp_path / "nowhere", exits=2)["error"]
    assert error["code"] == "EK007"


def test_an_operator_may_inherit_a_kernel(run: Command, tmp_path: Path, tflite: Path) -> None:
    """A function of one byte needs no C: the table's kernel is edgekit's."""
    folder = tmp_path / "table"
    folder.mkdir()
    (folder / "gain.py").write_text(
        '"""Twice the input."""\n'
        "from edgekit.ops.lut import Lut, case\n"
        "class Gain(Lut):\n"
        '    name = "gain"\n    tflite = ("CUSTOM:Delta",)\n'
        "    @classmethod\n    def real(cls, node, graph, *inputs):\n        return [2 * inputs[0]]\n"
        "    @classmethod\n    def levels(cls, node, x, out, difference):\n"
        "        return (2 * difference * x.scale / out.scale).round() + out.zero_point\n"
    )
    report = run("build", tflite, "--plugin", folder, "-o", tmp_path / "bundle")
    assert report["bit_exact"]
    assert (tmp_path / "bundle" / "ek_lut.c").is_file()


def test_the_example_computes_what_it_says(folder: Path) -> None:
    """Its cases, as edgekit's own operators have them: the integer result is near the real one."""
    (op,) = load_plugins(folder)
    for case in op.cases():
        (node,) = case.graph.nodes
        made = op.quantize(node, case.graph)
        x = np.random.default_rng(3).integers(-128, 128, (8, *case.graph.value("input").shape))
        given, out = case.graph.value("input"), case.graph.value("output")
        (levels,) = op.run(made.params, {}, x.astype(np.int8))
        for sample, got in zip(x, levels, strict=True):
            (real,) = op.real(node, case.graph, (sample - given.zero_point) * given.scale)
            wanted = np.clip(real / out.scale + out.zero_point, -128, 127)
            assert np.abs(got.reshape(real.shape) - wanted).max() <= 1.0, "two roundings"


def test_a_loaded_plugin_is_no_part_of_the_repository(folder: Path) -> None:
    from edgekit import headers

    load_plugins(folder)
    assert "delta" not in headers.kernels()
    with pytest.raises(EdgekitError, match="EK007"):
        load_plugins(folder, folder)
