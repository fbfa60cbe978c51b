"""Numbers for tensors of which nothing but the sign is read."""

from __future__ import annotations

import numpy as np

from edgekit.graph import Graph, Node, Quant, Value

# A little above the layer's own steps, so that rescaling needs no left shift.
_ABOVE = 1 + 2.0**-10


def signs_only(graph: Graph) -> set[str]:
    """Tensors that a `binarize` with its edges at 0 reads and nobody else."""
    readers = graph.consumers()
    found = set()
    for node in graph.nodes:
        name = node.inputs[0] if node.op == "binarize" else ""
        if (
            name
            and not any(node.attrs["edge"])
            and len(readers[name]) == 1
            and name not in graph.outputs
        ):
            found.add(name)
    return found


def finest(x: Quant, weights: Quant) -> Quant:
    """Steps as fine as those of the layer's sums: what is beyond them is cut, and no sign is lost."""
    return Quant((float(np.float32(x.scale[0] * max(weights.scale) * _ABOVE)),), (0,))


def reads_signs(node: Node, graph: Graph) -> bool:
    """Is the node's first operand that of a `binarize`, perhaps pooled or reshaped?"""
    made = graph.producers()
    source = made.get(node.inputs[0])
    while source is not None and source.op in ("max_pool", "reshape"):
        source = made.get(source.inputs[0])
    return source is not None and source.op == "binarize"


def one_magnitude(weights: Value, axis: int) -> bool:
    """Are the real weights of each channel a number and its opposite?"""
    if weights.data is None:
        return False
    size = np.abs(np.moveaxis(weights.data, axis, 0).reshape(weights.shape[axis], -1))
    return bool((size == size[:, :1]).all())
