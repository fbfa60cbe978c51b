"""Quantized ONNX models: as onnxruntime answers on real data, operator by operator within a step, and
the same bytes in every place."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_oracle import operator_cases
from real_models import QDQ, RealModel

from edgekit.build import Options, compile_program
from edgekit.emit import emit
from edgekit.program import Program
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate import metrics
from edgekit.validate.data import Array, Samples, dequantize, load_samples
from edgekit.validate.reference import reference_outputs
from edgekit.validate.runners import deploy, make_runner
from edgekit.validate.score import score

KEYS = [model.key for model in QDQ]
FILES = list(dict.fromkeys(model.file for model in QDQ))
# One step, and seldom: roundings that meet a tie. What sums exponentials or many cells: one step.
RARE = 0.001
APPROXIMATE = ("Softmax", "AveragePool", "ReduceMean", "Resize")


@dataclass(frozen=True, eq=False)
class Subject:
    model: RealModel
    program: Program
    samples: Samples

    @functools.cached_property
    def simulated(self) -> Array:
        """The first output in real numbers, [N, (steps,) elements]."""
        (found,) = Simulator(self.program).run(self.samples.arrays, self.samples.sequence)
        quant = self.program.buffers[self.program.outputs[0]].quant
        lead = 1 + self.samples.sequence
        return dequantize(found, quant).reshape(*found.shape[:lead], -1)

    @functools.cached_property
    def original(self) -> Array:
        (found,) = reference_outputs(self.model.path, self.samples).outputs
        return found.reshape(*found.shape[: 1 + self.samples.sequence], -1)


@functools.cache
def subject(key: str) -> Subject:
    model = next(m for m in QDQ if m.key == key)
    program = compile_program(model.path, Options("m")).program
    return Subject(model, program, as_samples(program, *model.load()))


def as_samples(program: Program, x: Array, y: Array | None) -> Samples:
    """Real inputs by way of a data file, as a user's come."""
    import tempfile

    tensors = [program.buffers[name] for name in program.inputs]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.npz")
        np.savez(path, x=x) if y is None else np.savez(path, x=x, y=y)
        return load_samples(path, tensors, layouts=program.layouts)


@pytest.mark.slow
@pytest.mark.parametrize("key", [k for k in KEYS if k != "ad"])
def test_labels_agree_with_onnxruntime(key: str) -> None:
    it = subject(key)
    assert it.samples.y is not None
    assert metrics.agreement_top1(it.simulated, it.original) >= 0.985
    ours, theirs = (metrics.accuracy(x, it.samples.y) for x in (it.simulated, it.original))
    assert abs(ours - theirs) <= max(0.005, 1 / len(it.samples)) + 1e-9


@pytest.mark.slow
def test_anomalies_are_found_as_onnxruntime_finds_them() -> None:
    it = subject("ad")
    ours, theirs = (score("auc", x, it.samples) for x in (it.simulated, it.original))
    assert abs(ours - theirs) <= 0.005


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
def test_each_operator_by_itself(file: str, tmp_path: Path) -> None:
    """On the data that reaches it within the model."""
    it = subject(next(m.key for m in QDQ if m.file == file))
    model = onnx.load(it.model.path)
    x = it.samples.originals[0][:8].reshape(
        -1, *it.samples.originals[0].shape[1 + it.samples.sequence :]
    )
    constants = {tensor.name for tensor in model.graph.initializer}
    (name,) = (info.name for info in model.graph.input if info.name not in constants)
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    compared = 0
    for index, (operator, inputs, outputs) in enumerate(
        operator_cases(model, {name: x[:24].reshape(-1, *shape)})
    ):
        path = tmp_path / f"{index}.onnx"
        for info in operator.model.graph.input:
            for d, size in zip(
                info.type.tensor_type.shape.dim, inputs[info.name].shape[1:], strict=True
            ):
                d.dim_value = size
        onnx.save(operator.model, path)
        program = compile_program(path, Options("m")).program
        for ours, theirs, tensor in zip(*_both(program, inputs, outputs), strict=True):
            steps = np.abs(ours - theirs) / tensor
            assert steps.max() < 1.001, (operator.op, operator.name, steps.max())
            if operator.op not in APPROXIMATE:
                assert (steps > 0.5).mean() <= RARE, (operator.op, operator.name)
            compared += 1
    assert compared >= 8


def _both(
    program: Program, inputs: dict[str, Array], outputs: dict[str, Array]
) -> tuple[list[Array], list[Array], list[float]]:
    """Real outputs of both, with the source's axes, and the size of a step of each."""
    from edgekit.validate.data import quantize

    arrays = []
    for name in program.inputs:
        buffer, x = program.buffers[name], inputs[name]
        if x.dtype.kind == "f":
            assert buffer.quant is not None
            x = quantize(x, buffer.quant, buffer.dtype)
        ours = program.layouts[name].ours(x) if name in program.layouts else x
        arrays.append(ours.reshape(len(x), *buffer.shape))
    found, wanted, steps = [], [], []
    for name, y in zip(program.outputs, Simulator(program).run(arrays), strict=True):
        quant, theirs = program.buffers[name].quant, outputs[name]
        assert quant is not None
        y = program.layouts[name].source(y) if name in program.layouts else y
        found.append(dequantize(y, quant).reshape(theirs.shape))
        wanted.append(dequantize(theirs, quant) if theirs.dtype.kind == "i" else theirs)
        steps.append(quant.scale[0])
    return found, wanted, steps


@pytest.mark.slow
@pytest.mark.parametrize("target", ["host", "cortex-m4", "rpi4"])
@pytest.mark.parametrize("key", ["kws", "ic", "vww", "ad", "resnet20", "fsdd"])
def test_same_bytes_in_every_place(key: str, target: str, tmp_path: Path) -> None:
    it = subject(key)
    samples = it.samples.prefix(0, 20) if it.samples.sequence else it.samples.take(slice(20))
    for name, text in emit("m", it.program, it.model.path.name)[0].items():
        (tmp_path / name).write_text(text)
    place = "host" if target == "host" else "emulator"
    with make_runner(place, deploy(it.program, tmp_path, "m"), load_target(target)) as runner:
        outputs = runner.run(samples.arrays, samples.sequence)
    wanted = Simulator(it.program).run(samples.arrays, samples.sequence)
    for got, want in zip(outputs, wanted, strict=True):
        np.testing.assert_array_equal(got, want)
