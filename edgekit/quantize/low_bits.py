"""Weights of few bits, chosen by what they do to a layer's output on the calibration data.

With H the sum of x x^T over a layer's windows x, an error e of a channel's weights adds e^T H e to the squared
error of its output. Of a grid of scales each channel gets the one with the least error by H's diagonal;
then its weights are rounded one after the other, the most used first, and what each loses is spread over those still
to come (optimal brain compression in the form of GPTQ: Frantar et al., 2022, https://arxiv.org/abs/2210.17323).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Graph, Node
from edgekit.op import load_ops
from edgekit.quantize.evaluate import activations, some
from edgekit.validate.data import Samples

Array = NDArray[Any]

_SAMPLES = 128
_MOST_TAPS = 2048  # beyond them H's diagonal has to do: H takes 8 bytes times their square
_FACTORS = np.linspace(0.4, 1.0, 41)  # of the scale that reaches a channel's largest weight
_DAMPING = 0.01  # of H's mean diagonal, as published


def second_moments(graph: Graph, samples: Samples, layers: Collection[str]) -> dict[str, Array]:
    """H of these layers, by node: [groups, taps, taps], or of large ones its diagonal [groups, taps]."""
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if node.name in layers:
            readers.setdefault(node.inputs[0], []).append(node)
    found: dict[str, Array] = {}
    for inputs in some(graph, samples, _SAMPLES) if readers else ():
        for name, x in activations(graph, inputs):
            for node in readers.get(name, ()):
                windows = load_ops()[node.op].windows(node, graph, x)
                if windows is not None:
                    found[node.name] = found.get(node.name, 0) + _moment(windows.astype(np.float64))
    return found


def _moment(windows: Array) -> Array:
    if windows.shape[2] > _MOST_TAPS:
        return np.asarray((windows**2).sum(axis=1))
    return np.asarray(windows.transpose(0, 2, 1) @ windows)


def span(bits: int) -> tuple[int, int]:
    """The least and greatest number of so many bits: -8 and 7 of four."""
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def scales(weights: Array, moments: Array | None, bits: int) -> Array:
    """A scale per channel, for weights [channels, taps]; 0 where all of them are."""
    low, high = span(bits)
    use = np.ones_like(weights)
    if moments is not None:
        diagonal = moments if moments.ndim == 2 else np.diagonal(moments, axis1=1, axis2=2)
        use = np.repeat(diagonal, len(weights) // len(diagonal), axis=0)
    largest = np.abs(weights).max(axis=1) / high
    tried = largest * _FACTORS[:, None]
    safe = np.where(tried > 0, tried, 1.0)[..., None]
    error = (safe * np.clip(np.rint(weights / safe), low, high) - weights) ** 2 * use
    best = error.sum(axis=2).argmin(axis=0)
    return np.asarray(tried[best, np.arange(len(weights))])


def levels(weights: Array, scale: Array, moments: Array | None, bits: int) -> Array:
    """int8 numbers of `bits` for weights [channels, taps] and their scales [channels]."""
    if moments is None or moments.ndim == 2:
        return np.asarray(np.clip(np.rint(weights / scale[:, None]), *span(bits)), np.int8)
    share = len(weights) // len(moments)
    parts = [
        _one_by_one(weights[part], scale[part], h, bits)
        for g, h in enumerate(moments)
        for part in (slice(g * share, (g + 1) * share),)
    ]
    return np.concatenate(parts)


def _one_by_one(weights: Array, scale: Array, moment: Array, bits: int) -> Array:
    """Rounded tap by tap. The rows of the Cholesky factor of H's inverse say how much of an error the taps
    still to come can make up for."""
    order = np.argsort(-np.diagonal(moment), kind="stable")
    damping = _DAMPING * np.diagonal(moment).mean() or 1.0
    h = moment[np.ix_(order, order)] + damping * np.eye(len(moment))
    factor = np.linalg.cholesky(np.linalg.inv(h)).T
    left, made = weights[:, order].astype(np.float64), np.empty(weights.shape, np.int8)
    for k in range(left.shape[1]):
        level = np.clip(np.rint(left[:, k] / scale), *span(bits))
        made[:, order[k]] = level
        error = (left[:, k] - level * scale) / factor[k, k]
        left[:, k + 1 :] -= error[:, None] * factor[k, k + 1 :]
    return made
