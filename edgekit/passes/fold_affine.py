"""A factor and an offset per channel behind a layer with weights become part of these weights.

Batch normalization, and additions and products with constants, as exporters write biases and scales.
What is left of batch normalization is a depthwise layer of one tap.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.draft import TEMPORARY
from edgekit.families.window import Axis, window_attrs
from edgekit.graph import Graph, Node, Value, dequantized
from edgekit.op import Array, load_ops

_WEIGHTED = ("conv2d", "depthwise", "fully_connected")
_SIGNS = {"add": 1, "add_broadcast": 1, "sub": -1, "sub_broadcast": -1}


def fold_affine(graph: Graph) -> Graph:
    """Only in float graphs: numbers that the source has quantized are kept."""
    values, nodes = dict(graph.values), list(graph.nodes)
    readers = graph.consumers()
    replaced: dict[int, list[Node]] = {}
    at = {node.outputs[0]: i for i, node in enumerate(nodes)}
    for i, node in enumerate(graph.nodes):
        inner = node.inputs[0] if node.inputs else ""
        affine = _affine(node, graph)
        if affine is None:
            continue
        layer = nodes[at[inner]] if inner in at else None
        alone = len(readers.get(inner, ())) == 1 and inner not in graph.outputs
        if layer is not None and alone and _takes(layer, values):
            weights, bias = _folded(layer, values, *affine)
            values |= {weights.name: weights, bias.name: bias}
            inputs = (layer.inputs[0], weights.name, bias.name)
            attrs = {**layer.attrs, "activation": node.attrs.get("activation", "NONE")}
            nodes[at[inner]] = replace(layer, inputs=inputs, outputs=node.outputs, attrs=attrs)
            at[node.outputs[0]] = at[inner]
            nodes[i] = replace(node, op="")
        elif node.op == "batch_norm":
            made, new = _depthwise(node, graph, *affine)
            replaced[i] = made
            values |= new
    kept = [made for i, node in enumerate(nodes) for made in replaced.get(i, [node]) if made.op]
    return graph.with_nodes(kept, values=values)


def _affine(node: Node, graph: Graph) -> tuple[Array, Array] | None:
    """Factor and offset [C] along the last axis, None where the node is no such thing."""
    if node.op == "batch_norm":
        factor, offset = (dequantized(graph.value(name)) for name in node.inputs[1:])
        return factor, offset
    if node.op not in (*_SIGNS, "mul", "mul_broadcast") or len(node.inputs) != 2:
        return None
    x, constant = (graph.value(name) for name in node.inputs)
    if x.data is not None and not node.op.startswith("sub"):
        x, constant = constant, x
    channels = x.shape[-1] if x.shape else 1
    data = constant.data
    if x.data is not None or data is None or constant.quant is not None or data.dtype != np.float32:
        return None
    if data.size not in (1, channels) or data.size != (data.shape[-1] if data.shape else 1):
        return None
    vector = np.broadcast_to(data.reshape(-1).astype(np.float64), (channels,))
    if node.op in _SIGNS:
        return np.ones(channels), vector * _SIGNS[node.op]
    return vector, np.zeros(channels)


def _takes(layer: Node, values: dict[str, Value]) -> bool:
    """A layer with float weights that does not clamp its result and whose result is real."""
    if layer.op not in _WEIGHTED or layer.attrs["activation"] != "NONE":
        return False
    real = [values[name] for name in (*layer.inputs[1:], layer.outputs[0]) if name]
    return all(value.dtype == "float32" and value.quant is None for value in real)


def _folded(
    layer: Node, values: dict[str, Value], factor: Array, offset: Array
) -> tuple[Value, Value]:
    axis = load_ops()[layer.op].channel_axis
    assert axis is not None
    weights = values[layer.inputs[1]]
    assert weights.data is not None
    shape = [1] * weights.data.ndim
    shape[axis] = -1
    old = values[layer.inputs[2]].data if len(layer.inputs) > 2 and layer.inputs[2] else None
    bias = np.zeros(len(factor)) if old is None else old.reshape(-1).astype(np.float64)
    name = f"{layer.outputs[0].split(TEMPORARY)[0]}{TEMPORARY}"
    data = (weights.data * factor.reshape(shape)).astype(np.float32)
    moved = (bias * factor + offset).astype(np.float32)
    return (
        replace(weights, name=f"{name}weights", data=data),
        Value(f"{name}bias", moved.shape, "float32", None, moved),
    )


def _depthwise(
    node: Node, graph: Graph, factor: Array, offset: Array
) -> tuple[list[Node], dict[str, Value]]:
    """A layer of one tap, on the input seen as [1, rows, 1, C]; and its new tensors."""
    x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
    name, rows = f"{out.name}{TEMPORARY}", x.elements // len(factor)
    taps = factor.astype(np.float32).reshape(1, 1, 1, -1)
    weights = Value(f"{name}weights", taps.shape, "float32", None, taps)
    bias = Value(f"{name}bias", offset.shape, "float32", None, offset.astype(np.float32))
    shape = x.shape if len(x.shape) == 4 and x.shape[0] == 1 else (1, rows, 1, len(factor))
    flat = replace(x, name=f"{name}in", shape=shape)
    made = replace(out, name=f"{name}out", shape=shape)
    attrs = {**window_attrs(Axis(shape[1], 1, 1), Axis(shape[2], 1, 1)), "activation": "NONE"}
    nodes = [
        Node(flat.name, "reshape", (x.name,), (flat.name,), {"shape": shape}),
        Node(node.name, "depthwise", (flat.name, weights.name, bias.name), (made.name,), attrs),
        Node(made.name, "reshape", (made.name,), (out.name,), {"shape": out.shape}),
    ]
    return nodes, {value.name: value for value in (weights, bias, flat, made)}
