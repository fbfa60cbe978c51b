"""int16 activations with int8 weights: the shared files of one operator, and networks quantized so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import shared
from onnx import helper
from onnx_graphs import network, weights
from random_widths import quantized_network
from test_random_plans import FLAGS, MODES, check_plans

from benchmarks.places import compare
from edgekit.build import Compiled, Options, compile_program
from edgekit.emit import emit
from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.lowering import lower
from edgekit.program import Program
from edgekit.quantize import Calibration, Settings, load, restored, save
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate.data import Samples, random_samples
from edgekit.validate.runners import deploy, make_runner

FOLDER = "tflm_seanet_int16_ops"
NAMES = [
    "add0",
    "conv0",
    "leaky_relu0",
    "pad0",
    "quantize0",
    "strided_slice0",
    "sub0",
    "transpose_conv0",
]


def known(name: str) -> tuple[Program, Samples, np.ndarray]:
    """The planned program of a file, its recorded inputs and its golden output."""
    path = shared("models", FOLDER, f"{name}.tflite")
    source = load_model(path)
    program = compile_program(path, Options("m")).program
    arrays = []
    for index, tensor in enumerate(source.value(n) for n in program.inputs):
        file = path.with_name(f"{name}_input{index}_{tensor.dtype}.csv")
        arrays.append(np.loadtxt(file, tensor.dtype, delimiter=",").reshape(1, *tensor.shape))
    golden = np.loadtxt(path.with_name(f"{name}_golden_int16.csv"), np.int16, delimiter=",")
    tensors = tuple(source.value(n) for n in program.inputs)
    return program, Samples(tensors, tuple(arrays), source="golden"), golden


@pytest.mark.parametrize("name", NAMES)
def test_golden_outputs_of_the_shared_files(name: str) -> None:
    program, samples, golden = known(name)
    (got,) = Simulator(program).run(samples.arrays)
    np.testing.assert_array_equal(got.reshape(-1), golden.reshape(-1))


@pytest.mark.parametrize("name", ["conv0", "transpose_conv0", "quantize0"])
def test_golden_outputs_on_an_emulated_core(name: str, tmp_path: Path) -> None:
    program, samples, golden = known(name)
    for file, text in emit("m", program, f"{name}.tflite")[0].items():
        (tmp_path / file).write_text(text)
    target = load_target("cortex-m0plus")
    with make_runner("emulator", deploy(program, tmp_path, "m"), target) as runner:
        (got,) = runner.run(samples.arrays)
    np.testing.assert_array_equal(got.reshape(-1), golden.reshape(-1))


def separable() -> onnx.ModelProto:
    """Convolution, depthwise, a gate, an average: what a small network is made of."""
    nodes = [
        helper.make_node("Conv", ["x", "a", "p"], ["t"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["t"], ["u"]),
        helper.make_node("Conv", ["u", "b"], ["v"], name="middle", group=8, pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["v"], ["g"], name="gate"),
        helper.make_node("Mul", ["u", "g"], ["w"]),
        helper.make_node("Exp", ["w"], ["e"]),
        helper.make_node("GlobalAveragePool", ["e"], ["m"]),
        helper.make_node("Conv", ["m", "c"], ["y"], name="last"),
    ]
    return network(
        nodes, (1, 3, 8, 8), (1, 4, 1, 1), a=weights(8, 3, 3, 3) / 5,
        p=np.linspace(-1, 1, 8, dtype=np.float32), b=weights(8, 1, 3, 3) / 4, c=weights(4, 8, 1, 1),
    )  # fmt: skip


def compiled(folder: Path, settings: Settings, **options: Any) -> Compiled:
    onnx.save(separable(), folder / "m.onnx")
    x = np.random.default_rng(1).normal(size=(32, 3, 8, 8)).astype(np.float32)
    chosen = Options("m", quantization=settings, **options)
    return compile_program(folder / "m.onnx", chosen, numbers=Calibration(x))


def output_sqnr(made: Compiled) -> float:
    assert made.decided is not None
    assert made.decided.errors is not None
    return made.decided.errors.layers[-1].sqnr_db


def activation_types(made: Compiled) -> list[str]:
    return [made.program.buffers[step.outputs[0]].dtype for step in made.program.steps]


def test_int16_activations_lose_less(tmp_path: Path) -> None:
    narrow, wide = (compiled(tmp_path, Settings(scheme=scheme)) for scheme in ("w8a8", "w8a16"))
    assert set(activation_types(narrow)) == {"int8"}
    assert set(activation_types(wide)) == {"int16"}
    # What is left is the rounding of the weights, which both have.
    assert output_sqnr(wide) > output_sqnr(narrow) + 3


def test_single_layers_of_int16(tmp_path: Path) -> None:
    made = compiled(tmp_path, Settings(layer_schemes={"middle": "w8a16", "gate": "w8a16"}))
    names = [step.name for step in made.program.steps]
    types = dict(zip(names, activation_types(made), strict=True))
    assert {name for name, dtype in types.items() if dtype == "int16"} > {"middle", "gate"}
    assert types["last"] == "int8"
    again = compiled(
        tmp_path, Settings(scheme="w8a16", layer_schemes={"*": "w8a8", "middle": "w8a16"})
    )
    assert (
        dict(zip([s.name for s in again.program.steps], activation_types(again), strict=True))[
            "gate"
        ]
        == "int8"
    )


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (Settings(layer_schemes={"midle": "w8a16"}), "EK001"),
        (Settings(layer_schemes={"middle": "w8a17"}), "EK001"),
        (Settings(scheme="float"), "EK001"),
    ],
)
def test_schemes_that_name_nothing(settings: Settings, code: str, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError) as refused:
        compiled(tmp_path, settings)
    assert refused.value.code == code


def test_a_named_layer_without_an_int16_form_is_refused(tmp_path: Path) -> None:
    grow = helper.make_node("Resize", ["x", "", "s"], ["y"], name="grow", mode="linear")
    scales = np.array([1, 1, 2, 2], np.float32)
    onnx.save(network([grow], (1, 2, 3, 3), (1, 2, 6, 6), s=scales), tmp_path / "m.onnx")
    x = np.random.default_rng(1).normal(size=(8, 2, 3, 3)).astype(np.float32)
    options = Options("m", quantization=Settings(layer_schemes={"grow": "w8a16"}))
    with pytest.raises(EdgekitError) as refused:
        compile_program(tmp_path / "m.onnx", options, numbers=Calibration(x))
    assert refused.value.code == "EK202"


@pytest.mark.parametrize("optimize", ["speed", "ram"])
def test_the_whole_network_in_c(optimize: str, tmp_path: Path) -> None:
    made = compiled(
        tmp_path, Settings(scheme="w8a16", layer_schemes={"middle": "w8a8"}), optimize=optimize
    )
    samples = random_samples([made.program.buffers[n] for n in made.program.inputs], 6)
    wanted = Simulator(made.program).run(samples.arrays, samples.sequence)
    assert compare("host, sanitizers", made.program, samples, wanted).differ == 0


def test_numbers_for_another_model_are_refused(tmp_path: Path) -> None:
    graph, _, decided = quantized_network(0, tmp_path)
    with pytest.raises(EdgekitError) as refused:
        restored(graph, replace(decided, wide=frozenset({"nobody"})))
    assert refused.value.code == "EK005"


@pytest.mark.parametrize("block", [range(9), pytest.param(range(9, 300), marks=pytest.mark.soak)])
def test_plans_of_random_networks_of_both_widths(block: range, tmp_path: Path) -> None:
    for seed in block:
        graph, result, decided = quantized_network(seed, tmp_path)
        save(tmp_path / "q.npz", decided)
        assert restored(graph, load(tmp_path / "q.npz")).text() == result.text()
        check_plans(lower(result), [(mode, FLAGS[(seed + i) % 4]) for i, mode in enumerate(MODES)])


def test_a_layer_with_an_int16_cell_keeps_its_int8_input(tmp_path: Path) -> None:
    path = shared("models", "tflm_mnist_lstm_float32.tflite")
    options = Options("m", quantization=Settings(scheme="w8a16"))
    made = compile_program(path, options, numbers=Calibration())
    (lstm,) = (step for step in made.program.steps if step.op.name == "lstm_sequence")
    types = [made.program.buffers[name].dtype for name in lstm.inputs[:3]]
    assert types == ["int8", "int8", "int16"]
