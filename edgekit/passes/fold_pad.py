"""PAD with zeros in front of a convolution becomes the convolution's own padding."""

from __future__ import annotations

from dataclasses import replace

from edgekit.graph import Graph, Node

_WINDOWED = ("conv2d", "depthwise")


def fold_pad(graph: Graph) -> Graph:
    """Only the two spatial axes are folded, and only where every reader is such a convolution."""
    consumers = graph.consumers()
    folded: dict[str, Node] = {}
    for node in graph.nodes:
        readers = consumers.get(node.outputs[0], [])
        if (
            node.op == "pad"
            and readers
            and node.outputs[0] not in graph.outputs
            and all(r.op in _WINDOWED and r.inputs[0] == node.outputs[0] for r in readers)
            and _spatial(node)
            and node.attrs["value"] == 0
        ):
            folded[node.outputs[0]] = node
    if not folded:
        return graph
    nodes = [
        _absorb(node, folded[node.inputs[0]]) if node.inputs and node.inputs[0] in folded else node
        for node in graph.nodes
        if not (node.op == "pad" and node.outputs[0] in folded)
    ]
    return graph.with_nodes(nodes)


def _spatial(pad: Node) -> bool:
    padding = pad.attrs["border"]
    return len(padding) == 4 and tuple(padding[0]) == (0, 0) and tuple(padding[3]) == (0, 0)


def _absorb(node: Node, pad: Node) -> Node:
    (top, bottom), (left, right) = pad.attrs["border"][1:3]
    a = node.attrs
    attrs = {
        **a,
        "pad_top": a["pad_top"] + top,
        "pad_bottom": a["pad_bottom"] + bottom,
        "pad_left": a["pad_left"] + left,
        "pad_right": a["pad_right"] + right,
    }
    return replace(node, inputs=(pad.inputs[0], *node.inputs[1:]), attrs=attrs)
