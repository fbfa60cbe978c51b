"""Constants behind a DEQUANTIZE, and integer weights of float layers, become float32 constants.

So float16 files (weights behind DEQUANTIZE) and dynamic-range files (int8 weights, float
activations) reach the canonical graph as float models do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, Value, dequantized

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")


def float_weights(graph: Graph) -> Graph:
    """`.tflite` sources only; integer layers keep their constants. Raises EK202 for an activation
    of a floating-point type other than float32."""
    if graph.format != "tflite":
        return graph
    values, nodes = dict(graph.values), []
    for node in graph.nodes:
        if node.op == "DEQUANTIZE" and len(node.inputs) == 1 and _known(values, node.inputs[0]):
            (output,) = node.outputs
            values[output] = _real(values[node.inputs[0]], output)
        else:
            nodes.append(_on_reals(node, values))
    return graph.with_nodes(nodes, values=values)


def _known(values: dict[str, Value], name: str) -> bool:
    return bool(name) and values[name].data is not None


def _on_reals(node: Node, values: dict[str, Value]) -> Node:
    """A float layer with float32 constants, added to `values` under names of their own."""
    for name in node.outputs:
        if values[name].dtype in ("float16", "float64"):
            raise EdgekitError(
                "EK202", "an activation of this type has no support", where=f"node {node.name}, tensor {name}",
                found=f"{values[name].dtype}, wanted float32 or int8", help="convert the model with float32 activations",
            )  # fmt: skip
    computes = any(values[name].dtype == "float32" for name in node.outputs)
    if not computes or node.op in _CONVERSIONS:
        return node
    inputs = list(node.inputs)
    for i, name in enumerate(inputs):
        if _known(values, name) and _holds_reals(values[name]):
            inputs[i] = f"{name} (float32)"
            values[inputs[i]] = _real(values[name], inputs[i])
    return replace(node, inputs=tuple(inputs))


def _holds_reals(value: Value) -> bool:
    quantized = value.quant is not None and value.dtype in ("int8", "uint8", "int16", "int32")
    return quantized or value.dtype in ("float16", "float64")


def _real(value: Value, name: str) -> Value:
    return Value(name, value.shape, "float32", None, dequantized(value).astype(np.float32))
