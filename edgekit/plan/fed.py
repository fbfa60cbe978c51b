"""Streamed input: how far the first stream must reach, so that the input never stands as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.errors import EdgekitError
from edgekit.plan.timeline import Timeline


def fed_node(line: Timeline) -> int | None:
    """The node that takes the caller's rows; None where the input is resident."""
    return next((k for k, node in enumerate(line.graph.nodes) if node.op.feeds), None)


def first_end(line: Timeline, nodes: Sequence[int], reach: int) -> int:
    """The first position at which the first run of `nodes` may end: behind all that read fed rows.

    reach: the last position it can reach. Raises EK204 naming the node that needs the whole input.
    """
    feed = fed_node(line)
    if feed is None:
        return 1
    rows = line.graph.nodes[feed].outputs[0]
    root = line.storage.place(rows).root
    readers = {k: by_rows for k in nodes for name, by_rows in line.reads[k] if name == root}
    if not readers:
        raise _refused(line, feed, rows, "nothing reads the input")
    end = nodes.index(max(readers)) + 1
    stages = line.stages
    whole = [k for k, by_rows in readers.items() if not (by_rows and stages[k].rows)]
    between = [k for at, k in enumerate(nodes[:end]) if not stages[k].rows or at >= reach]
    if whole or between:
        k = (whole or between)[0]
        raise _refused(line, k, rows, f"{line.graph.nodes[k].op.name} works on whole tensors")
    return end


def _refused(line: Timeline, k: int, rows: str, found: str) -> EdgekitError:
    shape = "x".join(map(str, line.graph.values[rows].shape))
    return EdgekitError(
        "EK204", "the input cannot be fed row by row", where=f"node {line.graph.nodes[k].name}",
        found=f"{found}, wanted layers that make rows of rows up to the last that reads the input ({shape})",
        help="build without --stream-input, or put a layer on rows (convolution, pool, dense layer after a map) first",
    )  # fmt: skip
