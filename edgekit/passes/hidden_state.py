"""What custom operators of TensorFlow Lite Micro keep inside themselves becomes variables of the graph.

An operator of `HIDDEN` gets the variable as a further input; it is of the type and shape of one of its
outputs, and begins with zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgekit.graph import Graph, State
from edgekit.op import require

# Source operator -> which of its outputs the variable is like.
HIDDEN: Mapping[str, int] = {"CUSTOM:SignalFilterBankSpectralSubtraction": 1}


def hidden_state(graph: Graph) -> Graph:
    """Raises EK202 where such an operator has other operands than its own."""
    values, states, nodes = dict(graph.values), list(graph.states), []
    for node in graph.nodes:
        if node.op in HIDDEN:
            index = HIDDEN[node.op]
            require(len(node.inputs) == 1 and len(node.outputs) > index, "one input and its outputs", node,
                    (node.inputs, node.outputs))  # fmt: skip
            like = graph.value(node.outputs[index])
            name = f"{node.name} state"
            values[name] = replace(like, name=name)
            states.append(State(name, np.zeros(like.shape, like.dtype)))
            node = replace(node, inputs=(*node.inputs, name))
        nodes.append(node)
    if len(states) == len(graph.states):
        return graph
    return graph.with_nodes(nodes, values=values, states=tuple(states))
