"""Layer by layer in order, the integer network is brought near the real one on calibration data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Graph, Node, Quant
from edgekit.op import load_ops
from edgekit.quantize.bias import corrected, quantized_inputs
from edgekit.quantize.evaluate import Live, run_integer, run_real_batch, stacked
from edgekit.quantize.learned import learned
from edgekit.quantize.signs import is_exact
from edgekit.validate.data import dequantize

Array = NDArray[Any]
Inputs = list[dict[str, Array]]


def refitted(
    real: Graph,
    integer: Graph,
    inputs: Inputs,
    bits: Mapping[str, int],
    *,
    correct: bool,
    power: bool = False,
    codes: Mapping[str, str] | None = None,
) -> tuple[dict[str, Quant], dict[str, Array]]:
    """New numbers and data of constants, by name.

    bits: of the weights of those layers, by node, that are learned. correct: whether the others' biases are
    corrected; those alone whose weights were quantized here. Each layer is fitted to what those
    before it really compute. real: the prepared graph; integer: the same with numbers; power: scales are
    powers of two; codes: of layers whose weights are made for coded storage, the schemes.
    """
    values, codes = dict(integer.values), codes or {}
    quants: dict[str, Quant] = {}
    data: dict[str, Array] = {}
    integer = replace(integer, values=values)
    reals = Live(real, stacked(inputs))
    integers = Live(integer, quantized_inputs(integer, stacked(inputs)))
    for node in real.nodes:
        made = None
        if _ours(node, real):
            x = node.inputs[0]
            if node.name in bits:
                code = codes.get(node.name, "")
                own = bits[node.name]
                made = learned(node, real, integer, reals[x], integers[x], own, power, code)
            if made is None and correct:
                quant = values[node.inputs[2]].quant
                assert quant is not None
                made = {node.inputs[2]: (quant, corrected(node, real, integer, reals, integers))}
        for name, (quant, array) in (made or {}).items():
            quants[name], data[name] = quant, array
            values[name] = replace(values[name], quant=quant, data=array)
        reals |= zip(node.outputs, run_real_batch(node, real, reals), strict=True)
        integers |= zip(node.outputs, run_integer(node, integer, integers), strict=True)
        reals.done(node)
        integers.done(node)
    return quants, data


def output_error(real: Graph, integer: Graph, inputs: Inputs) -> float:
    """Mean squared error of the network's outputs, of each output's mean square; their sum."""
    reals = Live(real, stacked(inputs))
    integers = Live(integer, quantized_inputs(integer, stacked(inputs)))
    total = 0.0
    for node in real.nodes:
        wanted, found = run_real_batch(node, real, reals), run_integer(node, integer, integers)
        for name, want, got in zip(node.outputs, wanted, found, strict=True):
            quant = integer.value(name).quant
            if name in real.outputs and quant is not None:
                off = want.astype(np.float64) - dequantize(got, quant)
                total += float((off**2).mean() / max((want.astype(np.float64) ** 2).mean(), 1e-300))
            reals[name], integers[name] = want, got
        reals.done(node)
        integers.done(node)
    return total


def learnable(graph: Graph) -> Iterable[str]:
    """The layers whose weights are quantized here."""
    return [node.name for node in graph.nodes if _ours(node, graph)]


def _ours(node: Node, real: Graph) -> bool:
    """Layers of signs are not rounded: there is nothing to fit."""
    weighted = load_ops()[node.op].channel_axis is not None
    rounded = weighted and real.value(node.inputs[1]).dtype == "float32"
    return rounded and not is_exact(node, real)
