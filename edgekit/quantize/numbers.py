"""Numbers for every tensor: scales and zero points from ranges, constants in them, layers' weights and biases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Graph, Quant, dequantized, limits
from edgekit.op import load_ops
from edgekit.quantize.prepare import Groups
from edgekit.quantize.ranges import RANGES, Histogram, affine, power_of_two, symmetric
from edgekit.quantize.rounded import rounded
from edgekit.quantize.settings import Settings
from edgekit.quantize.signs import finest, is_exact, signs_only
from edgekit.quantize.store import Quantization
from edgekit.quantize.weights import bias_constant, channels_of, layer_constants
from edgekit.quantize.widths import WIDE, wide_tensors

Array = NDArray[Any]
Decided = tuple[dict[str, Quant], dict[str, Array]]


def numbers_of(
    graph: Graph,
    groups: Groups,
    seen: dict[str, Histogram],
    settings: Settings,
    few: Mapping[str, int],
    wide: frozenset[str],
    codes: Mapping[str, str],
) -> Quantization:
    """Numbers for every real tensor of a prepared graph.

    seen: what the groups hold on the calibration data; few: bits of the weights of layers that have fewer than
    eight; codes: schemes of those that are made for coded storage; wide: layers of int16 activations.
    """
    quants, data = _activations(graph, groups, seen, settings, wide)
    _layers(graph, settings, few, codes, (quants, data))
    return Quantization(quants, data, wide=wide)


def _activations(
    graph: Graph,
    groups: Groups,
    seen: dict[str, Histogram],
    settings: Settings,
    wide: frozenset[str],
) -> Decided:
    """Of all tensors but layers' weights and biases, by their ranges; constants in these numbers."""
    quants: dict[str, Quant] = {}
    long = wide_tensors(graph, wide)
    data: dict[str, Array] = {}
    edges = {*graph.inputs, *graph.outputs}
    for root, names in groups.members().items():
        quant = groups.fixed.get(root)
        if quant is None:
            # What goes in and out of the network is never cut, nor what has steps enough.
            uncut = bool(edges & set(names) or long & set(names)) or root in groups.long
            low, high = _range(graph, names, seen.get(root), "minmax" if uncut else settings.ranges)
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
    return quants, data


def _range(
    graph: Graph, names: list[str], seen: Histogram | None, rule: str
) -> tuple[float, float]:
    """Of the tensors of a group, by a key of `RANGES`; their constants are never cut."""
    low, high = RANGES[rule](seen) if seen is not None and seen.limit else (0.0, 0.0)
    for name in names:
        constant = graph.const(name)
        if constant is not None and constant.dtype.kind == "f":
            low, high = min(low, float(constant.min())), max(high, float(constant.max()))
    return low, high


def _layers(
    graph: Graph,
    settings: Settings,
    few: Mapping[str, int],
    codes: Mapping[str, str],
    decided: Decided,
) -> None:
    """Of layers' weights and biases, added to what is decided."""
    quants, data = decided

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


def _levels(real: Array, quant: Quant, dtype: str) -> Array:
    steps = np.rint(real.astype(np.float64) / quant.scale[0]) + quant.zero_point[0]
    return np.asarray(np.clip(steps, *limits(dtype)), dtype)
