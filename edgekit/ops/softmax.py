"""Softmax along the last axis.

    out[i] = exp(beta * (in[i] - max)) / sum over j of exp(beta * (in[j] - max))

on the fixed output scale 1/256 with zero point -128. Fixed point: every exponential a row can need,
one for each distance from its largest value, is a Q0.31 number in a table; the sum is Q12.19, its
inverse Q0.31. Distances of 31 and more (in units of 1/beta) count as exp = 0. Where a sum reaches
512 TensorFlow Lite Micro stops; here every result is then 0, which is what the formula rounds to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgekit import fixed_functions
from edgekit.cases import activation, single
from edgekit.families.movement import axis_of
from edgekit.fixed import Int, multiply_high, rounding_shift, saturate
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Axes, Case, Const, Op, Params, Shape, c_field, int8_pair, require

if TYPE_CHECKING:
    from edgekit.draft import Draft

_SUM_INTEGER_BITS = 12


@dataclass(frozen=True)
class SoftmaxParams(Params):
    rows: int = c_field("int32_t", "independent softmaxes")
    depth: int = c_field("int32_t", "elements of each")


class Softmax(Op):
    name = "softmax"
    wide = "softmax_s16"
    kernel = "softmax"
    signature = "whole"
    as_rows = "softmax_rows"
    Params = SoftmaxParams
    consts: ClassVar[tuple[Const, ...]] = (
        Const("exps", "int32_t", "[256], exp(-beta * distance) in Q0.31"),
    )
    tflite: ClassVar[tuple[str, ...]] = ("SOFTMAX",)
    onnx: ClassVar[tuple[str, ...]] = ("Softmax",)
    output_quant = (1 / 256, -128)
    coupling = "mix"
    inplace = (0,)
    saturation = 0.9

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        attrs = {"beta": float(node.attrs["beta"])}
        return [Node(node.name, cls.name, node.inputs, node.outputs, attrs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        along_rows(
            node, draft, lambda row, out: draft.add(cls.name, node, [row], {"beta": 1.0}, out)
        )

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x = graph.value(node.inputs[0])
        require(len(x.shape) >= 1, "an input of at least one axis", node, x.shape)
        depth = x.shape[-1]
        # More largest elements than this would not fit the sum.
        require(1 <= depth < 2**_SUM_INTEGER_BITS, "rows of 1 to 4095 elements", node, depth)
        return [x.shape]

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[Mapping[str, float], Axes] | None:
        return (node.attrs, axes) if axes.axes[-1] == axes.rank - 1 else None

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x = node.attrs["beta"] * inputs[0]
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return [e / e.sum(axis=-1, keepdims=True)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        require((out.scale, out.zero_point) == (1 / 256, -128),
                "an output of scale 1/256 and zero point -128", node,
                (out.scale, out.zero_point))  # fmt: skip
        factor = x.scale * node.attrs["beta"]
        if graph.one_rounding:  # a step of 16 already leaves nothing of an exponential
            factor = min(factor, 15.5)
        require(2**-26 < factor < 16, "beta times the input's scale between 2^-26 and 16", node,
                factor)  # fmt: skip
        params = SoftmaxParams(rows=x.elements // x.shape[-1], depth=x.shape[-1])
        return IntNode(
            node.name, cls, params, (x.name,), node.outputs, {"exps": exponentials(factor)}
        )

    @classmethod
    def run(cls, p: SoftmaxParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, p.depth).astype(np.int64)
        e = consts["exps"].astype(np.int64)[x.max(axis=1, keepdims=True) - x]
        return [shares(e).reshape(inputs[0].shape)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, scale: float, beta: float = 1.0) -> Case:
            operands = [activation("input", shape, scale, 5)]
            output = activation("output", shape, 1 / 256, -128)
            return single(cls, name, operands, [output], {"beta": beta})

        return [
            case("ten", (1, 10), 0.02),
            case("rows", (1, 3, 5, 7), 0.01),
            case("pair", (1, 2), 0.004),
            case("beta", (1, 12), 0.02, beta=0.5),
            case("long", (1, 1000), 0.06),
            case("steep", (2, 12), 0.1),
        ]


def along_rows(node: Node, draft: Draft, make: Callable[[str, str], str]) -> None:
    """Write an ONNX operator on rows: `make` adds it for the rows of a tensor along its last axis, with
    a name for its output or "". Up to opset 12 all axes from `axis` on are one row; since then the row is
    `axis` alone."""
    data, (output,) = node.inputs[0], node.outputs
    shape, old = draft.shape(data), draft.source.opset < 13
    axis = axis_of(node, int(node.attrs.get("axis", 1 if old else -1)), len(shape))
    if axis == len(shape) - 1:
        made = make(data, output)
        if made != output:
            draft.same(output, made)
    elif old:
        row = draft.reshape(node, data, (*shape[:axis], math.prod(shape[axis:])))
        draft.reshape(node, make(row, ""), shape, output)
    else:
        swap = list(range(len(shape)))
        swap[axis], swap[-1] = swap[-1], swap[axis]
        draft.permute(node, make(draft.permute(node, data, swap), ""), swap, output)


def shares(e: Int) -> Array:
    """Each exponential (Q0.31) over the sum of its row, on the output scale."""
    total = rounding_shift(e, _SUM_INTEGER_BITS).sum(axis=-1, keepdims=True)
    # frexp gives the bit length: total lies in [2^(length - 1), 2^length).
    length = np.frexp(total.astype(np.float64))[1].astype(np.int64)
    headroom = 32 - length
    inverse = fixed_functions.reciprocal((total << headroom) - (1 << 31))
    scaled = rounding_shift(multiply_high(e, inverse), 23 + _SUM_INTEGER_BITS - headroom)
    return saturate(scaled - 128)


def exponentials(factor: float) -> Array:
    """exp(-factor * distance) for distances 0..255, int32 in Q0.31."""
    distance: Int = -np.arange(256, dtype=np.int64)
    value, radius = fixed_functions.fixed_input(distance, factor, integer_bits=5)
    exps = fixed_functions.exp_on_negative_values(value, integer_bits=5)
    return np.where(-distance <= radius, exps, 0).astype(np.int32)
