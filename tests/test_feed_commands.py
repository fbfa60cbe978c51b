"""`--stream-input` as a user meets it: commands, bundle, errors; and the C under every compiler."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, shared
from test_cli import CLIPS, KWS, as_json, edgekit
from test_emitted_c import TOOLCHAINS
from test_feed import check_partitions
from test_streams import SCALE, Maps

import edgekit as api
from edgekit.build import Options, compile_program
from edgekit.bundle import MANIFEST
from edgekit.cases import activation
from edgekit.emit import emit
from edgekit.emit.footprint import forbidden
from edgekit.errors import EdgekitError
from edgekit.families.window import Axis
from edgekit.graph import Graph, IntGraph, Node
from edgekit.lowering import lower
from edgekit.plan import plan
from edgekit.rewrite.feed_input import feed_input
from edgekit.target import load_target
from edgekit.toolchain import find_compiler

HELLO = ROOT / "tests" / "models" / "hello_world.tflite"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fed") / "kws"
    report = as_json("build", KWS, "--target", "cortex-m4", "--name", "kws", "--stream-input",
                     "--optimize", "ram", "-o", folder)  # fmt: skip
    assert report["bit_exact"]
    assert report["stream_input"] == {"rows": 49, "row_bytes": 10}
    assert report["verified_places"][1:] == ["host", "emulated cortex-m4"]
    return folder


def test_the_header_says_how_to_feed(bundle: Path) -> None:
    header = (bundle / "kws.h").read_text()
    for line in (
        "#define KWS_INPUT_INPUT_1_ROWS 49",
        "#define KWS_INPUT_INPUT_1_ROW_BYTES 10",
        "int kws_start(void *arena);",
        "int kws_feed(void *arena, const int8_t *rows, int32_t n);",
        "int8_t *kws_next_row(void *arena);",
    ):
        assert line in header.splitlines()
    assert "kws_run" not in header
    assert "_input_input_1(void *arena)" not in header


def test_the_readmes_examples_compile(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text().split("### Streamed input")[1].split("\n### ")[0]
    camera, audio = re.findall(r"```c\n(.*?)```", text, re.DOTALL)
    users = (
        "#include <stdint.h>\nvoid camera_line(int8_t *row);\nvoid heard(const int8_t *scores);\n"
    )
    users += "int look(void);\nvoid on_frame(const int8_t *features);\n"
    program = plan(feed_input(compile_program(KWS, Options("m")).integer))
    for name, code in (("vww", camera.replace("_int8(", "(")), ("kws", audio)):
        for file, content in emit(name, program, "m.tflite")[0].items():
            (tmp_path / file).write_text(content)
        (tmp_path / f"main_{name}.c").write_text(users + code)
    sources = sorted(tmp_path.glob("main_*.c"))
    find_compiler(load_target("host")).compile(sources, tmp_path / "o", include=[tmp_path])


def test_the_bundle_opens_as_it_was_built(bundle: Path) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    assert manifest["options"]["stream_input"] is True
    assert manifest["inputs"][0]["space"] == "caller"
    report = as_json("size", bundle)
    assert report["arena_bytes"] == manifest["arena_bytes"]
    assert report["ram_bytes"] == report["arena_bytes"] + report["stack_bytes"]
    counted = as_json("bench", bundle)
    assert counted["layers"][0]["op"] == "feed"
    assert counted["layers"][0]["instructions"] > 0


@pytest.mark.parametrize("place", ["host", "emulator"])
def test_validate_feeds_the_same_clips(bundle: Path, place: str) -> None:
    report = as_json("validate", bundle, "--data", CLIPS, "--on", place, "--samples", "20")
    assert all(pair["bit_exact"] for pair in report["comparisons"])
    assert report["accuracy"] == report["reference_accuracy"]


def test_check_and_plan_know_the_option(tmp_path: Path, bundle: Path) -> None:
    built = json.loads((bundle / MANIFEST).read_text())["arena_bytes"]
    streamed = ["--target", "cortex-m4", "--stream-input"]
    assert as_json("check", KWS, *streamed, "--optimize", "ram")["arena_bytes"] == built
    points = as_json("plan", KWS, *streamed, "-o", tmp_path / "p.json")["points"]
    (ram,) = (point["arena_bytes"] for point in points if "ram" in point["optimize"])
    assert ram == built
    assert all("feed" in point["streams"][0] for point in points)


@pytest.mark.parametrize("command", ["build", "check", "plan"])
def test_to_stream_an_input_and_keep_it_is_a_usage_error(command: str, tmp_path: Path) -> None:
    output = [] if command == "check" else ["-o", tmp_path / "x"]
    done = edgekit(command, KWS, "--stream-input", "--keep-input", *output)
    assert done.returncode == 2
    assert "EK001" in done.stderr
    assert not (tmp_path / "x").exists()


def test_a_model_without_rows_is_not_built(tmp_path: Path) -> None:
    error = as_json("build", HELLO, "--stream-input", "-o", tmp_path / "x", exits=3)["error"]
    assert error["code"] == "EK204"
    assert all(error.values())
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("model", ["mlperf_tiny_ad01_autoencoder_int8.tflite", "microwakeword_v2_vad_streaming_varhandle_int8.tflite"])  # fmt: skip
def test_models_that_need_their_whole_input_are_refused(model: str, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="EK204"):
        api.build(shared("models", model), stream_input=True, output=tmp_path / "x")


def test_the_python_api_streams(tmp_path: Path) -> None:
    report = api.build(KWS, stream_input=True, io="float", optimize="speed", output=tmp_path / "k")
    assert report["bit_exact"]
    assert report["layers"][0]["op"] == "feed"
    assert (
        "kws_ref_model_quantize_input_1(" in (tmp_path / "k" / "kws_ref_model_float.h").read_text()
    )


def unsigned() -> IntGraph:
    """Bytes of a camera, made signed row by row, then a convolution."""
    net = Maps(9, 5, 3)
    net.values["camera"] = activation("camera", (1, 9, 5, 3), SCALE, 131, dtype="uint8")
    x = net.add("requantize", ["camera"], (1, 9, 5, 3))
    same = Axis(9, 3, 1, 1, 1, 1), Axis(5, 3, 1, 1, 1, 1)
    y = net.window("conv2d", x, *same, 4)
    return lower(Graph("camera", net.values, tuple(net.nodes), ("camera",), (y,)))


@pytest.mark.parametrize(("core", "kind"), TOOLCHAINS)
def test_no_warning_and_nothing_forbidden(core: str, kind: str, tmp_path: Path) -> None:
    try:
        compiler = find_compiler(load_target(core), kind)
    except EdgekitError as missing:
        pytest.skip(missing.message)
    program = plan(feed_input(unsigned()), optimize="ram")
    for name, text in emit("m", program, "m.tflite", float_io=True)[0].items():
        (tmp_path / name).write_text(text)
    objects = compiler.compile(sorted(tmp_path.glob("*.c")), tmp_path / "o", include=[tmp_path])
    assert forbidden(objects) == []


def test_rows_of_unsigned_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    def inputs(graph: IntGraph) -> list[np.ndarray]:
        shape = graph.values["camera"].shape
        return [np.random.default_rng(0).integers(0, 256, (3, *shape)).astype(np.uint8)]

    monkeypatch.setattr("test_feed.random_inputs", inputs)
    graph = unsigned()
    check_partitions(graph, plan(feed_input(graph), optimize="ram"))


@pytest.mark.parametrize("name", ["rows", "output", "input0"])
def test_a_tensors_name_does_not_meet_our_own(name: str, tmp_path: Path) -> None:
    net = Maps(9, 5, 3)
    net.values[name] = activation(name, (1, 9, 5, 3), SCALE, 3)
    net.nodes.append(Node("relu", "relu", (net.input,), (name,), {"activation": "RELU6"}))
    graph = lower(Graph("g", net.values, tuple(net.nodes), (net.input,), (name,)))
    check_partitions(graph, plan(feed_input(graph), caller_io=True))
    for file, text in emit("m", plan(graph, caller_io=True), "m.tflite")[0].items():
        (tmp_path / file).write_text(text)
    find_compiler(load_target("host")).compile([tmp_path / "m.c"], tmp_path / "o", include=[tmp_path])  # fmt: skip
