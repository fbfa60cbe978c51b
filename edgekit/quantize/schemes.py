"""Which scheme each layer gets: the bits of its weights and of its activations.

Beside those of plain bits there are two whose weights are made for coded storage: ``c4a8`` has code books of 2^4
numbers, ``e2.5a8`` an entropy of 2.5 bits a weight. ``mixed`` is none of a layer, but a choice for each.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping

from edgekit.element_types import element_types
from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node
from edgekit.op import load_ops
from edgekit.quantize.widths import WIDE, data_operands
from edgekit.schema import nearest

W8A8, W4A8, W3A8, W2A8, W8A16 = SCHEMES = ("w8a8", "w4a8", "w3a8", "w2a8", "w8a16")
WEIGHT_BITS = {W8A8: 8, W4A8: 4, W3A8: 3, W2A8: 2, W8A16: 8}
MIXED = "mixed"
MOST_RATE = 7.0  # bits a weight
_BOOK, _RATE = re.compile(r"c([1-7])a8"), re.compile(r"e(\d(?:\.\d{1,3})?)a8")


def weight_bits(scheme: str) -> int:
    """Of the numbers of a scheme; those for coded storage are any int8 numbers."""
    return WEIGHT_BITS.get(scheme, 8)


def book_bits(scheme: str) -> int:
    """4 of ``c4a8``, 0 of a scheme without code books."""
    found = _BOOK.fullmatch(scheme)
    return int(found[1]) if found else 0


def rate_bits(scheme: str) -> float:
    """2.5 of ``e2.5a8``, 0 of a scheme without a rate."""
    found = _RATE.fullmatch(scheme)
    return float(found[1]) if found else 0.0


def rate_scheme(bits: float) -> str:
    """The scheme of this rate: ``e2.5a8`` of 2.5."""
    return f"e{min(max(round(bits, 3), 0.001), MOST_RATE):g}a8"


def is_coded(scheme: str) -> bool:
    """Whether its weights are made for coded storage."""
    return bool(book_bits(scheme) or rate_bits(scheme))


def chosen_schemes(graph: Graph, scheme: str, layers: Mapping[str, str]) -> dict[str, str]:
    """The scheme of every node, by name.

    scheme: of all layers that can have it; layers: of single ones, by a pattern of their name or by the name of
    their output, the last that fits counting. Raises EK001 for a scheme that there is none of, or that no
    layer is there for, EK202 for layers that are named and cannot have theirs.
    """
    check_scheme(scheme)
    if scheme != W8A8 and not any(_able(node, graph, scheme) for node in graph.nodes):
        raise EdgekitError(
            "EK001", "there is nothing to choose a scheme for", where="--scheme",
            found=f"{scheme}, and no layer with real numbers that can have it",
            help="leave it out, or pass the model before its quantization",
        )  # fmt: skip
    plain = W8A8 if scheme == MIXED else scheme
    chosen = {n.name: plain if _able(n, graph, plain) else W8A8 for n in graph.nodes}
    for pattern, asked in layers.items():
        check_scheme(asked, MIXED)
        able = [node for node in _named(pattern, graph) if _able(node, graph, asked)]
        if not able:
            raise EdgekitError(
                "EK202", f"a layer cannot be {asked}", where=f"--layer-scheme {pattern}",
                found="numbers of the source, or an operator that has no such form",
                help="leave it w8a8; `edgekit ops` lists the types of every operator",
            )  # fmt: skip
        chosen |= {node.name: asked for node in able}
    return chosen


def check_scheme(scheme: str, *excluded: str, where: str = "--scheme, --layer-scheme") -> None:
    """Raises EK001 for a word that is no scheme, or one of those that cannot stand here."""
    coded = is_coded(scheme) and rate_bits(scheme) <= MOST_RATE
    if scheme in excluded or not (scheme in (*SCHEMES, MIXED) or coded):
        raise EdgekitError(
            "EK001", "unknown scheme of quantization", where=where,
            found=f"{scheme!r}, wanted one of {', '.join(n for n in (*SCHEMES, MIXED) if n not in excluded)}, "
            f"c1a8 to c7a8 (code books), e0.1a8 to e{MOST_RATE:g}a8 (bits a weight)",
            help="see `edgekit build --help`",
        )  # fmt: skip


def fitting(patterns: Iterable[str], graph: Graph) -> set[str]:
    """The nodes that patterns name. Raises EK001 for one that names none."""
    return {node.name for pattern in patterns for node in _named(pattern, graph)}


def weighted(graph: Graph) -> list[str]:
    """The layers whose real weights are given numbers here, by node."""
    return [node.name for node in graph.nodes if _able(node, graph, MIXED)]


def _named(pattern: str, graph: Graph) -> list[Node]:
    found = [
        n for n in graph.nodes if fnmatch.fnmatchcase(n.name, pattern) or n.outputs[0] == pattern
    ]
    if not found:
        raise EdgekitError(
            "EK001", "no layer has this name", where="--layer-scheme", found=pattern,
            help=nearest(pattern, [node.name for node in graph.nodes]),
        )  # fmt: skip
    return found


def _able(node: Node, graph: Graph, scheme: str) -> bool:
    """Numbers of the source are kept, so only layers of real numbers have a choice."""
    op = load_ops()[node.op]
    if weight_bits(scheme) < 8 or is_coded(scheme) or scheme == MIXED:
        return op.channel_axis is not None and graph.value(node.inputs[1]).dtype == "float32"
    if scheme == W8A16:
        names = (*data_operands(node, graph.values), *node.outputs)
        real = all(graph.value(name).dtype == "float32" for name in names)
        return real and WIDE in element_types(op)
    return True
