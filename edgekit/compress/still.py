"""Channels on calibration data: which never change, and what they are on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.compress.coupling import MIXING, Coupling, Mask, layers
from edgekit.compress.matrix import Array, bias_of, constants, weights_of
from edgekit.compress.moments import SAMPLES
from edgekit.compress.step import State
from edgekit.graph import Graph
from edgekit.quantize.evaluate import activations, some
from edgekit.threads import one_blas_thread
from edgekit.validate.data import Samples


@dataclass(frozen=True, eq=False)
class Channels:
    """By tensor, per channel (last axis): least, greatest and mean value."""

    low: dict[str, Array]
    high: dict[str, Array]
    mean: dict[str, Array]

    @staticmethod
    def of(graph: Graph, made: Coupling, samples: Samples) -> Channels:
        """Of the tensors that have groups, on evenly spread samples."""
        found = Channels({}, {}, {})
        inputs = some(graph, samples, SAMPLES)
        with one_blas_thread():
            for one in inputs:
                for name, x in activations(graph, one):
                    if name in made.labels and x.ndim:
                        found.add(name, x.reshape(-1, x.shape[-1]).astype(np.float64), len(inputs))
        return found

    def add(self, name: str, rows: Array, count: int) -> None:
        low, high, mean = rows.min(axis=0), rows.max(axis=0), rows.mean(axis=0) / count
        self.low[name] = np.minimum(self.low.get(name, low), low)
        self.high[name] = np.maximum(self.high.get(name, high), high)
        self.mean[name] = self.mean.get(name, 0) + mean

    def still(self, made: Coupling) -> Mask:
        """Groups whose every channel is one value: what never fires, or is clamped."""
        still = np.ones(made.count, bool)
        for name, low in self.low.items():
            labels = made.labels[name]
            moving = labels[(labels >= 0) & (low != self.high[name])]
            still[moving] = False
        return still


def with_means(state: State, made: Coupling, gone: Mask, channels: Channels) -> State:
    """The state in which readers have the mean of the channels that are `gone` in their biases, where
    they have one; padding counts as the mean, too."""
    data: dict[str, Array] = {}
    for node in layers(state.graph):
        labels = made.labels[node.inputs[0]]
        lost = (labels >= 0) & gone[labels]
        weights = weights_of(node, state.graph)
        if node.op not in MIXING or not lost.any() or weights.shape[1] % len(labels):
            continue
        taps = np.tile(
            np.where(lost, channels.mean[node.inputs[0]], 0.0), weights.shape[1] // len(labels)
        )
        data |= constants(node, state.graph, weights, bias_of(node, state.graph) + weights @ taps)
    return state.with_real(data)
