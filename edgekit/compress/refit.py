"""Weights fitted to what the layers computed before something was taken out of them.

Layer by layer in order of execution, by least squares on calibration data: the inputs are those of the
changed network, the wanted outputs those of the original before the activation, so that a layer makes up
for what those before it lost (He, Zhang & Sun, 2017, without their choice of channels).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.compress.matrix import Array, bias_of, constants, plain, weights_of, windows
from edgekit.compress.step import State
from edgekit.graph import Graph, Node
from edgekit.quantize.evaluate import Live, run_real_batch, some, stacked
from edgekit.threads import one_blas_thread
from edgekit.validate.data import Samples

SAMPLES = 128
_RIDGE = 1e-3  # of the mean second moment of the inputs: how hard a weight is to move
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
    square: Array = np.zeros(1)
    product: Array = np.zeros(1)
    for one, target in zip(x, wanted, strict=True):
        rows = windows(node, graph, one)
        rows = np.concatenate([rows, np.ones((*rows.shape[:2], 1))], axis=2)
        groups, positions = rows.shape[:2]
        rest = target.reshape(positions, groups, -1).transpose(1, 0, 2)
        square = square + rows.transpose(0, 2, 1) @ rows
        product = product + rows.transpose(0, 2, 1) @ rest.astype(np.float64)
    share = len(weights) // len(square)
    for channel in _alike(mask, share):
        group = channel[0] // share
        taps = np.append(mask[channel[0]], True)
        part = square[group][np.ix_(taps, taps)]
        part = part + np.diag(_ridge(np.diagonal(part)))
        now = np.column_stack([weights[channel], bias[channel]])[:, taps]
        right = (
            product[group][taps][:, [c % share for c in channel]]
            - square[group][taps][:, taps] @ now.T
        )
        moved = now + np.linalg.solve(part, right).T
        weights[np.ix_(np.array(channel), np.flatnonzero(taps[:-1]))] = moved[:, :-1]
        bias[channel] = moved[:, -1]
    return weights, bias


def _ridge(diagonal: Array) -> Array:
    """What is added to it: next to nothing for the bias, which is last, and where no input ever was."""
    ridge = np.full(len(diagonal), _RIDGE * diagonal[:-1].mean() if len(diagonal) > 1 else 0.0)
    ridge[-1] = 0
    return np.asarray(ridge + _TINY * diagonal[-1])


def _alike(mask: Array, share: int) -> list[list[int]]:
    """Channels with a weight left, those of one group and one mask together: one factorisation serves
    them."""
    table: dict[tuple[int, bytes], list[int]] = {}
    for channel, row in enumerate(mask):
        if row.any():
            table.setdefault((channel // share, row.tobytes()), []).append(channel)
    return list(table.values())
