"""Channels that hold one value for every possible input, folded into what reads them and removed.

The range of every channel follows from the weights by interval arithmetic; where both ends are one
number the channel is that number. A layer that mixes channels takes such an input into its bias; it
does not read inputs whose weights are all zero either. A channel goes where everything that reads
it can do without it and what makes it can leave it out. Outputs keep their every byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.channels import Bounds, Mask, Spare, channels, narrowed, type_bounds
from edgekit.graph import IntGraph, IntNode, Value

Report = dict[str, Any]


def drop_constant_channels(graph: IntGraph) -> IntGraph:
    """The graph without them; its `kept` says which channels of a tensor are left."""
    bounds = channel_bounds(graph)
    spare = _spare_channels(graph, bounds)
    nodes = tuple(_without(node, bounds, spare) for node in graph.nodes)
    shrunk = {name for name, mask in spare.items() if mask.any()}
    values = {n: narrowed(v, spare[n]) if n in shrunk else v for n, v in graph.values.items()}
    smaller = replace(graph, nodes=nodes, values=values, kept={n: ~spare[n] for n in shrunk})
    smaller.verify()
    return smaller


def channel_bounds(graph: IntGraph) -> dict[str, Bounds]:
    """The range of every channel of every tensor. Inputs and variables can hold anything."""
    bounds = {name: type_bounds(value) for name, value in graph.values.items()}
    variables = {state.value for state in graph.states}
    for node in graph.nodes:
        made = node.op.bounds(node, graph.values, *(bounds[name] for name in node.inputs))
        bounds |= {n: b for n, b in zip(node.outputs, made, strict=True) if n not in variables}
    return bounds


def _spare_channels(graph: IntGraph, bounds: dict[str, Bounds]) -> dict[str, Mask]:
    """Per tensor the channels to remove: the most that every node agrees to.

    Begins with all of them and takes back what a node needs, until none objects. A tensor that
    nobody needs keeps one channel.
    """
    fixed = {*graph.inputs, *graph.outputs, *(state.value for state in graph.states)}
    spare = {
        name: np.full(channels(value), name not in fixed and _may_shrink(value))
        for name, value in graph.values.items()
    }
    while True:
        objections = 1
        while objections:
            objections = sum(_object(node, bounds, spare) for node in reversed(graph.nodes))
        empty = [mask for mask in spare.values() if mask.all()]
        if not empty:
            return spare
        for mask in empty:
            mask[0] = False


def _may_shrink(value: Value) -> bool:
    return value.dtype == "int8" and not (value.quant and value.quant.per_channel)


def _masks(node: IntNode, spare: dict[str, Mask]) -> Spare:
    return Spare([spare[n] for n in node.inputs], [spare[n] for n in node.outputs])


def _object(node: IntNode, bounds: dict[str, Bounds], spare: dict[str, Mask]) -> bool:
    """Take the channels that the node needs out of `spare`; was there one?"""
    granted = node.op.spare(node, [bounds[n] for n in node.inputs], _masks(node, spare))
    changed = False
    for name, mask in zip(
        (*node.inputs, *node.outputs), (*granted.inputs, *granted.outputs), strict=True
    ):
        fewer = spare[name] & mask
        changed |= bool((fewer != spare[name]).any())
        spare[name] = fewer
    return changed


def _without(node: IntNode, bounds: dict[str, Bounds], spare: dict[str, Mask]) -> IntNode:
    masks = _masks(node, spare)
    if not any(mask.any() for mask in (*masks.inputs, *masks.outputs)):
        return node
    return node.op.without(node, [bounds[n] for n in node.inputs], masks)


def removed_channels(before: IntGraph, after: IntGraph) -> Report:
    """What went: in sum over the layers with weights, and for each that has fewer multiplications;
    there `removed` are the output channels of the source that went, the others lost inputs only."""
    layers = []
    sizes = list(zip(_weighted(before), _weighted(after), strict=True))
    for (node, channels_before, macs_before), (_, left, macs) in sizes:
        if macs < macs_before:
            layers.append({
                "name": node.name, "op": node.op.name, "channels_before": channels_before,
                "channels": left, "macs_before": macs_before, "macs": macs,
                "removed": _removed(after, node.outputs[0]),
            })  # fmt: skip
    return {
        "channels_before": sum(was for (_, was, _), _ in sizes),
        "channels": sum(left for _, (_, left, _) in sizes),
        "macs_before": sum(was for (_, _, was), _ in sizes),
        "macs": sum(left for _, (_, _, left) in sizes),
        "layers": layers,
    }


def _removed(after: IntGraph, name: str) -> list[int]:
    """The channels that a tensor has lost."""
    return np.flatnonzero(~after.kept[name]).tolist() if name in after.kept else []


def _weighted(graph: IntGraph) -> Iterable[tuple[IntNode, int, int]]:
    """Nodes that multiply, their output channels and multiplications."""
    for node in graph.nodes:
        macs = node.op.cost(node, graph.values).macs
        if macs:
            yield node, channels(graph.values[node.outputs[0]]), macs
