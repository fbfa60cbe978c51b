"""Random models of operators that multiply matrices and windows."""

from __future__ import annotations

import math

import numpy as np
from random_models import (
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
)
from tflite_writer import TensorSpec


def weighted(rng: Draw, x: TensorSpec, w_shape: Shape, spread: float) -> list[TensorSpec]:
    """Input, weights (one scale or one a channel) and sometimes a bias; the output's scale is spread's."""
    count = pick(rng, 1, w_shape[0])
    scales = [float(s) for s in rng.uniform(0.5, 2, count) * spread / x.scale]
    w = TensorSpec(
        "w", w_shape, "int8", scales, 0, 0, rng.integers(-127, 128, w_shape).astype(np.int8)
    )
    if rng.integers(3) == 0:
        return [x, w]
    bias = rng.integers(-3000, 3000, w_shape[0]).astype(np.int32)
    return [
        x,
        w,
        TensorSpec("bias", (w_shape[0],), "int32", [x.scale * s for s in scales], 0, 0, bias),
    ]


def result(rng: Draw, x: TensorSpec, w: TensorSpec, shape: Shape) -> TensorSpec:
    """An output whose scale keeps most of it inside int8."""
    taps = w.data.size // w.shape[0]  # type: ignore[union-attr]
    middle = float(np.mean(w.scales)) * x.scale * 74 * 90 * math.sqrt(taps)
    return TensorSpec("y", shape, "int8", middle / 40, affine(rng)[1])


@model("TRANSPOSE_CONV")
def transpose_conv(op: str, rng: Draw) -> Model:
    h, w, c, o = (int(n) for n in rng.integers(1, 6, 4))
    (kh, kw), (sh, sw) = (
        (int(n) for n in rng.integers(1, 5, 2)),
        (int(n) for n in rng.integers(1, 4, 2)),
    )
    padding = pick(rng, "SAME", "VALID")
    grown = [
        n * s if padding == "SAME" else (n - 1) * s + k for n, s, k in ((h, sh, kh), (w, sw, kw))
    ]
    x = TensorSpec("x", (1, h, w, c), "int8", *affine(rng))
    _, weights, *bias = weighted(rng, x, (o, kh, kw, c), 0.001)
    operands = [numbers("shape", [1, *grown, o]), weights, x, *bias]
    options = {"padding": padding, "stride_h": sh, "stride_w": sw}
    options["fused_activation_function"] = pick(rng, "NONE", "RELU")
    return Model(op, operands, [result(rng, x, weights, (1, *grown, o))], options, contents(rng, x))


@model("BATCH_MATMUL")
def batch_matmul(op: str, rng: Draw) -> Model:
    m, k, n = (int(v) for v in rng.integers(1, 9, 3))
    batch, adj_x, adj_y = shape(rng, 0, 3, 4), bool(rng.integers(2)), bool(rng.integers(2))
    other = tuple(size if rng.integers(2) else 1 for size in batch)
    a, b = affine(rng), affine(rng)
    operands = [
        TensorSpec("a", (*batch, *((k, m) if adj_x else (m, k))), "int8", *a),
        TensorSpec("b", (*other, *((n, k) if adj_y else (k, n))), "int8", *b),
    ]
    if rng.integers(3) == 0:
        operands[1] = TensorSpec(
            "b", operands[1].shape, "int8", *b, data=bytes_of(rng, operands[1])[3]
        )
    scale = a[0] * b[0] * 90 * 90 * math.sqrt(k) / 40
    outputs = [TensorSpec("y", (*batch, m, n), "int8", scale, affine(rng)[1])]
    options = {"adj_x": adj_x, "adj_y": adj_y}
    return Model(op, operands, outputs, options, contents(rng, *operands))


@model("CONV_2D")
def grouped_conv(op: str, rng: Draw) -> Model:
    """Two to four groups of channels."""
    (h, w), (kh, kw) = (
        (int(n) for n in rng.integers(1, 7, 2)),
        (int(n) for n in rng.integers(1, 4, 2)),
    )
    h, w, groups = max(h, kh), max(w, kw), int(rng.integers(2, 5))
    deep, wide = (int(n) for n in rng.integers(1, 4, 2))
    stride, padding = pick(rng, 1, 2), pick(rng, "SAME", "VALID")
    x = TensorSpec("x", (1, h, w, groups * deep), "int8", *affine(rng))
    operands = weighted(rng, x, (groups * wide, kh, kw, deep), 0.001)
    size = [
        -(-n // stride) if padding == "SAME" else (n - k) // stride + 1
        for n, k in ((h, kh), (w, kw))
    ]
    options = {"padding": padding, "stride_h": stride, "stride_w": stride, "dilation_h_factor": 1}
    options |= {"dilation_w_factor": 1, "fused_activation_function": pick(rng, "NONE", "RELU")}
    output = result(rng, x, operands[1], (1, *size, groups * wide))
    return Model(op, operands, [output], options, contents(rng, x))
