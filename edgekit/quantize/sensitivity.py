"""Which layers a network can least spare: what is lost where one layer alone has fewer bits, or fewer channels.

Layers are changed in the real network, one at a time (`probe`). Bits: its weights are rounded as the scheme of so many
bits does, by the moments of its windows on the same data. Channels: those of the least L2 norm are zero, bias too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, dequantized
from edgekit.quantize import probe
from edgekit.quantize.evaluate import real_inputs, stacked
from edgekit.quantize.prepare import prepared
from edgekit.quantize.rounded import rounded
from edgekit.quantize.schemes import weighted
from edgekit.quantize.ways import moments_of, real_weights
from edgekit.quantize.weights import as_weights, channel_axis, channels_of
from edgekit.validate.data import Samples
from edgekit.validate.metrics import sqnr_db
from edgekit.validate.score import METRICS, default_metric, finite, score

Array = NDArray[Any]
Progress = Callable[[str, int, int], None]

BITS = (8, 4, 3, 2)
SHARES = (0.125, 0.25, 0.5)  # of the channels
MOST = 100  # samples


@dataclass(frozen=True)
class Change:
    """One layer changed. lost: of the metric, in parts of 1, or None without labels; loss: of the outputs
    (`probe.loss`); sqnr_db: of the first output against the unchanged network's."""

    bits: int | None
    channels: int | None
    lost: float | None
    loss: float
    sqnr_db: float


@dataclass(frozen=True)
class Sensitivity:
    """Changes of every layer by its name, in the network's order; base: the unchanged network's metric."""

    metric: str | None
    base: float | None
    samples: int
    operators: dict[str, str]
    sizes: dict[str, tuple[int, int]]  # weights, channels
    layers: dict[str, list[Change]]

    def per_bit(self, name: str) -> float:
        """Mean of what each bit less costs: in the metric's points where there are labels, else in loss."""
        return _mean(
            self._cost(c) / (8 - c.bits) for c in self.layers[name] if c.bits and c.bits < 8
        )

    def per_channel(self, name: str) -> float | None:
        """The same of each channel less; None where none can go."""
        found = [self._cost(c) / c.channels for c in self.layers[name] if c.channels]
        return _mean(iter(found)) if found else None

    def _cost(self, change: Change) -> float:
        return change.loss if change.lost is None else 100 * change.lost

    @property
    def ranking(self) -> list[str]:
        """Layers, the most sensitive to bits first; loss tells apart those that lose as many labels."""

        def order(name: str) -> tuple[float, float]:
            return -self.per_bit(name), -sum(c.loss for c in self.layers[name] if c.bits)

        return sorted(self.layers, key=order)


def _mean(values: Iterator[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def sensitivity(
    graph: Graph, samples: Samples, progress: Progress = lambda layer, done, total: None
) -> Sensitivity:
    """Of every layer with real weights of a canonical graph, on the first `MOST` samples.

    Raises EK202 where there is no such layer.
    """
    ready, samples = prepared(graph), samples.take(slice(MOST))
    layers = weighted(ready)
    if not layers:
        raise EdgekitError(
            "EK202", "no layer has real weights", where="--sensitivity",
            found="numbers of the source", help="pass the model before its quantization",
        )  # fmt: skip
    inputs = stacked(real_inputs(ready, samples))
    before = probe.outputs(ready, inputs)
    metric = default_metric(samples)
    base = None if metric is None else _score(metric, ready, before, samples)
    nodes = {node.name: node for node in ready.nodes}
    found: dict[str, list[Change]] = {name: [] for name in layers}
    for node, (bits, channels), after in probe.changed(ready, inputs, _changes(ready, layers)):
        if not found[node.name]:
            progress(node.name, layers.index(node.name), len(layers))
        lost = (
            None if metric is None or base is None else base - _score(metric, ready, after, samples)
        )
        first = ready.outputs[0]
        noise = sqnr_db(before[first].ravel(), after[first].ravel())
        found[node.name].append(
            Change(bits, channels, lost, probe.loss(ready, before, after), noise)
        )
    sizes = {name: channels_of(nodes[name], ready).shape for name in layers}
    return Sensitivity(
        metric, base, samples.inferences, {name: nodes[name].op for name in layers},
        {name: (rows * taps, rows) for name, (rows, taps) in sizes.items()}, found,
    )  # fmt: skip


def _score(metric: str, graph: Graph, outputs: Mapping[str, Array], samples: Samples) -> float:
    lead = samples.arrays[0].shape[: 1 + samples.sequence]
    return score(metric, outputs[graph.outputs[0]].reshape(*lead, -1), samples)


def _changes(graph: Graph, layers: list[str]) -> probe.Changes:
    inner = _before_others(graph, layers)

    def changes(
        node: Node, live: Mapping[str, Array], made: Mapping[str, Array]
    ) -> Iterator[tuple[tuple[int | None, int | None], Mapping[str, Array]]]:
        if node.name not in layers:
            return
        moments = moments_of(node, graph, live[node.inputs[0]])[0]
        weights = channels_of(node, graph)
        for bits in BITS:
            yield (bits, None), real_weights(node, graph, rounded(weights, moments, f"w{bits}a8"))
        for count in sorted({int(share * len(weights)) for share in SHARES} - {0}):
            if node.name in inner:
                yield (None, count), _without(node, graph, weights, count)

    return changes


def _without(node: Node, graph: Graph, weights: Array, count: int) -> dict[str, Array]:
    """The layer's constants without so many channels, those of the least weights."""
    gone = np.argsort((weights**2).sum(axis=1), kind="stable")[:count]
    kept, value, bias = weights.copy(), graph.value(node.inputs[1]), graph.value(node.inputs[2])
    kept[gone] = 0
    constants = {value.name: as_weights(kept.astype(np.float32), value, channel_axis(node))}
    if bias.data is not None:
        data = dequantized(bias).reshape(-1).astype(np.float32)
        data[gone] = 0
        constants[bias.name] = data.reshape(bias.shape)
    return constants


def _before_others(graph: Graph, layers: list[str]) -> set[str]:
    """Layers that another one follows: the channels of the last are what the network answers."""
    feeding: set[str] = set()
    inner = set()
    for node in reversed(graph.nodes):
        if node.name in layers and any(name in feeding for name in node.outputs):
            inner.add(node.name)
        if node.name in layers or any(name in feeding for name in node.outputs):
            feeding |= set(node.inputs)
    return inner


def sensitivity_json(found: Sensitivity) -> dict[str, Any]:
    """The report's ``sensitivity`` entry."""

    def entry(name: str) -> dict[str, Any]:
        weights, channels = found.sizes[name]
        return {
            "name": name,
            "op": found.operators[name],
            "weights": weights,
            "channels": channels,
            "lost_per_bit": found.per_bit(name),
            "lost_per_channel": found.per_channel(name),
            "changes": [
                {
                    "bits": c.bits,
                    "channels_removed": c.channels,
                    "lost": None if c.lost is None else round(100 * c.lost, 6),
                    "loss": c.loss,
                    "sqnr_db": finite(c.sqnr_db),
                }
                for c in found.layers[name]
            ],
        }

    return {
        "metric": None if found.metric is None else METRICS[found.metric],
        "base": found.base,
        "samples": found.samples,
        "unit": "loss" if found.metric is None else "percent points",
        "layers": [entry(name) for name in found.layers],
        "ranking": found.ranking,
    }
