"""Source operators become edgekit's own; every declared output shape is checked against the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

from edgekit.draft import Draft
from edgekit.errors import EdgekitError
from edgekit.folding import INTEGERS, fold_integers, fold_node
from edgekit.graph import Graph, Node
from edgekit.op import Op, load_ops, onnx_ops, tflite_ops
from edgekit.refusals import unsupported

T = TypeVar("T")


def canonicalize(graph: Graph) -> Graph:
    """Raises EK201 for an operator that is not supported, EK202 outside an operator's limits, EK105
    where the file declares another shape than the operator produces."""
    return _drafted(graph) if graph.format == "onnx" else _walked(graph)


def _drafted(graph: Graph) -> Graph:
    """Channel-first sources: every node writes what it means to a draft."""
    known, draft = onnx_ops(), Draft(graph)
    for node in graph.nodes:
        op = _supported(node, known, graph)
        _on_sound_operands(node, graph, partial(op.import_onnx, node, draft))
    return draft.finish()


def _walked(graph: Graph) -> Graph:
    """Channel-last sources: nodes are renamed in place, their tensors stay. What is computed from
    constants alone is one, so that later nodes may ask for its numbers."""
    known, ours = tflite_ops(), load_ops()
    graph = replace(graph, values=dict(graph.values))
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.op in ours:
            _check_shapes(node, graph)
            nodes.append(node)
        else:
            if fold_integers(node, graph):
                continue
            op = _supported(node, known, graph)
            made = _on_sound_operands(node, graph, partial(_imported, node, op, graph))
            nodes += [n for n in made if not fold_node(n, graph)]
    return graph.with_nodes(nodes)


def _supported(node: Node, known: Mapping[str, type[Op]], graph: Graph) -> type[Op]:
    if node.op in known:
        return known[node.op]
    others = {n.op for n in graph.nodes} - {node.op, *known, *load_ops(), *INTEGERS}
    raise unsupported(node.op, f"node {node.name}", graph.format, others)


def _on_sound_operands(node: Node, graph: Graph, read: Callable[[], T]) -> T:
    """`read()`. Operators index operands and axes as a sound file has them; where a damaged file
    lacks one, that lookup fails and the file is at fault."""
    try:
        return read()
    except (ArithmeticError, LookupError, TypeError, ValueError):
        known = [graph.values.get(name) for name in node.inputs]
        operands = [list(value.shape) if value else "absent" for value in known]
        raise EdgekitError(
            "EK105",
            f"the operands do not fit {node.op}",
            where=f"node {node.name}",
            found=f"operands {operands}, options {dict(node.attrs)}",
            help="export the model again",
        ) from None


def _imported(node: Node, op: type[Op], graph: Graph) -> list[Node]:
    made = op.import_tflite(node, graph)
    for canonical in made:
        _check_shapes(canonical, graph)
    return made


def _check_shapes(node: Node, graph: Graph) -> None:
    declared = [graph.value(name).shape for name in node.outputs]
    found = load_ops()[node.op].shapes(node, graph)
    if declared != found:
        raise EdgekitError(
            "EK105",
            "the file declares another shape than the operator produces",
            where=f"node {node.name}",
            found=f"{declared}, wanted {found}",
            help="export the model again with fixed input shapes",
        )
