"""Accuracy of the shared models on the shared data, beside the reference kernels and the models' README.

    python -m benchmarks.scores [--write] [KEY...]

The integer program runs on the simulator; the original runs in a process of its own, in TensorFlow
Lite Micro or, where that refuses the file, with LiteRT's reference kernels. ``--write`` stores what was
found, and the table in docs/SCORES.md; KEY... limits it to some rows.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from benchmarks import HERE, models_folder, read_toml
from benchmarks import score_data as of
from benchmarks.__main__ import table
from benchmarks.score_data import Loaded, Metric
from edgekit.build import Options, compile_program
from edgekit.program import Buffer, Program
from edgekit.quantize import Calibration
from edgekit.simulate import Simulator
from edgekit.validate.data import dequantize, quantize, samples_of
from edgekit.validate.fidelity import signed
from edgekit.validate.metrics import mismatches
from edgekit.validate.reference import reference_outputs

Array = NDArray[Any]
FIGURES, DOCUMENT = HERE / "scores.toml", HERE.parent / "docs" / "SCORES.md"
CALIBRATION = 100
# How far from the README: points of a quantized source, of a float one; or else one sample.
POINTS = {"int8": 0.005, "uint8": 0.005, "float": 0.01}
METRICS = {
    of.top1: "top-1",
    of.auc_of_error: "AUC of mean abs error",
    of.auc_of_peak: "AUC of the stream's peak",
    of.auc_of_objectness: "AUC of highest objectness",
    of.highest: "highest output",
}
ENGINES = {"int8": "tflite-micro", "uint8": "litert", "float": "litert"}


@dataclass(frozen=True)
class Task:
    """A model with its data and metric, and the score that the models' README has of it.

    load: real inputs, or integers of the model's own type, [N, ...] or with `sequence` [N, steps, ...],
    and their labels. figure: the README's score, from and to. kind: a key of `POINTS`. What is float
    is quantized here, with the first `CALIBRATION` inputs, without their labels, as calibration data.
    """

    key: str
    file: str
    load: Callable[[], Loaded]
    metric: Metric
    figure: tuple[float, float]
    kind: str = "int8"
    sequence: bool = False

    @property
    def path(self) -> Path:
        return models_folder() / self.file

    def program(self, x: Array) -> Program:
        """The compiled model; `x` are the inputs that `load` gives."""
        numbers = None
        if self.kind == "float":
            rows = x.reshape(-1, *x.shape[2:]) if self.sequence else x
            numbers = Calibration(rows[:CALIBRATION])
        return compile_program(self.path, Options("m"), numbers=numbers).program

    def allowed(self, samples: int) -> float:
        """How far a score may be from another: points, or one sample where that is more."""
        return max(POINTS[self.kind], 1 / samples)

    def distance(self, score: float) -> float:
        """From the README's figure."""
        low, high = self.figure
        return max(low - score, score - high, 0.0)


@dataclass(frozen=True)
class Score:
    """Both sides' scores. differ: output values, of `values`, that are not the reference's; of a
    float source every value is another one, and none is counted."""

    samples: int
    integer: float
    reference: float
    values: int
    differ: int


def one(value: float) -> tuple[float, float]:
    """A README's figure that is no range."""
    return value, value


TASKS = [
    Task("sww", "mlperf_tiny_sww01_dscnn1d_int8.tflite", of.wake_words, of.top1, one(0.9111)),
    Task("micro_speech", "tflm_micro_speech_int8.tflite", of.speech_features, of.top1, one(0.8812)),
    Task("vad", "microwakeword_v2_vad_streaming_varhandle_int8.tflite", of.streams, of.auc_of_peak, one(0.9762), sequence=True),
    # 8 steps of 1/256; no clip has the wake word.
    Task("alexa", "microwakeword_v2_alexa_streaming_varhandle_int8.tflite", of.streams, of.highest, one(8 / 256), sequence=True),
    Task("ecg5000", "mltk_ecg5000_autoencoder_int8_floatio.tflite", of.heartbeats, of.auc_of_error, one(0.9488)),
    Task("ecg5000 float", "mltk_ecg5000_autoencoder_float32.tflite", of.heartbeats, of.auc_of_error, one(0.9519), "float"),
    Task("mnist_lstm, reset", "tflm_mnist_lstm_int8.tflite", of.digits_each, of.top1, one(0.9860)),
    Task("mnist_lstm float, reset", "tflm_mnist_lstm_float32.tflite", of.digits_each, of.top1, one(0.9864), "float"),
    Task("coral uint8", "coral_mobilenet_v1_025_128_imagenet_uint8.tflite", of.imagenet_128, of.top1, one(0.44), "uint8"),
    Task("mcunet vww", "tinyengine_mcunet_vww_80_int8_floatio.tflite", of.photographs_80, of.top1, (0.915, 0.945)),  # "about 92 to 94 %"
    Task("person detection", "tinyengine_person_detection_128x160_int8_floatio.tflite", of.people, of.auc_of_objectness, one(0.859)),
    Task("mobilenet_v2", "tflm_mobilenet_v2_224_imagenet_int8_nchw_input.tflite", of.imagenet, of.top1, one(0.78)),
]  # fmt: skip
BY_KEY = {task.key: task for task in TASKS}


