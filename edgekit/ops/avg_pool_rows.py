"""Average over the pixels of a map, from its rows as they come.

    out[c] = clamp((sum over the pixels of in[y, x, c] +- count / 2) / count)

as `avg_pool` rounds. What a window over the whole map becomes inside a stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.families.sums import RowSum, RowSumParams, fields
from edgekit.families.window import Axis, WindowParams, window_attrs
from edgekit.fixed import saturate
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.isa import dsp
from edgekit.op import Array, Case, Packed, Shape, Variant, c_field
from edgekit.ops.avg_pool import AvgPool


@dataclass(frozen=True)
class AvgPoolRowsParams(RowSumParams):
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


class AvgPoolRows(RowSum, AvgPool):
    name = "avg_pool_rows"
    kernel = "avg_pool_rows"
    Params = AvgPoolRowsParams
    variants = (
        Variant("dsp", ("dsp",), dsp.row_sums_fit, Packed, AvgPoolRowsParams,
                scratch=dsp.row_sums_scratch),
    )  # fmt: skip
    as_rows = ""

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        made = cls.of_whole(AvgPool.quantize(node, graph), graph.values)
        assert made is not None
        return made

    @classmethod
    def of_whole(cls, node: IntNode, values: Mapping[str, Value]) -> IntNode | None:
        p, shape = node.params, values[node.inputs[0]].shape
        if not isinstance(p, WindowParams) or not p.covers_input or p.in_h == 1:
            return None
        params = AvgPoolRowsParams(**fields(shape), out_min=p.out_min, out_max=p.out_max)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def from_sums(
        cls, p: AvgPoolRowsParams, consts: Mapping[str, Array], sums: Array
    ) -> list[Array]:
        count = p.in_h * p.in_w
        nudged = np.abs(sums) + count // 2
        return [saturate(np.sign(sums) * (nudged // count), p.out_min, p.out_max)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, zero: int, fused: str = "NONE") -> Case:
            rows, columns = (Axis(n, n, 1) for n in x[:2])
            attrs = {
                **window_attrs(rows, columns),
                "kernel_h": rows.kernel,
                "kernel_w": columns.kernel,
                "activation": fused,
            }
            ins = [activation("input", (1, *x), 0.05, zero)]
            return single(
                cls, name, ins, [activation("output", (1, 1, 1, x[2]), 0.05, zero)], attrs
            )

        return [
            case("map", (6, 5, 4), 3),
            case("even_count", (2, 2, 9), -128),
            case("one_column_relu", (7, 1, 3), 0, "RELU"),
        ]
