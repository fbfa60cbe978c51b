"""What normalizations over a row of elements share: their integer formula, whatever the row is.

With n elements in a row, S and Q the sums of its elements and of their squares, C = S where the row's
own mean is taken off and n * zero_in where it is not:

    d   = n * in - C                                     n times the distance from the middle
    W   = n * Q - 2 * C * S + C^2 + epsilon              n^2 times the variance; 64 bits
    t   = requantize(d, 1 / sqrt(W))                     the normalized element, `fraction` bits
    out = clamp(rounding_shift(t * gain + bias, exponent) + zero_out)

The inverse root is `fixed_functions.inverse_sqrt`, `t * gain` the high half of a product that is as
large as int32 allows, so that only the last shift rounds visibly. W is exact: no mean is rounded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edgekit import fixed, fixed_functions
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Const, Op, Params, Shape, c_field, int8_pair, require

LONGEST = 2**15  # elements of a row: n * Q stays below 2^45
_ROOM = 27  # sqrt(n) * 2^fraction stays below 2^27: the root's multiplier is at least 2^27


class Rows(NamedTuple):
    """A tensor as [samples, outer, rows, inner]; a row is all of `outer` and `inner`."""

    samples: int
    outer: int
    rows: int
    inner: int


@dataclass(frozen=True)
class NormalizationParams(Params):
    samples: int = c_field("int32_t", "tensors one behind the other")
    outer: int = c_field("int32_t", "runs of a row")
    rows: int = c_field("int32_t", "rows, their runs taking turns")
    inner: int = c_field("int32_t", "elements of a run")
    gain_step: int = c_field("int32_t", "gains from a row to the next, 0 where all have the same")
    own_mean: int = c_field("int32_t", "1 where the row's mean is taken off, 0 for the zero point")
    input_zero: int = c_field("int32_t", "zero point of the input")
    epsilon: int = c_field("int32_t", "what is added to W")
    epsilon_shift: int = c_field("int32_t", "bits by which it is shifted up first")
    fraction: int = c_field("int32_t", "fraction bits of normalized elements")
    exponent: int = c_field("int32_t", "fraction bits of bias and products with the gain")
    output_zero: int = c_field("int32_t", "zero point of the output")


class Normalization(Op):
    """Base of the normalizations; has no name of its own. Canonical attributes: `gain` and `bias`
    (float arrays), `epsilon`, `own_mean`."""

    kernel = "normalization"
    signature = "whole"
    Params = NormalizationParams
    consts = (
        Const("gain", "int32_t", "per element of a row, or per channel", weights=True),
        Const("bias", "int32_t", "likewise", weights=True),
    )
    coupling = "mix"
    inplace = (0,)

    @classmethod
    def rows(cls, node: Node, shape: Shape) -> Rows:
        """The rows of a tensor of that shape."""
        raise NotImplementedError

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x = graph.value(node.inputs[0]).shape
        rows = cls.rows(node, x)
        require(rows.outer * rows.inner <= LONGEST, f"rows of at most {LONGEST} elements", node, x)
        return [x]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        rows = cls.rows(node, graph.value(node.inputs[0]).shape)
        x = inputs[0].reshape(rows).astype(np.float64)
        middle = x.mean(axis=(1, 3), keepdims=True) if node.attrs["own_mean"] else 0.0
        spread = ((x - middle) ** 2).mean(axis=(1, 3), keepdims=True) + node.attrs["epsilon"]
        gain, bias = (node.attrs[key].reshape(-1, rows.inner) for key in ("gain", "bias"))
        return [((x - middle) / np.sqrt(spread) * gain + bias).reshape(inputs[0].shape)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        rows = cls.rows(node, x.shape)
        count = rows.outer * rows.inner
        gain, bias = (
            np.asarray(node.attrs[key], np.float64).reshape(-1) / out.scale
            for key in ("gain", "bias")
        )
        fraction = _ROOM - math.ceil(math.log2(count) / 2)
        exponent = _exponent(node, math.sqrt(count) * np.abs(gain).max(), np.abs(bias).max())
        epsilon, epsilon_shift = _epsilon(node, count**2 * node.attrs["epsilon"] / x.scale**2)
        params = NormalizationParams(
            *rows, gain_step=0 if gain.size == rows.inner else rows.inner,
            own_mean=int(node.attrs["own_mean"]), input_zero=x.zero_point, epsilon=epsilon,
            epsilon_shift=epsilon_shift, fraction=fraction, exponent=exponent,
            output_zero=out.zero_point,
        )  # fmt: skip
        consts = {
            "gain": np.rint(gain * 2.0 ** (31 - fraction + exponent)).astype(np.int32),
            "bias": np.rint(bias * 2.0**exponent).astype(np.int32),
        }
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(
        cls, p: NormalizationParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        x = inputs[0].reshape(-1, p.outer, p.rows, p.inner).astype(np.int64)
        count = p.outer * p.inner
        total = x.sum(axis=(1, 3), keepdims=True)
        squares = (x * x).sum(axis=(1, 3), keepdims=True)
        middle = total if p.own_mean else np.asarray(count * p.input_zero, np.int64)
        spread = count * squares - 2 * middle * total + middle * middle
        root, right = fixed_functions.inverse_sqrt(spread + (p.epsilon << p.epsilon_shift))
        normal = fixed.requantize(count * x - middle, root, p.fraction - right)
        gain, bias = (consts[key].reshape(-1, p.inner).astype(np.int64) for key in ("gain", "bias"))
        product = np.sign(gain) * fixed.multiply_high(normal, np.abs(gain))
        made = fixed.rounding_shift(product + bias, p.exponent) + p.output_zero
        return [fixed.saturate(made).reshape(inputs[0].shape)]


def _exponent(node: Node, product: float, bias: float) -> int:
    """The most fraction bits with which ``product`` stays below 2^26 and ``bias`` below 2^29."""
    bits = min(20, 25 - math.frexp(product)[1], 28 - math.frexp(bias)[1])
    require(bits >= 0, "a gain and a bias that fit the output's scale", node, (product, bias))
    return bits


def _epsilon(node: Node, real: float) -> tuple[int, int]:
    """(m, k) with m 2^k nearest to `real`, at least 1 so that a row of one value has a root."""
    shift = max(math.frexp(real)[1] - 31, 0)
    require(0 <= shift <= 30, "an epsilon below 2^30 steps of the input, squared", node, real)
    return max(1, round(real / 2.0**shift)), shift
