"""Float, QDQ and PyTorch sources of the shared models, scored beside their originals.

    python -m benchmarks.sources [--write]

Each model is quantized here, or keeps its quantized numbers, and runs on the simulator; the original
runs in onnxruntime, LiteRT or torch. ``--write`` puts the table into docs/SOURCES.md.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import HERE, models_folder
from edgekit.build import Compiled, Options, compile_program
from edgekit.quantize import Calibration
from edgekit.simulate import Simulator
from edgekit.validate import metrics
from edgekit.validate.data import Samples, dequantize, load_samples
from edgekit.validate.reference import reference_outputs
from edgekit.validate.score import score

Array = NDArray[Any]
# Real inputs with the source's axes, [N, ...] or for sequences [N, steps, ...]; their labels.
Loaded = tuple[Array, Array]
DOCUMENT = HERE.parent / "docs" / "SOURCES.md"
MEAN, STD = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], np.float32)
CALIBRATION = 100


def data(name: str) -> dict[str, Array]:
    """The arrays of a file of the shared data."""
    with np.load(models_folder().parent / "data" / name, allow_pickle=False) as archive:
        return dict(archive)


def kws() -> Loaded:
    """Keyword features: [500, 49, 10, 1]."""
    found = data("mlperf_tiny_kws01_mfcc_int8_500.npz")
    real = (found["x"].astype(np.float32) - found["zero_point"]) * found["scale"]
    return real.astype(np.float32), found["y"]


def pixels() -> Loaded:
    """CIFAR-10 images 0..255: [200, 32, 32, 3]."""
    found = data("mlperf_tiny_ic01_cifar10_200.npz")
    return found["x"].astype(np.float32), found["y"]


def pixels_jpeg() -> Loaded:
    """A thousand more, after JPEG."""
    found = data("cifar10_test_jpgdecoded_1000.npz")
    return found["x"].astype(np.float32), found["y"]


def normalized(images: Callable[[], Loaded]) -> Callable[[], Loaded]:
    """Images in 0..255 as torchvision's models take them, channels first."""

    def load() -> Loaded:
        x, y = images()
        return np.moveaxis((x / np.float32(255) - MEAN) / STD, 3, 1), y

    return load


def persons() -> Loaded:
    """Photographs in 0..1: [500, 96, 96, 3]."""
    found = data("mlperf_tiny_vww01_rgb96_500.npz")
    return found["x"] / np.float32(255), found["y"]


def persons_first() -> Loaded:
    x, y = persons()
    return np.moveaxis(x, 3, 1), y


def digits() -> Loaded:
    """Spoken digits: [150, 49, 32]."""
    found = data("fsdd_digits_logmel_test_150.npz")
    return found["x"].astype(np.float32), found["y"]


def digits_train() -> Array:
    return data("fsdd_digits_logmel_train_1350_f16.npz")["x"][::9].astype(np.float32)


def toy_cars() -> Loaded:
    """Clips as windows of 5 consecutive frames: [100, 196, 640]."""
    found = data("mlperf_tiny_ad01_toycar_logmel_f16_100.npz")
    frames = found["x"].astype(np.float32)
    windows = np.stack([frames[:, i : i + 196] for i in range(5)], axis=2)
    return windows.reshape(len(frames), 196, 640), found["y"]


def toy_cars_first() -> Array:
    """Every seventh window of the first hundred clips."""
    return toy_cars()[0][:, ::7].reshape(-1, 640)


@dataclass(frozen=True)
class Source:
    """One model file with its data. calibration: None for QDQ files, which bring their numbers;
    "rows": the first `CALIBRATION` samples without their labels; else training data."""

    key: str
    file: str
    load: Callable[[], Loaded]
    calibration: Callable[[], Array] | str | None = None
    metric: str = "top1"

    @property
    def path(self) -> Path:
        return models_folder() / self.file

    @property
    def sequence(self) -> bool:
        return self.load is toy_cars

    def compiled(self) -> Compiled:
        numbers = None
        if self.calibration == "rows":
            numbers = Calibration(self.load()[0][:CALIBRATION])
        elif callable(self.calibration):
            numbers = Calibration(self.calibration())
        return compile_program(self.path, Options("m"), numbers=numbers)


