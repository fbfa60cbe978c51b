"""Root of the mean of squares in a window (L2_POOL_2D), of float networks.

out = sqrt(average over the window of in^2)

A square, an average pool and a root, each with numbers of its own.
"""

from __future__ import annotations

from dataclasses import replace

from edgekit.graph import Graph, Node
from edgekit.op import Transient, require
from edgekit.ops.avg_pool import AvgPool
from edgekit.sketch import Sketch


class L2Pool(Transient):
    name = "l2_pool"
    tflite = ("L2_POOL_2D",)

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        x, activation = graph.value(node.inputs[0]), node.attrs["fused_activation_function"]
        require(x.dtype == "float32", "float32 activations", node, x.dtype)
        require(
            activation in ("NONE", "RELU"), "a fused activation of NONE or RELU", node, activation
        )
        sketch = Sketch(node, graph)
        squares = sketch.add("real_function", [x.name], {"function": "square"})
        plain = replace(
            node, inputs=(squares,), attrs={**node.attrs, "fused_activation_function": "NONE"}
        )
        (pool,) = AvgPool.import_tflite(plain, graph)
        means = sketch.add(pool.op, [squares], pool.attrs)
        sketch.add("real_function", [means], {"function": "sqrt"}, node.outputs[0])
        return sketch.nodes
