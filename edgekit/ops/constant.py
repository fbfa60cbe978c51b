"""A tensor that is known before the network runs (SHAPE, FILL, ZEROS_LIKE, BROADCAST_ARGS).

out = the constant

Readers take the constant itself; only where it is an output of the network is it copied there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.cases import single
from edgekit.families.movement import constant
from edgekit.graph import Graph, IntNode, Node, Value, dequantized
from edgekit.op import Alias, Array, Case, require
from edgekit.ops.copy import Copy
from edgekit.sketch import Sketch


class Constant(Copy):
    name = "constant"
    tflite = ("SHAPE", "FILL", "ZEROS_LIKE", "BROADCAST_ARGS")
    elementwise = False

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        out, sketch = graph.value(node.outputs[0]), Sketch(node, graph)
        data = np.asarray(_known(node, graph)).astype(out.dtype)
        name = sketch.constant(np.broadcast_to(data, out.shape).copy(), out.quant)
        sketch.add(cls.name, [name], {}, out.name)
        return sketch.nodes

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [inputs[0] if inputs else dequantized(graph.value(node.inputs[0]))]

    @classmethod
    def aliases(cls, node: IntNode, values: Mapping[str, Value]) -> list[Alias]:
        # An output of the network is in memory that can be written.
        return []

    @classmethod
    def cases(cls) -> list[Case]:
        # Any operand is copied; this one is an activation, so that the tests can vary it.
        operand, output = (Value(name, (4,), "int32") for name in ("operand", "output"))
        return [single(cls, "shape", [operand], [output])]


def _known(node: Node, graph: Graph) -> Array | int | tuple[int, ...]:
    """The elements of the node's output, or the one that fills it."""
    out = graph.value(node.outputs[0])
    if node.op == "SHAPE":
        return graph.value(node.inputs[0]).shape
    if node.op == "ZEROS_LIKE":
        return 0
    if node.op == "BROADCAST_ARGS":
        shapes = [tuple(constant(node, graph, i)) for i in (0, 1)]
        return tuple(np.broadcast_shapes(*shapes))
    filler = graph.const(node.inputs[1])
    require(filler is not None and filler.size == 1, "a constant value", node, node.inputs[1])
    assert filler is not None
    require(str(filler.dtype) == out.dtype, "a value of the output's type", node, filler.dtype)
    return np.asarray(filler.reshape(-1)[0])
