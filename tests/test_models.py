"""The nine benchmark models: equal to TensorFlow Lite Micro, and equal in every place they run."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from benchmarks_data import BENCH, BY_KEY, BenchModel

from edgekit.build import Options, compile_program
from edgekit.emit import emit
from edgekit.frontends import load_model
from edgekit.program import Program
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate.compare import kept_channels
from edgekit.validate.data import Samples
from edgekit.validate.metrics import accuracy
from edgekit.validate.reference import Reference, reference_outputs
from edgekit.validate.runners import deploy, make_runner

KEYS = [model.key for model in BENCH]
pytestmark = pytest.mark.slow


@dataclass(frozen=True, eq=False)
class Subject:
    """A model with its program, all of its data, and what the simulator makes of that."""

    bench: BenchModel
    program: Program
    samples: Samples

    @functools.cached_property
    def simulated(self) -> list[np.ndarray]:
        return Simulator(self.program).run(self.samples.arrays, self.samples.sequence)

    @functools.cached_property
    def original(self) -> Reference:
        return reference_outputs(self.bench.path, self.samples, engine="tflite-micro")

    def at_least(self, inferences: int) -> Samples:
        """The fewest first samples that make so many inferences."""
        each = self.samples.inferences // len(self.samples)
        return self.samples.take(slice(-(-inferences // each)))


@functools.cache
def subject(key: str) -> Subject:
    bench = BY_KEY[key]
    program = compile_program(bench.path, Options("m")).program
    return Subject(bench, program, bench.samples())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.mark.parametrize("key", KEYS)
def test_outputs_equal_tflite_micro(key: str) -> None:
    it = subject(key)
    assert it.samples.inferences >= 200
    for ours, theirs in zip(it.simulated, it.original.outputs, strict=True):
        np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))


@pytest.mark.parametrize("key", KEYS)
def test_every_intermediate_equals_tflite_micro(key: str) -> None:
    it = subject(key)
    one = it.samples.prefix(0, 3)
    reference = reference_outputs(it.bench.path, one, engine="tflite-micro", intermediates=True)
    named = reference.named(tuple(load_model(it.bench.path).values))
    theirs = kept_channels(named, it.program.kept)
    compared = 0
    for layer, tensor, ours in Simulator(it.program).trace(
        [x[0] for x in one.arrays], one.sequence
    ):
        # A variable's storage is no tensor of the file; what is assigned to it is.
        if not tensor.startswith("variable "):
            np.testing.assert_array_equal(ours, theirs[tensor].reshape(ours.shape), layer)
            compared += 1
    assert compared >= 3


@pytest.mark.parametrize(
    ("key", "right", "of"), [("kws", 452, 500), ("vww", 424, 500), ("ic", 173, 200)]
)
def test_scores_of_labelled_data(key: str, right: int, of: int) -> None:
    it = subject(key)
    assert it.samples.y is not None
    assert len(it.samples) == of
    ours, theirs = it.simulated[0].reshape(of, -1), it.original.outputs[0].reshape(of, -1)
    np.testing.assert_array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))
    assert round(accuracy(ours, it.samples.y) * of) == right


def runs_equal(key: str, target: str, place: str, samples: Samples, folder: Path) -> None:
    """The C of a model, compiled for `target` and run at `place`, gives the simulator's bytes."""
    it = subject(key)
    bundle = folder / key
    if not bundle.is_dir():
        bundle.mkdir()
        for name, text in emit("m", it.program, it.bench.file)[0].items():
            (bundle / name).write_text(text)
    with make_runner(place, deploy(it.program, bundle, "m"), load_target(target)) as runner:
        outputs = runner.run(samples.arrays, samples.sequence)
    wanted = Simulator(it.program).run(samples.arrays, samples.sequence)
    for got, want in zip(outputs, wanted, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("target", ["host", "cortex-m4", "rpi4"])
@pytest.mark.parametrize("key", KEYS)
def test_two_hundred_inputs_on_the_main_places(key: str, target: str, folder: Path) -> None:
    place = "host" if target == "host" else "emulator"
    runs_equal(key, target, place, subject(key).at_least(200), folder)


CORES = {
    "cortex-m0plus": "emulator",
    "cortex-m3": "emulator",
    "cortex-m7": "emulator",
    "cortex-m33": "emulator",
    "cortex-m55": "emulator:qemu",
    "riscv32imc": "emulator:qemu",
    "rpi5": "emulator",
}


@pytest.mark.parametrize("target", CORES)
@pytest.mark.parametrize("key", KEYS)
def test_four_inputs_on_every_other_core(key: str, target: str, folder: Path) -> None:
    all_samples = subject(key).samples
    samples = all_samples.prefix(0, 4) if all_samples.sequence else all_samples.take(slice(4))
    runs_equal(key, target, CORES[target], samples, folder)
