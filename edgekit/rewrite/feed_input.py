"""The network whose input is handed over row by row, as `--stream-input` wants it.

The input stays with the caller; a `feed` node in front of the network takes its rows into the
arena, each when the schedule asks for it. Rows are those of the map [1, H, W, C] that the layers read:
views between the input and that map, such as a reshape of [1, T, C] to [1, T, 1, C], become the
feed's own.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace

from edgekit.errors import EdgekitError
from edgekit.graph import IntGraph, IntNode, Value
from edgekit.op import Alias
from edgekit.ops.feed import Feed


def feed_input(graph: IntGraph) -> IntGraph:
    """The graph with its only input fed by rows.

    Raises EK204 where there are several inputs or none, or where the input has no rows.
    """
    if len(graph.inputs) != 1:
        raise _refused(
            graph.name,
            f"{len(graph.inputs)} inputs, wanted one",
            "join them to one input in the source model, or build without --stream-input",
        )
    given = graph.values[graph.inputs[0]]
    views = list(_views(graph, given.name))
    seen = graph.values[views[-1].outputs[0]] if views else given
    if len(seen.shape) != 4 or seen.shape[0] != 1 or seen.shape[1] < 2:
        raise _refused(
            f"input {given.name}",
            f"{'x'.join(map(str, seen.shape))}, wanted 1xHxWxC with at least two rows",
            "build without --stream-input, or let the model begin with a layer on rows (a reshape to frames)",
        )
    rows = seen if views else replace(seen, name=_fresh(f"{given.name}_rows", graph.values))
    gone = {name for node in views for name in node.outputs} - {rows.name}
    values = {n: v for n, v in graph.values.items() if n not in gone} | {rows.name: rows}
    nodes = tuple(_reading(n, given, rows) for n in graph.nodes if n not in views)
    feed = Feed.of(_fresh("feed", [node.name for node in nodes]), given, rows)
    fed = replace(graph, values=values, nodes=(feed, *nodes))
    fed.verify()
    return fed


def _views(graph: IntGraph, name: str) -> Iterator[IntNode]:
    """The views that stand alone between a tensor and the layers, in order."""
    while name not in graph.outputs:
        readers = [node for node in graph.nodes if name in node.inputs]
        if len(readers) != 1 or not _is_view(readers[0], graph):
            return
        yield readers[0]
        name = readers[0].outputs[0]


def _is_view(node: IntNode, graph: IntGraph) -> bool:
    """Does a node give all elements of its input another shape or scale, and nothing else?"""
    (out,) = node.outputs
    if out in {state.value for state in graph.states} or out in graph.outputs:
        return False
    whole = graph.values[out].nbytes == graph.values[node.inputs[0]].nbytes
    return whole and node.op.aliases(node, graph.values) == [Alias(out, node.inputs[0], 0)]


def _reading(node: IntNode, given: Value, rows: Value) -> IntNode:
    """The node reading the fed rows where it read the input."""
    inputs = tuple(rows.name if name == given.name else name for name in node.inputs)
    return replace(node, inputs=inputs)


def _fresh(name: str, taken: Container[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _refused(where: str, found: str, help: str) -> EdgekitError:
    return EdgekitError(
        "EK204", "the input cannot be fed row by row", where=where, found=found, help=help
    )
