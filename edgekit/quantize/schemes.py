"""Which scheme each layer gets: the bits of its weights and of its activations."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping

from edgekit.element_types import element_types
from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node
from edgekit.op import load_ops
from edgekit.quantize.widths import WIDE, data_operands
from edgekit.schema import nearest

W8A8, W4A8, W3A8, W2A8, W8A16 = SCHEMES = ("w8a8", "w4a8", "w3a8", "w2a8", "w8a16")
WEIGHT_BITS = {W8A8: 8, W4A8: 4, W3A8: 3, W2A8: 2, W8A16: 8}


def chosen_schemes(graph: Graph, scheme: str, layers: Mapping[str, str]) -> dict[str, str]:
    """The scheme of every node, by name.

    scheme: of all layers that can have it; layers: of single ones, by a pattern of their name or by the name of
    their output, the last that fits counting. Raises EK001 for a scheme that there is none of, or that no
    layer is there for, EK202 for layers that are named and cannot have theirs.
    """
    _known(scheme)
    if scheme != W8A8 and not any(_able(node, graph, scheme) for node in graph.nodes):
        raise EdgekitError(
            "EK001", "there is nothing to choose a scheme for", where="--scheme",
            found=f"{scheme}, and no layer with real numbers that can have it",
            help="leave it out, or pass the model before its quantization",
        )  # fmt: skip
    chosen = {n.name: scheme if _able(n, graph, scheme) else W8A8 for n in graph.nodes}
    for pattern, asked in layers.items():
        _known(asked)
        able = [node for node in _fitting(pattern, graph) if _able(node, graph, asked)]
        if not able:
            raise EdgekitError(
                "EK202", f"a layer cannot be {asked}", where=f"--layer-scheme {pattern}",
                found="numbers of the source, or an operator that has no such form",
                help="leave it w8a8; `edgekit ops` lists the types of every operator",
            )  # fmt: skip
        chosen |= {node.name: asked for node in able}
    return chosen


def _known(scheme: str) -> None:
    if scheme not in SCHEMES:
        raise EdgekitError(
            "EK001", "unknown scheme of quantization", where="--scheme, --layer-scheme",
            found=f"{scheme!r}, wanted one of {', '.join(SCHEMES)}", help="see `edgekit build --help`",
        )  # fmt: skip


def _fitting(pattern: str, graph: Graph) -> list[Node]:
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
    if WEIGHT_BITS[scheme] < 8:
        return op.channel_axis is not None and graph.value(node.inputs[1]).dtype == "float32"
    if scheme == W8A16:
        names = (*data_operands(node, graph.values), *node.outputs)
        real = all(graph.value(name).dtype == "float32" for name in names)
        return real and WIDE in element_types(op)
    return True
