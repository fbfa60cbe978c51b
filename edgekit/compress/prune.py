"""Structured pruning: groups of channels get zero weights, and the integer graph then leaves them out.

Which groups go follows from a ranking: always the cheapest next part of a family, by its cost for what
it saves, until the target is met; of each family a multiple of some number is left.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable

import numpy as np

from edgekit.compress.coupling import Coupling, Mask, coupling, layers
from edgekit.compress.importance import Ranking, Scene, ranking
from edgekit.compress.matrix import (
    Array,
    alive_taps,
    bias_of,
    constants,
    macs_of,
    weights_left,
    weights_of,
)
from edgekit.compress.refit import refitted
from edgekit.compress.step import Context, State
from edgekit.compress.still import Channels, with_means
from edgekit.graph import Graph, Node
from edgekit.validate.data import Samples

Count = Callable[[Node, Graph, Coupling, Mask], int]
COUNTS: dict[str, Count] = {"macs": macs_of, "weights": weights_left}


def pruned(
    state: State, context: Context, *, measure: str, unit: str, left: float, scope: str = "global",
    multiple: int = 4, rounds: int = 1, refit: bool = True, bias: bool = True,
    exclude: tuple[str, ...] = (), source: Graph | None = None,
) -> State:  # fmt: skip
    """The state with at most the share `left` of its MACs or weights (`unit`), as near below as the
    multiples allow, or with as little as they do.

    measure: a key of `importance.MEASURES`. rounds: in how many parts, each ranked anew and fitted.
    refit: the layers that are left are fitted to what they computed before; bias: or at least their biases.
    exclude: layers whose own channels stay. Channels that never change on the calibration data go at once
    and do not count. The state notes what was reached.
    """
    original, made = state.graph, coupling(state.graph)
    gone = dead(state.graph, made)
    kept = _kept(original, made, exclude)
    if context.calibration is not None:
        state, gone = _without_still(state, made, gone, kept, context.calibration)
    total = amount(original, made, gone, COUNTS[unit])
    for number in range(1, rounds + 1):
        scene = Scene(state.graph, made, gone, kept, context, source)
        goal, before = total * left ** (number / rounds), gone
        gone = chosen(
            ranking(measure, scene), original, made, gone, goal, COUNTS[unit], scope, multiple
        )
        if bias and not refit and context.calibration is not None:
            channels = Channels.of(state.graph, made, context.calibration)
            state = with_means(state, made, gone & ~before, channels)
        state = zeroed(state, made, gone)
        if refit:
            masks = _masks(original, made, gone)
            state = refitted(original, state, masks, context.need_calibration("prune"))
    reached = amount(original, made, gone, COUNTS[unit])
    note = f"{int(gone.sum())} of {made.count} groups of channels removed: {reached:,} of {total:,} {unit}"
    return state.noting(note if reached <= total * left else f"{note}; no more can be removed")


def _without_still(
    state: State, made: Coupling, gone: Mask, kept: Mask, samples: Samples
) -> tuple[State, Mask]:
    """The state without groups that never change, and all that are gone then."""
    channels = Channels.of(state.graph, made, samples)
    after = gone.copy()
    for group in np.flatnonzero(channels.still(made) & ~(gone | kept)):
        after[group] = True
        after[group] = not made.empties(after)
    state = with_means(state, made, after & ~gone, channels)
    return zeroed(state, made, after & ~gone), after


def amount(graph: Graph, made: Coupling, gone: Mask, count: Count) -> int:
    """MACs or weights of all layers without the groups that are gone."""
    return sum(count(node, graph, made, gone) for node in layers(graph))


def dead(graph: Graph, made: Coupling) -> Mask:
    """Groups that nothing makes any more: all weights and biases of their channels are zero."""
    gone = np.ones(made.count, bool)
    for node in layers(graph):
        labels = made.labels[node.outputs[0]]
        alive = weights_of(node, graph).any(axis=1) | (bias_of(node, graph) != 0)
        gone[labels[alive & (labels >= 0)]] = False
    return gone


def zeroed(state: State, made: Coupling, gone: Mask) -> State:
    """No weight makes or reads a channel that is gone."""
    data: dict[str, Array] = {}
    for node in layers(state.graph):
        alive = made.alive(node.outputs[0], gone)
        taps = alive_taps(node, state.graph, made, gone)
        weights = weights_of(node, state.graph) * np.outer(alive, taps)
        data |= constants(node, state.graph, weights, bias_of(node, state.graph) * alive)
    return state.with_real(data)


def _masks(graph: Graph, made: Coupling, gone: Mask) -> dict[str, Array]:
    """By layer the weights that are left; of all layers behind the first one that lost something."""
    found, begun = {}, False
    for node in layers(graph):
        mask = np.outer(made.alive(node.outputs[0], gone), alive_taps(node, graph, made, gone))
        begun |= not mask.all()
        if begun:
            found[node.name] = mask & (weights_of(node, graph) != 0)
    return found


def _kept(graph: Graph, made: Coupling, exclude: tuple[str, ...]) -> Mask:
    """Groups that layers of these names make."""
    kept = np.zeros(made.count, bool)
    for node in layers(graph):
        if any(fnmatch.fnmatchcase(node.name, pattern) for pattern in exclude):
            labels = made.labels[node.outputs[0]]
            kept[labels[labels >= 0]] = True
    return kept


def chosen(
    order: Ranking, graph: Graph, made: Coupling, gone: Mask, goal: float, count: Count, scope: str, multiple: int
) -> Mask:  # fmt: skip
    """The groups that are gone when the goal is met."""
    sizes = np.bincount(made.families, minlength=len(order))
    if scope == "layer":
        return _evenly(order, graph, made, gone, goal, count, sizes, multiple)
    gone, queue = gone.copy(), {f: list(entries) for f, entries in order.items()}
    now = amount(graph, made, gone, count)
    while now > goal:
        best: tuple[float, int, int, Mask] | None = None
        for family, entries in queue.items():
            part = _part(sizes[family], int((gone & (made.families == family)).sum()), multiple)
            if not part or part > len(entries):
                continue
            tried = gone.copy()
            tried[[group for group, _ in entries[:part]]] = True
            if made.empties(tried):
                continue
            saved = now - amount(graph, made, tried, count)
            price = sum(cost for _, cost in entries[:part]) / max(saved, 1)
            if best is None or price < best[0]:
                best = price, family, part, tried
        if best is None:
            break
        _, family, part, gone = best
        del queue[family][:part]
        now = amount(graph, made, gone, count)
    return gone


def _part(size: int, gone: int, multiple: int) -> int:
    """Groups of a family to remove next, so that a multiple is left; 0 where none may go."""
    left = size - gone
    fewer = (left - 1) // multiple * multiple
    return left - fewer if fewer >= min(multiple, size) else 0


def _evenly(
    order: Ranking, graph: Graph, made: Coupling, gone: Mask, goal: float, count: Count,
    sizes: Array, multiple: int,
) -> Mask:  # fmt: skip
    """The same share of every family: the largest one that meets the goal, to a hundredth."""
    best = gone
    for share in np.linspace(1, 0, 101):
        best = gone.copy()
        for family, entries in order.items():
            already = int((gone & (made.families == family)).sum())
            while part := _part(sizes[family], already, multiple):
                if sizes[family] - already - part < share * sizes[family] or part > len(entries):
                    break
                already += part
            removed = already - int((gone & (made.families == family)).sum())
            tried = best.copy()
            tried[[group for group, _ in entries[:removed]]] = True
            best = best if made.empties(tried) else tried
        if amount(graph, made, best, count) <= goal:
            break
    return best
