"""Variables of a `.tflite` file become states of the graph.

VAR_HANDLE names a variable, READ_VARIABLE and ASSIGN_VARIABLE use it, CALL_ONCE runs a graph that
gives each its first value. What remains are the nodes read_variable and assign_variable on the
variable's storage, in their order, and a `State` with the first value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, State, Value
from edgekit.op import require

_READ, _ASSIGN = "READ_VARIABLE", "ASSIGN_VARIABLE"


def resolve_state(graph: Graph) -> Graph:
    """Raises EK202 where a first value is computed, EK105 where a variable is used in two types."""
    if not any(node.op == "VAR_HANDLE" for node in graph.nodes):
        return graph
    variable = _handles(graph)
    first = _first_values(graph)
    storage: dict[str, Value] = {}
    nodes = []
    for node in graph.nodes:
        if node.op in (_READ, _ASSIGN):
            name = variable[_handle(node, variable)]
            tensor = graph.value(node.outputs[0] if node.op == _READ else node.inputs[1])
            _same_type(node, tensor, storage.setdefault(name, replace(tensor, name=name)))
            if node.op == _READ:
                nodes.append(Node(node.name, "read_variable", (name,), node.outputs))
            else:
                nodes.append(Node(node.name, "assign_variable", (tensor.name,), (name,)))
        elif node.op not in ("VAR_HANDLE", "CALL_ONCE"):
            nodes.append(node)
    states = tuple(State(name, _init(value, first)) for name, value in sorted(storage.items()))
    values = {**graph.values, **storage}
    return graph.with_nodes(nodes, values=values, states=graph.states + states, subgraphs=())


def _handles(graph: Graph) -> dict[str, str]:
    """Handle tensor to the name of the variable's storage; equal shared names are one variable."""
    table = {}
    for node in graph.nodes:
        if node.op == "VAR_HANDLE":
            require(len(node.outputs) == 1, "a handle", node, node.outputs)
            shared = f"{node.attrs['container']}/{node.attrs['shared_name']}".strip("/")
            table[node.outputs[0]] = f"variable {shared or node.outputs[0]}"
    return table


def _handle(node: Node, variable: Mapping[str, str]) -> str:
    require(bool(node.inputs) and node.inputs[0] in variable, "a variable named by VAR_HANDLE", node,
            node.inputs)  # fmt: skip
    reads = node.op == _READ
    require(
        len(node.inputs) == (1 if reads else 2)
        and len(node.outputs) == (1 if reads else 0)
        and "" not in node.inputs,
        "one tensor to read or assign",
        node,
        (node.inputs, node.outputs),
    )
    return node.inputs[0]


def _first_values(graph: Graph) -> dict[str, np.ndarray]:
    """Storage name to first value, from the graphs that CALL_ONCE runs."""
    first = {}
    for call in graph.nodes:
        if call.op != "CALL_ONCE":
            continue
        index = call.attrs["init_subgraph_index"]
        require(0 < index < len(graph.subgraphs), "a graph of the file to run once", call, index)
        init = graph.subgraphs[index]
        variable = _handles(init)
        for node in init.nodes:
            require(
                node.op in ("VAR_HANDLE", _ASSIGN), "first values that are constants", node, node.op
            )
            if node.op == _ASSIGN:
                data = init.const(node.inputs[1])
                require(data is not None, "first values that are constants", node, node.inputs[1])
                first[variable[_handle(node, variable)]] = data
    return first


def _init(value: Value, first: Mapping[str, np.ndarray]) -> np.ndarray:
    """The first value of a variable; TensorFlow Lite fills one that has none with its zero point."""
    if value.name not in first:
        zero = value.zero_point if value.quant is not None else 0
        return np.full(value.shape, zero, value.dtype)
    data = first[value.name]
    if data.size != value.elements or str(data.dtype) != value.dtype:
        raise EdgekitError(
            "EK105", "a variable's first value is of another type", where=value.name,
            found=f"{data.dtype} {list(data.shape)}, wanted {value.dtype} {list(value.shape)}",
            help="export the model again",
        )  # fmt: skip
    return data.reshape(value.shape)


def _same_type(node: Node, tensor: Value, storage: Value) -> None:
    if (tensor.dtype, tensor.shape, tensor.quant) != (storage.dtype, storage.shape, storage.quant):
        raise EdgekitError(
            "EK105", "a variable is used in two types", where=f"node {node.name}, {storage.name}",
            found=f"{tensor.dtype} {list(tensor.shape)}, wanted {storage.dtype} {list(storage.shape)}",
            help="export the model again",
        )  # fmt: skip
