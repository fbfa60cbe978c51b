"""Operators of ONNX on constants: what a `.pt2` program computes from its weights alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Attributes = Mapping[str, Any]


def _slice(a: Attributes, x: Array, *parts: Array) -> Array:
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(*(part.tolist() for part in parts), strict=True):
        index[axis] = slice(start, end, step)
    return x[tuple(index)]


def _reduced(over: Callable[..., Array], a: Attributes, x: Array, *axes: Array) -> Array:
    axis = tuple(axes[0].tolist()) if axes else None
    return np.asarray(over(x, axis=axis, keepdims=bool(a.get("keepdims", 1))))


# Operator -> result, from its attributes and operands. Axes are in range and steps positive: the
# nodes are of our own making.
FOLD: dict[str, Callable[..., Array]] = {
    "Identity": lambda a, x: x,
    "Cast": lambda a, x: x,
    "Transpose": lambda a, x: x.transpose(a["perm"]),
    "Reshape": lambda a, x, shape: x.reshape(shape.tolist()),
    "Squeeze": lambda a, x, axes: np.squeeze(x, tuple(axes.tolist())),
    "Unsqueeze": lambda a, x, axes: np.expand_dims(x, tuple(axes.tolist())),
    "Expand": lambda a, x, shape: np.broadcast_to(x, shape.tolist()),
    "Slice": _slice,
    "Concat": lambda a, *parts: np.concatenate(parts, a["axis"]),
    "Add": lambda a, x, y: x + y,
    "Sub": lambda a, x, y: x - y,
    "Mul": lambda a, x, y: x * y,
    "Div": lambda a, x, y: x / y,
    "Pow": lambda a, x, y: x**y,
    "Neg": lambda a, x: -x,
    "Abs": lambda a, x: np.abs(x),
    "Exp": lambda a, x: np.exp(x),
    "Sqrt": lambda a, x: np.sqrt(x),
    "Reciprocal": lambda a, x: 1 / x,
    "Sign": lambda a, x: np.sign(x),
    "GreaterOrEqual": lambda a, x, y: x >= y,
    "Greater": lambda a, x, y: x > y,
    "Less": lambda a, x, y: x < y,
    "LessOrEqual": lambda a, x, y: x <= y,
    "Where": lambda a, c, x, y: np.asarray(np.where(c, x, y)),
    "ReduceMean": lambda a, x, *axes: _reduced(np.mean, a, x, *axes),
    "ReduceMax": lambda a, x, *axes: _reduced(np.max, a, x, *axes),
}


_BROADCAST = ("Add", "Sub", "Mul", "Div", "Pow", "GreaterOrEqual", "Greater", "Less", "LessOrEqual", "Where")  # fmt: skip


def fold(
    op: str, attrs: Attributes, operands: Sequence[Array], dtype: str, shape: tuple[int, ...]
) -> Array:
    """The constant that `op` makes of constants, as `dtype`. Raises what numpy raises where the
    operands do not fit, also for results that are not finite."""
    # Two small operands can claim an endless result.
    if op in _BROADCAST and np.broadcast_shapes(*(x.shape for x in operands)) != shape:
        raise ValueError("operands of other shapes")
    with np.errstate(all="raise", under="ignore"):
        return np.array(FOLD[op](attrs, *operands), dtype, order="C")
