"""Post-training quantization: from a canonical graph with real values to one of integers only.

What the source has quantized keeps its numbers. The rest is given numbers from calibration data:
one scale and zero point per activation, a symmetric scale per output channel for weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.graph import Graph
from edgekit.quantize import equalize
from edgekit.quantize.apply import applied, restored
from edgekit.quantize.calibration import (
    Calibration,
    check_calibration,
    histograms,
    notes_on,
    refuse_uncalibrated,
    spreads,
    uncalibrated,
)
from edgekit.quantize.evaluate import some
from edgekit.quantize.mixed import check_budget, within_budget
from edgekit.quantize.numbers import numbers_of
from edgekit.quantize.prepare import Groups, groups_of, has_reals, prepared
from edgekit.quantize.ranges import Histogram
from edgekit.quantize.refit import learnable, refitted
from edgekit.quantize.report import error_report
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
from edgekit.quantize.settings import ROUNDINGS, Settings, check_powers
from edgekit.quantize.store import Quantization, load, save
from edgekit.validate.data import Samples

__all__ = [
    "Calibration",
    "Quantization",
    "Settings",
    "applied",
    "load",
    "quantized",
    "restored",
    "save",
]

Array = NDArray[Any]
_CORRECTION_SAMPLES = 128
_LEARNED_SAMPLES = 1024


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
    check_powers(chosen, settings)
    wide = frozenset(name for name, s in chosen.items() if s == W8A16)
    ready = prepared(graph, wide)
    groups = groups_of(ready, wide, calibrated=calibration is not None)
    missing = uncalibrated(ready, groups)
    if missing and calibration is None:
        refuse_uncalibrated(ready, missing)
    factors: dict[str, Array] = {}
    seen: dict[str, Histogram] = {}
    if missing and calibration is not None:
        check_calibration(ready, calibration)
        if settings.equalize:
            few = {name: weight_bits(s) for name, s in chosen.items() if weight_bits(s) < 8}
            ready, factors = equalize.equalized(ready, spreads(ready, calibration), wide, few)
        seen = histograms(ready, groups, calibration)

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
        notes=notes_on(seen, calibration),
        ranges=ranges,
        errors=error_report(ready, result, calibration),
    )


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
    decided = numbers_of(ready, groups, seen, settings, few, wide, codes)
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
