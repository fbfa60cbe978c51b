"""What operators of TensorFlow Lite Micro keep inside themselves becomes variables of the graph.

An operator says what it keeps (`Op.hidden`), and gets each of these as a further input.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.graph import Graph, State, Value
from edgekit.op import Op, tflite_ops


def hidden_state(graph: Graph) -> Graph:
    """Raises what `Op.hidden` raises."""
    known = tflite_ops() if graph.format == "tflite" else {}
    values, states, nodes = dict(graph.values), list(graph.states), []
    for node in graph.nodes:
        for i, (shape, dtype) in enumerate(known.get(node.op, Op).hidden(node, graph)):
            name = f"{node.name} state {i}"
            values[name] = Value(name, shape, dtype)
            states.append(State(name, np.zeros(shape, dtype)))
            node = replace(node, inputs=(*node.inputs, name))
        nodes.append(node)
    if len(states) == len(graph.states):
        return graph
    return graph.with_nodes(nodes, values=values, states=tuple(states))
