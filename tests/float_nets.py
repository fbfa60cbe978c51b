"""Float models that edgekit quantizes, held against onnxruntime on data that took no part in it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx_oracle import run_onnx

from edgekit.frontends import load_model
from edgekit.graph import Graph
from edgekit.lowering import lower
from edgekit.passes import canonical
from edgekit.plan import plan
from edgekit.plan.check import check_plan
from edgekit.program import Program
from edgekit.quantize import Calibration, quantized
from edgekit.simulate import Simulator
from edgekit.validate.data import dequantize, quantize

Array = NDArray[np.float32]


class Quantized(NamedTuple):
    """A model's stages, and outputs by name [N, *shape]: of the program, of the original."""

    canonical: Graph
    program: Program
    got: dict[str, NDArray[np.float64]]
    want: dict[str, NDArray[np.float64]]

    @property
    def operators(self) -> list[str]:
        return [node.op for node in self.canonical.nodes]

    def decibels(self, output: str = "") -> float:
        """Signal to noise of an output, the first if none is named."""
        name = output or next(iter(self.want))
        want = self.want[name]
        noise = np.mean((self.got[name].reshape(want.shape) - want) ** 2)
        return float(10 * np.log10(np.mean(want**2) / max(noise, 1e-30)))


def quantized_model(source: onnx.ModelProto, inputs: Mapping[str, Array], fit: int) -> Quantized:
    """inputs: [N, *shape] by name, of which the first `fit` are for calibration, the rest for use."""
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(source, Path(folder) / "model.onnx")
        graph = canonical(load_model(Path(folder) / "model.onnx"))
    data = {name: x[:fit] for name, x in inputs.items()}
    integer, _ = quantized(graph, Calibration(data).samples(graph))
    program = plan(lower(integer))
    check_plan(program)
    used = {name: x[fit:] for name, x in inputs.items()}
    given = []
    for name in program.inputs:
        value = integer.value(name)
        assert value.quant is not None
        layout = graph.layouts.get(name)
        x = used[name] if layout is None else layout.ours(used[name])
        given.append(quantize(x, value.quant, value.dtype).reshape(-1, *value.shape))
    got = {}
    for name, ints in zip(program.outputs, Simulator(program).run(given), strict=True):
        real, layout = dequantize(ints, integer.value(name).quant), graph.layouts.get(name)
        got[name] = real if layout is None else layout.source(real)
    want = {name: x.astype(np.float64) for name, x in run_onnx(source, used).items()}
    return Quantized(graph, program, got, want)
