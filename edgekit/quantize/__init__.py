"""Post-training quantization: from a canonical graph with real values to one of integers only.

What the source has quantized keeps its numbers. The rest is given numbers from calibration data:
one scale and zero point per activation, a symmetric scale per output channel for weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Quant, State, Value, dequantized, limits
from edgekit.op import load_ops
from edgekit.quantize import equalize
from edgekit.quantize.evaluate import inferences, some
from edgekit.quantize.mixed import check_budget, within_budget
from edgekit.quantize.prepare import Groups, accumulated, groups_of, has_reals, is_real, prepared
from edgekit.quantize.ranges import RANGES, Histogram, affine, minmax, power_of_two, symmetric
from edgekit.quantize.refit import learnable, refitted
from edgekit.quantize.report import error_report
from edgekit.quantize.rounded import rounded
from edgekit.quantize.schemes import (
    MIXED,
    W8A8,
    W8A16,
    chosen_schemes,
    fitting,
    is_coded,
    weight_bits,
    weighted,
)
from edgekit.quantize.signs import finest, is_exact, signs_only
from edgekit.quantize.store import Quantization, damaged, load, save
from edgekit.quantize.ways import KINDS
from edgekit.quantize.weights import bias_constant, channels_of, layer_constants
from edgekit.quantize.widths import WIDE, wide_tensors
from edgekit.validate.data import Samples, load_samples, quantize, samples_of

__all__ = ["Calibration", "Quantization", "Settings", "load", "quantized", "restored", "save"]

Array = NDArray[Any]
# Which layers' weights are fitted to what their layer computes (`learned`): those of fewer than eight bits,
# all, none.
ROUNDINGS = ("auto", "learned", "nearest")
FEW_SAMPLES = 8
_CORRECTION_SAMPLES = 128
_LEARNED_SAMPLES = 1024


@dataclass(frozen=True)
class Settings:
    """How numbers are chosen. ranges: a key of `ranges.RANGES`. scheme: one of `schemes`; layer_schemes: those of
    single layers, by patterns of their names. rounding: one of `ROUNDINGS`. power_of_two: scales are powers of two.
    weights: with the scheme "mixed", bytes ("120K") or share ("40%") of what all weights take at eight bits; among: the
    kinds of schemes that it chooses from (`ways.KINDS`)."""

    ranges: str = "percentile"
    equalize: bool = True
    bias_correction: bool = True
    scheme: str = W8A8
    layer_schemes: Mapping[str, str] = field(default_factory=dict)
    rounding: str = "auto"
    power_of_two: bool = False
    weights: str = ""
    among: str = ",".join(KINDS)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Typical inputs, with the source's axes: an `.npz` file, an array for a model of one input, or
    an array by input. Real values are ``x * scale + offset`` where either is given.

    None are seeded random numbers: enough to know what a model needs, not to run it.
    """

    data: str | Path | Array | Mapping[str, Array] | None = None
    scale: float | None = None
    offset: float | None = None

    def samples(self, graph: Graph) -> Samples:
        """Samples of a canonical graph's inputs. Raises EK004 (`samples_of`)."""
        tensors = [graph.value(name) for name in graph.inputs]
        options: dict[str, Any] = {
            "scale": self.scale,
            "offset": self.offset,
            "stateful": bool(graph.states),
            "layouts": graph.layouts,
        }
        if self.data is None:
            rng = np.random.default_rng(0)
            arrays = tuple(rng.normal(size=(4, *t.shape)).astype(np.float32) for t in tensors)
            return Samples(tuple(tensors), arrays, source="4 random inputs")
        if isinstance(self.data, str | Path):
            return load_samples(self.data, tensors, **options)
        given = self.data if isinstance(self.data, Mapping) else {"x": self.data}
        named = {name: np.asarray(x) for name, x in given.items()}
        return samples_of(named, tensors, "calibration", **options)


