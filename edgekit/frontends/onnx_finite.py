"""Numbers of a network must be numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node

# Where an infinite scalar is a bound or a fill, not a weight.
_UNBOUNDED = ("Clip", "Min", "Max", "Pad")
# What takes minus infinity for a mask.
_MASKED = ("Add", "Where")


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
        hides = all(_hides(n, consumers) for n in consumers[value.name])
        if hides and np.isneginf(value.data[wrong]).all():
            continue
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise EdgekitError(
            "EK304", "a constant holds numbers that are not finite", where=f"tensor {value.name}",
            found=f"{value.data[at]} at {list(at)}, {int(wrong.sum())} of {value.data.size} elements",
            help="repair the weights: training diverged, or a float64 does not fit float32",
        )  # fmt: skip


def _hides(node: Node, consumers: Mapping[str, list[Node]]) -> bool:
    """Whether minus infinity is a mask for a node: a softmax, perhaps in parts, takes what it makes, at
    once or further on; or it is only compared with."""
    if node.op not in _MASKED:
        return node.op == "Equal"
    seen, waiting = {*node.outputs}, [*node.outputs]
    while waiting:
        for reader in consumers.get(waiting.pop(), ()):
            if reader.op in ("Softmax", "Exp"):
                return True
            waiting += [out for out in reader.outputs if out not in seen]
            seen |= {*reader.outputs}
    return False
