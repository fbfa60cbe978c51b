"""Quantized ONNX models: as onnxruntime answers on real data, operator by operator within a step, and
the same bytes in every place."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import ROOT, shared
from onnx_oracle import operator_cases

sys.path.insert(0, str(ROOT))
from real_sources import places_equal, subject

from benchmarks.sources import QDQ, Array
from edgekit.build import Options, compile_program
from edgekit.program import Program
from edgekit.simulate import Simulator
from edgekit.validate.data import dequantize, quantize

BY_FILE = {source.file: source for source in reversed(QDQ)}
# One step, and seldom: roundings that meet a tie. What sums exponentials or many cells: one step.
RARE = 0.001
APPROXIMATE = ("Softmax", "AveragePool", "ReduceMean", "Resize")
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("key", [s.key for s in QDQ if s.metric == "top1"])
def test_labels_agree_with_onnxruntime(key: str) -> None:
    it = subject(key)
    assert it.agreement >= 0.985
    drop = abs(it.figure(it.ours) - it.figure(it.theirs))
    assert drop <= max(0.005, 1 / len(it.samples)) + 1e-9


def test_anomalies_are_found_as_onnxruntime_finds_them() -> None:
    it = subject("ad QDQ")
    assert abs(it.figure(it.ours) - it.figure(it.theirs)) <= 0.005


@pytest.mark.parametrize("file", BY_FILE)
def test_each_operator_by_itself(file: str, tmp_path: Path) -> None:
    """On the data that reaches it within the model."""
    model = onnx.load(shared("models", file))
    constants = {tensor.name for tensor in model.graph.initializer}
    (info,) = (info for info in model.graph.input if info.name not in constants)
    x, _ = BY_FILE[file].load()
    inputs = x[:24].reshape(-1, *(d.dim_value for d in info.type.tensor_type.shape.dim))[:24]
    compared = 0
    for index, case in enumerate(operator_cases(model, {info.name: inputs})):
        name, op = case.operator.name, case.operator.op
        path = tmp_path / f"{index}.onnx"
        _bind(case.operator.model, case.inputs)
        onnx.save(case.operator.model, path)
        program = compile_program(path, Options("m")).program
        for steps in _differences(program, case.inputs, case.outputs):
            assert steps.max() < 1.001, (op, name, steps.max())
            if op not in APPROXIMATE:
                assert (steps > 0.5).mean() <= RARE, (op, name)
            compared += 1
    assert compared >= 8


def _bind(model: onnx.ModelProto, arrays: dict[str, Array]) -> None:
    """Give inputs the sizes of the data where the whole model left them open."""
    for info in model.graph.input:
        dims = info.type.tensor_type.shape.dim
        for d, size in zip(dims, arrays[info.name].shape[1:], strict=True):
            d.dim_value = size


def _differences(
    program: Program, inputs: dict[str, Array], outputs: dict[str, Array]
) -> list[Array]:
    """For each output how far both are apart, in steps of its scale."""
    arrays = []
    for name in program.inputs:
        buffer, x = program.buffers[name], inputs[name]
        if x.dtype.kind == "f":
            assert buffer.quant is not None
            x = quantize(x, buffer.quant, buffer.dtype)
        ours = program.layouts[name].ours(x) if name in program.layouts else x
        arrays.append(ours.reshape(len(x), *buffer.shape))
    apart = []
    for name, y in zip(program.outputs, Simulator(program).run(arrays), strict=True):
        quant, theirs = program.buffers[name].quant, outputs[name]
        assert quant is not None
        y = program.layouts[name].source(y) if name in program.layouts else y
        wanted = dequantize(theirs, quant) if theirs.dtype.kind == "i" else theirs
        apart.append(np.abs(dequantize(y, quant).reshape(theirs.shape) - wanted) / quant.scale[0])
    return apart


@pytest.mark.parametrize("target", ["host", "cortex-m4", "rpi4"])
@pytest.mark.parametrize("key", [source.key for source in BY_FILE.values()])
def test_same_bytes_in_every_place(key: str, target: str, tmp_path: Path) -> None:
    places_equal(subject(key), target, tmp_path)
