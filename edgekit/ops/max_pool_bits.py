"""Max pooling of bits: any bit of the window; taps outside the input are 0.

    out = OR over the window of in

What `max_pool` becomes between binary layers (`rewrite/binary_layers.py`). Words as in `families/bits.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.families import pooling
from edgekit.families.window import WindowParams, axes_of, patches, window_axes
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Shape


class MaxPoolBits(Op):
    """`in_c` of the Params counts words."""

    name = "max_pool_bits"
    kernel = "max_pool_bits"
    signature = "rows"
    Params = WindowParams

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return pooling.shapes(node, graph)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        axes = window_axes(node, inputs[0].shape, (node.attrs["kernel_h"], node.attrs["kernel_w"]))
        return [_any(patches(inputs[0].astype(np.int32), *axes, 0))]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        rows, columns = window_axes(node, x.shape, (node.attrs["kernel_h"], node.attrs["kernel_w"]))
        params = WindowParams(
            in_h=x.shape[1], in_w=x.shape[2], in_c=x.shape[3], out_h=out.shape[1], out_w=out.shape[2],
            kernel_h=rows.kernel, kernel_w=columns.kernel, stride_h=rows.stride, stride_w=columns.stride,
            pad_top=rows.before, pad_left=columns.before, out_min=-128, out_max=127,
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: WindowParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), p.in_h, p.in_w, p.in_c)
        return [_any(patches(x, *axes_of(p), 0))[:, None]]

    @classmethod
    def cases(cls) -> list[Case]:
        def words(case: Case) -> Case:
            graph = case.graph
            values = {n: Value(n, v.shape, "int32") for n, v in graph.values.items()}
            return Case(
                case.name, Graph(graph.name, values, graph.nodes, graph.inputs, graph.outputs)
            )

        return [words(case) for case in pooling.cases(cls)]


def _any(window: Array) -> Array:
    """The bits of [..., kernel_h, kernel_w, words] that any tap has."""
    return np.asarray(np.bitwise_or.reduce(window, axis=(-3, -2)), np.int32)
