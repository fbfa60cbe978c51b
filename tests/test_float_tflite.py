"""Float `.tflite` sources: float16, dynamic range and mixed files up to integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import shared
from tflite_writer import Array, TensorSpec, one_op_model

from edgekit.build import Compiled, Options, compile_program
from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.graph import Graph, Node, Quant, Value
from edgekit.passes import canonical
from edgekit.passes.float_weights import float_weights
from edgekit.quantize import Calibration, quantized
from edgekit.quantize.evaluate import activations, real_inputs
from edgekit.simulate import Simulator
from edgekit.validate import metrics
from edgekit.validate.data import dequantize

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(3, 4)).astype(np.float32)
DENSE = {"fused_activation_function": "NONE", "weights_format": "DEFAULT", "keep_num_dims": False}


def real(name: str, *shape: int) -> Value:
    return Value(name, shape, "float32")


def dense(weights: Value, *before: Node, values: tuple[Value, ...] = ()) -> Graph:
    """A dense layer of real activations on `weights`."""
    layer = Node("dense", "FULLY_CONNECTED", ("x", weights.name), ("y",), DENSE)
    table = {v.name: v for v in (real("x", 1, 4), real("y", 1, 3), weights, *values)}
    return Graph("main", table, (*before, layer), ("x",), ("y",))


def test_float16_weights_behind_dequantize_are_constants() -> None:
    half = Value("h", (3, 4), "float16", None, WEIGHTS.astype(np.float16))
    convert = Node("convert", "DEQUANTIZE", ("h",), ("w",))
    made = float_weights(dense(real("w", 3, 4), convert, values=(half,)))
    assert [node.op for node in made.nodes] == ["FULLY_CONNECTED"]
    np.testing.assert_array_equal(made.const("w"), WEIGHTS.astype(np.float16).astype(np.float32))


def test_dynamic_range_weights_are_taken_as_real() -> None:
    steps = RNG.integers(-127, 128, (3, 4)).astype(np.int8)
    quant = Quant((0.5, 0.25, 2.0), (0, 0, 0), 0)
    made = float_weights(dense(Value("w", (3, 4), "int8", quant, steps)))
    (layer,) = made.nodes
    assert made.value(layer.inputs[1]).dtype == "float32"
    np.testing.assert_array_equal(
        made.const(layer.inputs[1]), steps * np.array([[0.5], [0.25], [2.0]], np.float32)
    )


def test_integer_layers_keep_their_weights() -> None:
    graph = dense(Value("w", (3, 4), "int8", Quant((0.5,), (0,)), np.ones((3, 4), np.int8)))
    values = {**graph.values, **{n: Value(n, s, "int8", Quant((0.1,), (0,))) for n, s in (("x", (1, 4)), ("y", (1, 3)))}}  # fmt: skip
    graph = Graph("main", values, graph.nodes, ("x",), ("y",))
    assert float_weights(graph).text() == graph.text()


def test_a_conversion_inside_a_network_costs_nothing() -> None:
    """Integers that become real and are then read by a real layer keep their numbers."""
    quant = Quant((0.1,), (5,))
    values = [Value("x", (1, 4), "int8", quant), real("r", 1, 4), real("y", 1, 4)]
    nodes = (
        Node("convert", "DEQUANTIZE", ("x",), ("r",)),
        Node("soft", "SOFTMAX", ("r",), ("y",), {"beta": 1.0}),
    )
    graph = canonical(Graph("main", {v.name: v for v in values}, nodes, ("x",), ("y",)))
    made, _ = quantized(graph)  # no calibration data: every number is known
    assert [node.op for node in made.nodes] == ["reshape", "softmax"]
    assert made.value("r").quant == quant


def one_dense(weights: Array) -> bytes:
    x, y = TensorSpec("x", (1, 4), "float32"), TensorSpec("y", (1, 3), "float32")
    w = TensorSpec("w", (3, 4), "float32", data=weights)
    return one_op_model("FULLY_CONNECTED", [x, w], [y], DENSE)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_named(bad: float, tmp_path: Path) -> None:
    weights = WEIGHTS.copy()
    weights[1, 2] = bad
    (tmp_path / "m.tflite").write_bytes(one_dense(weights))
    with pytest.raises(EdgekitError) as refused:
        compile_program(tmp_path / "m.tflite", Options("m"))
    assert refused.value.code == "EK304"
    assert "tensor w" in refused.value.where


def compiled(model: Path, x: Array) -> tuple[Compiled, list[Array], list[Array]]:
    """The program made with the calibration data `x`, its real outputs on it, and the float model's."""
    stages = compile_program(model, Options("m"), numbers=Calibration(x))
    samples = Calibration(x).samples(stages.quantized)
    outputs = Simulator(stages.program).run(samples.arrays)
    ours = [
        dequantize(o, stages.quantized.value(name).quant)
        for o, name in zip(outputs, stages.quantized.outputs, strict=True)
    ]
    graph = canonical(load_model(model))
    rows = [dict(activations(graph, i)) for i in real_inputs(graph, Calibration(x).samples(graph))]
    return stages, ours, [np.stack([row[name] for row in rows]) for name in graph.outputs]


def test_sine() -> None:
    x = np.linspace(0, 2 * np.pi, 200, dtype=np.float32)[:, None]
    _, (ours,), _ = compiled(shared("models", "tflm_hello_world_sine_mlp_float32.tflite"), x)
    assert np.abs(ours.ravel() - np.sin(x.ravel())).max() < 0.08


def test_heartbeats() -> None:
    with np.load(shared("data", "ecg5000_train_500.npz")) as data:
        x, y = data["x"], data["y"]
    x = (x - x.min()) / (x.max() - x.min())
    _, (ours,), _ = compiled(shared("models", "mltk_ecg5000_autoencoder_float32.tflite"), x)
    scores = np.abs(ours.reshape(x.shape) - x).mean(axis=1)
    assert metrics.auc(scores, y != 1) > 0.945  # (0.952)


@pytest.mark.slow
def test_faces_from_float16_with_bilinear_resize() -> None:
    with np.load(shared("data", "mlperf_tiny_vww01_rgb96_500.npz")) as data:
        x = data["x"][:8].repeat(2, axis=1).repeat(2, axis=2) / np.float32(127.5) - 1
    model = shared("models", "mediapipe_blazeface_full_range_192_float16.tflite")
    stages, ours, wanted = compiled(model, x)
    assert sum(node.op == "resize_bilinear" for node in stages.canonical.nodes) == 3
    for got, want in zip(ours, wanted, strict=True):
        assert metrics.sqnr_db(want, got) > 15
