"""Means and covariances of what layers read, on calibration data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from edgekit.compress.matrix import Array, windows
from edgekit.graph import Graph, Node
from edgekit.quantize.evaluate import activations, some
from edgekit.threads import one_blas_thread
from edgekit.validate.data import Samples

SAMPLES = 128


class Moment(NamedTuple):
    """Of a layer's windows, by group of channels: mean [groups, taps], covariance [groups, taps, taps]."""

    mean: Array
    covariance: Array


def moments(graph: Graph, nodes: Iterable[Node], samples: Samples) -> dict[str, Moment]:
    """By layer, for those of `nodes` that have weights and are reached."""
    readers: dict[str, list[Node]] = {}
    for node in nodes:
        readers.setdefault(node.inputs[0], []).append(node)
    sums: dict[str, tuple[int, Array, Array]] = {}
    with one_blas_thread():
        for inputs in some(graph, samples, SAMPLES):
            for name, x in activations(graph, inputs):
                for node in readers.get(name, ()):
                    rows = windows(node, graph, x)
                    count, total, square = sums.get(node.name, (0, np.zeros(1), np.zeros(1)))
                    square = square + rows.transpose(0, 2, 1) @ rows
                    sums[node.name] = count + rows.shape[1], total + rows.sum(axis=1), square
    found = {}
    for name, (count, total, square) in sums.items():
        mean = total / count
        found[name] = Moment(mean, square / count - mean[:, :, None] * mean[:, None, :])
    return found
