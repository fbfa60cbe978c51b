"""A part of a tensor replaced at a computed place (DYNAMIC_UPDATE_SLICE).

    out = in, with out[start + i] = update[i]

start is clamped so that the update fits. All but `start`, which is int32, have one type and scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, case_random, single
from edgekit.families.movement import check_moved, strides
from edgekit.graph import DTYPES, Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require

_AXES = 4


@dataclass(frozen=True)
class DynamicUpdateSliceParams(Params):
    total: int = c_field("int32_t", "bytes of the input")
    rank: int = c_field("int32_t", "axes")
    room: tuple[int, ...] = c_field("int32_t", "largest start per axis", _AXES)
    step: tuple[int, ...] = c_field("int32_t", "bytes per index of an axis", _AXES)
    size: tuple[int, ...] = c_field(
        "int32_t", "indices of the update, the last axis' in bytes", _AXES
    )
    shape: Shape = ()


class DynamicUpdateSlice(Op):
    name = "dynamic_update_slice"
    kernel = "dynamic_update_slice"
    signature = "whole"
    Params = DynamicUpdateSliceParams
    inputs = ("input", "update", "start")
    tflite = ("DYNAMIC_UPDATE_SLICE",)
    inplace = (0,)
    coupling = "move"
    same_scale = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        check_moved(node, graph, node.inputs[:2])
        return [Node(node.name, cls.name, node.inputs, node.outputs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, update, start = (graph.value(name).shape for name in node.inputs)
        fits = len(x) == len(update) and all(m <= n for m, n in zip(update, x, strict=False))
        require(fits and 1 <= len(x) <= _AXES and start in ((len(x),), ()),
                "an update inside a tensor of 1 to 4 axes, and a start per axis", node,
                (x, update, start))  # fmt: skip
        return [x]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        given = iter(inputs)
        x, update, start = (
            data if (data := graph.const(name)) is not None else next(given) for name in node.inputs
        )
        return [_updated(x, update, start, x.shape)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        check_moved(node, graph, node.inputs[:2])
        x, update, start = (graph.value(name) for name in node.inputs)
        require(start.dtype == "int32", "an int32 start", node, f"{start.name} is {start.dtype}")
        width, fill = DTYPES[x.dtype], (0,) * (_AXES - len(x.shape))
        step = [s * width for s in strides(x.shape)]
        params = DynamicUpdateSliceParams(
            x.nbytes, len(x.shape),
            room=(*(n - m for n, m in zip(x.shape, update.shape, strict=True)), *fill),
            step=(*fill, *step), size=(*(1 for _ in fill), *update.shape[:-1], update.shape[-1] * width),
            shape=x.shape,
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(
        cls, p: DynamicUpdateSliceParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        samples = zip(*inputs, strict=True)
        return [np.stack([_updated(x, update, start, p.shape) for x, update, start in samples])]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, update: Shape, dtype: str = "int8") -> Case:
            start = case_random(cls, name).integers(-1, max(x), len(x)).astype(np.int32)
            operands = [
                activation("input", x, dtype=dtype), activation("update", update, dtype=dtype),
                Value("start", start.shape, "int32", None, start),
            ]  # fmt: skip
            return single(cls, name, operands, [activation("output", x, dtype=dtype)])

        return [
            case("frame", (1, 6, 5), (1, 1, 5)),
            case("box", (3, 4, 5), (2, 2, 3)),
            case("all", (2, 3, 4, 2), (2, 3, 4, 2)),
            case("words", (7,), (3,), "int32"),
        ]


def _updated(x: Array, update: Array, start: Array, shape: Shape) -> Array:
    size: Shape = update.shape[-len(shape) :]
    first = [
        min(max(int(at), 0), n - m) for at, n, m in zip(start.reshape(-1), shape, size, strict=True)
    ]
    out = x.reshape(shape).copy()
    out[tuple(slice(at, at + m) for at, m in zip(first, size, strict=True))] = update.reshape(size)
    return out
