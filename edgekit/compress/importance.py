"""How much each group of channels matters, and in which order the groups of a family should go.

A ranking is, for each family, its groups in the order of removal with what each removal costs. Costs of
data-driven measures are comparable between families; those of magnitudes are divided by their family's
mean, since scales of layers differ freely.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.compress.coupling import MIXING, Coupling, Mask, layers
from edgekit.compress.matrix import Array, weights_of
from edgekit.compress.moments import moments
from edgekit.compress.step import Context
from edgekit.compress.torch import require
from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node
from edgekit.threads import one_blas_thread

_DAMPING = 1e-3  # of the mean variance of a layer's inputs
_TINY = 1e-30
Ranking = Mapping[int, list[tuple[int, float]]]


@dataclass(frozen=True, eq=False)
class Scene:
    """What a measure looks at: the graph, its groups, those that are gone already, those that are to
    stay, and the data."""

    graph: Graph
    made: Coupling
    gone: Mask
    kept: Mask
    context: Context
    source: Graph | None = None


def ranking(measure: str, scene: Scene) -> Ranking:
    """By a key of `MEASURES`. Raises EK001 where it needs data that are not there."""
    with one_blas_thread():
        return MEASURES[measure](scene)


def _by_score(scene: Scene, score: Array, *, relative: bool) -> Ranking:
    """Each family's groups, the least score first."""
    table: dict[int, list[tuple[int, float]]] = {}
    for family in range(int(scene.made.families.max(initial=-1)) + 1):
        left = np.flatnonzero((scene.made.families == family) & ~(scene.gone | scene.kept))
        own = score[left] / (max(float(score[left].mean()), _TINY) if relative and len(left) else 1)
        order = np.argsort(own, kind="stable")
        table[family] = [(int(left[i]), float(own[i])) for i in order]
    return table


def _makers(scene: Scene, measure: Callable[[Node, Array], Array]) -> Array:
    """The sum over the layers that make a group of what `measure` says of their channels."""
    score = np.zeros(scene.made.count)
    for node in layers(scene.graph):
        labels = scene.made.labels[node.outputs[0]]
        own = measure(node, weights_of(node, scene.graph))
        np.add.at(score, labels[labels >= 0], own[labels >= 0])
    return score


def _l1(scene: Scene) -> Ranking:
    score = _makers(scene, lambda node, w: np.abs(w).mean(axis=1) / max(np.abs(w).mean(), _TINY))
    return _by_score(scene, score, relative=True)


def _l2(scene: Scene) -> Ranking:
    score = _makers(scene, lambda node, w: (w**2).mean(axis=1) / max((w**2).mean(), _TINY))
    return _by_score(scene, score, relative=True)


def _random(scene: Scene) -> Ranking:
    rng = np.random.default_rng(scene.context.seed)
    return _by_score(scene, rng.uniform(0.5, 1.5, scene.made.count), relative=True)


def _batch_norm(scene: Scene) -> Ranking:
    """The magnitude of the batch normalisation's scale (Liu et al., 2017), where the source has it."""
    scales = _scales_of(scene.source) if scene.source else {}
    if not scales:
        raise EdgekitError(
            "EK001", "the model has no batch normalisation left", where="step prune, importance",
            found="none in the source", help="export it without folding, or choose another importance",
        )  # fmt: skip

    def measure(node: Node, weights: Array) -> Array:
        own = scales.get(node.outputs[0])
        if own is None or len(own) != len(weights):
            return np.zeros(len(weights))
        return np.abs(own)

    score = _makers(scene, measure)
    return _by_score(scene, score, relative=False)


def _scales_of(source: Graph) -> dict[str, Array]:
    """The scale of each normalisation of an imported graph, by the tensors that it and the operators
    right behind it make: which of them a layer's output is depends on what was fused."""
    found: dict[str, Array] = {}
    readers = source.consumers()
    for node in source.nodes:
        scale = source.const(node.inputs[1]) if node.op == "BatchNormalization" else None
        if scale is None:
            continue
        name = node.outputs[0]
        found[name] = scale.reshape(-1)
        for reader in readers.get(name, ()):
            if reader.op in ("Relu", "Clip"):
                found[reader.outputs[0]] = scale.reshape(-1)
    return found


def _activation(scene: Scene) -> Ranking:
    """The share of its consumers' output that a group's varying part makes: sum over taps of
    w^2 var(x), without labels."""
    score = np.zeros(scene.made.count)
    for node, weights, moment in _readers(scene):
        share = (weights**2).sum(axis=0) * np.diagonal(moment)
        labels = _tap_labels(node, scene, len(share))
        np.add.at(score, labels[labels >= 0], share[labels >= 0] / _power(weights, moment))
    return _by_score(scene, score, relative=False)


