"""Quantization-aware training beside post-training quantization, on data that neither has seen.

    python -m benchmarks.qat [--schemes w4a8,...] [KEY...]

Accuracies are of the integer program, on the simulator; the bundle of each row is built for a Cortex-M4, where
its bytes are compared with the simulator's. ``labels``: what the training data have; without them the network in
real numbers is the only teacher. Seeds and numbers of epochs are fixed, nothing is chosen on the test data.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from benchmarks import TARGET, calibration_sets, models_folder, pruning_nets, sources
from benchmarks.__main__ import table
from edgekit.build import build
from edgekit.compress.step import Context, State
from edgekit.compress.steps.prune import Prune
from edgekit.compress.torch.graph_module import GraphModule, real_constants
from edgekit.compress.torch.quantization_aware import finetune_graph, graph_of, qat
from edgekit.compress.torch.training import Training
from edgekit.graph import Graph
from edgekit.lowering import lower
from edgekit.plan import plan
from edgekit.quantize import Calibration, Quantization, Settings, quantized, restored
from edgekit.quantize.bias import quantized_inputs
from edgekit.simulate import Simulator
from edgekit.validate.data import Samples

Array = NDArray[Any]
SCHEMES = ("w8a8", "w4a8", "w3a8", "w2a8")
HEADINGS = (
    "case", "weights", "float", "PTQ", "QAT", "QAT - float, points", "weights_bytes", "MACs", "instructions",
    "bit-exact",
)  # fmt: skip


@dataclass(frozen=True)
class Data:
    """x with the source's axes; y: labels, None where training does without."""

    train: Array
    labels: Array | None
    calibration: Array
    test: tuple[Array, Array]


@dataclass(frozen=True)
class Case:
    """A model in real numbers, its data, and how it is trained."""

    path: Callable[[], Path]
    data: Callable[[], Data]
    training: Training
    schemes: Sequence[str] = SCHEMES
    macs: float = (
        1.0  # the share that pruning leaves, before training in real numbers and then in integers
    )


def bench_digits() -> Data:
    case = pruning_nets.digits()
    x, y = _joined(case)
    return Data(x, y, x[:128], _numpy(case.tests["test"]))


def bench_mnist() -> Data:
    case = pruning_nets.mnist()
    x, y = _joined(case)
    return Data(x, y, x[:128], _numpy(case.tests["test"]))


def _joined(case: pruning_nets.Case) -> tuple[Array, Array]:
    """All of the training images."""
    parts = [_numpy(case.train), _numpy(case.validation)]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def _numpy(labelled: tuple[torch.Tensor, torch.Tensor]) -> tuple[Array, Array]:
    return labelled[0].numpy(), labelled[1].numpy()


def spoken_digits() -> Data:
    """1,350 clips to train with, the first 100 of them for calibration, 150 of the test file."""
    found = sources.data("fsdd_digits_logmel_train_1350_f16.npz")
    x = found["x"].astype(np.float32)
    order = np.random.default_rng(0).permutation(len(x))
    x, test = x[order], sources.data("fsdd_digits_logmel_test_150.npz")
    return Data(x, found["y"][order].astype(np.int64), x[:100], (test["x"], test["y"]))


def keywords() -> Data:
    """A hundred clips of Speech Commands without labels, which calibrate, too. Tested on the clips of 500
    that are none of them."""
    own, (x, y), other = calibration_sets.spoken_words(), sources.kws(), calibration_sets.unheard()
    return Data(own, None, own, (x[other], y[other]))


def said_otherwise(x: Tensor, generator: Generator) -> Tensor:
    """Features [N, frames, bands, 1] up to five frames earlier or later, half of them with up to half of another
    clip in them; the teacher says what those mean."""
    count, frames = x.shape[:2]
    shift = torch.randint(-5, 6, (count, 1), generator=generator)
    at = (torch.arange(frames) + shift).clamp(0, frames - 1)
    moved = x[torch.arange(count)[:, None], at]
    share = torch.rand(count, 1, 1, 1, generator=generator) - 0.5
    other = moved[torch.randperm(count, generator=generator)]
    return moved + share.clamp(min=0) * (other - moved)


def persons() -> Data:
    """Photographs without labels, of COCO's training set and ImageNet."""
    x, y = sources.persons()
    found = calibration_sets.photographs()
    return Data(found, None, found[:100], (x, y))


# A tenth of what networks in real numbers are fine-tuned with: the weights that training begins at are fitted already.
_RATE = 3e-4

