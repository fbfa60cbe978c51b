"""LSTM, GRU and RNN from ONNX: every direction and order of axes, states given, carried and absent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import kernels
import numpy as np
import onnx
import pytest
from conftest import shared
from float_nets import quantized_model
from onnx_writer import model, node

from edgekit.build import Options, compile_program
from edgekit.emit import emit
from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.op import load_ops
from edgekit.passes import canonical
from edgekit.quantize import Calibration
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate.data import random_samples, samples_of
from edgekit.validate.reference import reference_outputs
from edgekit.validate.runners import deploy, make_runner

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
STEPS, INPUT, UNITS = 7, 5, 6
RNG = np.random.default_rng(8)


def layer(
    op: str, *, directions: int = 1, batch: int = 1, bias: bool = True, states: bool = False,
    outputs: str = "Y", **attrs: Any,
) -> onnx.ModelProto:  # fmt: skip
    """A network of one layer; `states`: its states go in and out."""

    def weights(*shape: int) -> Any:
        return (RNG.uniform(-1, 1, shape) * 1.6 / shape[-1] ** 0.5).astype(np.float32)

    rows = GATES[op] * UNITS
    constants = {"W": weights(directions, rows, INPUT), "R": weights(directions, rows, UNITS)}
    if bias:
        constants["B"] = weights(directions, 2 * rows)
    shapes = {
        "X": (STEPS, batch, INPUT), "Y": (STEPS, directions, batch, UNITS),
        **dict.fromkeys(("h0", "c0", "Y_h", "Y_c"), (directions, batch, UNITS)),
    }  # fmt: skip
    ends = ["h0", "c0"][: 2 if op == "LSTM" else 1] if states else []
    operands = ["X", "W", "R", "B" if bias else "", "", *ends]
    made = outputs.split()
    results = [n if n in made else "" for n in ("Y", "Y_h", "Y_c")[: 3 if op == "LSTM" else 2]]
    single = node(op, operands, results, hidden_size=UNITS, **attrs)
    inputs, outs = ({name: shapes[name] for name in names} for names in (["X", *ends], made))
    return model([single], constants, inputs, outs)


def data(source: onnx.ModelProto, count: int = 96) -> dict[str, Any]:
    """Smooth sequences, as sensors give them, and small first states."""
    rng = np.random.default_rng(1)
    made = {}
    for value in source.graph.input:
        shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
        x = rng.normal(size=(count, *shape))
        made[value.name] = (x.cumsum(axis=1) if value.name == "X" else np.tanh(x) * 0.5).astype(np.float32)  # fmt: skip
    return made


CASES = {
    "lstm": layer("LSTM"),
    "lstm, both directions": layer("LSTM", directions=2, direction="bidirectional"),
    "lstm, backward, a batch": layer("LSTM", batch=2, direction="reverse", bias=False),
    "lstm, states": layer("LSTM", states=True, outputs="Y Y_h Y_c"),
    "lstm, last": layer("LSTM", directions=2, outputs="Y_h", direction="bidirectional"),
    "gru": layer("GRU", linear_before_reset=1),
    "gru, reset before": layer("GRU", directions=2, direction="bidirectional"),
    "gru, states": layer("GRU", states=True, outputs="Y Y_h", linear_before_reset=1),
    "gru, last": layer("GRU", batch=2, outputs="Y_h", direction="reverse"),
    "rnn": layer("RNN"),
    "rnn, rectifier": layer("RNN", directions=2, direction="bidirectional", activations=["Relu", "Relu"]),
    "rnn, states": layer("RNN", states=True, outputs="Y Y_h"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_layers_are_close_to_onnxruntime(name: str) -> None:
    source = CASES[name]
    made = quantized_model(source, data(source), 64)
    for output in made.want:
        assert made.decibels(output) > 26, output


@pytest.mark.parametrize("name", ["lstm_sequence", "gru", "rnn"])
def test_states_carried_step_by_step_are_the_whole_sequence(name: str) -> None:
    """In numpy and in C: nothing of a layer but its states goes from one step to the next."""
    case = load_ops()[name].cases()[0]
    node, values = kernels.lower(case.graph)
    x, *first = kernels.random_inputs(case.graph, 3)
    steps = x.shape[1]
    whole, *last = node.op.run(node.params, node.consts, x, *first)
    whole = whole.reshape(3, steps, -1)
    one = replace(node, params=replace(node.params, steps=1))  # type: ignore[call-arg]
    states = first
    for t in range(steps):
        row, *after = one.op.run(one.params, one.consts, x[:, t : t + 1], *states)
        np.testing.assert_array_equal(row.reshape(3, -1), whole[:, t])
        more: list[Any] = []
        out = values[node.outputs[0]]
        parts = {**values, out.name: replace(out, shape=(1, *out.shape[1:]))}
        got = kernels.call(one, parts, x[2, t : t + 1], *(s[2] for s in states), more=more)
        np.testing.assert_array_equal(got.reshape(-1), whole[2, t])
        states = after[-len(first) :]
        np.testing.assert_array_equal(more[-1], states[-1][2].reshape(more[-1].shape))
    np.testing.assert_array_equal(states[-1], last[-1])


def stack() -> onnx.ModelProto:
    """Two layers, the first in both directions, and a dense layer on what is left at the end."""
    lstm, gru = layer("LSTM", directions=2, direction="bidirectional"), layer("GRU")
    weights = {f"{t.name}1": onnx.numpy_helper.to_array(t) for t in lstm.graph.initializer}
    weights |= {t.name: onnx.numpy_helper.to_array(t) for t in gru.graph.initializer}
    wide = RNG.normal(size=(1, 3 * UNITS, 2 * UNITS)).astype(np.float32) * 0.3
    constants = {
        **weights, "W": wide, "D": RNG.normal(size=(UNITS, 4)).astype(np.float32),
        "flat": np.array([STEPS, 1, 2 * UNITS]), "vector": np.array([1, UNITS]),
    }  # fmt: skip
    nodes = [
        node("LSTM", ["X", "W1", "R1", "B1"], ["a"], hidden_size=UNITS, direction="bidirectional"),
        node("Transpose", ["a"], ["b"], perm=[0, 2, 1, 3]),
        node("Reshape", ["b", "flat"], ["c"]),
        node("GRU", ["c", "W", "R", "B"], ["", "d"], hidden_size=UNITS),
        node("Reshape", ["d", "vector"], ["e"]),
        node("MatMul", ["e", "D"], ["y"]),
    ]
    return model(nodes, constants, {"X": (STEPS, 1, INPUT)}, {"y": (1, 4)})


def compiled(source: onnx.ModelProto, folder: Path) -> Any:
    onnx.save(source, folder / "m.onnx")
    numbers = Calibration({name: x[:32] for name, x in data(source).items()})
    return compile_program(folder / "m.onnx", Options("m"), numbers=numbers).program


@pytest.mark.parametrize("target", ["host", "cortex-m4"])
@pytest.mark.parametrize("source", [stack(), *(CASES[f"{op}, states"] for op in ("lstm", "gru", "rnn"))], ids=["stack", "lstm", "gru", "rnn"])  # fmt: skip
def test_the_same_bytes_in_c(source: onnx.ModelProto, target: str, tmp_path: Path) -> None:
    program = compiled(source, tmp_path)
    assert not program.state_bytes
    for step in program.steps:
        if step.op.name == "gru" and len(program.outputs) == 1:
            assert program.buffers[step.outputs[0]].nbytes == UNITS, "only the last row is read"
    assert "transpose" not in {step.op.name for step in program.steps}
    for name, text in emit("m", program, "m.onnx")[0].items():
        (tmp_path / name).write_text(text)
    given = random_samples([program.buffers[name] for name in program.inputs], 6).arrays
    place = "host" if target == "host" else "emulator"
    with make_runner(place, deploy(program, tmp_path, "m"), load_target(target)) as runner:
        got = runner.run(given)
    for found, wanted in zip(got, Simulator(program).run(given), strict=True):
        np.testing.assert_array_equal(found, wanted.reshape(found.shape))


def test_a_stack_of_layers_is_close_to_onnxruntime() -> None:
    made = quantized_model(stack(), data(stack()), 64)
    assert made.operators == ["lstm_sequence", "reshape", "gru", "fully_connected", "reshape"]
    assert made.decibels() > 23


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"clip": 3.0}, "no clip"),
        ({"activations": ["HardSigmoid", "Tanh", "Tanh"]}, "the activations Sigmoid, Tanh, Tanh"),
        ({"input_forget": 1}, "coupled"),
    ],
)
def test_variants_of_layers_are_refused(changes: dict[str, Any], rule: str, tmp_path: Path) -> None:
    onnx.save(layer("LSTM", **changes), tmp_path / "m.onnx")
    with pytest.raises(EdgekitError, match="EK202") as caught:
        canonical(load_model(tmp_path / "m.onnx"))
    assert rule in caught.value.found


@pytest.mark.slow
def test_float_variables_of_tflite_reset_and_carried() -> None:
    """One row of a digit a step. The layer's state outlives an inference, so digits one after another
    without a reset are a longer sequence, in the original as here."""
    found = np.load(shared("data", "mnist_t10k_half_5000.npz"))
    path = shared("models", "tflm_mnist_lstm_float32.tflite")
    digits, labels = found["x"].astype(np.float32) / 255, found["y"]
    program = compile_program(path, Options("m"), numbers=Calibration(digits[:100])).program
    tensors = [program.buffers[name] for name in program.inputs]
    assert program.state_bytes == 20 + 2 * 20

    def answers(x: Any) -> tuple[Any, Any]:
        samples = samples_of({"x": x}, tensors, "digits", stateful=True)
        (ours,) = Simulator(program).run(samples.arrays, samples.sequence)
        (theirs,) = reference_outputs(path, samples, real=True).outputs
        shape = (*x.shape[:-2], 10)
        return ours.reshape(shape).argmax(axis=-1), theirs.reshape(shape).argmax(axis=-1)

    ours, theirs = answers(digits[100:500])
    assert (ours == labels[100:500]).mean() >= (theirs == labels[100:500]).mean() - 0.0025
    ours, theirs = answers(digits[500:740].reshape(60, 4, 28, 28))
    assert (ours == theirs).mean() >= 0.97