@functools.cache
def scored(key: str) -> Score:
    """Compile the model of a task and run both sides on all of its data."""
    task = BY_KEY[key]
    real = task.kind == "float"
    x, y = task.load()
    program = task.program(x)
    buffers = [program.buffers[name] for name in program.inputs]
    samples = samples_of({"x": x}, buffers, key, layouts=program.layouts)
    ours = Simulator(program).run(samples.arrays, samples.sequence)
    engine = ENGINES[task.kind]
    theirs = reference_outputs(task.path, samples, engine=engine, real=real, timeout=7200).outputs
    outputs = [program.buffers[name] for name in program.outputs]
    if not real:
        theirs = tuple(map(as_integers, theirs, outputs))

    def figure(found: Sequence[Array]) -> float:
        pairs = zip(found, outputs, strict=True)
        return task.metric([dequantize(q, output.quant) for q, output in pairs], x, y)

    differ = sum(mismatches(a.ravel(), b.ravel()) for a, b in zip(ours, theirs, strict=True))
    values = sum(q.size for q in ours)
    return Score(y.size, figure(ours), figure(theirs), values, -1 if real else differ)


def as_integers(x: Array, output: Buffer) -> Array:
    """The original's output in the program's type. A float edge gives back the very integers that
    the original dequantized; an unsigned one is 128 steps further up."""
    if x.dtype.kind == "f" and output.quant is not None:
        return quantize(x, output.quant, output.dtype)
    return signed(x) if output.dtype == "int8" else x


def row(task: Task, score: Score) -> list[str]:
    """One line of the table."""
    low, high = task.figure
    differ = "-" if task.kind == "float" else f"{score.differ:,} of {score.values:,}"
    return [
        task.key, METRICS[task.metric], f"{score.integer:.4f}", f"{score.reference:.4f}",
        f"{low:.4f}" if low == high else f"{low:.4f} to {high:.4f}", f"{task.allowed(score.samples):.4f}",
        ENGINES[task.kind], differ, f"{score.samples:,}",
    ]  # fmt: skip


def recorded() -> dict[str, Score]:
    """What ``--write`` has stored, in the order of the tasks."""
    rows = read_toml(FIGURES) if FIGURES.exists() else {}
    return {task.key: Score(**rows[task.key]) for task in TASKS if task.key in rows}


def document(scores: dict[str, Score]) -> str:
    """The text of docs/SCORES.md."""
    heads = ("model", "metric", "integer", "reference", "README", "allowed", "reference kernels", "values that differ", "samples")  # fmt: skip
    rows = table(heads, [row(BY_KEY[key], score) for key, score in scores.items()])
    return f"""# Scores

Written by `python -m benchmarks.scores --write`.

Accuracy of shared models on the data that goes with them: the integer program on the simulator (whose
bytes host C and every emulated core repeat), the original in TensorFlow Lite Micro's or LiteRT's
reference kernels, and what the models' README says. Allowed is the distance that
`tests/test_scores.py` holds the integer program to, from both: half a point for quantized sources,
one point for float ones, or one sample where that is more. Float sources are quantized here, with the
first {CALIBRATION} inputs as calibration data, without their labels. The state of recurrent models is reset
before every sample. The README has mcunet's score as "about 92 to 94 %", here with the rounding of whole points.

{rows}
"""


def stored(scores: dict[str, Score]) -> str:
    """The text of scores.toml."""
    lines = ["# What `python -m benchmarks.scores --write` found; tests/test_scores.py holds it."]
    for key, score in scores.items():
        lines += ["", f'["{key}"]', *(f"{name} = {value}" for name, value in asdict(score).items())]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print each score; with --write store them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scores", description=__doc__)
    parser.add_argument("keys", nargs="*", metavar="KEY", help="only these rows")
    parser.add_argument("--write", action="store_true", help="store the scores and the table")
    arguments = parser.parse_args()
    if unknown := set(arguments.keys) - BY_KEY.keys():
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    for key in arguments.keys or BY_KEY:
        score = scored(key)
        print(" | ".join(row(BY_KEY[key], score)), flush=True)
        if arguments.write:
            found = recorded() | {key: score}
            ordered = {task.key: found[task.key] for task in TASKS if task.key in found}
            FIGURES.write_text(stored(ordered))
            DOCUMENT.write_text(document(ordered))
    return 0


if __name__ == "__main__":
    sys.exit(main())
