"""`edgekit inspect --sensitivity`: which layers a network can least spare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import onnx_writer
import pytest
from click.testing import CliRunner

from edgekit import cli
from edgekit.frontends import load_model
from edgekit.graph import Graph
from edgekit.passes import canonical
from edgekit.quantize import Calibration, probe
from edgekit.quantize.chart import draw
from edgekit.quantize.evaluate import real_inputs, run_real_batch, run_together, stacked
from edgekit.quantize.sensitivity import sensitivity, sensitivity_json

Array = np.ndarray[Any, Any]
HIDDEN = 16


def network() -> bytes:
    """Three dense layers. The middle one's weights for every other input are 64 times those for the rest, and
    what they are multiplied with is so much smaller: no step of few bits serves both."""
    rng = np.random.default_rng(3)
    uneven = np.where(np.arange(HIDDEN) % 2, 1.0, 1 / 64)
    a, b, c = (rng.normal(size=s) for s in ((12, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 4)))
    constants = {
        "a": a * uneven, "b": b / uneven[:, None], "c": c,
        "p": 0.1 * uneven, "q": np.full(HIDDEN, 0.1), "r": np.zeros(4),
    }  # fmt: skip
    nodes = [
        onnx_writer.node("Gemm", ["x", "a", "p"], ["1"], "even"),
        onnx_writer.node("Relu", ["1"], ["2"]),
        onnx_writer.node("Gemm", ["2", "b", "q"], ["3"], "fragile"),
        onnx_writer.node("Relu", ["3"], ["4"]),
        onnx_writer.node("Gemm", ["4", "c", "r"], ["y"], "last"),
    ]
    made = {name: data.astype(np.float32) for name, data in constants.items()}
    return onnx_writer.model(nodes, made, {"x": (1, 12)}, {"y": (1, 4)}, 17).SerializeToString()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The network, and inputs with the labels that it gives them itself."""
    folder = tmp_path_factory.mktemp("sensitive")
    (folder / "net.onnx").write_bytes(network())
    x = np.random.default_rng(5).normal(size=(120, 12)).astype(np.float32)
    graph = canonical(load_model(folder / "net.onnx"))
    found = probe.outputs(graph, stacked(real_inputs(graph, Calibration(x).samples(graph))))
    y = found[graph.outputs[0]].reshape(120, -1).argmax(axis=1)
    np.savez(folder / "data.npz", x=x, y=y)
    return folder / "net.onnx", folder / "data.npz"


def graph_of(files: tuple[Path, Path]) -> Graph:
    return canonical(load_model(files[0]))


def test_the_fragile_layer_is_named(files: tuple[Path, Path]) -> None:
    graph = graph_of(files)
    found = sensitivity(graph, Calibration(files[1]).samples(graph))
    assert found.metric == "top1"
    assert found.base == 1.0
    assert found.samples == 100
    assert found.ranking[0] == "fragile"
    by_bits = {c.bits: c for c in found.layers["fragile"] if c.bits}
    assert by_bits[2].loss > by_bits[4].loss > 10 * by_bits[8].loss
    assert found.per_bit("fragile") > 2 * found.per_bit("even")


def test_channels_go_where_another_layer_follows(files: tuple[Path, Path]) -> None:
    graph = graph_of(files)
    found = sensitivity(graph, Calibration(files[1]).samples(graph))
    gone = {n: [c.channels for c in cs if c.channels] for n, cs in found.layers.items()}
    assert gone == {"even": [2, 4, 8], "fragile": [2, 4, 8], "last": []}
    assert found.per_channel("last") is None


def test_without_labels_the_outputs_are_compared(files: tuple[Path, Path]) -> None:
    graph = graph_of(files)
    with np.load(files[1]) as data:
        found = sensitivity(graph, Calibration(data["x"]).samples(graph))
    assert found.metric is None
    assert found.ranking[0] == "fragile"
    assert all(c.lost is None for cs in found.layers.values() for c in cs)
    assert sensitivity_json(found)["unit"] == "loss"


def test_what_comes_before_a_layer_is_computed_once(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, calls = graph_of(files), []
    inputs = stacked(real_inputs(graph, Calibration(files[1]).samples(graph)))

    def counted(node: Any, *rest: Any) -> Any:
        calls.append(node.name)
        return run_together(node, *rest)

    monkeypatch.setattr(probe, "run_together", counted)
    found = list(probe.changed(graph, inputs, lambda node, live, made: iter([("same", {})])))
    count = len(graph.nodes)
    assert len(calls) == count + count * (count + 1) // 2
    wanted = probe.outputs(graph, inputs)
    for _, _, outputs in found:
        assert probe.loss(graph, wanted, outputs) == 0


def test_samples_together_are_samples_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(onnx_writer.classifier().SerializeToString())
    graph = canonical(load_model(tmp_path / "net.onnx"))
    x = np.random.default_rng(0).normal(size=(9, 1, 6, 6)).astype(np.float32)
    live: Any = stacked(real_inputs(graph, Calibration(x).samples(graph)))
    for node in graph.nodes:
        together, each = run_together(node, graph, live), run_real_batch(node, graph, live)
        for a, b in zip(together, each, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        live |= zip(node.outputs, each, strict=True)


def inspect(*words: Any) -> Any:
    return CliRunner().invoke(cli.cli, ["inspect", *map(str, words)])


def test_the_command_prints_a_table_json_and_a_picture(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    model, data = files
    svg = tmp_path / "s.svg"
    words = [model, "--calibration", data, "--sensitivity", "--data", data, "-o", svg]
    text = inspect(*words)
    assert text.exit_code == 0, text.output
    body = text.output[text.output.index("sensitivity:") :].splitlines()
    assert body[4].split()[0] == "fragile" or body[3].split()[0] == "fragile"
    done = inspect(*words, "--format", "json")
    entry = json.loads(done.stdout)["sensitivity"]
    assert entry["metric"] == "accuracy"
    assert entry["ranking"][0] == "fragile"
    assert {c["bits"] for c in entry["layers"][0]["changes"]} == {8, 4, 3, 2, None}
    first = svg.read_text()
    ElementTree.fromstring(first)
    assert first == draw(entry, "net.onnx")
    inspect(*words)
    assert svg.read_text() == first


def test_names_of_a_picture_are_escaped(files: tuple[Path, Path]) -> None:
    graph = graph_of(files)
    entry = sensitivity_json(sensitivity(graph, Calibration(files[1]).samples(graph)))
    entry["layers"][0]["name"] = "<&\x07" + "n" * 60
    tree = ElementTree.fromstring(draw(entry, "<model>"))
    assert "<model>" in "".join(tree.itertext())


@pytest.mark.parametrize("words", [["--sensitivity"], ["--data", "d.npz"], ["-o", "s.svg"]])
def test_options_that_belong_together(files: tuple[Path, Path], words: list[str]) -> None:
    done = inspect(files[0], *words, "--format", "json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["code"] == "EK001"


def test_numbers_of_the_source_have_no_sensitivity() -> None:
    hello = Path(__file__).parent / "models" / "hello_world.tflite"
    graph = canonical(load_model(hello))
    with pytest.raises(Exception, match="no layer has real weights"):
        sensitivity(graph, Calibration().samples(graph))