def _reconstruction(scene: Scene) -> Ranking:
    """The error that stays in the consumers' outputs when their other weights make up for a group as
    far as they can, relative to the outputs' variance: Hassibi & Stork's optimal brain surgeon for
    blocks of taps (1993; for channels Kurtic et al., 2023). Removals count those before them."""
    makers = [_Surgeon(scene, *reader) for reader in _readers(scene)]
    table: dict[int, list[tuple[int, float]]] = {}
    for family in range(int(scene.made.families.max(initial=-1)) + 1):
        left = np.flatnonzero((scene.made.families == family) & ~(scene.gone | scene.kept)).tolist()
        own = [m for m in makers if m.reads(left)]
        order: list[tuple[int, float]] = []
        while left:
            costs = sum((m.costs(left) for m in own), np.zeros(len(left)))
            least = int(np.argmin(costs))
            group = left.pop(least)
            order.append((group, max(0.0, float(costs[least]))))
            for maker in own:
                maker.remove(group)
        table[family] = order
    return table


def _taylor(scene: Scene) -> Ranking:
    """First order, by gradients (`taylor`); on training data where there are some. Raises EK504."""
    require("torch")
    from edgekit.compress.taylor import taylor_scores

    samples = scene.context.train or scene.context.need_calibration("prune")
    score = taylor_scores(scene.graph, scene.made, samples)
    return _by_score(scene, score, relative=False)


class _Surgeon:
    """One consumer's weights and the inverse of its inputs' covariance, as groups are taken out."""

    def __init__(self, scene: Scene, node: Node, weights: Array, moment: Array) -> None:
        labels = _tap_labels(node, scene, weights.shape[1])
        kept = (labels < 0) | ~scene.gone[labels]
        damping = _DAMPING * max(float(np.diagonal(moment).mean()), _TINY)
        inside = moment[np.ix_(kept, kept)] + damping * np.eye(int(kept.sum()))
        self._weights, self._inverse = weights[:, kept].copy(), np.linalg.inv(inside)
        self._labels, self._power = labels[kept], _power(weights, moment)

    def reads(self, groups: list[int]) -> bool:
        return bool(np.isin(self._labels, groups).any())

    def costs(self, groups: list[int]) -> Array:
        """Of taking out each of the groups alone."""
        if len(np.unique(self._labels)) == len(self._labels):  # a tap for each: no blocks to invert
            each = (self._weights**2).sum(axis=0) / np.diagonal(self._inverse) / self._power
            known = dict(zip(self._labels.tolist(), each.tolist(), strict=True))
            return np.array([known.get(group, 0.0) for group in groups])
        return np.array([self._block(self._labels == group) for group in groups])

    def _block(self, taps: Mask) -> float:
        if not taps.any():
            return 0.0
        own = self._weights[:, taps]
        inside = np.linalg.inv(self._inverse[np.ix_(taps, taps)])
        return float((own @ inside * own).sum() / self._power)

    def remove(self, group: int) -> None:
        taps = self._labels == group
        if not taps.any():
            return
        solved = np.linalg.inv(self._inverse[np.ix_(taps, taps)]) @ self._inverse[taps]
        self._weights = (self._weights - self._weights[:, taps] @ solved)[:, ~taps]
        smaller = self._inverse - self._inverse[:, taps] @ solved
        self._inverse = smaller[np.ix_(~taps, ~taps)]
        self._labels = self._labels[~taps]


def _readers(scene: Scene) -> list[tuple[Node, Array, Array]]:
    """Each layer that mixes channels, its weights [channels, taps] and the covariance of its inputs
    [taps, taps] on the calibration data."""
    samples = scene.context.need_calibration("prune")
    mixing = {n.name: n for n in layers(scene.graph) if n.op in MIXING}
    found = moments(scene.graph, mixing.values(), samples)
    return [
        (mixing[name], weights_of(mixing[name], scene.graph), moment.covariance[0])
        for name, moment in found.items()
    ]


def _power(weights: Array, moment: Array) -> float:
    """The variance of a layer's outputs, summed over its channels."""
    return max(float(((weights @ moment) * weights).sum()), _TINY)


def _tap_labels(node: Node, scene: Scene, taps: int) -> Array:
    labels = scene.made.labels[node.inputs[0]]
    return np.tile(labels, taps // len(labels)) if taps % len(labels) == 0 else np.full(taps, -1)


MEASURES: dict[str, Callable[[Scene], Ranking]] = {
    "reconstruction": _reconstruction,
    "activation": _activation,
    "taylor": _taylor,
    "l1": _l1,
    "l2": _l2,
    "batch_norm": _batch_norm,
    "random": _random,
}
