"""Numbers of a network must be numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node

# Where an infinite scalar is a bound or a fill, not a weight.
_UNBOUNDED = ("Clip", "Min", "Max", "Pad")
# Where minus infinity is a mask.
_MASKED = ("Add", "Where", "Equal")


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
        masks = all(n.op in _MASKED for n in consumers[value.name])
        if (
            masks
            and np.isneginf(value.data[wrong]).all()
            and _before_softmax(value.name, consumers)
        ):
            continue
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise EdgekitError(
            "EK304", "a constant holds numbers that are not finite", where=f"tensor {value.name}",
            found=f"{value.data[at]} at {list(at)}, {int(wrong.sum())} of {value.data.size} elements",
            help="repair the weights: training diverged, or a float64 does not fit float32",
        )  # fmt: skip


def _before_softmax(name: str, consumers: Mapping[str, list[Node]]) -> bool:
    """Whether a softmax takes what comes of a tensor, at once or further on."""
    seen, waiting = set[str](), [name]
    while waiting:
        for node in consumers.get(waiting.pop(), ()):
            if node.op == "Softmax":
                return True
            waiting += [out for out in node.outputs if out not in seen]
            seen |= {*node.outputs}
    return False
