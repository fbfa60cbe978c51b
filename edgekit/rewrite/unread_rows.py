"""Recurrent layers of which nobody reads the output's rows keep the row of the last step alone.

The states behind the rows are outputs of their own; calibration has seen every step before this.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgekit.families.sequence import Sequence
from edgekit.graph import IntGraph, IntNode


def drop_unread_rows(graph: IntGraph) -> IntGraph:
    """The same results in less memory."""
    read = {name for node in graph.nodes for name in node.inputs} | set(graph.outputs)
    values, nodes = dict(graph.values), []
    for node in graph.nodes:
        if issubclass(node.op, Sequence) and node.outputs[0] not in read:
            rows = values[node.outputs[0]]
            values[rows.name] = replace(rows, shape=values[node.outputs[1]].shape)
            node = _last_row_alone(node)
        nodes.append(node)
    return replace(graph, values=values, nodes=tuple(nodes))


def _last_row_alone(node: IntNode) -> IntNode:
    """The layer with every step's row in one place, which is laid out as the states are."""
    p: Any = node.params
    params = replace(p, y_step=0, y_batch=p.units, y_direction=p.batch * p.units)
    return replace(node, params=params)
