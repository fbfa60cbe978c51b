"""Bias correction: what rounding adds to a layer's mean result is taken out of its bias."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Graph, Node
from edgekit.op import load_ops
from edgekit.quantize.evaluate import Live, run_integer, run_real_batch, stacked
from edgekit.quantize.signs import is_exact
from edgekit.validate.data import dequantize, quantize

Array = NDArray[Any]


def quantized_inputs(graph: Graph, real: Mapping[str, Array]) -> dict[str, Array]:
    """Real inputs [N, *shape] as a quantized graph takes them."""
    made = {}
    for name, x in real.items():
        value = graph.value(name)
        made[name] = x if value.quant is None else quantize(x, value.quant, value.dtype)
    return made


def corrected(real: Graph, integer: Graph, inputs: list[dict[str, Array]]) -> dict[str, Array]:
    """New int32 biases, by name, for the layers whose weights were quantized here.

    Layer by layer in order, so that each is corrected for what those before it really compute:
    the mean over samples and positions of (real - integer), per channel, before the activation.
    real: the prepared graph; integer: the same with numbers.
    """
    values, made = dict(integer.values), {}
    integer = replace(integer, values=values)
    lives = Live(real, stacked(inputs)), Live(integer, quantized_inputs(integer, stacked(inputs)))
    for node in real.nodes:
        if _ours(node, real):
            bias = values[node.inputs[2]]
            assert bias.data is not None
            assert bias.quant is not None
            steps = np.rint(_mean_error(node, real, integer, *lives) / np.array(bias.quant.scale))
            moved = np.clip(bias.data + steps, -(2**29), 2**29).astype(np.int32)
            keeps = np.abs(bias.data) > 2**29
            made[bias.name] = np.where(keeps, bias.data, moved).astype(np.int32)
            values[bias.name] = replace(bias, data=made[bias.name])
        for graph, live, run in zip(
            (real, integer), lives, (run_real_batch, run_integer), strict=True
        ):
            live |= zip(node.outputs, run(node, graph, live), strict=True)
            live.done(node)
    return made


def _ours(node: Node, real: Graph) -> bool:
    """Layers of signs are not rounded: there is nothing to correct."""
    weighted = load_ops()[node.op].channel_axis is not None
    rounded = weighted and real.value(node.inputs[1]).dtype == "float32"
    return rounded and not is_exact(node, real)


def _mean_error(
    node: Node,
    real: Graph,
    integer: Graph,
    x_real: Mapping[str, Array],
    x_integer: Mapping[str, Array],
) -> Array:
    """Mean of (real - integer) result before the activation, per channel."""
    plain, name = replace(node, attrs={**node.attrs, "activation": "NONE"}), node.inputs[0]
    x = dequantize(x_integer[name], integer.value(name).quant).astype(np.float32)
    wanted = run_real_batch(plain, real, {name: x_real[name]})[0]
    found = run_real_batch(plain, integer, {name: x})[0]
    # Numbers near the end of float32 overflow; a layer without a finite mean is left as it is.
    with np.errstate(all="ignore"):
        error = np.nan_to_num(wanted.astype(np.float64) - found, posinf=0, neginf=0)
    return np.asarray(error.reshape(-1, error.shape[-1]).mean(axis=0))
