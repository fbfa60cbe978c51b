"""How far the integer execution is from the real one, layer by layer, on calibration data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from edgekit.graph import Graph
from edgekit.quantize.bias import quantized_inputs
from edgekit.quantize.evaluate import Live, run_integer, run_real_batch, some, stacked
from edgekit.quantize.signs import signs_only
from edgekit.validate.data import Samples, dequantize
from edgekit.validate.metrics import max_abs_error, sqnr_db
from edgekit.validate.score import finite

Array = NDArray[Any]
_SAMPLES = 32


@dataclass(frozen=True)
class LayerError:
    """One layer's error.

    sqnr_db: of its output as the network computes it, errors of the layers before it included;
    own_sqnr_db: of the layer alone, given the real input in integers. max_error in real units and
    max_steps in steps of the output, both as the network computes it.
    """

    node: str
    op: str
    tensor: str
    sqnr_db: float
    own_sqnr_db: float
    max_error: float
    max_steps: float


@dataclass(frozen=True)
class ErrorReport:
    """Errors of every layer in order; `samples` inferences were compared."""

    layers: tuple[LayerError, ...]
    samples: int

    @property
    def worst(self) -> LayerError | None:
        """The layer that adds most noise of its own; None where nothing was compared."""
        return min(self.layers, key=lambda layer: layer.own_sqnr_db, default=None)


def error_report(
    real: Graph, integer: Graph, samples: Samples, most: int = _SAMPLES
) -> ErrorReport:
    """Compare every node of `integer` with the same node of `real`, its prepared real graph; tensors of which
    only the sign is read have no numbers to compare."""
    unseen = signs_only(real)
    inputs = stacked(some(real, samples, most))
    reals, ints = Live(real, inputs), Live(integer, quantized_inputs(integer, inputs))
    layers = []
    for node in real.nodes:
        wanted = run_real_batch(node, real, reals)
        read = {name: reals[name] for name in node.inputs if name in reals}
        alone = run_integer(node, integer, quantized_inputs(integer, read))
        found = run_integer(node, integer, ints)
        for name, want, own, got in zip(node.outputs, wanted, alone, found, strict=True):
            value = integer.value(name)
            if value.quant is not None and name not in unseen:
                network, layer = (dequantize(x, value.quant) for x in (got, own))
                error = max_abs_error(want, network)
                layers.append(
                    LayerError(
                        node.name,
                        node.op,
                        name,
                        sqnr_db(want, network),
                        sqnr_db(want, layer),
                        error,
                        error / value.scale,
                    )
                )
            reals[name], ints[name] = want, got
        reals.done(node)
        ints.done(node)
    return ErrorReport(tuple(layers), len(next(iter(inputs.values()))))


def errors_json(report: ErrorReport) -> dict[str, Any]:
    """The report's ``quantization`` entry: every layer's errors and the worst layer. Infinite
    decibels, where nothing differs, are None."""

    def entry(layer: LayerError) -> dict[str, Any]:
        return {
            "name": layer.node,
            "op": layer.op,
            "tensor": layer.tensor,
            "sqnr_db": finite(layer.sqnr_db),
            "own_sqnr_db": finite(layer.own_sqnr_db),
            "max_abs_error": layer.max_error,
            "max_error_steps": layer.max_steps,
        }

    worst = report.worst
    return {
        "samples": report.samples,
        "layers": [entry(layer) for layer in report.layers],
        "worst_layer": None if worst is None else entry(worst),
    }
