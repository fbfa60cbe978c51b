"""Average pooling that also changes the scale, in one rounding.

    out = clamp(requantize(sum - count * zero_in, scale_in / (count * scale_out)) + zero_out)

over the window's cells inside the input, count of them. Input and output int8 [1, H, W, C].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare
from edgekit.families import elementwise, pooling
from edgekit.families.window import WindowParams, tflite_axis, window_attrs
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Op, Shape, c_field, int8_pair


@dataclass(frozen=True)
class AvgPoolScaledParams(WindowParams):
    input_zero: int = c_field("int32_t", "zero point of the input")
    output_zero: int = c_field("int32_t", "zero point of the output")
    least: int = c_field("int32_t", "fewest cells of a window inside the input")


class AvgPoolScaled(Op):
    """What `avg_pool` becomes where the scales differ and the numbers are not TensorFlow's."""

    name = "avg_pool_scaled"
    kernel = "avg_pool_scaled"
    signature = "rows"
    as_rows = "mean_rows"
    Params = AvgPoolScaledParams
    consts = (
        Const("multiplier", "int32_t", "by the number of cells, from `least` up"),
        Const("shift", "int8_t", "likewise, positive is left"),
    )

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return pooling.shapes(node, graph)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [pooling.average(node, inputs[0])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        window = pooling.window_fields(node, graph)
        cells = pooling.counts(WindowParams(**window))
        counts = range(int(cells.min()), int(cells.max()) + 1)
        multiplier, shift = fixed.quantize_multipliers(
            (x.scale / (count * out.scale) for count in counts), one_rounding=True
        )
        elementwise.prove_shift(255 * counts[-1], int(shift.max()), f"node {node.name}")
        params = AvgPoolScaledParams(
            **window, input_zero=x.zero_point, output_zero=out.zero_point, least=counts[0]
        )
        consts: dict[str, Array] = {"multiplier": multiplier, "shift": shift}
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(
        cls, p: AvgPoolScaledParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        total = pooling.windows(p, inputs[0], 0).sum(axis=(3, 4), dtype=np.int64)
        count = pooling.counts(p).astype(np.int64)
        at = count - p.least
        centred = total - count * p.input_zero
        scaled = fixed.requantize(centred, consts["multiplier"][at], consts["shift"][at])
        return [fixed.saturate(scaled + p.output_zero, p.out_min, p.out_max)[:, None]]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        p, (x,) = node.params, inputs
        assert isinstance(p, AvgPoolScaledParams)
        # Each number of cells has its own rescaling; a larger sum never gives a smaller output.
        ends = []
        for end in (x.low, x.high):
            at = np.arange(len(node.consts["multiplier"]))[:, None]
            centred = (end - p.input_zero) * (at + p.least)
            scaled = fixed.requantize(
                centred, node.consts["multiplier"][at], node.consts["shift"][at]
            )
            ends.append(np.clip(scaled + p.output_zero, p.out_min, p.out_max))
        return [Bounds(ends[0].min(axis=0), ends[1].max(axis=0))]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        return spare.tied()

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        return pooling.without(node, spare)

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, kernel: Shape, stride: int, padding: str, scale: float,
                 zeros: tuple[int, int], fused: str = "NONE") -> Case:  # fmt: skip
            rows, columns = (tflite_axis(padding, x[i], kernel[i], stride) for i in (0, 1))
            attrs = {
                **window_attrs(rows, columns),
                "kernel_h": kernel[0],
                "kernel_w": kernel[1],
                "activation": fused,
            }
            ins = [activation("input", (1, *x), 0.05, zeros[0])]
            outs = [activation("output", (1, rows.out, columns.out, x[2]), scale, zeros[1])]
            return single(cls, name, ins, outs, attrs)

        return [
            case("global", (6, 5, 4), (6, 5), 1, "VALID", 0.03, (3, 0)),
            case("same3x3_stride2", (7, 8, 3), (3, 3), 2, "SAME", 0.04, (-128, -128)),
            case("valid2x2_relu6", (8, 9, 5), (2, 2), 2, "VALID", 6 / 255, (10, -128), "RELU6"),
            case("larger_than_input", (2, 3, 2), (5, 5), 1, "SAME", 0.06, (127, 90)),
            case("one_cell", (1, 1, 7), (1, 1), 1, "VALID", 0.07, (0, 9)),
        ]
