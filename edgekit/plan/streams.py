"""A network as the planner sees it: its nodes as they are and as they run inside streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from edgekit.graph import IntGraph, IntNode
from edgekit.op import load_ops
from edgekit.plan.search import Choice, Cuts
from edgekit.plan.stages import stage_of
from edgekit.plan.storage import Storage
from edgekit.plan.timeline import Timeline
from edgekit.program import Turn
from edgekit.variants import fitting, with_best

NO_LIMITS: Mapping[int, int] = MappingProxyType({})


class Network:
    """The graph, which copies become views, and the ways to cut it into streams."""

    def __init__(
        self,
        graph: IntGraph,
        *,
        keep_input: bool,
        caller_io: bool,
        scratch: Mapping[int, int] = NO_LIMITS,
    ) -> None:
        """scratch: by number of a node the bytes that its kernel may have at most; a portable kernel
        may have what it needs."""
        nodes = list(graph.nodes)
        for k, most in scratch.items():
            nodes[k] = with_best(nodes[k], graph, scratch=most)
        self.graph = graph = replace(graph, nodes=tuple(nodes))
        self._keep_input, self._caller_io = keep_input, caller_io
        # In place or not, the same copies are dropped: else a schedule would not fit the storage.
        self._droppable = Storage(graph, keep_input=keep_input, caller_io=caller_io).dropped
        apart = self.storage(lambda time, name: False)
        self._by_rows = replace(
            graph,
            nodes=tuple(by_rows(n, graph, scratch.get(k)) for k, n in enumerate(graph.nodes)),
        )
        self.cuts = Cuts(timeline(graph, apart), timeline(self._by_rows, apart))

    def limited(self, scratch: Mapping[int, int]) -> Network:
        """The same network with limits to the scratch of kernels."""
        return Network(
            self.graph, keep_input=self._keep_input, caller_io=self._caller_io, scratch=scratch
        )

    def storage(self, overwrites: Callable[[int, str], bool]) -> Storage:
        return Storage(
            self.graph,
            keep_input=self._keep_input,
            caller_io=self._caller_io,
            overwrites=overwrites,
            droppable=self._droppable,
        )

    def scheduled(self, choice: Choice) -> tuple[Timeline, list[Turn]]:
        """The timeline, in place where the schedule allows it, and the schedule of a choice."""
        streamed = {k for run in choice.runs if len(run) > 1 for k in run}
        nodes = tuple(
            (self._by_rows if k in streamed else self.graph).nodes[k]
            for k in range(len(self.graph.nodes))
        )
        graph = replace(self.graph, nodes=nodes)
        turns = [turn for run in choice.runs for turn in self.cuts.turns(run)]
        apart = self.cuts.whole.storage
        storage = self.storage(_Overwrites(timeline(graph, apart), turns))
        if storage.dropped != apart.dropped:
            storage = apart
        return timeline(graph, storage), turns


class _Overwrites:
    """May a node write over an input: is each of its row steps the last that reads that row?"""

    def __init__(self, line: Timeline, turns: list[Turn]) -> None:
        self._line = line
        self._spans, _ = line.spans(turns)
        self._nodes = [k for _, k, _, _ in line.events(turns)]
        self._times: dict[int, list[int]] = {}
        for time, k in enumerate(self._nodes, 1):
            self._times.setdefault(k, []).append(time)

    def __call__(self, time: int, name: str) -> bool:
        root = self._line.storage.place(name).root
        span = self._spans.get(root)
        if span is None or time not in self._times:
            return False
        own = self._times[time]
        if len(span.dies) == len(own):
            # Rows that are made together are all read until the last of them; each is still the only
            # one that reads its own.
            last = own[-1:] * len(own)
            return span.dies == (last if self._line.stages[time].together else own)
        return self._line.left_to(time, root, self._nodes)


def timeline(graph: IntGraph, storage: Storage) -> Timeline:
    return Timeline(graph, storage, [stage_of(node, graph.values) for node in graph.nodes])


def by_rows(node: IntNode, graph: IntGraph, scratch: int | None) -> IntNode:
    """The node as it runs inside a stream, by one thread; some operators have a form of their own."""
    node = replace(node, threads=1)
    whole = load_ops().get(node.op.as_rows)
    made = whole.of_whole(node, graph.values) if whole else None
    if made:
        node = replace(made, variants=tuple(fitting(made, graph.isa)))
    if not node.variants:
        return node
    calls = max(1, stage_of(node, graph.values).rows)
    return with_best(node, graph, calls=calls, scratch=scratch)
