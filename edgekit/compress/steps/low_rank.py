"""Layers as two thinner ones: a few filters, and a pointwise or dense layer behind them."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.compress.coupling import layers
from edgekit.compress.edits import FACTORED, Factor
from edgekit.compress.matrix import Array, as_stored, bias_of, weights_of
from edgekit.compress.moments import Moment, moments
from edgekit.compress.refit import refitted
from edgekit.compress.step import Context, State, Step
from edgekit.graph import Node

_DAMPING = 1e-6  # of the mean variance of the inputs


@dataclass(frozen=True)
class LowRank(Step):
    """energy: the share of the variance of a layer's outputs that stays on the calibration data, each
    channel counted alike. rank: of every layer, in place of energy. layers: patterns of their names.
    multiple: of the rank. refit: layers are fitted to what they computed before. Layers that would not
    become smaller stay as they are.

    The factors are the best of their rank for the inputs that the layer gets: the singular vectors of
    D W L, with L L^T the covariance of the inputs and 1/D the deviations of the outputs (Eckart & Young,
    1936, in that metric).
    """

    kind: ClassVar[str] = "low_rank"
    energy: float = 0.99
    rank: int | None = None
    layers: tuple[str, ...] = ("*",)
    multiple: int = 4
    refit: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.energy < 1:
            self.wrong("energy", "a share between 0 and 1")
        if self.rank is not None and self.rank < 1:
            self.wrong("rank", "1 or more")
        if not 1 <= self.multiple <= 256:
            self.wrong("multiple", "1 to 256")

    def run(self, state: State, context: Context) -> State:
        graph, before = state.graph, state
        able = [
            n
            for n in graph.nodes
            if n.op in FACTORED
            and graph.value(n.inputs[1]).dtype == "float32"
            and any(fnmatch.fnmatchcase(n.name, p) for p in self.layers)
        ]
        found = moments(graph, able, context.need_calibration(self.kind))
        for node in able:
            state = self._factored(state, node, found[node.name])
        if not self.refit or state is before:
            return state
        old = {node.name for node in graph.nodes}
        left = {
            n.name: weights_of(n, state.graph) != 0 for n in layers(state.graph) if n.name in old
        }
        return refitted(graph, state, left, context.need_calibration(self.kind))

    def _factored(self, state: State, node: Node, moment: Moment) -> State:
        weights = weights_of(node, state.graph)
        channels, taps = weights.shape
        covariance = moment.covariance[0]
        damping = _DAMPING * max(float(np.diagonal(covariance).mean()), 1e-12)
        root = np.linalg.cholesky(covariance + damping * np.eye(taps))
        spread = np.sqrt(((weights @ root) ** 2).sum(axis=1)) + 1e-12
        u, strength, v = np.linalg.svd(weights @ root / spread[:, None], full_matrices=False)
        rank = min(self._rank(strength), len(strength))
        if rank * (channels + taps) >= channels * taps:
            return state
        balance = np.sqrt(np.maximum(strength[:rank], 1e-12))
        second = spread[:, None] * u[:, :rank] * balance
        first = np.linalg.solve(root.T, (balance[:, None] * v[:rank]).T).T
        moved = bias_of(node, state.graph) + (weights - second @ first) @ moment.mean[0]
        edit = Factor(node.name, rank)
        names = edit.names(state.graph)
        state = state.with_edit(edit)
        behind = next(n for n in state.graph.nodes if n.name == node.name)
        ahead = next(n for n in state.graph.nodes if n.inputs[1:2] == (names[0],))
        data: dict[str, Array] = {
            names[0]: as_stored(ahead, state.graph, first),
            names[1]: as_stored(behind, state.graph, second),
        }
        if len(behind.inputs) > 2:
            data[behind.inputs[2]] = moved.reshape(state.graph.value(behind.inputs[2]).shape)
        return state.with_real(data).noting(
            f"{node.name}: {channels} x {taps} weights as two of rank {rank}"
        )

    def _rank(self, strength: Array) -> int:
        if self.rank is not None:
            return self.rank
        share = np.cumsum(strength**2) / max(float((strength**2).sum()), 1e-30)
        needed = int(np.searchsorted(share, self.energy)) + 1
        return -(-needed // self.multiple) * self.multiple
