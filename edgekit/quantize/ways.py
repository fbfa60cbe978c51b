"""What each layer may become: its schemes with their bytes, and what the network's outputs lose by each.

What a layer's rounding costs is its output error times what an error of that layer is worth. The latter is measured
once for each: it alone is made coarse, and the loss of the outputs compared (`probe`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.families.coding import best_bytes
from edgekit.graph import Graph, Node
from edgekit.op import load_ops
from edgekit.quantize import probe
from edgekit.quantize.evaluate import some, stacked
from edgekit.quantize.learned import MOST_TAPS
from edgekit.quantize.rate import entropy
from edgekit.quantize.rounded import Rounded, living, rounded
from edgekit.quantize.schemes import WEIGHT_BITS, rate_scheme
from edgekit.quantize.sweep import output_error
from edgekit.quantize.weights import as_channels, as_weights, channel_axis, channels_of
from edgekit.validate.data import Samples

Array = NDArray[Any]

KINDS = ("w8a8", "w4a8", "w3a8", "w2a8", "c", "e")  # c: code books, e: rates
CODING = ("c", "e")
_SAMPLES = 64
_RATES = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0)  # that are tried
_FINE = 0.25  # between those that are offered
_BOOKS = ("c2a8", "c3a8", "c4a8", "c5a8")
_PROBED = "e3a8"  # of the layer that is made coarse
_TINY = 1e-30
_VARIES = 1e-9  # of its mean square, a tap's variance where it is no constant


@dataclass(frozen=True)
class Way:
    """A scheme for a layer: estimated bytes of its weights and loss of the network's outputs."""

    scheme: str
    nbytes: int
    loss: float


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer's real weights [channels, taps], the moments of its windows, and which weights flash will hold."""

    weights: Array
    moments: Array | None
    live: Array

    @classmethod
    def of(cls, node: Node, graph: Graph, x: Array) -> Layer:
        """Of a node of a prepared graph, by its input [N, ...]."""
        weights = channels_of(node, graph)
        moments, varies = moments_of(node, graph, x)
        return cls(weights, moments, living(weights, varies, moments))

    def by(self, scheme: str) -> Rounded:
        """Its numbers by a scheme."""
        return rounded(self.weights, self.moments, scheme, self.live)

    def error(self, made: Rounded) -> float:
        """Squared error that these numbers leave in the layer's output."""
        return max(float(output_error(made.real - self.weights, self.moments).sum()), _TINY)

    def size(self, made: Rounded, coding: bool) -> int:
        """Estimated bytes: plain, nibbles, or an ideal code with two bytes a symbol."""
        levels = made.levels[self.live]
        sizes = [levels.size]
        if levels.size and levels.min() >= -8 and levels.max() <= 7:
            sizes.append(-(-levels.size // 2))
        if coding:
            bits = entropy(levels) * levels.size
            sizes.append(int(np.ceil(bits / 8)) + 2 * len(np.unique(levels)))
        return min(sizes)

    def ways(self, fixed: str, kinds: Collection[str]) -> Iterator[tuple[str, int, float]]:
        """(scheme, estimated bytes, error) of `fixed`, or of all of these kinds."""
        coding = any(kind in kinds for kind in CODING)
        schemes = [fixed] if fixed else [kind for kind in kinds if kind in WEIGHT_BITS]
        schemes += _BOOKS if "c" in kinds and not fixed else ()
        for scheme in schemes:
            made = self.by(scheme)
            yield scheme, self.size(made, coding), self.error(made)
        if "e" in kinds and not fixed:
            yield from self._rates()

    def _rates(self) -> Iterator[tuple[str, int, float]]:
        """Rates in quarters of a bit: some are tried; between them the error falls by a factor a bit."""
        none = Rounded(np.zeros(self.weights.shape, np.int8), np.zeros(len(self.weights)))
        bits, sizes, errors = [0.0], [0], [np.log(self.error(none))]
        for wanted in _RATES:
            made = self.by(rate_scheme(wanted))
            reached = entropy(made.levels[self.live])
            if reached > bits[-1]:
                bits.append(reached)
                sizes.append(self.size(made, coding=True))
                errors.append(np.log(self.error(made)))
        for rate in np.arange(_FINE, bits[-1] + _FINE / 2, _FINE):
            size, error = np.interp(rate, bits, sizes), np.exp(np.interp(rate, bits, errors))
            yield rate_scheme(float(rate)), int(np.ceil(size)), float(error)


def ways_of(
    graph: Graph, samples: Samples, layers: Mapping[str, str], kinds: Collection[str]
) -> tuple[dict[str, list[Way]], dict[str, Array]]:
    """All that every layer of a prepared graph may have, and which of its weights flash will hold.

    layers: the scheme that a layer must have, or "", by node; kinds: of `KINDS`.
    """
    inputs = stacked(some(graph, samples, _SAMPLES))
    tried: dict[str, Layer] = {}

    def coarse(
        node: Node, live: Mapping[str, Array], made: Mapping[str, Array]
    ) -> Iterator[tuple[Rounded, dict[str, Array]]]:
        if node.name in layers:
            x = live[node.inputs[0]]
            layer = Layer.of(node, graph, x)
            tried[node.name], one = layer, layer.by(_PROBED)
            yield one, real_weights(node, graph, one)

    wanted, table = probe.outputs(graph, inputs), {}
    for node, one, found in probe.changed(graph, inputs, coarse):
        layer = tried[node.name]
        worth = probe.loss(graph, wanted, found) / layer.error(one)
        ways = layer.ways(layers[node.name], kinds)
        table[node.name] = [Way(scheme, size, worth * error) for scheme, size, error in ways]
    return table, {name: layer.live for name, layer in tried.items()}


def real_weights(node: Node, graph: Graph, made: Rounded) -> dict[str, Array]:
    """A layer's rounded weights in real numbers again, by tensor."""
    value = graph.value(node.inputs[1])
    return {value.name: as_weights(made.real.astype(np.float32), value, channel_axis(node))}


def stored_bytes(graph: Graph, result: Graph, live: Mapping[str, Array], coding: bool) -> int:
    """What flash holds of the weights of these layers of a quantized graph, once constant channels are gone."""
    total = 0
    for node in graph.nodes:
        if node.name in live:
            value, mask = result.value(node.inputs[1]), live[node.name]
            levels = as_channels(value, channel_axis(node)).astype(np.int8)
            levels = levels[mask.any(axis=1)][:, mask.any(axis=0)]
            four = value.quant is not None and value.quant.bits <= 4
            plain = -(-len(levels) // 2) * levels.shape[1] if four else levels.size
            total += min(plain, best_bytes(levels)[1]) if coding else plain
    return total


def moments_of(node: Node, graph: Graph, x: Array) -> tuple[Array | None, Array]:
    """Second moments of a layer's windows around their means, [groups, taps, taps] (of large ones the diagonal
    alone, [groups, taps]; None where an operator does not say what they are), and which taps vary [groups, taps]."""
    square: Any = 0.0
    total: Any = 0.0
    count = 0
    for one in x:
        windows = load_ops()[node.op].windows(node, graph, one)
        if windows is None:
            return None, np.ones((1, channels_of(node, graph).shape[1]), bool)
        w = windows.astype(np.float64)
        square = square + (
            w.transpose(0, 2, 1) @ w if w.shape[2] <= MOST_TAPS else (w**2).sum(axis=1)
        )
        total, count = total + w.sum(axis=1), count + w.shape[1]
    full = square.ndim == 3
    centred = square - (total[:, :, None] * total[:, None, :] if full else total**2) / count
    own, all_ = (np.diagonal(m, axis1=1, axis2=2) if full else m for m in (centred, square))
    return (centred if full else np.maximum(centred, 0.0)), own > _VARIES * all_
