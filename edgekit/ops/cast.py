"""Change of the integer type: the same numbers, narrowed by dropping high bits (CAST).

out = in

A boolean is 0 or 1, and anything but 0 is true. Scales play no part, as in TensorFlow Lite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.cases import activation, single
from edgekit.families.integers import NUMBERS, TYPES, narrowed
from edgekit.graph import DTYPES, Graph, IntNode, Node, Value, kept, plain
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class CastParams(Params):
    dtype: str
    source: int = c_field("int8_t", f"type of the input: {TYPES}")
    target: int = c_field("int8_t", "type of the output, likewise")


class Cast(Op):
    name = "cast"
    kernel = "cast"
    Params = CastParams
    tflite = ("CAST",)
    onnx = ("Cast", "CastLike", "BitCast")
    elementwise = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        """Between real types nothing happens; between real numbers and integers it is another operator."""
        x, output = draft.value(node.inputs[0]), node.outputs[0]
        target = kept(draft.source.value(output).dtype)
        if node.op == "BitCast":
            types = x.dtype, draft.source.value(output).dtype
            same = plain(x) and types[1] in DTYPES and DTYPES[types[0]] == DTYPES[types[1]]
            require(same and target in NUMBERS, "integers of one size", node, types)
        if target.startswith("float"):
            draft.add("as_real", node, [x.name], {}, output) if plain(x) else draft.same(
                output, x.name
            )
        elif not plain(x):
            draft.add("as_integer", node, [x.name], {}, output, dtype=target)
        elif kept(x.dtype) == target:
            draft.same(output, x.name)
        else:
            draft.add(cls.name, node, [x.name], {}, output, dtype=target)

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x, out = (graph.value(name) for name in (*node.inputs, *node.outputs))
        whole = plain(x) and plain(out)
        return [narrowed(inputs[0].astype(np.int64), out.dtype) if whole else inputs[0]]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        types = [graph.value(name).dtype for name in (*node.inputs, *node.outputs)]
        require(
            all(t in NUMBERS for t in types),
            "integers of 8, 16 or 32 bits, or booleans",
            node,
            types,
        )
        params = CastParams(types[1], NUMBERS[types[0]], NUMBERS[types[1]])
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: CastParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        return [narrowed(inputs[0].astype(np.int64), p.dtype)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(source: str, target: str) -> Case:
            shape: Shape = (1, 3, 5)
            plain = [Value(n, shape, t) for n, t in (("input", source), ("output", target))]
            scaled = [
                activation(v.name, shape, 1.0, 0, v.dtype) if "8" in v.dtype else v for v in plain
            ]
            return single(cls, f"{source}_{target}", scaled[:1], scaled[1:])

        return [
            case("int8", "int32"),
            case("bool", "int8"),
            case("uint8", "int16"),
            case("int32", "uint16"),
            case("uint32", "bool"),
        ]
