"""Numbers for tensors of which nothing but the sign is read."""

from __future__ import annotations

import numpy as np

from edgekit.graph import Graph, Node, Quant, Value
from edgekit.op import load_ops

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


def finest(x: Quant, weights: Quant, *, power: bool = False) -> Quant:
    """Steps as fine as those of the layer's sums: what is beyond them is cut, and no sign is lost.
    power: the scales are powers of two and stay so."""
    scale = x.scale[0] * max(weights.scale) * (1.0 if power else _ABOVE)
    return Quant((float(np.float32(scale)),), (0,))


def is_exact(node: Node, graph: Graph) -> bool:
    """Are a layer's inputs signs, perhaps pooled or reshaped, and its real weights of one magnitude a
    channel? Then int8 numbers of both are exact."""
    axis, made = load_ops()[node.op].channel_axis, graph.producers()
    source = made.get(node.inputs[0])
    while source is not None and source.op in ("max_pool", "reshape"):
        source = made.get(source.inputs[0])
    weights = graph.value(node.inputs[1])
    if source is None or source.op != "binarize" or axis is None:
        return False
    return weights.dtype == "float32" and _one_magnitude(weights, axis)


def _one_magnitude(weights: Value, axis: int) -> bool:
    if weights.data is None:
        return False
    size = np.abs(np.moveaxis(weights.data, axis, 0).reshape(weights.shape[axis], -1))
    return bool((size == size[:, :1]).all())
