"""Calibration data, and what they say of a graph's tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.graph import Graph
from edgekit.op import load_ops
from edgekit.quantize import equalize
from edgekit.quantize.evaluate import inferences
from edgekit.quantize.prepare import Groups, is_real
from edgekit.quantize.ranges import Histogram
from edgekit.validate.data import Samples, load_samples, samples_of

Array = NDArray[Any]
FEW_SAMPLES = 8


@dataclass(frozen=True, eq=False)
class Calibration:
    """Typical inputs, with the source's axes: an `.npz` file, an array for a model of one input, or
    an array by input. Real values are ``x * scale + offset`` where either is given.

    None are seeded random numbers: enough to know what a model needs, not to run it.
    """

    data: str | Path | Array | Mapping[str, Array] | None = None
    scale: float | None = None
    offset: float | None = None

    def samples(self, graph: Graph) -> Samples:
        """Samples of a canonical graph's inputs. Raises EK004 (`samples_of`)."""
        tensors = [graph.value(name) for name in graph.inputs]
        options: dict[str, Any] = {
            "scale": self.scale,
            "offset": self.offset,
            "stateful": bool(graph.states),
            "layouts": graph.layouts,
        }
        if self.data is None:
            rng = np.random.default_rng(0)
            arrays = tuple(rng.normal(size=(4, *t.shape)).astype(np.float32) for t in tensors)
            return Samples(tuple(tensors), arrays, source="4 random inputs")
        if isinstance(self.data, str | Path):
            return load_samples(self.data, tensors, **options)
        given = self.data if isinstance(self.data, Mapping) else {"x": self.data}
        named = {name: np.asarray(x) for name, x in given.items()}
        return samples_of(named, tensors, "calibration", **options)


def check_calibration(graph: Graph, samples: Samples) -> None:
    """Raises EK004 for data that says nothing about the range of a real input."""
    for tensor, x in zip(samples.tensors, samples.arrays, strict=True):
        if not is_real(graph, tensor.name):
            continue
        found = ""
        if not np.any(x != x.reshape(-1)[0]):
            found = f"{x.size} times {float(x.reshape(-1)[0]):g}"
        elif samples.inferences > 1 and x.shape[0] > 1 and np.all(x == x[:1]):
            found = f"{len(x)} equal samples"
        if found:
            raise EdgekitError(
                "EK004", "the calibration data is constant", where=f"{samples.source}, input {tensor.name}",
                found=f"{found}, wanted samples of what the model will see",
                help="give some tens of different, typical inputs, scaled as in training",
            )  # fmt: skip


def notes_on(seen: dict[str, Histogram], samples: Samples) -> tuple[str, ...]:
    """What a user should know of the data, in sentences."""
    notes = []
    if samples.inferences < FEW_SAMPLES:
        notes.append(
            f"only {samples.inferences} calibration samples: ranges of rare inputs may be cut; some tens are usual"
        )
    flat = sum(h.low == h.high for h in seen.values())
    if flat:
        notes.append(f"{flat} tensors are zero on all calibration samples")
    return tuple(notes)


def uncalibrated(graph: Graph, groups: Groups) -> dict[str, list[str]]:
    """Groups with a computed tensor and no numbers, by root."""
    return {
        root: names
        for root, names in groups.members().items()
        if root not in groups.fixed
        and any(graph.value(n).dtype == "float32" and graph.const(n) is None for n in names)
    }


def refuse_uncalibrated(graph: Graph, missing: dict[str, list[str]]) -> None:
    """Raises EK203 with the first node that has such a tensor."""
    names = {name for group in missing.values() for name in group}
    for node in graph.nodes:
        for name in (*node.inputs, *node.outputs):
            if name in names:
                raise EdgekitError(
                    "EK203", "the model is floating-point and has no calibration data",
                    where=f"node {node.name} ({node.op}), tensor {name}",
                    found="float32, wanted int8 or data to find its range",
                    help="pass --calibration DATA.npz (x: some tens of typical inputs) to quantize it here",
                )  # fmt: skip


def histograms(graph: Graph, groups: Groups, samples: Samples) -> dict[str, Histogram]:
    """What every group without numbers holds, over all calibration data and its own constants."""
    table = groups.members()
    open_groups = {r: names for r, names in table.items() if r not in groups.fixed}
    root = {n: r for r, names in open_groups.items() for n in names if is_real(graph, n)}
    seen: dict[str, Histogram] = {r: Histogram() for r in root.values()}
    reach = {root.get(out): load_ops()[n.op].reach for n in graph.nodes for out in n.outputs}
    reach = {r: far for r, far in reach.items() if far is not None}
    for found in inferences(graph, samples):
        for name, x in found:
            if name in root:
                seen[root[name]].add(_within(x, reach.get(root[name])))
    return seen


def _within(x: Array, reach: float | None) -> Array:
    """Without the lowest number's distance from the next one, as far as it is beyond `reach`."""
    if reach is None:
        return x
    others = x[x > x.min()]
    return np.maximum(x, others.min() - reach) if others.size else x


def spreads(graph: Graph, samples: Samples) -> dict[str, equalize.Spread]:
    """Of the output of every layer with weights."""
    layers = {n.outputs[0] for n in graph.nodes if load_ops()[n.op].channel_axis is not None}
    found_of: dict[str, equalize.Spread] = {}
    for found in inferences(graph, samples):
        for name, x in found:
            if name in layers:
                rows = x.reshape(-1, x.shape[-1]).astype(np.float64)
                here = np.abs(rows).max(axis=0), (rows**2).mean(axis=0) / samples.inferences
                known = found_of.setdefault(name, equalize.Spread(*(np.zeros(len(here[0])),) * 2))
                known.largest = np.maximum(known.largest, here[0])
                known.square = known.square + here[1]
    return found_of
