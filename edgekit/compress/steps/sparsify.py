"""Single weights become zero, in patterns that coded storage makes use of."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgekit.compress.coupling import layers
from edgekit.compress.matrix import Array, constants, weights_of
from edgekit.compress.moments import moments
from edgekit.compress.refit import refitted
from edgekit.compress.step import Context, State, Step
from edgekit.graph import Node

_PATTERN = re.compile(r"(\d+):(\d+)")


@dataclass(frozen=True)
class Sparsify(Step):
    """sparsity: the share of each layer's weights, without those of removed channels, that becomes zero; with a `pattern` N:M, of every M
    weights in a row M - N become zero instead, and with a `block` weights go in runs of so many.
    importance: "activation" (magnitude times the input's root mean square, Sun et al., 2023), "magnitude",
    or "random". layers: patterns of their names. refit: weights that are left are fitted to what the layer
    computed before.
    """

    kind: ClassVar[str] = "sparsify"
    sparsity: float = 0.5
    pattern: str = ""
    block: int = 1
    importance: str = "activation"
    layers: tuple[str, ...] = ("*",)
    refit: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.sparsity < 1:
            self.wrong("sparsity", "a share between 0 and 1")
        if self.importance not in ("activation", "magnitude", "random"):
            self.wrong("importance", "activation, magnitude or random")
        if not 1 <= self.block <= 64:
            self.wrong("block", "1 to 64")
        if self.pattern:
            found = _PATTERN.fullmatch(self.pattern)
            if not found or not 0 < int(found[1]) < int(found[2]) <= 64:
                self.wrong("pattern", 'N:M such as "2:4", N below M, M up to 64')
            if self.block != 1:
                self.wrong("block", "1 where there is a pattern")

    def run(self, state: State, context: Context) -> State:
        graph = state.graph
        able = [
            n for n in layers(graph) if any(fnmatch.fnmatchcase(n.name, p) for p in self.layers)
        ]
        power: dict[str, Array] = {}
        if self.importance == "activation":
            found = moments(graph, able, context.need_calibration(self.kind))
            for name, (mean, covariance) in found.items():
                power[name] = np.diagonal(covariance, axis1=1, axis2=2) + mean**2
        rng, masks = np.random.default_rng(context.seed), {}
        data: dict[str, Array] = {}
        zero = total = 0
        for node in able:
            weights = weights_of(node, graph)
            score = self._scores(node, weights, power, rng)
            # Patterns and shares are of what is left where channels were removed before.
            alive = np.ix_(weights.any(axis=1), weights.any(axis=0))
            mask = np.zeros(weights.shape, bool)
            mask[alive] = self._left(score[alive])
            zero, total = zero + int((~mask[alive]).sum()), total + mask[alive].size
            masks[node.name] = mask & (weights != 0)
            data |= constants(node, graph, weights * masks[node.name])
        after = state.with_real(data)
        if self.refit:
            after = refitted(graph, after, masks, context.need_calibration(self.kind))
        return after.noting(f"{zero:,} of {total:,} weights are zero")

    def _scores(
        self, node: Node, weights: Array, power: dict[str, Array], rng: np.random.Generator
    ) -> Array:
        if self.importance == "random":
            return rng.random(weights.shape)
        score = np.abs(weights)
        if node.name in power:
            own = np.sqrt(power[node.name])
            score = score * np.repeat(own, len(weights) // len(own), axis=0)
        return score

    def _left(self, score: Array) -> Array:
        """Which weights [channels, taps] stay."""
        channels, taps = score.shape
        if self.pattern:
            few, many = map(int, self.pattern.split(":"))
            padded = np.pad(score, ((0, 0), (0, -taps % many)), constant_values=-1.0)
            rank = (
                (-padded.reshape(channels, -1, many)).argsort(axis=2, kind="stable").argsort(axis=2)
            )
            return np.asarray((rank < few).reshape(channels, -1)[:, :taps])
        runs = np.pad(score, ((0, 0), (0, -taps % self.block))).reshape(channels, -1, self.block)
        each = runs.sum(axis=2)
        gone = np.argsort(each, axis=None, kind="stable")[: round(self.sparsity * each.size)]
        left = np.ones(each.size, bool)
        left[gone] = False
        return np.repeat(left.reshape(each.shape), self.block, axis=1)[:, :taps]

    def control(self) -> Step:
        return replace(self, importance="random", refit=False)