def quantized(
    graph: Graph, calibration: Samples | None = None, settings: Settings = Settings()
) -> tuple[Graph, Quantization | None]:
    """The integer form of a canonical graph, and what was decided for it.

    A graph that has all its numbers comes back as it is, with None. calibration: samples of the
    graph's inputs (`Calibration.samples`). Raises EK203 where they are needed and absent, EK004 where
    they cannot serve, EK304 where the model is not finite, EK301 for wrong numbers of the source,
    EK001 and EK202 for schemes that layers cannot have.
    """
    check_budget(settings.scheme, settings.weights)
    chosen = chosen_schemes(graph, settings.scheme, settings.layer_schemes)
    if not has_reals(graph) and not graph.one_rounding:
        return graph, None
    _check_powers(chosen, settings)
    wide = frozenset(name for name, s in chosen.items() if s == W8A16)
    ready = prepared(graph, wide)
    groups = groups_of(ready, wide, calibrated=calibration is not None)
    missing = _uncalibrated(ready, groups)
    if missing and calibration is None:
        _refuse(ready, missing)
    factors: dict[str, Array] = {}
    seen: dict[str, Histogram] = {}
    if missing and calibration is not None:
        check_calibration(ready, calibration)
        if settings.equalize:
            few = {name: weight_bits(s) for name, s in chosen.items() if weight_bits(s) < 8}
            ready, factors = equalize.equalized(ready, _spreads(ready, calibration), wide, few)
        seen = _histograms(ready, groups, calibration)

    def attempt(schemes: Mapping[str, str]) -> tuple[Graph, Quantization]:
        everything = {**chosen, **schemes}
        return _by_schemes(ready, groups, seen, settings, everything, wide, calibration)

    if settings.scheme == MIXED:
        named = fitting(settings.layer_schemes, graph)
        layers = {n: chosen[n] if n in named else "" for n in weighted(graph)}
        found, made = within_budget(
            ready, calibration, layers, settings.weights, settings.among, attempt
        )
        chosen, (result, decided) = {**chosen, **found}, made
    else:
        result, decided = attempt({})
    if not decided.quants:
        return graph, None
    if calibration is None or not seen:
        return result, decided
    observed = {root: (h.low, h.high) for root, h in seen.items()}
    ranges = {n: observed[r] for r, names in groups.members().items() if r in seen for n in names}
    return result, replace(
        decided,
        factors=factors,
        schemes={name: scheme for name, scheme in chosen.items() if scheme != W8A8},
        notes=_notes(seen, calibration),
        ranges=ranges,
        errors=error_report(ready, result, calibration),
    )


def _check_powers(chosen: Mapping[str, str], settings: Settings) -> None:
    if settings.power_of_two and (settings.scheme == MIXED or any(map(is_coded, chosen.values()))):
        raise EdgekitError(
            "EK001", "two options cannot be combined", where="--power-of-two --scheme",
            found="numbers for coded storage, which have steps of any length", help="leave out one of them",
        )  # fmt: skip


def _by_schemes(
    ready: Graph,
    groups: Groups,
    seen: dict[str, Histogram],
    settings: Settings,
    chosen: Mapping[str, str],
    wide: frozenset[str],
    calibration: Samples | None,
) -> tuple[Graph, Quantization]:
    """The integer form of a prepared graph, each layer by its scheme, and the numbers."""
    few = {name: weight_bits(s) for name, s in chosen.items() if weight_bits(s) < 8}
    codes = {name: s for name, s in chosen.items() if is_coded(s)}
    decided = _numbers(ready, groups, seen, settings, few, wide, codes)
    if not decided.quants:
        return ready, decided
    result = applied(ready, decided)
    learn = _learned(ready, settings, few, codes)
    correct = settings.bias_correction and bool(seen)
    if calibration is not None and (learn or correct):
        return _fitted(ready, result, decided, calibration, settings, learn, correct, codes)
    return result, decided


def _learned(
    graph: Graph, settings: Settings, few: Mapping[str, int], codes: Mapping[str, str]
) -> dict[str, int]:
    """Bits of the layers that are learned, by node. Raises EK001 for a rounding that there is none of."""
    if settings.rounding not in ROUNDINGS:
        raise EdgekitError(
            "EK001", "unknown rounding of weights", where="--rounding",
            found=f"{settings.rounding!r}, wanted one of {', '.join(ROUNDINGS)}", help="see `edgekit build --help`",
        )  # fmt: skip
    if settings.rounding == "nearest":
        return {}
    every = learnable(graph)
    return {
        name: few.get(name, 8)
        for name in every
        if name in few or name in codes or settings.rounding == "learned"
    }


def _fitted(
    ready: Graph,
    integer: Graph,
    decided: Quantization,
    calibration: Samples,
    settings: Settings,
    learn: Mapping[str, int],
    correct: bool,
    codes: Mapping[str, str],
) -> tuple[Graph, Quantization]:
    """With learned weights and corrected biases."""
    inputs = some(ready, calibration, _LEARNED_SAMPLES if learn else _CORRECTION_SAMPLES)
    quants, data = refitted(
        ready, integer, inputs, learn, correct=correct, power=settings.power_of_two, codes=codes
    )
    decided = replace(decided, quants={**decided.quants, **quants}, data={**decided.data, **data})
    return applied(ready, decided), decided


