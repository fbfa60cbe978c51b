"""Rules of the `.pt2` vocabulary: elementwise calls, reductions, products of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from edgekit.frontends.pt2_program import changes_state
from edgekit.frontends.pt2_step import Step

_FLOAT_MAX = 3.4e38  # bounds beyond it are none


def identity(s: Step) -> None:
    s.identity(s.tensor(s.call.arguments[0].name))


def dropout(s: Step) -> None:
    """Off, as it is in evaluation mode."""
    active = s.argument("train", s.argument("training", False)) and s.argument("p", 0.5) != 0
    if active:
        raise changes_state(f"node {s.out}", f"{s.call.target} in training mode")
    identity(s)


def clamp(s: Step) -> None:
    """Clip with an open end where a bound is absent or infinite."""
    _clip(s, s.argument("min"), s.argument("max"))


def hardtanh(s: Step) -> None:
    _clip(s, s.argument("min_val", -1.0), s.argument("max_val", 1.0))


def relu6(s: Step) -> None:
    _clip(s, 0.0, 6.0)


def clamp_min(s: Step) -> None:
    _clip(s, s.argument("min"), None)


def clamp_max(s: Step) -> None:
    _clip(s, None, s.argument("max"))


def _clip(s: Step, low: Any, high: Any) -> None:
    names = []
    for role, bound in (("min", low), ("max", high)):
        s.require(
            bound is None or isinstance(bound, (int, float)), "bounds that are numbers", bound
        )
        within = isinstance(bound, (int, float)) and abs(bound) < _FLOAT_MAX
        names.append(s.number(role, bound) if within else "")
    s.emit("Clip", [s.operand("self"), *names])


def add(s: Step) -> None:
    _sum(s, "Add", "self", "other")


def subtract(s: Step) -> None:
    _sum(s, "Sub", "self", "other")


def subtract_from(s: Step) -> None:
    _sum(s, "Sub", "other", "self")


def _sum(s: Step, op: str, first: str, second: str) -> None:
    """The operand named `other` is multiplied by alpha, rsub's `self`."""
    alpha = s.argument("alpha", 1)
    scaled = "other" if first == "self" else "self"
    names = {name: s.operand(name) for name in (first, second)}
    if alpha != 1:
        factor = s.number("alpha", alpha)
        names[scaled] = s.between("Mul", [names[scaled], factor], s.shape(names[scaled]), f"{scaled} scaled")  # fmt: skip
    s.emit(op, [names[first], names[second]])


def divide(s: Step) -> None:
    s.require(not s.given("rounding_mode"), "no rounding mode", s.argument("rounding_mode"))
    s.require(s.dtype == "float32", "a division of floats", s.dtype)
    s.emit("Div", [s.operand("self"), s.operand("other")])


def rsqrt(s: Step) -> None:
    x = s.tensor("self")
    s.emit("Reciprocal", [s.between("Sqrt", [x], s.shape(x), "root")])


def silu(s: Step) -> None:
    x = s.tensor("self")
    s.emit("Mul", [x, s.between("Sigmoid", [x], s.shape(x), "sigmoid")])


def elu(s: Step) -> None:
    """Also scaled, as core ATen writes selu."""
    s.require(s.argument("input_scale", 1) == 1, "an input_scale of 1", s.argument("input_scale"))
    alpha, scale = float(s.argument("alpha", 1)), float(s.argument("scale", 1))
    if scale == 1:
        s.emit("Elu", [s.tensor("self")], {"alpha": alpha})
    else:
        s.emit("Selu", [s.tensor("self")], {"alpha": alpha, "gamma": scale})


def prelu(s: Step) -> None:
    """One slope per channel, axis 1; ONNX aligns axes from the last."""
    x, slope = s.tensor("self"), s.tensor("weight")
    behind = max(len(s.shape(x)) - 2, 0)
    channels = math.prod(s.shape(slope))
    if channels > 1:
        slope = s.reshape(slope, (channels,) + (1,) * behind, "slope")
    s.emit("PRelu", [x, slope])


def compared(op: str) -> Callable[[Step], None]:
    """A rule for a comparison with a number, which has the type of what it is compared with."""

    def rule(s: Step) -> None:
        x = s.tensor("self")
        number = s.number("other", s.argument("other"), s.writer.values[x].dtype)
        s.emit(op, [x, number])

    return rule


