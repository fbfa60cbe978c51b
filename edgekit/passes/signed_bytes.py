"""Legacy uint8 files become int8, exactly: every byte 128 steps further down, and its zero point, too.

    real = scale (q - zero) = scale ((q - 128) - (zero - 128))

Weights lose their zero point altogether; what then needs nine bits is kept in 16 (`families/nine_bits.py` says how
flash holds it). Inputs and outputs of the network stay uint8: a conversion stands behind the one and before
the other. uint8 tensors that only QUANTIZE and DEQUANTIZE touch, as int8 files have them at their edges, stay.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.draft import TEMPORARY
from edgekit.families.nine_bits import fits_byte
from edgekit.graph import Graph, Node, Quant, Value
from edgekit.op import require

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
# Operators whose uint8 kernels compute what their int8 kernels do, 128 steps further up;
# tests/test_unsigned.py holds each to the reference kernels.
EXACT = (
    *_CONVERSIONS, *_WEIGHTED, "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "EXPAND_DIMS", "MAXIMUM", "MAX_POOL_2D",
    "MINIMUM", "MUL", "PACK", "PAD", "RELU", "RELU6", "RESHAPE", "RESIZE_NEAREST_NEIGHBOR", "SLICE",
    "SOFTMAX", "SPACE_TO_DEPTH", "SPLIT", "SQUEEZE", "STRIDED_SLICE", "SUB", "TRANSPOSE", "UNPACK",
)  # fmt: skip


def signed_bytes(graph: Graph) -> Graph:
    """Raises EK202 for an operator whose uint8 form is not one of `EXACT`."""
    legacy = [node for node in graph.nodes if _touches(node, graph)]
    if graph.format != "tflite" or all(node.op in _CONVERSIONS for node in legacy):
        return graph
    for node in legacy:
        require(node.op in EXACT, "uint8 numbers only in " + " ".join(EXACT), node, "uint8")
    values = {
        name: _signed(value) if _unsigned(value) else value for name, value in graph.values.items()
    }
    for name in filter(None, map(_weights, legacy)):
        if _unsigned(graph.value(name)):
            values[name] = _plain_weights(graph.value(name))
    nodes = [made for node in graph.nodes for made in _rewritten(node, graph, values)]
    return _edges(graph, replace(graph, values=values, nodes=tuple(nodes)))


def is_unsigned(graph: Graph) -> bool:
    """Whether an imported graph computes with uint8 numbers."""
    return any(_touches(n, graph) and n.op not in _CONVERSIONS for n in graph.nodes)


def _weights(node: Node) -> str:
    """The weights' tensor, "" where there is none."""
    return node.inputs[1] if node.op in _WEIGHTED and len(node.inputs) > 1 else ""


def _unsigned(value: Value) -> bool:
    return value.dtype == "uint8" and value.quant is not None


def _touches(node: Node, graph: Graph) -> bool:
    """Whether it reads or makes uint8 numbers; weights alone may be those of a float layer."""
    tensors = [graph.value(name) for name in (*node.inputs, *node.outputs) if name]
    return any(_unsigned(value) and value.data is None for value in tensors)


def _signed(value: Value) -> Value:
    assert value.quant is not None
    data = None if value.data is None else (value.data ^ np.uint8(128)).view(np.int8)
    zeros = tuple(zero - 128 for zero in value.quant.zero_point)
    return replace(value, dtype="int8", data=data, quant=replace(value.quant, zero_point=zeros))


def _plain_weights(value: Value) -> Value:
    """Weights without a zero point."""
    assert value.quant is not None
    if value.data is None:
        return _signed(value)  # refused where operands are checked
    shape = [1] * len(value.shape)
    if value.quant.axis is not None:
        shape[value.quant.axis] = -1
    zeros = np.reshape(
        value.quant.zero_point, shape if value.quant.per_channel else [1] * len(shape)
    )
    data = value.data.astype(np.int16) - zeros.astype(np.int16)
    quant = Quant(value.quant.scale, (0,) * len(value.quant.scale), value.quant.axis)
    if fits_byte(data):
        data = data.astype(np.int8)
    return replace(value, dtype=str(data.dtype), data=data, quant=quant)


def _rewritten(node: Node, graph: Graph, values: dict[str, Value]) -> list[Node]:
    """An average of uint8 numbers rounds ties up, one of int8 away from zero; their convolutions multiply
    both scales in float32; a dense layer of nine bits is a convolution of one tap over its vectors."""
    if node.op == "AVERAGE_POOL_2D" and _touches(node, graph):
        return [replace(node, attrs={**node.attrs, "ties_up": True})]
    if node.op in ("CONV_2D", "DEPTHWISE_CONV_2D") and _touches(node, graph):
        return [replace(node, attrs={**node.attrs, "float32_product": True})]
    name = _weights(node)
    if node.op != "FULLY_CONNECTED" or not name or values[name].dtype != "int16":
        return [node]
    weights, out = values[name], values[node.outputs[0]]
    require(
        len(weights.shape) == 2 and 0 not in weights.shape, "weights of rank 2", node, weights.shape
    )
    wide, deep = weights.shape
    batch = out.elements // wide

    def made(role: str, like: Value, shape: tuple[int, ...]) -> str:
        name = f"{out.name}{TEMPORARY}{role}"
        data = None if like.data is None else like.data.reshape(shape)
        values[name] = replace(like, name=name, shape=shape, data=data)
        return name

    given = made("vectors", values[node.inputs[0]], (1, 1, batch, deep))
    results = made("results", out, (1, 1, batch, wide))
    taps = made("taps", weights, (wide, 1, 1, deep))
    attrs = {
        "padding": "VALID", "stride_h": 1, "stride_w": 1, "dilation_h_factor": 1, "dilation_w_factor": 1,
        "fused_activation_function": node.attrs["fused_activation_function"],
    }  # fmt: skip
    return [
        Node(
            f"{node.name}{TEMPORARY}in",
            "RESHAPE",
            node.inputs[:1],
            (given,),
            {"new_shape": (1, 1, batch, deep)},
        ),
        Node(node.name, "CONV_2D", (given, taps, *node.inputs[2:]), (results,), attrs),
        Node(
            f"{node.name}{TEMPORARY}out",
            "RESHAPE",
            (results,),
            node.outputs,
            {"new_shape": out.shape},
        ),
    ]


def _edges(before: Graph, after: Graph) -> Graph:
    """Conversions between the network's own uint8 tensors and the int8 ones that took their place."""
    values = dict(after.values)
    inner = {}
    for name in dict.fromkeys((*before.inputs, *before.outputs)):
        if _unsigned(before.value(name)) and before.const(name) is None:
            inner[name] = f"{name}{TEMPORARY}signed"
            values[inner[name]] = replace(values[name], name=inner[name])
            values[name] = before.value(name)

    def names(given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(inner.get(name, name) for name in given)

    nodes = [replace(n, inputs=names(n.inputs), outputs=names(n.outputs)) for n in after.nodes]
    given = [Node(inner[n], "QUANTIZE", (n,), (inner[n],)) for n in before.inputs if n in inner]
    made = dict.fromkeys(n for n in before.outputs if n in inner and n not in before.inputs)
    results = [Node(f"{n}{TEMPORARY}unsigned", "QUANTIZE", (inner[n],), (n,)) for n in made]
    return after.with_nodes([*given, *nodes, *results], values=values)
