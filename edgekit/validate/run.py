"""One validation: the same samples through the original, the simulator and a place, compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Layout
from edgekit.validate.compare import (
    compare,
    compare_layers,
    first_difference,
    kept_channels,
    layers_json,
)
from edgekit.validate.data import Samples, Tensor, quantize, source_order
from edgekit.validate.fidelity import layer_errors, output_errors, real_values, signed
from edgekit.validate.metrics import sqnr_db
from edgekit.validate.reference import Reference
from edgekit.validate.score import METRICS, default_metric, finite, score

Array = NDArray[Any]
Trace = Sequence[tuple[str, str, Array]]
_PROBES = 8  # samples that the errors of layers are measured on


class Place(Protocol):
    """Where a program can run: the simulator and every runner."""

    @property
    def name(self) -> str: ...

    def run(self, inputs: Sequence[Array], steps: bool = False) -> list[Array]:
        """Outputs [N, *shape], or [N, steps, *shape] where `steps` says that axis is there;
        state is reset before each sample."""

    def trace(self, inputs: Sequence[Array], steps: bool = False) -> Trace:
        """(layer, tensor, array) in order, of the last inference on ONE sample [(steps,) *shape]."""


@dataclass(frozen=True, eq=False)
class Original:
    """How to run the original, and what its tensors are called here.

    run: samples and whether to keep intermediates, to a Reference. names: a `.tflite` file's tensors
    in the file's order, by the names the program uses. real: its numbers are not the program's
    integers, so that the question is how far apart both are. tensors: the program's, by name.
    changed: the program was compressed, so that it need not compute what the original does.
    aliases: program's name -> original's, where they are not the same. factors: per channel (last
    axis) of tensors that equalisation changed; the original's values are the program's times them.
    kept: of tensors of which the program has a part only, the mask of the channels (last axis) it has.
    """

    run: Callable[[Samples, bool], Reference]
    names: Sequence[str] = ()
    real: bool = False
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    factors: Mapping[str, Array] = field(default_factory=dict)
    kept: Mapping[str, Array] = field(default_factory=dict)
    changed: bool = False


def validate_places(
    samples: Samples,
    outputs: Sequence[Tensor],
    simulator: Place,
    place: Place | None = None,
    original: Original | None = None,
    metric: str | None = None,
    layouts: Mapping[str, Layout] | None = None,
) -> dict[str, Any]:
    """Run and compare; returns the contract's keys of `validate`.

    `outputs` describes the program's outputs; `place` is None for ``--on simulator``. The top level
    is simulator against the place; `comparisons` has every pair; `gates` are the pairs that must be
    equal. `metric` None means top1 where the samples have labels. `layouts` are the program's: outputs
    are compared and scored in the order of the source. Raises EK004 where the samples lack what the
    metric needs, and whatever a place raises.
    """
    steps, layouts = samples.sequence, layouts or {}

    def outputs_of(where: Place) -> tuple[Array, ...]:
        arrays = where.run(samples.arrays, steps)
        return source_order(outputs, arrays, layouts, 1 + steps)

    simulated = outputs_of(simulator)
    placed = simulated if place is None else outputs_of(place)
    top = compare(simulator.name, (place or simulator).name, simulated, placed, sequence=steps)
    pairs, gates = [], []
    if place is not None:
        pairs.append(top | _layers(samples, simulated, placed, simulator, place))
        gates.append(_gate(pairs[0]))

    reference = None
    if original is not None:
        reference = original.run(samples, False)
        wanted = [_as_integers(x, o) for x, o in zip(reference.outputs, outputs, strict=True)]
        pair = compare("original", simulator.name, wanted, simulated, sequence=steps)
        if original.real:
            pair |= output_errors(outputs, reference.outputs, simulated, sequence=steps)
            pair |= _errors_of_layers(samples, simulator, original, layouts)
        else:
            pair |= _layers_of_original(samples, wanted, simulated, simulator, original)
        pairs.insert(0, pair)
        if reference.exact and not (original.real or original.changed):
            gates.insert(0, _gate(pair))
        if place is not None:
            last = compare("original", place.name, wanted, placed, sequence=steps)
            if original.real:
                last |= output_errors(outputs, reference.outputs, placed, sequence=steps)
            pairs.append(last)

    report: dict[str, Any] = {k: v for k, v in top.items() if k not in ("a", "b")}
    report["data"] = samples.source
    report["reference"] = None if reference is None else reference.engine
    report["comparisons"] = pairs
    report |= _quality(metric or default_metric(samples), samples, placed, reference, outputs)
    report["gates"] = gates
    return report


def _gate(pair: dict[str, Any]) -> dict[str, Any]:
    """Not one differing byte, at the outputs and in the layers compared."""
    layer = pair["first_differing_layer"]
    return {
        "name": f"{pair['a']} = {pair['b']}",
        "limit": 0,
        "found": pair["mismatches"] or (layer["mismatches"] if layer else 0),
        "passed": pair["bit_exact"] and layer is None,
    }


def _as_integers(x: Array, output: Tensor) -> Array:
    """The original's output in the program's type: a float edge is quantized as the model's
    own integers were dequantized, which gives the very same integers."""
    if x.dtype.kind == "f" and not output.dtype.startswith("float") and output.quant is not None:
        return quantize(x, output.quant, output.dtype)
    return signed(x) if output.dtype == "int8" else x


def _quality(
    metric: str | None,
    samples: Samples,
    placed: Sequence[Array],
    reference: Reference | None,
    outputs: Sequence[Tensor],
) -> dict[str, Any]:
    """Score and signal-to-noise ratio; infinite decibels (nothing differs) are None."""

    def real(arrays: Sequence[Array]) -> list[Array]:
        return [real_values(x, o) for x, o in zip(arrays, outputs, strict=True)]

    found: dict[str, Any] = {}
    ours = real(placed)
    if metric is not None:
        found["metric"] = metric
        found[METRICS[metric]] = finite(score(metric, ours[0], samples))
    if reference is not None:
        theirs = real(reference.outputs)
        found["sqnr_db"] = finite(sqnr_db(_flat(theirs), _flat(ours)))
        if metric is not None:
            key = f"reference_{METRICS[metric]}"
            found[key] = finite(score(metric, theirs[0], samples))
    return found


def _flat(arrays: Sequence[Array]) -> Array:
    return np.concatenate([x.ravel() for x in arrays])


def _layers(
    samples: Samples, a: Sequence[Array], b: Sequence[Array], one: Place, other: Place
) -> dict[str, Any]:
    """Two places layer by layer, on the sample `_probe` picks for their outputs `a` and `b`."""
    inputs = [x[0] for x in _probe(samples, a, b).arrays]
    tensors = {name: array for _, name, array in other.trace(inputs, samples.sequence)}
    return layers_json(compare_layers(one.trace(inputs, samples.sequence), tensors))


def _layers_of_original(
    samples: Samples, a: Sequence[Array], b: Sequence[Array], place: Place, original: Original
) -> dict[str, Any]:
    probe = _probe(samples, a, b)
    tensors = original.run(probe, True).named(original.names) if original.names else {}
    for name in tensors.keys() & original.tensors.keys():
        if original.tensors[name].dtype == "int8":
            tensors[name] = signed(tensors[name])
    trace = place.trace([x[0] for x in probe.arrays], samples.sequence)
    return layers_json(compare_layers(trace, kept_channels(tensors, original.kept)))


def _errors_of_layers(
    samples: Samples, place: Place, original: Original, layouts: Mapping[str, Layout]
) -> dict[str, Any]:
    """The original's tensors against a place's, on the first few samples."""
    probe = samples.take(slice(_PROBES))
    theirs = original.run(probe, True).named(original.names)
    theirs |= {ours: theirs[name] for ours, name in original.aliases.items() if name in theirs}
    traces = [place.trace([x[i] for x in probe.arrays], probe.sequence) for i in range(len(probe))]
    trace = [
        (name, tensor, np.stack([one[i][2] for one in traces]))
        for i, (name, tensor, _) in enumerate(traces[0])
    ]
    return layer_errors(trace, theirs, original.tensors, layouts, original.factors, original.kept)


def _probe(samples: Samples, a: Sequence[Array], b: Sequence[Array]) -> Samples:
    """The one sample to look into: the first whose outputs differ, else the first; of a
    sequence its steps up to the first that differs."""
    sample = first_difference(a, b)
    if sample is None:
        return samples.take(slice(0, 1))
    step = 0
    if samples.sequence:
        step = first_difference([x[sample] for x in a], [x[sample] for x in b]) or 0
    return samples.prefix(sample, step + 1)
