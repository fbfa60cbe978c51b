"""What is hidden from a softmax by a constant mask becomes the softmax's own mask.

Exporters hide scores of attention by adding numbers beyond all exponentials, or choose between scores and
such a number; integers have no such numbers, and a scale that reached them would have no steps left for the
scores.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.draft import TEMPORARY
from edgekit.graph import Graph, Node, Value, dequantized
from edgekit.op import Array

_HIDDEN = -1e3  # float32 has no exponential this far below the others


def mask_softmax(graph: Graph) -> Graph:
    """Only where nobody else reads what is hidden, and where it is real."""
    made, readers = graph.producers(), graph.consumers()
    values = dict(graph.values)
    changed: dict[str, Node] = {}
    dropped: set[str] = set()
    for node in graph.nodes:
        if node.op != "softmax" or node.inputs[0] not in made:
            continue
        hiding = made[node.inputs[0]]
        alone = len(readers[node.inputs[0]]) == 1 and node.inputs[0] not in graph.outputs
        found = _hidden(hiding, graph) if alone and node.attrs["beta"] == 1 else None
        if found is None:
            continue
        scores, hidden, rest = found
        mask = _repeating(~np.broadcast_to(hidden, graph.value(scores).shape))
        changed[node.outputs[0]] = replace(
            node, op="masked_softmax", inputs=(scores,), attrs={"beta": 1.0, "mask": mask}
        )
        if rest is None:
            dropped.add(hiding.outputs[0])
        else:  # numbers that are no mask are still added
            name = f"{hiding.outputs[0]}{TEMPORARY}shown"
            values[name] = Value(name, rest.shape, "float32", None, rest)
            changed[hiding.outputs[0]] = replace(hiding, inputs=(scores, name))
            softmax = changed[node.outputs[0]]
            changed[node.outputs[0]] = replace(softmax, inputs=hiding.outputs)
    nodes = [changed.get(n.outputs[0], n) for n in graph.nodes if n.outputs[0] not in dropped]
    return graph.with_nodes(nodes, values=values)


def _hidden(node: Node, graph: Graph) -> tuple[str, Array, Array | None] | None:
    """The scores, where a node hides them, and what it adds elsewhere; None where it hides nothing."""
    data = [None if graph.const(n) is None else dequantized(graph.value(n)) for n in node.inputs]
    if node.op in ("add", "add_broadcast") and node.attrs["activation"] == "NONE":
        known = [i for i in range(2) if data[i] is not None]
        if len(known) != 1:
            return None
        added, scores = data[known[0]], node.inputs[1 - known[0]]
        assert added is not None
        hidden = added <= _HIDDEN
        rest = np.where(hidden, 0, added).astype(np.float32)
        found = scores, hidden, rest if rest.any() else None
    elif node.op == "select" and data[0] is not None and (data[1] is None) != (data[2] is None):
        chosen, other = (data[0] != 0), 2 if data[1] is None else 1
        filled = data[other]
        assert filled is not None
        away = ~chosen if other == 2 else chosen
        if not (np.broadcast_to(filled, away.shape)[away] <= _HIDDEN).all():
            return None
        found = node.inputs[3 - other], away, None
    elif node.op == "masked" and data[1] is not None:
        if not data[1].any(axis=-1).all():  # a row without anything to see has no softmax
            return None
        found = node.inputs[0], data[1] == 0, None
    else:
        return None
    whole = graph.value(found[0]).shape == graph.value(node.outputs[0]).shape
    return found if whole and found[1].any() else None


def _repeating(mask: Array) -> Array:
    """The rows of a mask up to where they begin again, [rows, depth]."""
    flat = mask.reshape(-1, mask.shape[-1])
    for count in range(1, len(flat)):
        if (
            len(flat) % count == 0
            and (flat.reshape(-1, count, flat.shape[1]) == flat[:count]).all()
        ):
            return flat[:count].copy()
    return flat.copy()
