"""Whole layers that the network can do without: residual branches, and layers of equal shapes."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.compress.coupling import layers
from edgekit.compress.edits import Bypass
from edgekit.compress.matrix import Array, weights_of
from edgekit.compress.refit import refitted
from edgekit.compress.step import Context, State, Step
from edgekit.graph import Graph
from edgekit.quantize.evaluate import activations, some
from edgekit.threads import one_blas_thread
from edgekit.validate.data import Samples

_SAMPLES = 32
_BYPASSED = ("conv2d", "depthwise", "fully_connected", "add")


@dataclass(frozen=True)
class Remove(Step):
    """most: how many layers go at most, always the one whose absence changes the network's outputs least.
    error: how much of their variance a removal may change. layers: patterns of their names. refit: the
    layers that are left are fitted to what they computed before.
    """

    kind: ClassVar[str] = "remove"
    most: int = 1
    error: float = 0.1
    layers: tuple[str, ...] = ("*",)
    refit: bool = True

    def __post_init__(self) -> None:
        if self.most < 1:
            self.wrong("most", "1 or more")
        if self.error <= 0:
            self.wrong("error", "more than 0")

    def run(self, state: State, context: Context) -> State:
        original, samples = state.graph, context.need_calibration(self.kind)
        for _ in range(self.most):
            tried = [
                self._tried(original, state, edit, samples) for edit in self._able(state.graph)
            ]
            best = min(tried, key=lambda entry: entry[0], default=None)
            if best is None or best[0] > self.error:
                why = "none can go" if best is None else f"the next one changes {best[0]:.1%}"
                return state.noting(f"no further layer removed: {why}")
            _, edit, state = best
            state = state.noting(f"{edit.node} removed: {best[0]:.2%} of the outputs' variance")
        return state

    def _able(self, graph: Graph) -> Iterator[Bypass]:
        for node in graph.nodes:
            named = any(fnmatch.fnmatchcase(node.name, pattern) for pattern in self.layers)
            if not named or node.op not in _BYPASSED or node.outputs[0] in graph.outputs:
                continue
            for operand in range(2 if node.op == "add" else 1):
                given = graph.value(node.inputs[operand])
                if given.data is None and given.shape == graph.value(node.outputs[0]).shape:
                    yield Bypass(node.name, operand)

    def _tried(
        self, original: Graph, state: State, edit: Bypass, samples: Samples
    ) -> tuple[float, Bypass, State]:
        """What the removal changes, and the state after it."""
        after = state.with_edit(edit)
        if self.refit:
            left = {n.name: weights_of(n, after.graph) != 0 for n in layers(after.graph)}
            after = refitted(original, after, left, samples.take(slice(_SAMPLES)))
        return changed(original, after.graph, samples), edit, after


def changed(original: Graph, graph: Graph, samples: Samples) -> float:
    """The share of the outputs' variance that differs between two graphs of the same inputs."""
    with one_blas_thread():
        pairs = [
            (_outputs(original, inputs), _outputs(graph, inputs))
            for inputs in some(original, samples, _SAMPLES)
        ]
    wanted, found = (np.stack([pair[i] for pair in pairs]).astype(np.float64) for i in (0, 1))
    spread = ((wanted - wanted.mean(axis=0)) ** 2).sum()
    return float(((wanted - found) ** 2).sum() / max(float(spread), 1e-30))


def _outputs(graph: Graph, inputs: dict[str, Array]) -> Array:
    made = dict(activations(graph, inputs))
    return np.concatenate([made[name].reshape(-1) for name in graph.outputs])
