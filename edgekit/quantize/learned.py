"""Learned rounding: layer by layer in order, weights and bias of the integer network are fitted to what the real
network's layer computes.

The input is what the integer network has there, the target the real layer's result before its activation, so that
a layer makes up for what those before it lost. (Layer-wise reconstruction as AdaRound's, Nagel et al., 2020,
https://arxiv.org/abs/2004.10568; its optimum in closed form, as far as integers go, in `low_bits.py`.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Graph, Node, Quant, dequantized
from edgekit.op import load_ops
from edgekit.quantize import low_bits
from edgekit.quantize.rounded import living, rounded
from edgekit.quantize.weights import as_channels, as_weights, bias_constant, weight_numbers
from edgekit.validate.data import dequantize

Array = NDArray[Any]

MOST_TAPS = 2048  # beyond them H's diagonal has to do: H takes 8 bytes times their square
_DAMPING = 0.1  # of H's mean diagonal: how much the real network's own weights are kept to
_LEAST_DAMPING = 1e-9  # of the mean square, where nothing varies


@dataclass
class _Moments:
    """Sums over windows x of the integer network and results y of the real layer, in groups of channels.

    xx: [groups, taps, taps] or [groups, taps]; yx: [groups, channels, taps]; x: [groups, taps];
    y: [groups, channels].
    """

    count: int
    xx: Array
    yx: Array
    x: Array
    y: Array


def learned(
    node: Node,
    real: Graph,
    integer: Graph,
    x_real: Array,
    x_integer: Array,
    bits: int,
    power: bool = False,
    code: str = "",
) -> dict[str, tuple[Quant, Array]] | None:
    """Numbers and data of a layer's weights and bias, by name; None for an operator without windows.

    x_real, x_integer: the layer's input [N, *shape] in both networks. power: scales are powers of two. code:
    the layer's scheme, where its weights are made for coded storage.
    """
    weights, bias = (real.value(name) for name in node.inputs[1:3])
    axis = load_ops()[node.op].channel_axis
    assert axis is not None
    own = as_channels(weights, axis)
    x, out = (integer.value(name).quant for name in (node.inputs[0], node.outputs[0]))
    assert x is not None
    assert out is not None
    inputs = dequantize(x_integer, x).astype(np.float32)
    sums = _moments(node, real, own, x_real, inputs)
    if sums is None:
        return None
    offset = dequantized(bias).reshape(-1).astype(np.float64)
    parts = np.array_split(np.arange(len(own)), len(sums.xx))
    if code:
        numbers, scale, target = _coded(own, sums, code)
    else:
        fits = [_fitted(own[part], sums, g, bits, power) for g, part in enumerate(parts)]
        numbers, scale, target = (np.concatenate(column) for column in zip(*fits, strict=True))
    quant = weight_numbers(scale, offset, axis, x.scale[0], out.scale[0], bits, power)
    exact = np.broadcast_to(np.array(quant.scale), len(own))
    # A scale that the bias has made longer has other numbers.
    longer = exact > scale * (1 + 1e-6)
    numbers[longer] = low_bits.nearest(target[longer], exact[longer], bits)
    made = numbers * exact[:, None]
    means = [sums.y[g] - made[part] @ sums.x[g] for g, part in enumerate(parts)]
    return {
        weights.name: (quant, as_weights(numbers, weights, axis)),
        bias.name: bias_constant(offset + np.concatenate(means) / sums.count, x, quant),
    }


def _moments(
    node: Node, graph: Graph, own: Array, x_real: Array, x_integer: Array
) -> _Moments | None:
    """Over all samples; y without the layer's bias."""
    found: _Moments | None = None
    for real, integer in zip(x_real, x_integer, strict=True):
        pair = [load_ops()[node.op].windows(node, graph, x) for x in (real, integer)]
        if pair[0] is None or pair[1] is None:
            return None
        wanted, x = (windows.astype(np.float64) for windows in pair if windows is not None)
        y = wanted @ own.reshape(len(x), -1, own.shape[1]).transpose(0, 2, 1)
        full = x.shape[2] <= MOST_TAPS
        xx = x.transpose(0, 2, 1) @ x if full else (x**2).sum(axis=1)
        sums = (x.shape[1], xx, y.transpose(0, 2, 1) @ x, x.sum(axis=1), y.sum(axis=1))
        if found is not None:
            known = (found.count, found.xx, found.yx, found.x, found.y)
            sums = tuple(a + b for a, b in zip(known, sums, strict=True))
        found = _Moments(*sums)
    return found


def _fitted(
    own: Array, sums: _Moments, g: int, bits: int, power: bool
) -> tuple[Array, Array, Array]:
    """Numbers, scales and the real weights that were aimed at, of one group."""
    if sums.xx.ndim == 2:
        n, x = sums.count, sums.x[g] / sums.count
        use = np.broadcast_to(sums.xx[g] / n - x**2, own.shape)
        scale = low_bits.scales(own, bits, use, power)
        return low_bits.nearest(own, np.where(scale > 0, scale, 1.0), bits), scale, own
    h, target = _problem(own, sums, g)
    numbers, scale = low_bits.fitted(target, h, bits, power, own == 0)
    return numbers, scale, np.where(own == 0, 0.0, target)


def _problem(own: Array, sums: _Moments, g: int) -> tuple[Array, Array]:
    """H of a group, and the real weights that would serve best."""
    n, x, y = sums.count, sums.x[g] / sums.count, sums.y[g] / sums.count
    # A free bias takes up the means, so that only what varies counts.
    h = sums.xx[g] / n - np.outer(x, x)
    spread, size = np.diagonal(h).mean(), np.diagonal(sums.xx[g]).mean() / n
    damping = max(_DAMPING * spread, _LEAST_DAMPING * size) or 1.0
    h += damping * np.eye(len(h))
    return h, np.linalg.solve(h, (sums.yx[g] / n - np.outer(y, x) + damping * own).T).T


def _coded(own: Array, sums: _Moments, scheme: str) -> tuple[Array, Array, Array]:
    """Numbers, scales and the real weights that were aimed at, of all groups: they share a code."""
    mean = sums.x / sums.count
    square = sums.xx if sums.xx.ndim == 2 else np.diagonal(sums.xx, axis1=1, axis2=2)
    spread = square / sums.count - mean**2
    varies = spread > _LEAST_DAMPING * square / sums.count
    if sums.xx.ndim == 2:
        use = np.maximum(spread, 0.0)
        made = rounded(own, use, scheme, living(own, varies, use))
        return made.levels, made.scale, own
    parts = np.array_split(own, len(sums.xx))
    solved = [_problem(part, sums, g) for g, part in enumerate(parts)]
    h, target = np.stack([h for h, _ in solved]), np.concatenate([t for _, t in solved])
    made = rounded(target, h, scheme, living(own, varies, h))
    return made.levels, made.scale, target
