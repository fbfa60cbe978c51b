"""Change of the integer type: the same numbers, narrowed by dropping high bits (CAST).

out = in

A boolean is 0 or 1, and anything but 0 is true. Scales play no part, as in TensorFlow Lite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require

# The kernel's number of a type.
TYPES = {"int8": 0, "uint8": 1, "int16": 2, "int32": 3, "bool": 4}


@dataclass(frozen=True)
class CastParams(Params):
    dtype: str
    source: int = c_field("int8_t", "type of the input: 0 int8, 1 uint8, 2 int16, 3 int32, 4 bool")
    target: int = c_field("int8_t", "type of the output, likewise")


class Cast(Op):
    name = "cast"
    kernel = "cast"
    Params = CastParams
    tflite = ("CAST",)
    elementwise = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [inputs[0]]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        types = [graph.value(name).dtype for name in (*node.inputs, *node.outputs)]
        require(all(t in TYPES for t in types), "int8, uint8, int16, int32 or boolean tensors", node,
                types)  # fmt: skip
        params = CastParams(types[1], TYPES[types[0]], TYPES[types[1]])
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: CastParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        return [inputs[0].astype(np.int64).astype(p.dtype)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(source: str, target: str) -> Case:
            shape: Shape = (1, 3, 5)
            plain = [Value(n, shape, t) for n, t in (("input", source), ("output", target))]
            scaled = [
                activation(v.name, shape, 1.0, 0, v.dtype) if "8" in v.dtype else v for v in plain
            ]
            return single(cls, f"{source}_{target}", scaled[:1], scaled[1:])

        return [case("int8", "int32"), case("bool", "int8"), case("uint8", "int16")]
