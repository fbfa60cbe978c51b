"""ONNX's operators on quantized operands: QLinearConv and QLinearMatMul, with scales; ConvInteger and
MatMulInteger, whose result is the sums themselves.

The first two are what their operands' pairs of QuantizeLinear and DequantizeLinear would make of Conv and
MatMul. The sums are whole numbers: a product and an addition of int32 for each term.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.families.evaluation import rearranged
from edgekit.families.integers import import_integers
from edgekit.families.weighted import import_conv
from edgekit.families.window import onnx_axes
from edgekit.graph import Node, Quant, Value
from edgekit.op import Array, Transient, require
from edgekit.ops.quantize_linear import dequantized, numbers, signed

if TYPE_CHECKING:
    from edgekit.draft import Draft

_TERMS = 128


class QLinear(Transient):
    name = "qlinear"
    onnx = ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        write = {"QLinearConv": _conv, "QLinearMatMul": _matmul, "ConvInteger": _conv_integer,
                 "MatMulInteger": _matmul_integer}  # fmt: skip
        write[node.op](node, draft)


def _operand(node: Node, draft: Draft, at: int, axis: int = 1) -> str:
    """The tensor of operand `at`, whose scale and zero point follow it, with these numbers."""
    part = Node(
        node.name, "DequantizeLinear", node.inputs[at : at + 3], node.outputs, {"axis": axis}
    )
    x = draft.value(node.inputs[at])
    return dequantized(part, draft, x, *numbers(part, draft, x))


def _result(node: Node, draft: Draft) -> Quant:
    """The numbers of the output, operands 6 and 7, as int8."""
    (output,) = node.outputs
    part = Node(node.name, "QuantizeLinear", (output, *node.inputs[6:8]), node.outputs)
    return signed(*numbers(part, draft, draft.source.value(output)))


def _matmul(node: Node, draft: Draft) -> None:
    operands = [_operand(node, draft, at) for at in (0, 3)]
    attrs, quant = {"adj_x": False, "adj_y": False}, _result(node, draft)
    draft.add("batch_matmul", node, operands, attrs, node.outputs[0], quant)


def _conv(node: Node, draft: Draft) -> None:
    x, weights, bias = _operand(node, draft, 0), _operand(node, draft, 3, axis=0), node.inputs[8:]
    value = draft.value(weights)
    assert value.data is not None
    assert value.quant is not None
    if any(value.quant.zero_point):
        require(node.attrs.get("group", 1) == 1, "weights with zero point 0 in groups", node,
                value.quant.zero_point)  # fmt: skip
        parts = _int8_parts(value)
        x = draft.add("concat", node, [x] * len(parts), {"axis": 1}, quant=draft.value(x).quant)
        quant = replace(value.quant, zero_point=(0,) * len(value.quant.scale))
        weights = draft.constant(weights, np.concatenate(parts, axis=1), quant)
    import_conv(replace(node, op="Conv", inputs=(x, weights, *bias)), draft)
    draft.annotate(node.outputs[0], _result(node, draft))


def _int8_parts(weights: Value) -> list[Array]:
    """int8 arrays whose sum is the weights less their zero point: the input's channels are read by
    each of them, and the sum of a convolution does not care."""
    assert weights.data is not None
    assert weights.quant is not None
    zeros = np.reshape(weights.quant.zero_point, (-1, *(1,) * (weights.data.ndim - 1)))
    rest = weights.data.astype(np.int64) - zeros
    parts: list[Array] = []
    while not parts or rest.any():
        part = np.clip(rest, -127, 127)
        parts.append(part.astype(np.int8))
        rest = rest - part
    return parts


def _centred(node: Node, draft: Draft, at: int) -> str:
    """Operand `at` as int32 less its zero point, operand `at` + 2."""
    name = node.inputs[at]
    zero = node.inputs[at + 2] if len(node.inputs) > at + 2 else ""
    known = draft.const(zero) if zero else np.zeros(1, np.int32)
    require(known is not None, "a constant zero point", node, zero)
    assert known is not None
    if node.op == "ConvInteger" and known.size > 1:  # one per output channel
        known = known.reshape(-1, *(1,) * (len(draft.shape(name)) - 1))
    elif known.ndim == 1 and known.size > 1 and at == 0:  # one per row of the first matrix
        known = known[:, None]
    data = draft.const(name)
    if data is not None:
        return draft.constant(name, data.astype(np.int32) - known.astype(np.int32))
    wide = draft.add("cast", node, [name], {}, dtype="int32")
    if not known.any():
        return wide
    return import_integers(node, draft, "sub", [wide, draft.constant(name, known.astype(np.int32))])


def _matmul_integer(node: Node, draft: Draft) -> None:
    a, b = (_centred(node, draft, at) for at in (0, 1))
    require(len(draft.shape(a)) == len(draft.shape(b)) == 2, "matrices", node, draft.shape(b))
    draft.same(node.outputs[0], _sums(node, draft, a, b))


def _sums(node: Node, draft: Draft, a: str, b: str) -> str:
    """The product of matrices [M, K] and [K, N], a term after the other."""
    (rows, terms), (_, columns) = draft.shape(a), draft.shape(b)
    require(terms <= _TERMS, f"at most {_TERMS} terms of a sum", node, terms)
    made = ""
    for k in range(terms):
        left = _slice(node, draft, a, (range(rows), range(k, k + 1)))
        right = _slice(node, draft, b, (range(k, k + 1), range(columns)))
        product = import_integers(node, draft, "mul", [left, right])
        made = import_integers(node, draft, "add", [made, product]) if made else product
    return made


def _slice(node: Node, draft: Draft, name: str, part: tuple[range, range]) -> str:
    data = draft.const(name)
    if data is None:
        return draft.part(node, name, part)
    return draft.constant(name, data[np.ix_(*part)])


def _conv_integer(node: Node, draft: Draft) -> None:
    """The windows are gathered, with the zero point, which is 0 by then, outside the input."""
    x, weights = (_centred(node, draft, at) for at in (0, 1))
    shape, w = draft.shape(x), draft.shape(weights)
    data = draft.const(weights)
    require(data is not None and node.attrs.get("group", 1) == 1, "constant weights of one group", node,
            node.inputs[1])  # fmt: skip
    assert data is not None
    axes = onnx_axes(node, shape[2:], w[2:])
    places = np.arange(math.prod(shape)).reshape(shape)
    places = np.pad(
        places, ((0, 0), (0, 0), *((a.before, a.after) for a in axes)), constant_values=-1
    )
    for number, axis in enumerate(axes):
        first = np.arange(axis.out)[:, None] * axis.stride
        places = np.take(
            places, first + np.arange(axis.kernel) * axis.dilation, axis=2 + 2 * number
        )
    spatial = len(axes)
    outer = (0, *range(2, 2 + 2 * spatial, 2))
    order = (*outer, 1, *range(3, 3 + 2 * spatial, 2))
    windows = places.transpose(order).reshape(-1, math.prod(w[1:]))
    columns = draft.constant(weights, data.reshape(w[0], -1).T.copy())
    made = _sums(node, draft, rearranged(node, draft, [x], windows), columns)
    outs = [axis.out for axis in axes]
    moved = draft.reshape(node, made, (shape[0], *outs, w[0]))
    back = (0, spatial + 1, *range(1, spatial + 1))
    draft.permute(node, moved, back, node.outputs[0])
