"""Weights fitted to what the layers computed before something was taken out of them.

Layer by layer in order of execution, by least squares on calibration data: the inputs are those of the
changed network, the wanted outputs those of the original before the activation, so that a layer makes up
for what those before it lost (He, Zhang & Sun, 2017, without their choice of channels).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from edgekit.compress.matrix import Array, bias_of, constants, plain, weights_of, windows
from edgekit.compress.step import State
from edgekit.graph import Graph, Node
from edgekit.quantize.evaluate import Live, run_real_batch, some, stacked
from edgekit.threads import one_blas_thread
from edgekit.validate.data import Samples

SAMPLES = 128
# Of the mean second moment of the inputs: how hard a weight is to move.
_RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e2)
_TINY = 1e-9  # of the number of windows
_MOST_TAPS = 2048  # of a layer that is solved


def refitted(original: Graph, state: State, masks: Mapping[str, Array], samples: Samples) -> State:
    """The state with weights and biases fitted to the original's outputs.

    masks: by layer, which of its weights [output channels, taps] may be other than zero; layers that are
    not named stay as they are. original: the graph before anything was taken out, in which these layers
    have the same names.
    """
    with one_blas_thread():
        inputs = stacked(some(original, samples, SAMPLES))
        before, after = _Running(original, inputs), _Running(state.graph, inputs)
        for node in state.graph.nodes:
            if node.name in masks:
                wanted = before.until(node.name)
                made = _fitted(
                    node, state.graph, after.live[node.inputs[0]], wanted, masks[node.name]
                )
                state = state.with_real(constants(node, state.graph, *made))
            after.step(node, state.graph)
    return state


class _Running:
    """A graph on the way through its nodes, on inputs [N, *shape]."""

    def __init__(self, graph: Graph, inputs: Mapping[str, Array]) -> None:
        self._graph, self._left = graph, iter(graph.nodes)
        self.live = Live(graph, dict(inputs))

    def until(self, name: str) -> Array:
        """What the layer of this name makes, before its activation, all nodes up to it done."""
        for node in self._left:
            made = None
            if node.name == name:
                made = run_real_batch(plain(node), self._graph, self.live)[0]
            self.step(node, self._graph)
            if made is not None:
                return made
        raise ValueError(f"no layer {name} behind those that were asked for")

    def step(self, node: Node, graph: Graph) -> None:
        """One node, with the constants of `graph`."""
        self.live |= zip(node.outputs, run_real_batch(node, graph, self.live), strict=True)
        self.live.done(node)


def _fitted(node: Node, graph: Graph, x: Array, wanted: Array, mask: Array) -> tuple[Array, Array]:
    """Weights [channels, taps] and bias of a layer for inputs [N, *shape] and outputs [N, *shape]."""
    weights, bias = weights_of(node, graph) * mask, bias_of(node, graph)
    if weights.shape[1] > _MOST_TAPS:
        return weights, bias
    halves = [_sums(node, graph, x[i::2], wanted[i::2]) for i in (0, 1)]
    share = len(weights) // len(halves[0].square)
    ridge = None
    for channels in _alike(mask, share):
        taps = np.append(mask[channels[0]], True)
        own = [
            half.part(channels[0] // share, taps, [c % share for c in channels]) for half in halves
        ]
        now = np.column_stack([weights[channels], bias[channels]])[:, taps].T
        ridge = _best_ridge(own, now) if ridge is None else ridge
        moved = _solved(own[0] + own[1], now, ridge).T
        weights[np.ix_(np.array(channels), np.flatnonzero(taps[:-1]))] = moved[:, :-1]
        bias[channels] = moved[:, -1]
    return weights, bias


class _Sums(NamedTuple):
    """Of rows x, whose last element is 1 for the bias, and outputs y: x x^T and x y^T, by group of
    channels; or of one group alone."""

    square: Array
    product: Array

    def __add__(self, other: _Sums) -> _Sums:  # type: ignore[override]
        return _Sums(self.square + other.square, self.product + other.product)

    def part(self, group: int, taps: Array, outputs: list[int]) -> _Sums:
        """Of one group, and of it some taps and outputs."""
        return _Sums(self.square[group][np.ix_(taps, taps)], self.product[group][taps][:, outputs])


def _sums(node: Node, graph: Graph, x: Array, wanted: Array) -> _Sums:
    groups = 1 if node.op != "depthwise" else graph.value(node.inputs[0]).shape[-1]
    taps, outputs = weights_of(node, graph).shape[1] + 1, wanted.shape[-1] // groups
    sums = _Sums(np.zeros((groups, taps, taps)), np.zeros((groups, taps, outputs)))
    for one, target in zip(x, wanted, strict=True):
        rows = windows(node, graph, one)
        rows = np.concatenate([rows, np.ones((*rows.shape[:2], 1))], axis=2)
        rest = target.reshape(rows.shape[1], groups, -1).transpose(1, 0, 2).astype(np.float64)
        across = rows.transpose(0, 2, 1)
        sums = sums + _Sums(across @ rows, across @ rest)
    return sums


def _best_ridge(halves: list[_Sums], now: Array) -> float:
    """The ridge with which the weights that fit one half of the samples fit the other one best."""

    def error(ridge: float) -> float:
        total = 0.0
        for fit, judge in (halves, halves[::-1]):
            w = _solved(fit, now, ridge)
            total += float((w * (judge.square @ w - 2 * judge.product)).sum())
        return total

    return min(_RIDGES, key=error)


def _solved(sums: _Sums, now: Array, ridge: float) -> Array:
    """Weights [taps, outputs], the bias last, with the least squares that stay near those of now."""
    diagonal = np.diagonal(sums.square)
    added = np.full(len(diagonal), ridge * diagonal[:-1].mean() if len(diagonal) > 1 else 0.0)
    added[-1] = 0  # the bias may go anywhere
    inside = sums.square + np.diag(added + _TINY * diagonal[-1])
    return np.asarray(now + np.linalg.solve(inside, sums.product - sums.square @ now))


def _alike(mask: Array, share: int) -> list[list[int]]:
    """Channels with a weight left, those of one group and one mask together: one factorisation serves
    them."""
    table: dict[tuple[int, bytes], list[int]] = {}
    for channel, row in enumerate(mask):
        if row.any():
            table.setdefault((channel // share, row.tobytes()), []).append(channel)
    return list(table.values())