def restored(graph: Graph, quantization: Quantization) -> Graph:
    """What `quantized` made of the same canonical graph. Raises EK005 where it was another graph."""
    unknown = quantization.wide - {node.name for node in graph.nodes}
    if unknown:
        damaged(f"layer {min(unknown)}", "int16 activations for another model")
    ready = prepared(graph, quantization.wide)
    for name, quant in quantization.quants.items():
        value, data = ready.values.get(name), quantization.data.get(name)
        axis = quant.axis
        fits = value is not None and (data is None or data.shape == value.shape)
        if value is not None and axis is not None:
            fits = fits and axis < len(value.shape) and value.shape[axis] == len(quant.scale)
        if not fits or (len(quant.scale) > 1 and axis is None):
            damaged(f"tensor {name}", "numbers for another model")
    result = applied(ready, quantization)
    for node in result.nodes:
        for name in (*node.inputs, *node.outputs):
            if name and result.value(name).dtype == "float32":
                damaged(f"tensor {name}", "no numbers for it")
    return result


def applied(graph: Graph, quantization: Quantization) -> Graph:
    """A prepared graph with the numbers that were decided."""
    values, long = dict(graph.values), accumulated(graph, quantization.wide)
    long |= wide_tensors(graph, quantization.wide)
    for name, quant in quantization.quants.items():
        data = quantization.data.get(name, values[name].data)
        dtype = (WIDE if name in long else "int8") if data is None else str(data.dtype)
        values[name] = replace(values[name], dtype=dtype, quant=quant, data=data)
    states = tuple(_integer_state(state, values[state.value]) for state in graph.states)
    return replace(graph, values=values, states=states, one_rounding=True)


def _integer_state(state: State, value: Value) -> State:
    """A variable whose first value is in the type of its numbers."""
    if state.init.dtype.kind != "f" or value.quant is None:
        return state
    return replace(state, init=quantize(state.init, value.quant, value.dtype))


def check_calibration(graph: Graph, samples: Samples) -> None:
    """Raises EK004 for data that says nothing about the range of a real input."""
    for tensor, x in zip(samples.tensors, samples.arrays, strict=True):
        if not is_real(graph, tensor.name):
            continue
        found = ""
        if not np.any(x != x.reshape(-1)[0]):
            found = f"{x.size} times {float(x.reshape(-1)[0]):g}"
        elif samples.inferences > 1 and x.shape[0] > 1 and np.all(x == x[:1]):
            found = f"{len(x)} equal samples"
        if found:
            raise EdgekitError(
                "EK004", "the calibration data is constant", where=f"{samples.source}, input {tensor.name}",
                found=f"{found}, wanted samples of what the model will see",
                help="give some tens of different, typical inputs, scaled as in training",
            )  # fmt: skip


def _notes(seen: dict[str, Histogram], samples: Samples) -> tuple[str, ...]:
    notes = []
    if samples.inferences < FEW_SAMPLES:
        notes.append(
            f"only {samples.inferences} calibration samples: ranges of rare inputs may be cut; some tens are usual"
        )
    flat = sum(h.low == h.high for h in seen.values())
    if flat:
        notes.append(f"{flat} tensors are zero on all calibration samples")
    return tuple(notes)


def _uncalibrated(graph: Graph, groups: Groups) -> dict[str, list[str]]:
    """Groups with a computed tensor and no numbers, by root."""
    return {
        root: names
        for root, names in groups.members().items()
        if root not in groups.fixed
        and any(graph.value(n).dtype == "float32" and graph.const(n) is None for n in names)
    }


def _refuse(graph: Graph, missing: dict[str, list[str]]) -> None:
    names = {name for group in missing.values() for name in group}
    for node in graph.nodes:
        for name in (*node.inputs, *node.outputs):
            if name in names:
                raise EdgekitError(
                    "EK203", "the model is floating-point and has no calibration data",
                    where=f"node {node.name} ({node.op}), tensor {name}",
                    found="float32, wanted int8 or data to find its range",
                    help="pass --calibration DATA.npz (x: some tens of typical inputs) to quantize it here",
                )  # fmt: skip


