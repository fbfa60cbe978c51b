"""Change of scale, zero point or signedness between two 8-bit types (QUANTIZE inside a network).

out = requantize(in - zero_in, scale_in / scale_out) + zero_out
"""

from __future__ import annotations

from edgekit import fixed
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case, require
from edgekit.ops.lut import Lut, case


class Requantize(Lut):
    name = "requantize"
    tflite = ("QUANTIZE", "DEQUANTIZE")

    @classmethod
    def check_types(cls, node: Node, graph: Graph) -> None:
        types = tuple(graph.value(name).dtype for name in (node.inputs[0], node.outputs[0]))
        require(types in (("int8", "int8"), ("int8", "uint8"), ("uint8", "int8")),
                "int8 to int8, int8 to uint8 or uint8 to int8", node, " to ".join(types))  # fmt: skip

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [inputs[0]]

    @classmethod
    def slopes(cls, node: Node, x: Value, out: Value) -> tuple[float, float]:
        return x.scale / out.scale, x.scale / out.scale

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: fixed.Int) -> fixed.Int:
        multiplier, shift = fixed.quantize_multiplier(x.scale / out.scale)
        return fixed.requantize(difference, multiplier, shift) + out.zero_point

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            case(cls, "coarser", (0.03, 5), (0.07, -4)),
            case(cls, "finer", (0.05, 5), (0.048, 7)),
            case(cls, "to_unsigned", (0.05, 5), (0.06, 130), dtypes=("int8", "uint8")),
            case(cls, "from_unsigned", (1 / 256, 128), (1 / 256, 0), dtypes=("uint8", "int8")),
        ]
