"""Dense layer on a whole map, from its rows as they come.

    out[o] = clamp(requantize(bias[o] + sum over y, i of in[y, i] * w[o, y * row + i]) + zero_out)

i counts the elements of a row. What `fully_connected` becomes inside a stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.families.sums import RowSum, RowSumParams, fields
from edgekit.families.window import exact_matmul
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.isa import dsp
from edgekit.op import Array, Case, Cost, Shape, Variant, c_field
from edgekit.ops.fully_connected import FullyConnected, FullyConnectedParams


@dataclass(frozen=True)
class FullyConnectedRowsParams(RowSumParams):
    out_c: int = c_field("int32_t", "elements of the output")
    output_zero: int = c_field("int32_t", "zero point of the output")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


class FullyConnectedRows(RowSum, FullyConnected):
    name = "fully_connected_rows"
    kernel = "fully_connected_rows"
    Params = FullyConnectedRowsParams
    variants = (
        Variant("dsp", ("dsp",), dsp.dense_fits, dsp.pack_dense_rows, FullyConnectedRowsParams,
                (dsp.ROW_WEIGHTS, dsp.ROW_SUMS), dsp.dense_rows_scratch),
    )  # fmt: skip
    as_rows = ""

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        made = cls.of_whole(FullyConnected.quantize(node, graph), graph.values)
        assert made is not None
        return made

    @classmethod
    def of_whole(cls, node: IntNode, values: Mapping[str, Value]) -> IntNode | None:
        p, shape = node.params, values[node.inputs[0]].shape
        assert isinstance(p, FullyConnectedParams)
        if len(shape) != 4 or shape[0] != 1 or shape[1] == 1 or p.batch != 1:
            return None
        params = FullyConnectedRowsParams(
            **fields(shape), out_c=p.out_c, output_zero=p.output_zero, out_min=p.out_min, out_max=p.out_max
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs, node.consts)

    @classmethod
    def sums(cls, p: FullyConnectedRowsParams) -> int:
        return p.out_c

    @classmethod
    def add_rows(
        cls, p: FullyConnectedRowsParams, consts: Mapping[str, Array], rows: range, x: Array, sums: Array
    ) -> Array:  # fmt: skip
        row = p.in_w * p.in_c
        weights = consts["weights"].reshape(p.out_c, -1)[:, rows.start * row : rows.stop * row]
        before = consts["bias"] if rows.start == 0 else sums
        return np.asarray(exact_matmul(x.reshape(len(x), -1), weights) + before, np.int32)

    @classmethod
    def from_sums(
        cls, p: FullyConnectedRowsParams, consts: Mapping[str, Array], sums: Array
    ) -> list[Array]:
        total = sums.astype(np.int64)
        scaled = fixed.requantize(total, consts["multiplier"], consts["shift"]) + p.output_zero
        return [fixed.saturate(scaled, p.out_min, p.out_max)]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, FullyConnectedRowsParams)
        return Cost(macs=p.in_h * p.in_w * p.in_c * p.out_c, scratch=4 * p.out_c)

    @classmethod
    def cases(cls) -> list[Case]:
        from edgekit.cases import weighted_case

        def case(name: str, x: Shape, channels: int, **options: int | str) -> Case:
            attrs = {"activation": options.pop("activation", "NONE"), "keep_num_dims": False}
            w = (channels, x[0] * x[1] * x[2])
            return weighted_case(cls, name, (1, *x), w, attrs, **options)  # type: ignore[arg-type]

        return [
            case("map", (5, 3, 4), 5, activation="RELU", input_zero=-128),
            case("four_outputs", (3, 4, 4), 4, bias=False),
            case("one_output", (4, 1, 9), 1, per_channel=False, input_zero=127),
        ]
