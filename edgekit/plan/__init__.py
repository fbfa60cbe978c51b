"""From an integer graph to a program: storage, lifetimes, offsets."""

from __future__ import annotations

from edgekit.graph import IntGraph, IntNode
from edgekit.plan.check import check_plan
from edgekit.plan.offsets import Block, live_bytes, place
from edgekit.plan.storage import Storage
from edgekit.program import ARENA, Buffer, PlanReport, Program, Step

ALIGN = 4  # bytes: so that later kernels may load words


def plan(graph: IntGraph, *, keep_input: bool = False, caller_io: bool = False) -> Program:
    """Assign every tensor its place, drop copies that became views, and check the result.

    keep_input: the inputs survive a run. caller_io: inputs and outputs are the caller's buffers.
    Raises EK402 when the finished plan fails its independent check (a bug).
    """
    storage = Storage(graph, keep_input=keep_input, caller_io=caller_io)
    steps = [(time, n) for time, n in enumerate(graph.nodes) if time not in storage.dropped]
    blocks = _lifetimes(graph, storage) + _scratch(graph, steps)
    live = live_bytes(blocks, len(graph.nodes) + 1)
    bound = max(live, default=0)
    offsets = place(blocks, bound)
    state_offset, state_bytes = _state_offsets(graph)
    base = {**offsets.offset, **state_offset}
    buffers = {}
    for name, value in graph.values.items():
        spot = storage.place(name)
        offset = base.get(spot.root, 0) + spot.offset
        space = storage.space[spot.root]
        buffers[name] = Buffer(
            name, space, offset, value.shape, value.dtype, value.quant, value.data
        )
    peak = live.index(bound)
    report = PlanReport(
        bound, offsets.method, graph.nodes[min(peak, len(graph.nodes) - 1)].name if graph.nodes else "",
        tuple(live[time] for time, _ in steps),
    )  # fmt: skip
    program = Program(
        name=graph.name,
        buffers=buffers,
        steps=tuple(_step(graph, n, offsets.offset) for _, n in steps),
        inputs=graph.inputs,
        outputs=graph.outputs,
        arena_bytes=_up(offsets.peak),
        state_bytes=state_bytes,
        plan=report,
        states=graph.states,
        views=_views(graph, storage),
        layouts=graph.layouts,
    )
    check_plan(program)
    return program


def _up(size: int) -> int:
    return -(-size // ALIGN) * ALIGN


def _lifetimes(graph: IntGraph, storage: Storage) -> list[Block]:
    """One block per arena storage, alive from its members' first write to their last use."""
    born = dict.fromkeys(graph.inputs, 0)
    for time, node in enumerate(graph.nodes):
        for name in node.outputs:
            born.setdefault(name, time)
    blocks = []
    for root, members in storage.members.items():
        if storage.space[root] == ARENA:
            start = min(born[m] for m in members if m in born)
            end = max(storage.last_use[m] for m in members)
            blocks.append(Block(root, _up(storage.size(root)), start, max(start, end)))
    return blocks


def _scratch_name(node: IntNode) -> str:
    return f"scratch of {node.name}"


def _scratch(graph: IntGraph, steps: list[tuple[int, IntNode]]) -> list[Block]:
    costs = [(time, node, node.scratch(graph.values)) for time, node in steps]
    return [Block(_scratch_name(n), _up(size), t, t) for t, n, size in costs if size]


def _step(graph: IntGraph, node: IntNode, offset: dict[str, int]) -> Step:
    cost = node.op.cost(node, graph.values)
    at = offset.get(_scratch_name(node), 0)
    return Step(node.name, node.op, node.params, node.inputs, node.outputs, node.consts,
                cost.macs, at, node.scratch(graph.values), node.variant)  # fmt: skip


def _views(graph: IntGraph, storage: Storage) -> tuple[tuple[int, Step], ...]:
    """Dropped nodes, each with the number of steps that run before it."""
    views, before = [], 0
    for time, node in enumerate(graph.nodes):
        if time in storage.dropped:
            views.append((before, _step(graph, node, {})))
        else:
            before += 1
    return tuple(views)


def _state_offsets(graph: IntGraph) -> tuple[dict[str, int], int]:
    offsets, at = {}, 0
    for state in graph.states:
        offsets[state.value] = at
        at += _up(graph.values[state.value].nbytes)
    return offsets, at
