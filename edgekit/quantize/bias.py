"""Bias correction: what rounding adds to a layer's mean result is taken out of its bias."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Graph, Node
from edgekit.quantize.evaluate import run_real_batch
from edgekit.validate.data import dequantize, quantize

Array = NDArray[Any]


def quantized_inputs(graph: Graph, real: Mapping[str, Array]) -> dict[str, Array]:
    """Real inputs [N, *shape] as a quantized graph takes them."""
    made = {}
    for name, x in real.items():
        value = graph.value(name)
        made[name] = x if value.quant is None else quantize(x, value.quant, value.dtype)
    return made


def corrected(
    node: Node,
    real: Graph,
    integer: Graph,
    x_real: Mapping[str, Array],
    x_integer: Mapping[str, Array],
) -> Array:
    """The layer's new int32 bias: the mean over samples and positions of (real - integer), per
    channel and before the activation, goes into it. x_real, x_integer: both networks' tensors."""
    bias = integer.value(node.inputs[2])
    assert bias.data is not None
    assert bias.quant is not None
    error = _mean_error(node, real, integer, x_real, x_integer)
    moved = bias.data + np.rint(error / np.array(bias.quant.scale))
    kept = np.where(np.abs(bias.data) > 2**29, bias.data, np.clip(moved, -(2**29), 2**29))
    return np.asarray(kept, np.int32)


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
