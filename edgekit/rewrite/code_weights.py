"""Layers whose weights flash holds as a stream of bits, and which of them are worth it.

A layer's weights are counted as its best kernel stores them, so what their order there costs counts too.
Coding saves bytes, needs another kernel and costs the decoding once a call; all of it is known here, from
the weights themselves and from the estimates that kernels are chosen by.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from edgekit.families import coding
from edgekit.families.coded import CodedOp, coded_op
from edgekit.graph import IntGraph, IntNode
from edgekit.instructions import of_node
from edgekit.op import Kernel
from edgekit.program import Program
from edgekit.rewrite.kernel_bytes import code_bytes
from edgekit.variants import fitting, with_best

MODES = ("none", "auto", "all")
SHARE = 0.03  # of the instructions, that "balanced" pays at most


@dataclass(frozen=True)
class Storage:
    """How flash holds a layer's weights, and what that costs.

    format: in words. weights: how many there are. plain_bytes: of the weights as its kernel would store
    them otherwise. stream_bytes, code_bytes: of what takes their place. paid: instructions that an
    inference takes more, estimated.
    """

    layer: str
    format: str
    weights: int
    plain_bytes: int
    stream_bytes: int
    code_bytes: int
    paid: int

    @property
    def saved(self) -> int:
        return self.plain_bytes - self.stream_bytes - self.code_bytes


@dataclass(frozen=True, eq=False)
class Candidate:
    """A layer as it is and on a stream, each with its best kernel."""

    plain: IntNode
    coded: IntNode
    storage: Storage


def candidates(graph: IntGraph, calls: Mapping[str, int]) -> list[Candidate]:
    """The layers of a graph with chosen kernels that can be on a stream. calls: by layer, the calls that
    make it."""
    found = []
    for node in graph.nodes:
        op = coded_op(node)
        if op is None or not node.consts["weights"].size:
            continue
        n = max(1, calls.get(node.name, 1))
        plain = with_best(node, graph, calls=n)
        coded = with_best(_with_stream(node, op, graph), graph, calls=n)
        paid = of_node(coded, graph.values, n) - of_node(plain, graph.values, n)
        name = coding.best(op.rows(node.consts["weights"])).name
        stream, code = coded.consts["stream"].nbytes, coded.consts["code"].nbytes
        weights = int(node.consts["weights"].size)
        storage = Storage(node.name, name, weights, weight_bytes(plain), stream, code, paid)
        found.append(Candidate(plain, coded, storage))
    return found


def _with_stream(node: IntNode, op: type[CodedOp], graph: IntGraph) -> IntNode:
    """The node on a stream, with the variants that it may have and the best of them."""
    coded = op.of_plain(node, coding.best(op.rows(node.consts["weights"])))
    coded = replace(coded, variant=None, measured={})
    return with_best(replace(coded, variants=tuple(fitting(coded, graph.isa))), graph)


def weight_bytes(node: IntNode) -> int:
    """Bytes of a layer's weights as its kernel stores them."""
    kernel = Kernel(node.op, node.variant)
    packed = kernel.pack(node.params, node.consts).consts
    return sum(packed[const.name].nbytes for const in kernel.consts if const.weights)


def coded(graph: IntGraph, layers: Collection[str]) -> IntGraph:
    """The graph with the weights of these layers as streams."""
    nodes = tuple(_coded(node, graph) if node.name in layers else node for node in graph.nodes)
    return replace(graph, nodes=nodes)


def _coded(node: IntNode, graph: IntGraph) -> IntNode:
    op = coded_op(node)
    return node if op is None else _with_stream(node, op, graph)


def calls_of(program: Program) -> Counter[str]:
    """In how many calls a program makes each layer."""
    return Counter(program.steps[turn.step].name for turn in program.schedule)


def worth_coding(
    graph: IntGraph, mode: str, optimize: str, program: Program | None
) -> tuple[str, ...]:
    """The layers to code, those that save most for an instruction first.

    mode: "all" for every layer that gets smaller; "auto" as `optimize` means it: "size" and "ram" those
    with which weights and kernels take the least, "balanced" those that save most for an instruction
    while all cost less than `SHARE`, where that saves anything, "speed" none. program: the plan without
    any, which says in how many calls a layer is made.
    """
    if mode == "none" or (mode == "auto" and optimize == "speed"):
        return ()
    calls = calls_of(program) if program else Counter[str]()
    found = candidates(graph, calls)
    smaller = by_worth(c for c in found if c.storage.saved > 0)
    if mode == "all":
        return _names(smaller)
    if optimize == "balanced":
        total = sum(of_node(n, graph.values, max(1, calls[n.name])) for n in graph.nodes)
        return _names(_cheap(found, smaller, SHARE * total))
    return _names(c for op in _ops(found) for c in _best_of(op, found))


def _ops(found: Iterable[Candidate]) -> list[type]:
    return list(dict.fromkeys(c.coded.op for c in found))


def _best_of(op: type, found: Collection[Candidate]) -> list[Candidate]:
    """Of an operator's layers none, those that get smaller, or all, so that its other kernel is not needed."""
    mine = [c for c in found if c.coded.op is op]
    smaller = [c for c in mine if c.storage.saved > 0]
    ways: list[list[Candidate]] = [[], by_worth(smaller), by_worth(mine)]
    return min(ways, key=lambda way: flash_bytes(mine, way))


def _cheap(
    found: Collection[Candidate], smaller: Iterable[Candidate], limit: float
) -> list[Candidate]:
    """Of the layers of some operators those first that are worth most, of together `limit` instructions; the
    operators with which weights and kernels take the least."""
    ops = _ops(found)
    some = [set(s) for n in range(len(ops) + 1) for s in itertools.combinations(ops, n)]
    ways = [_within([c for c in smaller if c.coded.op in chosen], limit) for chosen in some]
    return min(ways, key=lambda way: flash_bytes(found, way))


def flash_bytes(found: Collection[Candidate], taken: Collection[Candidate]) -> int:
    """Bytes of all candidates' weights and kernels where `taken` are on streams."""
    names = set(_names(taken))
    nodes = [c.coded if c.plain.name in names else c.plain for c in found]
    saved = sum(c.storage.saved for c in taken)
    return code_bytes(nodes) + sum(c.storage.plain_bytes for c in found) - saved


def _within(found: Iterable[Candidate], limit: float) -> list[Candidate]:
    """The first of the candidates, of together `limit` instructions at most."""
    taken, spent = [], 0
    for c in found:
        if spent + max(0, c.storage.paid) <= limit:
            taken.append(c)
            spent += max(0, c.storage.paid)
    return taken


def by_worth(found: Iterable[Candidate]) -> list[Candidate]:
    """The most bytes saved for an instruction first."""
    return sorted(found, key=lambda c: -c.storage.saved / max(1, c.storage.paid))


def _names(found: Iterable[Candidate]) -> tuple[str, ...]:
    return tuple(c.plain.name for c in found)


def storages(before: IntGraph, program: Program, layers: Collection[str]) -> list[Storage]:
    """What coding these layers of a graph did, with the calls of the finished program."""
    some = replace(before, nodes=tuple(n for n in before.nodes if n.name in layers))
    found = {c.plain.name: c.storage for c in candidates(some, calls_of(program))}
    return [found[name] for name in layers if name in found]
