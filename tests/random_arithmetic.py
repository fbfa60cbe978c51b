"""Random models of operators on one, two or more tensors, of reductions and normalizations."""

from __future__ import annotations

import numpy as np
from random_models import (
    Affine,
    Draw,
    Model,
    Shape,
    affine,
    bytes_of,
    contents,
    model,
    numbers,
    pick,
    shape,
    smaller,
)
from tflite_writer import TensorSpec


def pair(rng: Draw, a: Affine | tuple[()], b: Affine | tuple[()], dtype: str = "int8",
         constant: bool = True) -> tuple[list[TensorSpec], Shape]:  # fmt: skip
    """Two operands, in either order the smaller, the second sometimes constant; and their shape."""
    full = shape(rng)
    shapes = [full, smaller(rng, full)]
    rng.shuffle(shapes)
    second = TensorSpec("b", shapes[1], dtype, *b)
    if constant and rng.integers(3) == 0:
        second = TensorSpec("b", shapes[1], dtype, *b, data=bytes_of(rng, second, 3)[2])
    return [TensorSpec("a", shapes[0], dtype, *a), second], tuple(np.broadcast_shapes(*shapes))


EVERY_BYTE = np.arange(256, dtype=np.uint8).view(np.int8).reshape(1, 1, 256)


@model("ABS", "ELU", "RSQRT")
def unary(op: str, rng: Draw) -> Model:
    x, y = affine(rng), affine(rng)
    data = EVERY_BYTE
    if op == "RSQRT":  # what TensorFlow Lite Micro refuses is a negative number
        data = np.maximum(data, x[1])
    specs = TensorSpec("x", (1, 256), "int8", *x), TensorSpec("y", (1, 256), "int8", *y)
    return Model(op, specs[:1], specs[1:], {}, {"x": data})


@model("MAXIMUM", "MINIMUM")
def extremum(op: str, rng: Draw) -> Model:
    x = affine(rng)
    operands, full = pair(rng, x, x)
    return Model(op, operands, [TensorSpec("y", full, "int8", *x)], {}, contents(rng, *operands))


@model("LOGICAL_AND", "LOGICAL_OR")
def logical(op: str, rng: Draw) -> Model:
    operands, full = pair(rng, (), (), "bool")
    return Model(op, operands, [TensorSpec("y", full, "bool")], {}, contents(rng, *operands))


@model("LOGICAL_NOT")
def logical_not(op: str, rng: Draw) -> Model:
    x = TensorSpec("x", shape(rng), "bool")
    return Model(op, [x], [TensorSpec("y", x.shape, "bool")], {}, contents(rng, x))


@model("LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "EQUAL", "NOT_EQUAL")
def compare(op: str, rng: Draw) -> Model:
    a = affine(rng, 1e-4, 0.99)
    operands, full = pair(rng, a, pick(rng, a, affine(rng)))
    data = contents(rng, *operands)
    return Model(op, operands, [TensorSpec("y", full, "bool")], {}, data)


@model("SQUARED_DIFFERENCE")
def squared_difference(op: str, rng: Draw) -> Model:
    a, b = affine(rng), affine(rng)
    y = max(a[0], b[0]) ** 2 * float(rng.uniform(10, 255)), affine(rng)[1]
    operands, full = pair(rng, a, b)
    return Model(op, operands, [TensorSpec("y", full, "int8", *y)], {}, contents(rng, *operands))


@model("DIV")
def quotient(op: str, rng: Draw) -> Model:
    """TensorFlow Lite Micro's own result is undefined for a divisor of 0 and for small quotients."""
    a, b = affine(rng), affine(rng)
    y = a[0] / b[0] * float(rng.uniform(0.02, 0.24)), affine(rng)[1]
    operands, full = pair(rng, a, b, constant=False)
    data = contents(rng, *operands)
    for name, zero, least in (("a", a[1], 16), ("b", b[1], 1)):
        near = np.abs(data[name].astype(int) - zero) < least
        data[name][near] = zero + least if zero < 100 else zero - least
    act = pick(rng, "NONE", "RELU", "RELU6")
    options = {"fused_activation_function": act}
    return Model(op, operands, [TensorSpec("y", full, "int8", *y)], options, data)


@model("SELECT_V2")
def select(op: str, rng: Draw) -> Model:
    x, full = affine(rng), shape(rng)
    shapes = [smaller(rng, full) for _ in range(3)]
    shapes[int(rng.integers(3))] = full
    operands = [TensorSpec("c", shapes[0], "bool")]
    operands += [TensorSpec(n, s, "int8", *x) for n, s in zip("ab", shapes[1:], strict=True)]
    return Model(op, operands, [TensorSpec("y", full, "int8", *x)], {}, contents(rng, *operands))


@model("ADD_N")
def add_n(op: str, rng: Draw) -> Model:
    x, y, full = affine(rng), affine(rng), shape(rng)
    operands = [TensorSpec(f"x{i}", full, "int8", *x) for i in range(rng.integers(2, 7))]
    return Model(op, operands, [TensorSpec("y", full, "int8", *y)], {}, contents(rng, *operands))


@model("CUMSUM")
def cumsum(op: str, rng: Draw) -> Model:
    x, y, full = affine(rng), affine(rng), shape(rng, 1, 4)
    axis = int(rng.integers(-len(full), len(full)))
    operands = [TensorSpec("x", full, "int8", *x), numbers("axis", [axis])]
    options = {"exclusive": bool(rng.integers(2)), "reverse": bool(rng.integers(2))}
    outputs = [TensorSpec("y", full, "int8", *y)]
    return Model(op, operands, outputs, options, contents(rng, operands[0]))


@model("SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ALL")
def reduction(op: str, rng: Draw) -> Model:
    full = shape(rng, 1, 4)
    axes = [int(a) for a in rng.permutation(len(full))[: rng.integers(1, len(full) + 1)]]
    keep = bool(rng.integers(2))
    out = tuple(1 if a in axes else n for a, n in enumerate(full) if keep or a not in axes)
    dtype, x = ("bool", ()) if op == "REDUCE_ALL" else ("int8", affine(rng))
    y = affine(rng) if op == "SUM" else x
    operands = [TensorSpec("x", full, dtype, *x), numbers("axes", axes)]
    outputs = [TensorSpec("y", out, dtype, *y)]
    return Model(op, operands, outputs, {"keep_dims": keep}, contents(rng, operands[0]))


@model("ARG_MAX", "ARG_MIN")
def arg_max(op: str, rng: Draw) -> Model:
    full = shape(rng, 1, 4)
    axis = int(rng.integers(-len(full), len(full)))
    x = TensorSpec("x", full, "int8", *affine(rng))
    out = TensorSpec("y", tuple(n for a, n in enumerate(full) if a != axis % len(full)), "int32")
    return Model(op, [x, numbers("axis", [axis])], [out], {}, contents(rng, x))


@model("L2_NORMALIZATION")
def l2_norm(op: str, rng: Draw) -> Model:
    full = (*shape(rng, 1, 3), pick(rng, 1, 2, 5, 64, 300))
    x = TensorSpec("x", full, "int8", *affine(rng))
    return Model(op, [x], [TensorSpec("y", full, "int8", 1 / 128, 0)], {}, contents(rng, x))


@model("LOG_SOFTMAX")
def log_softmax(op: str, rng: Draw) -> Model:
    full = (*shape(rng, 1, 2), pick(rng, 1, 2, 5, 64, 300))
    x = TensorSpec("x", full, "int8", *affine(rng, 1e-4, 2.0))
    return Model(op, [x], [TensorSpec("y", full, "int8", 16 / 256, 127)], {}, contents(rng, x))
