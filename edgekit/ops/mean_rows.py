"""Mean over the pixels of a map, from its rows as they come.

    out[c] = clamp(requantize(sum over the pixels of in[y, x, c] - offset) + zero_out)

What `mean` and `avg_pool_scaled` become inside a stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.families.sums import RowSum, RowSumParams, fields
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.isa import dsp
from edgekit.op import Array, Case, Packed, Params, Shape, Variant, c_field
from edgekit.ops.avg_pool_scaled import AvgPoolScaledParams
from edgekit.ops.mean import Mean, MeanParams


@dataclass(frozen=True)
class MeanRowsParams(RowSumParams):
    offset: int = c_field("int32_t", "number of pixels times the zero point of the input")
    multiplier: int = c_field("int32_t", "of the sum")
    shift: int = c_field("int32_t", "of the sum, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


class MeanRows(RowSum, Mean):
    name = "mean_rows"
    kernel = "mean_rows"
    Params = MeanRowsParams
    variants = (
        Variant("dsp", ("dsp",), dsp.row_sums_fit, Packed, MeanRowsParams,
                scratch=dsp.row_sums_scratch),
    )  # fmt: skip
    as_rows = ""

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        made = cls.of_whole(Mean.quantize(node, graph), graph.values)
        assert made is not None
        return made

    @classmethod
    def of_whole(cls, node: IntNode, values: Mapping[str, Value]) -> IntNode | None:
        shape = values[node.inputs[0]].shape
        if len(shape) != 4 or shape[0] != 1 or shape[1] == 1:
            return None
        params = _params(node.params, node.consts, shape)
        if params is None:
            return None
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def from_sums(cls, p: MeanRowsParams, consts: Mapping[str, Array], sums: Array) -> list[Array]:
        total = sums.astype(np.int64) - p.offset
        scaled = fixed.requantize(total, p.multiplier, p.shift) + p.output_zero
        return [fixed.saturate(scaled, p.out_min, p.out_max)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, scale: float, zero: int) -> Case:
            attrs = {"axes": [1, 2], "keep_dims": False}
            ins = [activation("input", x, 0.1, zero)]
            return single(cls, name, ins, [activation("output", (1, x[3]), scale, 5)], attrs)

        return [
            case("same_scale", (1, 5, 6, 8), 0.1, 5),
            case("rescaled", (1, 7, 7, 3), 0.03, -2),
            case("one_column", (1, 9, 1, 4), 0.12, -20),
        ]


def _params(p: Params, consts: Mapping[str, Array], shape: Shape) -> MeanRowsParams | None:
    """The parameters of a mean over rows and columns, whichever operator says so."""
    _, height, width, _ = shape
    if isinstance(p, MeanParams) and p.over == (1, 1, height, width, 1):
        return MeanRowsParams(
            **fields(shape), offset=p.offset, multiplier=p.multiplier, shift=p.shift,
            output_zero=p.output_zero, out_min=-128, out_max=127,
        )  # fmt: skip
    if isinstance(p, AvgPoolScaledParams) and p.covers_input:
        count = height * width
        return MeanRowsParams(
            **fields(shape), offset=count * p.input_zero,
            multiplier=int(consts["multiplier"][count - p.least]),
            shift=int(consts["shift"][count - p.least]),
            output_zero=p.output_zero, out_min=p.out_min, out_max=p.out_max,
        )  # fmt: skip
    return None
