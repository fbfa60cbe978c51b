"""From an integer graph to a program: storage, schedule, lifetimes, offsets."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import IntGraph, IntNode, Value
from edgekit.instructions import of_node
from edgekit.plan.arena import Arena, best_arena
from edgekit.plan.check import check_plan
from edgekit.plan.front import arena_within
from edgekit.plan.frugal import frugal_arena
from edgekit.plan.order import Order, best_order
from edgekit.plan.regions import Room, regional
from edgekit.plan.rows import ALIGN, SCRATCH, up
from edgekit.plan.streams import Network
from edgekit.program import ARENA, Block, Buffer, OrderReport, PlanReport, Program, Step, Turn

OPTIMIZE = ("balanced", "speed", "size", "ram")


def plan(
    graph: IntGraph,
    *,
    keep_input: bool = False,
    caller_io: bool = False,
    optimize: str = "balanced",
    limit: int | None = None,
    rooms: Sequence[Room] = (),
    asked: bool = False,
) -> Program:
    """Decide what is streamed, assign every row its place, drop copies that became views, and check
    the result.

    keep_input: the inputs survive a run. caller_io: inputs and outputs are the caller's buffers.
    optimize: "ram" streams for the smallest arena, "balanced" as far as that adds at most an estimated 3 % of the
    instructions, "speed" and "size" not at all. limit: bytes that the arena should have at most; where
    it would have more, the quickest way that needs no more is taken instead, or else the smallest.
    rooms: the memory regions there are, the fastest first; more than one is used where none holds the
    arena, or where `asked`.
    Raises EK402 when the finished plan fails its independent check (a bug).
    """
    order, networks = ordered(graph, keep_input=keep_input, caller_io=caller_io)
    arenas = [_arena(network, optimize, limit) for network in networks]
    best = min(range(len(arenas)), key=lambda i: up(arenas[i].placed.peak))
    arena = arenas[best]
    if rooms:
        state = _state_offsets(graph)[1]
        free = [room._replace(bytes=room.bytes - state * room.home) for room in rooms]
        arena = regional(networks[best], arena, free, asked=asked)
    return program_of(arena, order.report(best > 0))


def ordered(graph: IntGraph, *, keep_input: bool, caller_io: bool) -> tuple[Order, list[Network]]:
    """The best order of the nodes for whole tensors, and the network in the order of the file; then
    in the best one, where that is another."""
    network = Network(graph, keep_input=keep_input, caller_io=caller_io)
    order = best_order(network.cuts.whole)
    if order.peak == order.file_peak:
        return order, [network]
    try:
        other = Network(order.of(graph), keep_input=keep_input, caller_io=caller_io)
    except EdgekitError:  # rows can be fed to the order of the file, and not to this one
        return order, [network]
    return order, [network, other]


def _arena(network: Network, optimize: str, limit: int | None) -> Arena:
    arena = frugal_arena(network) if optimize == "ram" else best_arena(network, optimize)
    if limit is not None and up(arena.placed.peak) > limit:
        arena = arena_within(network, limit) or arena
    return arena


def program_of(arena: Arena, order: OrderReport | None = None) -> Program:
    """The program of an arena, checked. Raises EK402 where the check fails (a bug)."""
    program = _Builder(arena, order).program()
    check_plan(program)
    return program


@dataclass
class _Builder:
    """Puts an arena's decisions into the form that the simulator and the emitter read."""

    arena: Arena
    order: OrderReport | None

    def program(self) -> Program:
        arena = self.arena
        graph = arena.line.graph
        kept = [k for k in range(len(graph.nodes)) if k not in arena.line.storage.dropped]
        number = {k: i for i, k in enumerate(kept)}
        state_offset, state_bytes = _state_offsets(graph)
        return Program(
            name=graph.name,
            buffers={n: self._buffer(n, v, state_offset) for n, v in graph.values.items()},
            steps=tuple(self._step(k) for k in kept),
            inputs=graph.inputs,
            outputs=graph.outputs,
            arena_bytes=max(ALIGN, up(arena.placed.peak)),  # C has no arrays without elements
            state_bytes=state_bytes,
            plan=self._report(kept),
            states=graph.states,
            schedule=tuple(Turn(number[k], first, n) for k, first, n in arena.turns),
            views=self._views(),
            layouts=graph.layouts,
            kept=graph.kept,
            regions=arena.regions,
            threads=graph.threads,
        )

    def _buffer(self, name: str, value: Value, state_offset: dict[str, int]) -> Buffer:
        storage, offset = self.arena.line.storage, self.arena.placed.offset
        spot = storage.place(name)
        space = storage.space[spot.root]
        rows: tuple[int, ...] = ()
        if spot.root in self.arena.apart:
            rows = tuple(offset[spot.root, r] for r in range(value.shape[1]))
            base, step = rows[0], value.nbytes // value.shape[1]
            if all(b - a == step for a, b in itertools.pairwise(rows)):
                rows = ()
        elif space == ARENA:
            base = offset[spot.root, 0]
        else:
            base = state_offset.get(spot.root, 0)
        return Buffer(
            name, space, base + spot.offset, value.shape, value.dtype, value.quant, value.data, rows
        )

    def _step(self, k: int) -> Step:
        line = self.arena.line
        node: IntNode = line.graph.nodes[k]
        cost = node.op.cost(node, line.graph.values)
        at = self.arena.placed.offset.get((node.name, SCRATCH), 0)
        return Step(node.name, node.op, node.params, node.inputs, node.outputs, node.consts,
                    cost.macs, at, node.scratch(line.graph.values), line.stages[k].rows,
                    node.variant, of_node(node, line.graph.values, max(1, self._calls[k])),
                    threads=node.threads)  # fmt: skip

    @functools.cached_property
    def _calls(self) -> Counter[int]:
        """In how many calls the rows of each node are made."""
        return Counter(turn.step for turn in self.arena.turns)

    def _report(self, kept: list[int]) -> PlanReport:
        """Bytes alive at each step: the most of its row steps."""
        arena, live = self.arena, self.arena.live
        most = dict.fromkeys(kept, 0)
        for time, k, _, _ in arena.line.events(arena.turns):
            most[k] = max(most[k], int(live[time]))
        nodes = arena.line.graph.nodes
        peak = max(most, key=lambda k: most[k], default=None)
        if most and int(live[0]) > max(most.values()):
            peak = kept[0]
        return PlanReport(
            arena.bound,
            max(ALIGN, arena.proved),
            arena.placed.method,
            "" if peak is None else nodes[peak].name,
            tuple(most.values()),
            self.order,
            tuple(self._blocks()),
        )

    def _blocks(self) -> Iterator[Block]:
        for group in self.arena.groups:
            (owner, row), offset = group.key, self.arena.placed.offset[group.key]
            parts = np.stack([group.at, group.size, group.start, group.end], axis=1)
            for at, size, first, last in parts.tolist():
                # The rows of a whole tensor lie in one group, at multiples of their bytes.
                inside = (
                    0 if row == SCRATCH else at // max(1, self.arena.line.roots[owner].row_bytes)
                )
                yield Block(owner, row + inside, offset + at, size, first, last)

    def _views(self) -> tuple[tuple[int, Step], ...]:
        """Dropped nodes, each with the number of turns that run before it."""
        turns = np.array([turn.step for turn in self.arena.turns], int)
        return tuple(
            (int((turns < k).sum()), self._step(k)) for k in sorted(self.arena.line.storage.dropped)
        )


def _state_offsets(graph: IntGraph) -> tuple[dict[str, int], int]:
    offsets, at = {}, 0
    for state in graph.states:
        offsets[state.value] = at
        at += up(graph.values[state.value].nbytes)
    return offsets, at
