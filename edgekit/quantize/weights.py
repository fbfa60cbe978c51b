"""Weights to int8 and biases to int32, once the scale of a layer's input is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, Quant, Value, dequantized
from edgekit.op import load_ops
from edgekit.quantize import low_bits
from edgekit.quantize.rounded import Rounded

Array = NDArray[Any]

_MOST_BIAS = 2.0**28  # of the 2^31 that a sum may reach
_LEAST_STEP = 2.0**-12  # of an output step: what the steps of a channel without weights are worth
_BIAS_TOLERANCE = 1e-3


def layer_constants(
    node: Node,
    graph: Graph,
    x: Quant,
    out: Quant,
    bits: int = 8,
    power: bool = False,
    given: Rounded | None = None,
) -> dict[str, tuple[Quant, Array]]:
    """Numbers and data of a layer's weights and bias, by name; what the source has quantized stays.

    graph: prepared; x, out: numbers of the layer's input and output; bits: of the weights, rounded to the
    nearest; power: scales of weights are powers of two; given: weights that are rounded already. Raises EK301 for a bias whose scale is not
    the product of the scales of input and weights.
    """
    axis = load_ops()[node.op].channel_axis
    assert axis is not None
    weights = graph.value(node.inputs[1])
    bias = graph.value(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
    made: dict[str, tuple[Quant, Array]] = {}
    numbers = weights.quant
    if weights.dtype == "float32":
        assert bias is not None
        channels = as_channels(weights, axis)
        plain = bits == 8 and not power
        if given is not None:
            scale = given.scale
        elif plain:
            scale = low_bits.largest(channels, 8)
        else:
            scale = low_bits.scales(channels, bits, power=power)
        real = dequantized(bias).reshape(-1)
        numbers = weight_numbers(scale, real, axis, x.scale[0], out.scale[0], bits, power)
        exact = np.broadcast_to(np.array(numbers.scale), len(channels))
        if given is not None:
            channels, bits = given.real, 8
        data = as_weights(low_bits.nearest(channels, exact, bits), weights, axis)
        made[weights.name] = numbers, data
    if bias is None or bias.data is None or numbers is None:
        return made
    if (
        bias.dtype == "float32"
        or weights.dtype == "float32"
        or (bias.quant is not None and _rescaled(node, bias, x, numbers))
    ):
        made[bias.name] = bias_constant(dequantized(bias), x, numbers)
    return made


def bias_constant(
    real: Array, x: Quant, weights: Quant, *, down: bool = False
) -> tuple[Quant, Array]:
    """A real bias [channels] as int32 at the scale of its layer's sums, the nearest or the one below."""
    scale = x.scale[0] * np.array(weights.scale)
    steps = (np.floor if down else np.rint)(real.reshape(-1) / scale)
    steps = np.clip(steps, -(2**31), 2**31 - 1).astype(np.int32)
    scales = tuple(float(np.float32(s)) for s in scale)
    return Quant(scales, (0,) * len(scales), 0 if len(scales) > 1 else None), steps


def channels_of(node: Node, graph: Graph) -> Array:
    """A layer's real weights [channels, taps]."""
    return as_channels(graph.value(node.inputs[1]), channel_axis(node))


def channel_axis(node: Node) -> int:
    """Of the weights of a layer."""
    axis = load_ops()[node.op].channel_axis
    assert axis is not None
    return axis


def as_channels(weights: Value, axis: int) -> Array:
    """Real weights [channels, taps]."""
    assert weights.data is not None
    return np.moveaxis(weights.data, axis, 0).reshape(weights.shape[axis], -1).astype(np.float64)


def as_weights(channels: Array, weights: Value, axis: int) -> Array:
    """The inverse of `as_channels`."""
    shape = [weights.shape[axis], *(n for i, n in enumerate(weights.shape) if i != axis)]
    return np.ascontiguousarray(np.moveaxis(channels.reshape(shape), 0, axis))


def weight_numbers(
    scale: Array, bias: Array, axis: int, x: float, out: float, bits: int, power: bool = False
) -> Quant:
    """Symmetric numbers with these scales per channel, unless the real bias [channels] needs longer
    steps. x, out: scales of the layer's input and output."""
    scale = np.where(scale > 0, scale, _LEAST_STEP * out / x)
    least = np.abs(bias) / (_MOST_BIAS * x)
    if power:
        scale = low_bits.powers(scale)
        least = np.where(least > 0, np.exp2(np.ceil(np.log2(np.where(least > 0, least, 1.0)))), 0.0)
    scales = tuple(float(s) for s in np.maximum(scale, least).astype(np.float32))
    return Quant(scales, (0,) * len(scales), axis if len(scales) > 1 else None, bits)


def _rescaled(node: Node, bias: Value, x: Quant, weights: Quant) -> bool:
    """Whether a bias that the source has quantized has to be put in other steps: one with a single
    scale for channels of several. Raises EK301 where it is simply of another scale."""
    assert bias.quant is not None
    assert bias.data is not None
    if not bias.data.any():
        return False
    own, wanted = np.array(bias.quant.scale), x.scale[0] * np.array(weights.scale)
    if len(own) == 1 and len(wanted) > 1:
        return bool((np.abs(own / wanted - 1) > _BIAS_TOLERANCE).any())
    error = np.abs(own / wanted - 1)
    if (error > _BIAS_TOLERANCE).any():
        worst = int(error.argmax())
        scale, product = (float(np.broadcast_to(s, error.shape)[worst]) for s in (own, wanted))
        raise EdgekitError(
            "EK301", "the scale of a bias is not the product of its layer's input and weight scales",
            where=f"node {node.name}, tensor {bias.name}, channel {worst}",
            found=f"{scale:.6g}, wanted {product:.6g}", help="quantize the model again",
        )  # fmt: skip
    return False
