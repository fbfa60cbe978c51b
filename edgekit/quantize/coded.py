"""Weights for coded storage, layer by layer, each making up for what those before it have lost.

A layer's input is what the layers before it give once their weights are rounded; its target is what it gives in real
numbers. The real weights nearest to that target are those of a least-squares problem: with x the input it would
have, x' the one it gets, W' = W E[x x'^T] E[x' x'^T]^-1. They are what is rounded, by the moments of x'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Graph, Node
from edgekit.op import load_ops
from edgekit.quantize import probe
from edgekit.quantize.evaluate import Live, run_together, some, stacked
from edgekit.quantize.low_bits import MOST_TAPS
from edgekit.quantize.rounded import Rounded, rounded
from edgekit.quantize.sweep import DAMPING
from edgekit.quantize.weights import as_weights, channels_of
from edgekit.validate.data import Samples

Array = NDArray[Any]

SAMPLES = 256
_AT_ONCE = 16  # samples whose windows are held


def coded_numbers(
    graph: Graph, samples: Samples | None, schemes: Mapping[str, str]
) -> dict[str, Rounded]:
    """Numbers of these layers of a prepared graph, by node; without samples every weight matters alike."""
    if not schemes:
        return {}
    if samples is None:
        layers = [node for node in graph.nodes if node.name in schemes]
        return {n.name: rounded(channels_of(n, graph), None, schemes[n.name]) for n in layers}
    return in_order(graph, stacked(some(graph, samples, SAMPLES)), schemes).made


@dataclass(frozen=True, eq=False)
class Network:
    """A network whose weights are rounded: by node the numbers, and the weights that flash will hold of them
    [channels, taps]; `loss` of its outputs (`probe.loss`). graph: with the rounded weights in real numbers."""

    made: dict[str, Rounded]
    live: dict[str, Array]
    loss: float
    graph: Graph


def in_order(graph: Graph, inputs: Mapping[str, Array], schemes: Mapping[str, str]) -> Network:
    """Round these layers of a prepared graph one after the other, by inputs [N, ...]."""
    values = dict(graph.values)
    changed = replace(graph, values=values)
    wanted, got = Live(graph, inputs), Live(changed, inputs)
    ends: tuple[dict[str, Array], ...] = {}, {}
    network = Network({}, {}, 0.0, changed)
    for node in graph.nodes:
        real = run_together(node, graph, wanted)
        if node.name in schemes:
            weights, x = channels_of(node, graph), wanted[node.inputs[0]]
            moments, mixed = moments_of(node, graph, got[node.inputs[0]], x)
            if moments is not None and mixed is not None:
                weights = _making_up(weights, moments, mixed)
            live = network.live[node.name] = living(node, graph, x, real[0])
            made = network.made[node.name] = rounded(weights, moments, schemes[node.name], live)
            value, axis = values[node.inputs[1]], load_ops()[node.op].channel_axis
            assert axis is not None
            data = as_weights(made.real.astype(np.float32), value, axis)
            values[value.name] = replace(value, data=data)
            bias = _evened(node, graph, changed, wanted, got)
            values[bias.name] = bias
        ours = run_together(node, changed, got)
        for lane, outputs, end in zip((wanted, got), (real, ours), ends, strict=True):
            named = dict(zip(node.outputs, outputs, strict=True))
            end |= {name: x for name, x in named.items() if name in graph.outputs}
            lane |= named
            lane.done(node)
    through = {name: x for name, x in inputs.items() if name in graph.outputs}
    return replace(network, loss=probe.loss(graph, *(end | through for end in ends)))


def moments_of(
    node: Node, graph: Graph, got: Array, wanted: Array | None = None
) -> tuple[Array | None, Array | None]:
    """E[x' x'^T] and E[x x'^T] up to a factor, [groups, taps, taps], of a layer's input as it is and as it would
    be [N, ...]; of large layers the diagonal of the first alone, and nothing where an operator does not say what
    its windows are."""
    own: Any = None
    mixed: Any = None
    for at in range(0, len(got), _AT_ONCE):
        x = _windows(node, graph, got[at : at + _AT_ONCE])
        if x is None:
            return None, None
        if x.shape[2] > MOST_TAPS:
            own = (0 if own is None else own) + (x**2).sum(axis=1)
            continue
        own = (0 if own is None else own) + x.transpose(0, 2, 1) @ x
        before = None if wanted is None else _windows(node, graph, wanted[at : at + _AT_ONCE])
        if before is not None:
            mixed = (0 if mixed is None else mixed) + before.transpose(0, 2, 1) @ x
    return own, mixed


def _windows(node: Node, graph: Graph, x: Array) -> Array | None:
    each = [load_ops()[node.op].windows(node, graph, one) for one in x]
    known = [windows for windows in each if windows is not None]
    return np.concatenate(known, axis=1).astype(np.float64) if known else None


def living(node: Node, graph: Graph, x: Array, out: Array) -> Array:
    """The weights of a layer between channels that are not constant on these samples, [channels, taps]: what is
    left of them once `rewrite.constant_channels` has been there, nearly."""
    varies = np.broadcast_to(_varies(x), x.shape[1:]).astype(np.float32)
    taps = load_ops()[node.op].windows(node, graph, varies)
    rows = _varies(out)
    if taps is None:
        return np.ones(channels_of(node, graph).shape, bool)
    read = taps.max(axis=1) > 0
    return np.asarray(rows[:, None] & np.repeat(read, len(rows) // len(read), axis=0))


def _varies(x: Array) -> Array:
    """Which channels, along the last axis, hold more than one value."""
    flat = x.reshape(-1, x.shape[-1])
    return np.asarray(flat.max(axis=0) > flat.min(axis=0))


def _making_up(weights: Array, own: Array, mixed: Array) -> Array:
    """The real weights [channels, taps] whose output on x' is nearest to that of `weights` on x. Damped towards
    `weights`: what calibration data do not show is left as it is."""
    taps = own.shape[1]
    mean = np.trace(own, axis1=1, axis2=2) / taps
    damping = np.where(mean > 0, DAMPING * mean, 1.0)[:, None, None] * np.eye(taps)
    grouped = weights.reshape(len(own), -1, taps)
    right = np.linalg.solve(own + damping, (grouped @ (mixed + damping)).transpose(0, 2, 1))
    return right.transpose(0, 2, 1).reshape(weights.shape)


def _evened(node: Node, graph: Graph, changed: Graph, wanted: Live, got: Live) -> Any:
    """The layer's bias without the mean error of its result, so that what follows sees rounding alone; in the end
    `bias.corrected` does the same in integers."""
    plain = replace(node, attrs={**node.attrs, "activation": "NONE"})
    (real,), (ours,) = run_together(plain, graph, wanted), run_together(plain, changed, got)
    axes = tuple(range(real.ndim - 1))
    error = real.mean(axis=axes, dtype=np.float64) - ours.mean(axis=axes, dtype=np.float64)
    bias = changed.value(node.inputs[2])
    assert bias.data is not None
    moved = np.asarray(bias.data + error.reshape(bias.data.shape), np.float32)
    return replace(bias, data=moved)