CASES = {
    "digits": Case(
        lambda: models_folder().parent / "bench" / "net_digits.onnx",
        bench_digits,
        Training(epochs=8, learning_rate=_RATE),
    ),
    "mnist": Case(
        lambda: models_folder().parent / "bench" / "net_mnist.onnx",
        bench_mnist,
        Training(epochs=2, learning_rate=_RATE, augment=pruning_nets.shifted),
    ),
    "fsdd": Case(
        lambda: models_folder() / "fsdd_res1d_dscnn.onnx",
        spoken_digits,
        Training(epochs=8, learning_rate=_RATE),
    ),
    "fsdd, pruned": Case(
        lambda: models_folder() / "fsdd_res1d_dscnn.onnx",
        spoken_digits,
        Training(epochs=8, learning_rate=_RATE),
        ("w8a8", "w4a8"),
        macs=0.5,
    ),
    "kws": Case(
        lambda: models_folder() / calibration_sets.KWS,
        keywords,
        Training(epochs=40, batch=32, learning_rate=1e-4, augment=said_otherwise),
        ("w4a8", "w3a8"),
    ),
    "vww": Case(
        lambda: models_folder() / "mlperf_tiny_vww01_mobilenetv1_float32.tflite",
        persons,
        Training(epochs=4, batch=16, learning_rate=1e-4),
        ("w4a8", "w3a8"),
    ),
}


def right(graph: Graph, numbers: Quantization, test: tuple[Array, Array]) -> float:
    """The share of right answers of the integer program."""
    samples = _samples(graph, test[0])
    whole = restored(graph, numbers)
    given = quantized_inputs(whole, dict(zip(graph.inputs, samples.arrays, strict=True)))
    program = plan(lower(whole))
    (out,) = Simulator(program).run([given[name] for name in program.inputs])
    return _share(out, test[1])


def right_in_reals(graph: Graph, test: tuple[Array, Array]) -> float:
    samples, module = _samples(graph, test[0]), GraphModule(graph)
    with torch.no_grad():
        batches = zip(*(torch.from_numpy(x).split(64) for x in samples.arrays), strict=True)
        found = [module(*batch)[0].numpy() for batch in batches]
    return _share(np.concatenate(found), test[1])


def _share(out: Array, labels: Array) -> float:
    return float((out.reshape(len(labels), -1).argmax(1) == labels).mean())


def _samples(graph: Graph, x: Array) -> Samples:
    return Calibration(np.asarray(x, np.float32)).samples(graph)


def rows(key: str, schemes: Sequence[str]) -> list[list[str]]:
    """The lines of a case, one for each of its schemes that is asked for."""
    case = CASES[key]
    path, data = case.path(), case.data()
    source = graph_of(path)
    calibration = _samples(source, data.calibration)
    train = replace(_samples(source, data.train), y=data.labels)
    real = right_in_reals(source, data.test)
    state = State.of(source)
    if case.macs < 1:
        state = _pruned(state, calibration, train, case)
        print(*state.notes, f"then trained: {right_in_reals(state.graph, data.test):.4f}")
    found = []
    for scheme in (scheme for scheme in case.schemes if scheme in schemes):
        _, start = quantized(state.graph, calibration, Settings(scheme=scheme))
        assert start is not None
        made = qat(
            state.graph, train, case.training, start=start, teacher=source, progress=False
        ).quantization
        before, after = (right(state.graph, numbers, data.test) for numbers in (start, made))
        with tempfile.TemporaryDirectory() as work:
            report = build(
                path, compression=state.compression, decided=made, target=TARGET, name="model",
                output=Path(work) / "model",
            )  # fmt: skip
        line = [key, scheme, f"{real:.4f}", f"{before:.4f}", f"{after:.4f}", f"{100 * (after - real):+.2f}",
                f"{report['weights_bytes']:,}", f"{report['macs']:,}", f"{report['instructions']:,}",
                "yes" if report["bit_exact"] else "NO"]  # fmt: skip
        print(" ".join(line), flush=True)
        found.append(line)
    return found


def _pruned(state: State, calibration: Samples, train: Samples, case: Case) -> State:
    """Channels taken out by a recipe's step; what is left trained in real numbers, the whole as teacher."""
    source = state.graph
    state = Prune(macs=case.macs).run(state, Context(calibration, train))
    real = replace(case.training, learning_rate=Training().learning_rate)
    graph, _ = finetune_graph(state.graph, train, real, teacher=source, progress=False)
    return state.with_data({name: graph.const(name) for name in real_constants(graph)})


def main() -> None:
    parser = argparse.ArgumentParser(description="PTQ and QAT of networks in real numbers")
    parser.add_argument("keys", nargs="*", help="cases; all by default")
    parser.add_argument("--schemes", default=",".join(SCHEMES), help="all by default")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    schemes = asked.schemes.split(",")
    lines = [line for key in asked.keys or CASES for line in rows(key, schemes)]
    print(table(HEADINGS, lines))


if __name__ == "__main__":
    main()
