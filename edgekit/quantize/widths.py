"""Which layers have int16 activations, and the conversions where they meet those of int8."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import replace

from edgekit.draft import TEMPORARY
from edgekit.element_types import element_types
from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, Value
from edgekit.op import Op, load_ops

SCHEMES = ("int8", "int16")  # of the activations; weights are int8
WIDE = "int16"


def form(node: Node, wide: Iterable[str]) -> type[Op]:
    """The class that a node is quantized by, where those named in `wide` are of int16."""
    op = load_ops()[node.op]
    return load_ops()[op.wide] if op.wide and node.name in wide else op


def data_operands(node: Node) -> list[str]:
    """The operands that have a quantization of their own: all but weights and bias."""
    weighted = load_ops()[node.op].channel_axis is not None
    return [name for name in (node.inputs[:1] if weighted else node.inputs) if name]


def wide_layers(graph: Graph, scheme: str, layers: Mapping[str, str]) -> frozenset[str]:
    """The nodes that get int16 activations.

    scheme: of all layers that have such a form; layers: of single ones, by name or by a pattern with
    ``*``, the last that matches counting. Raises EK001 for what names nothing, EK202 for a layer that
    is named and has no int16 form.
    """
    _known(scheme)
    chosen = dict.fromkeys((node.name for node in graph.nodes), SCHEMES[0])
    if scheme == WIDE:
        chosen |= {node.name: WIDE for node in graph.nodes if _able(node, graph)}
    for pattern, asked in layers.items():
        _known(asked)
        found = [
            n for n in graph.nodes if pattern == n.name or fnmatch.fnmatchcase(n.name, pattern)
        ]
        if not found:
            _unknown(pattern, [n.name for n in graph.nodes])
        for node in found:
            if asked == WIDE and not _able(node, graph):
                if "*" not in pattern:
                    _refuse(node, graph)
                continue
            chosen[node.name] = asked
    return frozenset(name for name, asked in chosen.items() if asked == WIDE)


def _able(node: Node, graph: Graph) -> bool:
    """An operator with an int16 form, on real tensors only: numbers of the source are kept."""
    real = [graph.value(name).dtype == "float32" for name in (*data_operands(node), *node.outputs)]
    return all(real) and WIDE in element_types(load_ops()[node.op])


def _known(scheme: str) -> None:
    if scheme not in SCHEMES:
        raise EdgekitError(
            "EK001", "unknown scheme of quantization", where="--scheme, --layer",
            found=f"{scheme!r}, wanted one of {', '.join(SCHEMES)}", help="see `edgekit build --help`",
        )  # fmt: skip


def _unknown(pattern: str, names: list[str]) -> None:
    near = difflib.get_close_matches(pattern, names, 1)
    raise EdgekitError(
        "EK001", "no layer has this name", where="--layer", found=pattern,
        help=f"did you mean {near[0]!r}?" if near else "`edgekit inspect` lists the layers' names",
    )  # fmt: skip


def _refuse(node: Node, graph: Graph) -> None:
    has_form = WIDE in element_types(load_ops()[node.op])
    found = "numbers of the source" if has_form else f"{node.op}, which has no int16 form"
    raise EdgekitError(
        "EK202", "a layer cannot have int16 activations", where=f"node {node.name}", found=found,
        help="leave it int8; `edgekit ops` lists the types of every operator",
    )  # fmt: skip


def converted(graph: Graph, wide: frozenset[str]) -> Graph:
    """A requantize wherever a tensor is made in one width and read in the other, one a tensor.

    An input of the network has the width of its readers, int8 where they differ.
    """
    values, nodes = dict(graph.values), []
    made = {name: node.name in wide for node in graph.nodes for name in node.outputs}
    for name in graph.inputs:
        readers = [node for node in graph.nodes if name in data_operands(node)]
        made[name] = bool(readers) and all(node.name in wide for node in readers)
    moved: dict[str, str] = {}
    for node in graph.nodes:
        inputs = list(node.inputs)
        for i, name in enumerate(inputs):
            if (
                name not in data_operands(node)
                or name not in made
                or made[name] == (node.name in wide)
            ):
                continue
            if name not in moved:
                moved[name] = f"{name}{TEMPORARY}{'int8' if made[name] else WIDE}"
                values[moved[name]] = Value(moved[name], values[name].shape, "float32")
                nodes.append(Node(moved[name], "requantize", (name,), (moved[name],)))
            inputs[i] = moved[name]
        nodes.append(replace(node, inputs=tuple(inputs)))
    return graph.with_nodes(nodes, values=values)


def wide_tensors(graph: Graph, wide: frozenset[str]) -> frozenset[str]:
    """The real tensors of a prepared graph that become int16."""
    around = (
        n
        for node in graph.nodes
        if node.name in wide
        for n in (*data_operands(node), *node.outputs)
    )
    return frozenset(name for name in around if graph.value(name).dtype == "float32")
