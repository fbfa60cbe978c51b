"""Which layers threads share: those that win more by it than the meetings around them cost.

Between two layers that are shared, or one that is and one that is not, all threads meet. A thread that
waits could have worked, so a meeting has a price in instructions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgekit.errors import EdgekitError
from edgekit.graph import IntGraph, IntNode, Value
from edgekit.instructions import of_node
from edgekit.plan.stages import stage_of
from edgekit.target import Target

# Instructions. Four threads meet by a dozen transfers of a cache line, some 50 ns each on a Cortex-A72
# that executes three instructions a nanosecond; `python -m benchmarks.threads` measures a meeting.
MEETING = 2000
_MEETINGS = 2  # that a shared layer adds where its neighbours are not


def check_threads(threads: int, target: Target) -> None:
    """Raises EK001 where `target` has no cores for so many threads."""
    most = target.cores if target.system == "hosted" else 1
    if not 1 <= threads <= most:
        raise EdgekitError(
            "EK001", "there are no cores for so many threads", where=f"--threads, target {target.name}",
            found=f"{threads}, wanted {'1' if most == 1 else f'1 to {most}'}",
            help="`cores` in the target's file says how many threads of its operating system share one program",
        )  # fmt: skip


def share(graph: IntGraph, threads: int, meeting: int = MEETING) -> IntGraph:
    """The graph with the rows of every layer that is worth it shared by so many threads.

    meeting: the price of one, in instructions. Layers without rows of their own (dense layers, softmax, a map of one row) are one thread's. Depends
    on the graph alone.
    """
    nodes = tuple(
        replace(node, threads=threads)
        if worth_sharing(node, graph.values, threads, meeting)
        else node
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes, threads=threads)


def worth_sharing(node: IntNode, values: Mapping[str, Value], threads: int, meeting: int) -> bool:
    """Do threads that share the rows of `node` win more than they lose by meeting?"""
    stage = stage_of(node, values)
    if threads < 2 or stage.rows < 2 or stage.sums:
        return False
    busiest = -(-stage.rows // threads) / stage.rows
    return of_node(node, values, 1) * (1 - busiest) > _MEETINGS * meeting
