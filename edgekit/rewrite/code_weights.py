"""Layers whose weights flash holds as a stream of bits, and which of them are worth it.

A layer's constants are counted as its best kernel stores them, so what a kernel's order of weights costs
counts too. Coding saves bytes and costs the decoding once a call; both are known here, from the weights
themselves and from the estimates that kernels are chosen by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from edgekit.families import coding
from edgekit.families.coded import CodedOp, coded_op
from edgekit.graph import IntGraph, IntNode
from edgekit.instructions import of_node
from edgekit.op import Kernel
from edgekit.program import Program
from edgekit.variants import fitting, with_best

MODES = ("none", "auto", "all")
SHARE = 0.03  # of the instructions, that "balanced" pays at most

# Bytes of code that a kernel on streams takes more than the one it stands for, Cortex-M4, GCC 12, -O2
# (`python -m benchmarks.storage --code`).
CODE_BYTES = {"conv2d_coded": 700, "depthwise_coded": 700, "fully_connected_coded": 500}


@dataclass(frozen=True)
class Storage:
    """How flash holds a layer's weights, and what that costs.

    format: in words. weights: how many there are. plain_bytes, bytes: of all its constants as they would
    be and as they are. paid: instructions that an inference takes more, estimated.
    """

    layer: str
    format: str
    weights: int
    plain_bytes: int
    bytes: int
    paid: int

    @property
    def saved(self) -> int:
        return self.plain_bytes - self.bytes


@dataclass(frozen=True, eq=False)
class Candidate:
    """A layer as it is and on a stream, each with its best kernel."""

    plain: IntNode
    coded: IntNode
    storage: Storage


def candidates(graph: IntGraph, calls: Mapping[str, int]) -> list[Candidate]:
    """The layers of a graph with chosen kernels that a stream makes smaller. calls: by layer, the calls
    that make it."""
    found = []
    for node in graph.nodes:
        op = coded_op(node)
        if op is None or not node.consts["weights"].size:
            continue
        coded = with_stream(node, op, graph)
        made = max(1, calls.get(node.name, 1))
        ways = (with_best(node, graph, calls=made), with_best(coded, graph, calls=made))
        before, after = (const_bytes(way) for way in ways)
        paid = of_node(ways[1], graph.values, made) - of_node(ways[0], graph.values, made)
        storage = Storage(node.name, _name(op, node), int(node.consts["weights"].size), before,
                          after, paid)  # fmt: skip
        if storage.saved > 0:
            found.append(Candidate(node, coded, storage))
    return found


def _name(op: type[CodedOp], node: IntNode) -> str:
    return coding.best(op.rows(node.consts["weights"])).name


def with_stream(node: IntNode, op: type[CodedOp], graph: IntGraph) -> IntNode:
    """The node on a stream, with the variants that it may have and the best of them."""
    coded = op.of_plain(node, coding.best(op.rows(node.consts["weights"])))
    coded = replace(coded, variant=None, measured={})
    return with_best(replace(coded, variants=tuple(fitting(coded, graph.isa))), graph)


def const_bytes(node: IntNode) -> int:
    """Bytes of a layer's constants as its kernel stores them."""
    kernel = Kernel(node.op, node.variant)
    packed = kernel.pack(node.params, node.consts).consts
    return sum(packed[const.name].nbytes for const in kernel.consts)


def coded(graph: IntGraph, layers: Collection[str]) -> IntGraph:
    """The graph with the weights of these layers as streams."""
    nodes = tuple(_coded(node, graph) if node.name in layers else node for node in graph.nodes)
    return replace(graph, nodes=nodes)


def _coded(node: IntNode, graph: IntGraph) -> IntNode:
    op = coded_op(node)
    return node if op is None else with_stream(node, op, graph)


def calls_of(program: Program) -> Counter[str]:
    """In how many calls a program makes each layer."""
    return Counter(program.steps[turn.step].name for turn in program.schedule)


def worth_coding(
    graph: IntGraph, mode: str, optimize: str, program: Program | None
) -> tuple[str, ...]:
    """The layers to code, those that save most for an instruction first.

    mode: "all" for every layer that gets smaller; "auto" as `optimize` means it: "size" and "ram" every
    layer of an operator whose layers save more than its kernel takes, "balanced" those of them that
    save most for an instruction while all cost less than `SHARE`, "speed" none. program: the plan without
    any, which says in how many calls a layer is made.
    """
    calls = calls_of(program) if program else Counter[str]()
    found = candidates(graph, calls)
    if mode == "all":
        return _names(by_worth(found))
    if mode == "none" or optimize == "speed":
        return ()
    if optimize == "balanced":
        total = sum(of_node(n, graph.values, max(1, calls[n.name])) for n in graph.nodes)
        found = _within(found, SHARE * total)
    paying = _paying(found)
    return _names(c for c in by_worth(found) if c.plain.op in paying)


def _within(found: Iterable[Candidate], limit: float) -> list[Candidate]:
    """The candidates that save most for an instruction, of together `limit` instructions at most."""
    taken, spent = [], 0
    for c in by_worth(found):
        if spent + max(0, c.storage.paid) <= limit:
            taken.append(c)
            spent += max(0, c.storage.paid)
    return taken


def by_worth(found: Iterable[Candidate]) -> list[Candidate]:
    """The most bytes saved for an instruction first."""
    return sorted(found, key=lambda c: -c.storage.saved / max(1, c.storage.paid))


def _paying(found: Sequence[Candidate]) -> set[type]:
    """The operators whose layers save more bytes than the kernel takes that they need."""
    saved: Counter[type] = Counter()
    for c in found:
        saved[c.plain.op] += c.storage.saved
    name = {c.plain.op: c.coded.op.name for c in found}
    return {op for op, n in saved.items() if n > CODE_BYTES.get(name[op], 0)}


def _names(found: Iterable[Candidate]) -> tuple[str, ...]:
    return tuple(c.plain.name for c in found)


def storages(before: IntGraph, program: Program, layers: Collection[str]) -> list[Storage]:
    """What coding these layers of a graph did, with the calls of the finished program."""
    some = replace(before, nodes=tuple(n for n in before.nodes if n.name in layers))
    found = {c.plain.name: c.storage for c in candidates(some, calls_of(program))}
    return [found[name] for name in layers if name in found]
