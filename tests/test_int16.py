"""int16 activations with int8 weights: the shared one-operator files against their golden outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import shared

from edgekit.build import Options, compile_program
from edgekit.emit import emit
from edgekit.frontends import load_model
from edgekit.program import Program
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate.data import Samples
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