def _histograms(graph: Graph, groups: Groups, samples: Samples) -> dict[str, Histogram]:
    """What every group without numbers holds, over all calibration data and its own constants."""
    table = groups.members()
    open_groups = {r: names for r, names in table.items() if r not in groups.fixed}
    root = {n: r for r, names in open_groups.items() for n in names if is_real(graph, n)}
    seen: dict[str, Histogram] = {r: Histogram() for r in root.values()}
    reach = {root.get(out): load_ops()[n.op].reach for n in graph.nodes for out in n.outputs}
    reach = {r: far for r, far in reach.items() if far is not None}
    for found in inferences(graph, samples):
        for name, x in found:
            if name in root:
                seen[root[name]].add(_within(x, reach.get(root[name])))
    return seen


def _within(x: Array, reach: float | None) -> Array:
    """Without the lowest number's distance from the next one, as far as it is beyond `reach`."""
    if reach is None:
        return x
    others = x[x > x.min()]
    return np.maximum(x, others.min() - reach) if others.size else x


def _spreads(graph: Graph, samples: Samples) -> dict[str, equalize.Spread]:
    """Of the output of every layer with weights."""
    layers = {n.outputs[0] for n in graph.nodes if load_ops()[n.op].channel_axis is not None}
    spreads: dict[str, equalize.Spread] = {}
    for found in inferences(graph, samples):
        for name, x in found:
            if name in layers:
                rows = x.reshape(-1, x.shape[-1]).astype(np.float64)
                here = np.abs(rows).max(axis=0), (rows**2).mean(axis=0) / samples.inferences
                known = spreads.setdefault(name, equalize.Spread(*(np.zeros(len(here[0])),) * 2))
                known.largest = np.maximum(known.largest, here[0])
                known.square = known.square + here[1]
    return spreads


def _numbers(
    graph: Graph,
    groups: Groups,
    seen: dict[str, Histogram],
    settings: Settings,
    few: Mapping[str, int],
    wide: frozenset[str],
    codes: Mapping[str, str],
) -> Quantization:
    """Numbers for every real tensor: activations by their range, then constants and layers."""
    quants: dict[str, Quant] = {}
    long = wide_tensors(graph, wide)
    data: dict[str, Array] = {}
    edges = {*graph.inputs, *graph.outputs}
    for root, names in groups.members().items():
        quant = groups.fixed.get(root)
        if quant is None:
            # What goes in and out of the network is never cut, nor what has steps enough.
            uncut = bool(edges & set(names) or long & set(names)) or root in groups.long
            rule = minmax if uncut else RANGES[settings.ranges]
            low, high = rule(seen[root]) if root in seen and seen[root].limit else (0.0, 0.0)
            for name in names:
                constant = graph.const(name)
                if constant is not None and constant.dtype.kind == "f":
                    low, high = min(low, float(constant.min())), max(high, float(constant.max()))
            if root in groups.long:
                quant = power_of_two(low, high)
            else:
                form = symmetric if long & set(names) else affine
                quant = form(low, high, settings.power_of_two)
        for name in names:
            if graph.value(name).dtype == "float32":
                quants[name] = quant
                constant = graph.const(name)
                if constant is not None:
                    dtype = WIDE if root in groups.long or name in long else "int8"
                    data[name] = _levels(constant, quant, dtype)

    def numbers(name: str) -> Quant | None:
        return quants.get(name, graph.value(name).quant)

    signed = signs_only(graph)
    for node in graph.nodes:
        if load_ops()[node.op].channel_axis is None:
            continue
        x, out = numbers(node.inputs[0]), numbers(node.outputs[0])
        if x is not None and out is not None and not x.per_channel:
            bits, given = few.get(node.name, 8), None
            if node.name in codes:
                given = rounded(channels_of(node, graph), None, codes[node.name])
            made = layer_constants(node, graph, x, out, bits, settings.power_of_two, given)
            for name, (quant, array) in made.items():
                quants[name], data[name] = quant, array
            weights = numbers(node.inputs[1])
            if weights is not None and node.outputs[0] in quants.keys() & signed:
                quants[node.outputs[0]] = finest(x, weights, power=settings.power_of_two)
                if is_exact(node, graph):
                    # Whole sums reach 0 with the bias below exactly when they reach it with the real one.
                    real = dequantized(graph.value(node.inputs[2]))
                    data[node.inputs[2]] = bias_constant(real, x, weights, down=True)[1]
    return Quantization(quants, data, wide=wide)


def _levels(real: Array, quant: Quant, dtype: str) -> Array:
    steps = np.rint(real.astype(np.float64) / quant.scale[0]) + quant.zero_point[0]
    return np.asarray(np.clip(steps, *limits(dtype)), dtype)