_QDQ = "mlperf_tiny_onnx_qdq/"
QDQ = [
    Source("kws QDQ", _QDQ + "kws_ref_model.onnx", kws),
    Source("ic QDQ", _QDQ + "resnet.onnx", pixels),
    Source("ic QDQ, jpeg", _QDQ + "resnet.onnx", pixels_jpeg),
    Source("vww QDQ", _QDQ + "mobilenet_v1.onnx", persons_first),
    Source("ad QDQ", _QDQ + "deep_autoencoder.onnx", toy_cars, metric="auc"),
    Source("resnet20 QDQ", "cifar10_resnet20_qdq_int8_perchannel.onnx", normalized(pixels)),
    Source("resnet20 QDQ, jpeg", "cifar10_resnet20_qdq_int8_perchannel.onnx", normalized(pixels_jpeg)),
    Source("fsdd QDQ", "fsdd_res1d_dscnn_qdq_int8_perchannel.onnx", digits),
]  # fmt: skip
FLOAT = [
    Source("kws float", "mlperf_tiny_kws01_dscnn_float32.tflite", kws, "rows"),
    Source("kws dynamic range", "mlperf_tiny_kws01_dscnn_dynamicrange.tflite", kws, "rows"),
    Source("ic float", "mlperf_tiny_ic01_resnet8_float32.tflite", pixels, "rows"),
    Source("vww float", "mlperf_tiny_vww01_mobilenetv1_float32.tflite", persons, "rows"),
    Source("ad float", "mlperf_tiny_ad01_autoencoder_float32.tflite", toy_cars, toy_cars_first, "auc"),
    Source("resnet20 .onnx", "cifar10_resnet20_float.onnx", normalized(pixels), "rows"),
    Source("resnet20 .pt2", "cifar10_resnet20.pt2", normalized(pixels), "rows"),
    Source("fsdd .onnx", "fsdd_res1d_dscnn.onnx", digits, digits_train),
    Source("fsdd .pt2", "fsdd_res1d_dscnn.pt2", digits, digits_train),
    Source("kwt .onnx", "fsdd_kwt_tiny_transformer.onnx", digits, digits_train),
    Source("kwt .pt2", "fsdd_kwt_tiny_transformer.pt2", digits, digits_train),
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Scored:
    """A source's program, its data, and both sides' real outputs [N, (steps,) elements]."""

    source: Source
    compiled: Compiled
    samples: Samples
    ours: Array
    theirs: Array

    def figure(self, outputs: Array, first: int = 0) -> float:
        """The metric over all samples from the index `first` on."""
        return score(self.source.metric, outputs[first:], self.samples.take(slice(first, None)))

    @property
    def agreement(self) -> float:
        return metrics.agreement_top1(self.ours, self.theirs)

    @property
    def sqnr_db(self) -> float:
        return metrics.sqnr_db(self.theirs, self.ours)


def scored(source: Source) -> Scored:
    """Compile the source and run both sides on all of its data."""
    compiled = source.compiled()
    program = compiled.program
    samples = as_samples(compiled, *source.load())
    lead = 1 + samples.sequence
    (found,) = Simulator(program).run(samples.arrays, samples.sequence)
    ours = dequantize(found, program.buffers[program.outputs[0]].quant)
    (theirs,) = reference_outputs(source.path, samples, real=True).outputs
    return Scored(
        source, compiled, samples, *(x.reshape(*x.shape[:lead], -1) for x in (ours, theirs))
    )


def as_samples(compiled: Compiled, x: Array, y: Array) -> Samples:
    """Real inputs by way of a data file, as a user's come."""
    program = compiled.program
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.npz")
        np.savez(path, x=x, y=y)
        tensors = [program.buffers[name] for name in program.inputs]
        return load_samples(path, tensors, layouts=program.layouts)


def row(it: Scored) -> list[str]:
    """One line of the table."""
    rest = "-"
    if it.source.calibration == "rows":
        rest = f"{it.figure(it.ours, CALIBRATION):.4f} / {it.figure(it.theirs, CALIBRATION):.4f}"
    agreement = f"{100 * it.agreement:.2f} %" if it.source.metric == "top1" else "-"
    kind = {None: "its own numbers", "rows": f"rows 0 to {CALIBRATION - 1}"}
    calibration = (
        "training data" if callable(it.source.calibration) else kind[it.source.calibration]
    )
    return [
        it.source.key, it.source.metric, f"{it.figure(it.ours):.4f}", f"{it.figure(it.theirs):.4f}",
        rest, agreement, f"{it.sqnr_db:.1f}", str(len(it.samples)), calibration,
    ]  # fmt: skip


def document() -> str:
    """The text of docs/SOURCES.md."""
    heads = ["model", "metric", "integer", "original", "rows from 100", "same label", "SQNR dB", "samples", "calibrated on"]  # fmt: skip
    lines = [" | ".join(heads), "|".join(["---"] * len(heads))]
    lines += [" | ".join(row(scored(source))) for source in QDQ + FLOAT]
    table = "\n".join(f"| {line} |" for line in lines)
    return f"""# Sources

Written by `python -m benchmarks.sources --write`.

Models of real values and quantized ONNX models, on real data: the integer program on the simulator
(whose bytes host C and every emulated core repeat) beside the original in onnxruntime (graph
optimizations off), LiteRT's reference kernels, or torch. Default quantization settings. Where a task
has only a test set, its first {CALIBRATION} rows are the calibration data, without their labels, and the
other rows are scored apart (integer / original).

{table}
"""


def main(arguments: list[str]) -> int:
    text = document()
    print(text)
    if "--write" in arguments:
        DOCUMENT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
