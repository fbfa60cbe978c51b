"""What a `.tflite` graph computes from constants alone becomes a constant, while it is imported.

Exporters compute shapes and indices in the graph; every shape is static here, so that all of this is
known. Quantized constants are computed by the operator's own integer formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node
from edgekit.op import Array, load_ops

INTEGERS: Mapping[str, Callable[..., Array]] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "FLOOR_DIV": np.floor_divide,
    "FLOOR_MOD": np.mod,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "ABS": np.abs,
    "NEG": np.negative,
    "SUM": lambda x, axes: x.sum(axis=tuple(axes.reshape(-1))),
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LOGICAL_AND": np.logical_and,
    "LOGICAL_OR": np.logical_or,
    "LOGICAL_NOT": np.logical_not,
    "RANGE": lambda start, limit, step: np.arange(start, limit, step),
}
_PLAIN = ("int32", "int64", "bool")


def fold_integers(node: Node, graph: Graph) -> bool:
    """Arithmetic and logic on whole numbers and truth values: True where the output has become a constant of `graph`."""
    known = [graph.const(name) for name in node.inputs]
    if node.op not in INTEGERS or len(node.outputs) != 1 or not _foldable(node, graph):
        return False
    out = graph.value(node.outputs[0])
    if out.dtype not in _PLAIN or any(x is None or str(x.dtype) not in _PLAIN for x in known):
        return False
    with np.errstate(all="ignore"):
        try:
            data = np.asarray(INTEGERS[node.op](*known), out.dtype)
        except (ArithmeticError, TypeError, ValueError):
            return False
    return _set(graph, out.name, data)


def fold_node(node: Node, graph: Graph) -> bool:
    """A canonical node on integers: True where its output has become a constant of `graph`."""
    if not _foldable(node, graph):
        return False
    out = graph.value(node.outputs[0])
    operands = [graph.const(name) for name in node.inputs if name]
    if out.dtype.startswith("float") or any(x is None or x.dtype.kind == "f" for x in operands):
        return False
    try:
        made = load_ops()[node.op].quantize(node, graph)
    except EdgekitError:
        return False  # the network is lowered later, and then this is an error with a place
    given = [graph.const(name) for name in made.inputs]
    (data,) = made.op.run(made.params, made.consts, *(x[None] for x in given if x is not None))
    return _set(graph, out.name, data.astype(out.dtype))


def _foldable(node: Node, graph: Graph) -> bool:
    """One output, not the network's, and constant operands."""
    inner = len(node.outputs) == 1 and node.outputs[0] not in graph.outputs
    named = [name for name in node.inputs if name]
    return inner and bool(named) and all(graph.const(name) is not None for name in named)


def _set(graph: Graph, name: str, data: Array) -> bool:
    value = graph.value(name)
    if data.size != value.elements or not isinstance(graph.values, dict):
        return False
    graph.values[name] = replace(value, data=data.reshape(value.shape))
    return True