def where(s: Step) -> None:
    """Core ATen writes prelu as where(x > 0, x, slope * x); anything else is a Where."""
    condition, x, other = s.tensor("condition"), s.operand("self"), s.operand("other")
    compared, scaled = s.writer.made.get(condition), s.writer.made.get(other)
    if compared and scaled and (compared.op, scaled.op) == ("Greater", "Mul"):
        zero = s.writer.values[compared.inputs[1]].data
        slopes = [name for name in scaled.inputs if name != x]
        if compared.inputs[0] == x and zero is not None and not zero.any() and len(slopes) == 1:
            s.emit("PRelu", [x, slopes[0]])
            return
    s.emit("Where", [condition, x, other])


def reduction(op: str) -> Callable[[Step], None]:
    """A rule for a reduction over some axes, or all."""

    def rule(s: Step) -> None:
        x = s.operand("self")
        over = s.axes("dim", len(s.shape(x)))
        keepdims = {"keepdims": int(bool(s.argument("keepdim", False)))}
        s.emit(op, [x, s.integers("axes", over)] if over else [x], keepdims)

    return rule


def softmax(op: str) -> Callable[[Step], None]:
    def rule(s: Step) -> None:
        x = s.operand("self")
        s.emit(op, [x], {"axis": s.axis("dim", -1, len(s.shape(x)))})

    return rule


def linear(s: Step) -> None:
    """x W^T + b: Gemm for a matrix, MatMul and Add for more axes."""
    x, weight, bias = s.tensor("input"), s.tensor("weight"), s.tensor("bias")
    s.require(len(s.shape(weight)) == 2, "weights of two axes", s.shape(weight))
    if len(s.shape(x)) == 2:
        s.emit("Gemm", [x, weight, bias] if bias else [x, weight], {"transB": 1})
        return
    turned = s.transpose(weight, (1, 0), "weight")
    if not bias:
        s.emit("MatMul", [x, turned])
        return
    s.emit("Add", [s.between("MatMul", [x, turned], s.out_shape, "product"), bias])


def addmm(s: Step) -> None:
    """beta * self + alpha * mat1 mat2."""
    names = [s.tensor("mat1"), s.tensor("mat2"), s.tensor("self")]
    attrs = {name: float(s.argument(name, 1)) for name in ("alpha", "beta")}
    s.emit("Gemm", names, attrs)


def matmul(s: Step) -> None:
    s.emit("MatMul", [s.tensor(a.name) for a in s.call.arguments[:2]])


def attention(s: Step) -> None:
    """softmax(Q K^T * scale + mask) V."""
    if s.argument("dropout_p", 0.0):
        raise changes_state(f"node {s.out}", f"{s.call.target} with dropout")
    q, k, v = s.tensor("query"), s.tensor("key"), s.tensor("value")
    rank, width = len(s.shape(k)), s.shape(q)[-1]
    perm = (*range(rank - 2), rank - 1, rank - 2)
    shape = (*s.shape(q)[:-1], s.shape(k)[-2])
    scale = s.number("scale", s.argument("scale", 1 / math.sqrt(width)))
    product = s.between("MatMul", [q, s.transpose(k, perm, "key")], shape, "scores")
    scores = _masked(s, s.between("Mul", [product, scale], shape, "scaled"), shape)
    s.emit("MatMul", [s.between("Softmax", [scores], shape, "weights", {"axis": rank - 1}), v])


def _masked(s: Step, scores: str, shape: tuple[int, ...]) -> str:
    """The scores with what must not be seen hidden: later steps, or what a mask says."""
    hidden = np.array(-np.inf, np.float32)
    if s.argument("is_causal", False):
        seen = s.constant("causal", np.tril(np.ones(shape[-2:], bool)))
        return s.between("Where", [seen, scores, s.constant("hidden", hidden)], shape, "seen")
    mask = s.tensor("attn_mask")
    if not mask:
        return scores
    if s.writer.values[mask].dtype == "bool":
        return s.between("Where", [mask, scores, s.constant("hidden", hidden)], shape, "seen")
    return s.between("Add", [scores, mask], shape, "seen")
