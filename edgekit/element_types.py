"""Which element types an operator takes: read from its cases, and tried on its quantization."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, Quant, Value
from edgekit.lowering import integer_node
from edgekit.op import Op, load_ops

TYPES = ("int8", "int16", "int32", "uint8", "bool")
_TRIED = 4  # cases of an operator


def element_types(op: type[Op]) -> tuple[str, ...]:
    """The types of its cases' operands, and where these are int8 what else its quantization lets
    pass."""
    return _types(op.name)


@functools.cache
def _types(name: str) -> tuple[str, ...]:
    graphs = [case.graph for case in load_ops()[name].cases()]
    kept = {state.value for graph in graphs for state in graph.states}
    given = set()
    for graph in graphs:
        first, *others = (graph.value(n).dtype for n in graph.inputs if n not in kept)
        # An int16 cell beside int8 activations has a type of its own, not theirs.
        given |= {first, *(t for t in others if (first, t) != ("int8", "int16"))}
    return tuple(t for t in TYPES if t in given or any(_takes(g, t) for g in graphs[:_TRIED]))


def _takes(graph: Graph, dtype: str) -> bool:
    """Whether the case's node, its activations of int8 being of that type, can be quantized: with
    the source's numbers or with our own."""
    (node,) = graph.nodes
    values = {name: _retyped(value, node, dtype) for name, value in graph.values.items()}
    if all(values[name] is graph.value(name) for name in graph.inputs):
        return False
    for ours in (False, True):
        try:
            integer_node(node, replace(graph, values=values, one_rounding=ours))
            return True
        except EdgekitError:
            continue
    return False


def _retyped(value: Value, node: Node, dtype: str) -> Value:
    """A value of a case for activations of `dtype`; weights stay, biases of int16 layers are longer."""
    op = load_ops()[node.op]
    layer = op.channel_axis is not None or bool(op.states)
    if layer and value.data is not None:
        longer = dtype == "int16" and value.dtype == "int32"
        return replace(value, dtype="int64", data=value.data.astype(np.int64)) if longer else value
    if value.dtype != "int8" or value.quant is None or value.quant.per_channel:
        return value
    fixed = load_ops()[op.wide].output_quant if dtype == "int16" and op.wide else None
    scale, zero = fixed if fixed and value.name in node.outputs else (value.scale / 256, 0)
    data = None if value.data is None else value.data.astype(dtype)
    return Value(value.name, value.shape, dtype, Quant((scale,), (zero,)), data)
