"""Source operators become edgekit's own; every declared output shape is checked against the rules."""

from __future__ import annotations

import difflib

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node
from edgekit.op import Op, load_ops, tflite_ops


def canonicalize(graph: Graph) -> Graph:
    """Raises EK201 for an operator that is not supported, EK202 outside an operator's limits, EK105
    where the file declares another shape than the operator produces."""
    known, ours = tflite_ops(), load_ops()
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.op in ours:
            made = [node]
            _check_shapes(node, graph)
        elif node.op in known:
            made = _imported(node, known[node.op], graph)
        else:
            near = difflib.get_close_matches(node.op, known, 1)
            hint = f"; the nearest supported one is {near[0]}" if near else ""
            raise EdgekitError(
                "EK201",
                f"operator {node.op} is not supported",
                where=f"node {node.name}",
                found=node.op,
                help=f"replace this layer in the source model; `edgekit ops` lists what is supported{hint}",
            )
        nodes += made
    return graph.with_nodes(nodes)


def _imported(node: Node, op: type[Op], graph: Graph) -> list[Node]:
    """The canonical nodes, checked. Operators index operands and axes as a sound file has them; where
    a damaged file lacks one, that lookup fails and the file is at fault."""
    try:
        made = op.import_tflite(node, graph)
        for canonical in made:
            _check_shapes(canonical, graph)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        operands = [list(graph.value(name).shape) if name else "absent" for name in node.inputs]
        raise EdgekitError(
            "EK105",
            f"the operands do not fit {node.op}",
            where=f"node {node.name}",
            found=f"operands {operands}, options {dict(node.attrs)}",
            help="export the model again",
        ) from None
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
