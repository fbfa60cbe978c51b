"""Numbers of a network must be numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node

# Where an infinite scalar is a bound or a fill, not a weight.
_UNBOUNDED = ("Clip", "Min", "Max", "Pad")
# Where minus infinity is a mask, if a softmax is what it is for.
_MASKED = ("Add", "Where")
_SOFTMAX = ("Softmax", "LogSoftmax")


def require_finite(graph: Graph) -> None:
    """Raises EK304 for a constant of the network that holds NaN or infinity; what was folded away may."""
    consumers = graph.consumers()
    for value in graph.values.values():
        if value.data is None or not value.dtype.startswith("float"):
            continue
        wrong = ~np.isfinite(value.data)
        if not wrong.any():
            continue
        bound = not value.shape and all(n.op in _UNBOUNDED for n in consumers[value.name])
        if bound and not np.isnan(value.data):
            continue
        masks = all(
            n.op == "Equal" or (n.op in _MASKED and _reaches_softmax(n, consumers))
            for n in consumers[value.name]
        )
        if masks and np.isneginf(value.data[wrong]).all():
            continue
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise EdgekitError(
            "EK304", "a constant holds numbers that are not finite", where=f"tensor {value.name}",
            found=f"{value.data[at]} at {list(at)}, {int(wrong.sum())} of {value.data.size} elements",
            help="repair the weights: training diverged, or a float64 does not fit float32",
        )  # fmt: skip


def _reaches_softmax(node: Node, consumers: Mapping[str, list[Node]]) -> bool:
    """Is there a softmax among what is made from the node's output?"""
    waiting, seen = [node], set()
    while waiting:
        here = waiting.pop()
        if here.op in _SOFTMAX:
            return True
        if here.name not in seen:
            seen.add(here.name)
            waiting += [n for out in here.outputs for n in consumers.get(out, [])]
    return False
