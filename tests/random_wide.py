"""Random models of int16 activations: what TensorFlow Lite Micro has kernels of 16 bits for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from random_models import (
    MODELS,
    SAMPLES,
    Draw,
    Model,
    Shape,
    contents,
    model,
    numbers,
    pick,
    shape,
    smaller,
)
from tflite_writer import TensorSpec


def scale(rng: Draw, low: float = 1e-5, high: float = 2e-3) -> float:
    """A scale of an int16 tensor, whose zero point is 0."""
    return float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high)))))


def wide(name: str, dims: Shape, step: float) -> TensorSpec:
    return TensorSpec(name, dims, "int16", step, 0)


def weighted(
    rng: Draw, x: TensorSpec, w_shape: Shape, axis: int = 0, *, short: bool = False
) -> list[TensorSpec]:
    """Input, weights (one scale or one a channel) and a bias of 64 bits or, where `short`, of 32, or
    none."""
    channels = w_shape[axis]
    scales = [float(s) for s in rng.uniform(0.002, 0.01, pick(rng, 1, channels))]
    data = rng.integers(-127, 128, w_shape).astype(np.int8)
    w = TensorSpec("w", w_shape, "int8", scales, 0, axis, data)
    taps = data.size // channels
    # Sums have 32 bits then, which these weights must not fill.
    fits = short and taps * 127 * 2**15 < 2**30
    kind = pick(rng, "int64", "int64", "", *(["int32"] if fits else []))
    if not kind:
        return [x, w]
    bias = rng.integers(-(2**20), 2**20, channels).astype(kind)
    return [x, w, TensorSpec("bias", (channels,), kind, [x.scale * s for s in scales], 0, 0, bias)]


def result(x: TensorSpec, w: TensorSpec, dims: Shape, channels: int) -> TensorSpec:
    """An output whose scale keeps most of it inside int16."""
    assert w.data is not None
    spread = (
        float(np.mean(w.scales)) * x.scales[0] * 74 * 19000 * math.sqrt(w.data.size // channels)
    )
    return wide("y", dims, spread / 10000)


ACTIVATIONS = ("NONE", "NONE", "RELU", "RELU6")


def _window(rng: Draw) -> tuple[list[int], list[int], list[int], dict[str, Any]]:
    """Input, kernel and output sizes of a window, and its options."""
    size, kernel = ([int(n) for n in rng.integers(1, high, 2)] for high in (8, 5))
    stride, dilation, padding = pick(rng, 1, 2), pick(rng, 1, 1, 2), pick(rng, "SAME", "VALID")
    extent = [(k - 1) * dilation + 1 for k in kernel]
    size = [max(n, e) for n, e in zip(size, extent, strict=True)]
    out = [
        -(-n // stride) if padding == "SAME" else (n - e) // stride + 1
        for n, e in zip(size, extent, strict=True)
    ]
    options = {
        "padding": padding,
        "stride_h": stride,
        "stride_w": stride,
        "dilation_h_factor": dilation,
    }
    return size, kernel, out, options | {"dilation_w_factor": dilation}


@model("CONV_2D/16")
def conv(op: str, rng: Draw) -> Model:
    size, kernel, out, options = _window(rng)
    in_c, out_c = int(rng.integers(1, 7)), int(rng.integers(1, 10))
    x = wide("x", (1, *size, in_c), scale(rng))
    operands = weighted(rng, x, (out_c, *kernel, in_c), short=True)
    options["fused_activation_function"] = pick(rng, *ACTIVATIONS)
    output = result(x, operands[1], (1, *out, out_c), out_c)
    return Model("CONV_2D", operands, [output], options, contents(rng, x))


@model("DEPTHWISE_CONV_2D/16")
def depthwise(op: str, rng: Draw) -> Model:
    size, kernel, out, options = _window(rng)
    in_c, times = int(rng.integers(1, 6)), int(pick(rng, 1, 1, 2, 3))
    x = wide("x", (1, *size, in_c), scale(rng))
    operands = weighted(rng, x, (1, *kernel, in_c * times), axis=3)
    options |= {"depth_multiplier": times, "fused_activation_function": pick(rng, *ACTIVATIONS)}
    output = result(x, operands[1], (1, *out, in_c * times), in_c * times)
    return Model("DEPTHWISE_CONV_2D", operands, [output], options, contents(rng, x))


@model("FULLY_CONNECTED/16")
def dense(op: str, rng: Draw) -> Model:
    batch, in_c, out_c = (
        int(rng.integers(1, 4)),
        int(pick(rng, 1, 7, 33, 300)),
        int(rng.integers(1, 12)),
    )
    x = wide("x", (batch, in_c), scale(rng))
    operands = weighted(rng, x, (out_c, in_c), short=True)
    options = {"fused_activation_function": pick(rng, *ACTIVATIONS)}
    output = result(x, operands[1], (batch, out_c), out_c)
    return Model("FULLY_CONNECTED", operands, [output], options, contents(rng, x))


@model("TRANSPOSE_CONV/16")
def transpose_conv(op: str, rng: Draw) -> Model:
    h, w, c, o = (int(n) for n in rng.integers(1, 6, 4))
    kernel, stride = ([int(n) for n in rng.integers(1, high, 2)] for high in (5, 4))
    padding = pick(rng, "SAME", "VALID")
    grown = [
        n * s if padding == "SAME" else (n - 1) * s + k
        for n, s, k in zip((h, w), stride, kernel, strict=True)
    ]
    x = wide("x", (1, h, w, c), scale(rng))
    _, weights, *bias = weighted(rng, x, (o, *kernel, c))
    operands = [numbers("shape", [1, *grown, o]), weights, x, *bias]
    options = {"padding": padding, "stride_h": stride[0], "stride_w": stride[1]}
    options["fused_activation_function"] = pick(rng, "NONE", "RELU")
    outputs = [result(x, weights, (1, *grown, o), o)]
    return Model("TRANSPOSE_CONV", operands, outputs, options, contents(rng, x))


@model("BATCH_MATMUL/16")
def batch_matmul(op: str, rng: Draw) -> Model:
    m, k, n = (int(v) for v in rng.integers(1, 9, 3))
    batch, adj_x, adj_y = shape(rng, 0, 3, 4), bool(rng.integers(2)), bool(rng.integers(2))
    other = tuple(size if rng.integers(2) else 1 for size in batch)
    operands = [
        wide("a", (*batch, *((k, m) if adj_x else (m, k))), scale(rng)),
        wide("b", (*other, *((n, k) if adj_y else (k, n))), scale(rng)),
    ]
    step = operands[0].scales[0] * operands[1].scales[0] * 19000**2 * math.sqrt(k) / 10000
    outputs = [wide("y", (*batch, m, n), step)]
    return Model(
        "BATCH_MATMUL",
        operands,
        outputs,
        {"adj_x": adj_x, "adj_y": adj_y},
        contents(rng, *operands),
    )


def pair(rng: Draw, a: float, b: float) -> tuple[list[TensorSpec], Shape]:
    """Two operands, in either order the smaller; and the shape of the output."""
    full = shape(rng)
    shapes = [full, smaller(rng, full)]
    rng.shuffle(shapes)
    return [wide("a", shapes[0], a), wide("b", shapes[1], b)], tuple(np.broadcast_shapes(*shapes))


@model("ADD/16", "SUB/16", "MUL/16", "SQUARED_DIFFERENCE/16")
def arithmetic(op: str, rng: Draw) -> Model:
    name = op.removesuffix("/16")
    a, b = scale(rng), scale(rng)
    operands, full = pair(rng, a, b)
    step = {"MUL": a * b * 2**14, "SQUARED_DIFFERENCE": max(a, b) ** 2 * 2**15}.get(
        name, 1.5 * max(a, b)
    )
    options = {} if "DIFF" in name else {"fused_activation_function": pick(rng, *ACTIVATIONS)}
    return Model(name, operands, [wide("y", full, step)], options, contents(rng, *operands))


@model("MAXIMUM/16", "MINIMUM/16")
def extremum(op: str, rng: Draw) -> Model:
    step = scale(rng)
    operands, full = pair(rng, step, step)
    name = op.removesuffix("/16")
    return Model(name, operands, [wide("y", full, step)], {}, contents(rng, *operands))


@model("AVERAGE_POOL_2D/16", "MAX_POOL_2D/16")
def pool(op: str, rng: Draw) -> Model:
    size, kernel = ([int(n) for n in rng.integers(1, high, 2)] for high in (8, 5))
    stride, padding, channels = (
        pick(rng, 1, 2, 3),
        pick(rng, "SAME", "VALID"),
        int(rng.integers(1, 6)),
    )
    size = [max(n, k) for n, k in zip(size, kernel, strict=True)]
    out = [
        -(-n // stride) if padding == "SAME" else (n - k) // stride + 1
        for n, k in zip(size, kernel, strict=True)
    ]
    x = wide("x", (1, *size, channels), scale(rng))
    options = {
        "padding": padding,
        "stride_h": stride,
        "stride_w": stride,
        "filter_height": kernel[0],
    }
    options |= {"filter_width": kernel[1], "fused_activation_function": pick(rng, *ACTIVATIONS)}
    outputs = [wide("y", (1, *out, channels), x.scales[0])]
    return Model(op.removesuffix("/16"), [x], outputs, options, contents(rng, x))


@model("MEAN/16", "SUM/16")
def reduction(op: str, rng: Draw) -> Model:
    full = shape(rng, 1, 4)
    axes = [int(a) for a in rng.permutation(len(full))[: rng.integers(1, len(full) + 1)]]
    keep = bool(rng.integers(2))
    out = tuple(1 if a in axes else n for a, n in enumerate(full) if keep or a not in axes)
    x, name = wide("x", full, scale(rng)), op.removesuffix("/16")
    count = math.prod(full[a] for a in axes)
    step = x.scales[0] * float(rng.uniform(0.8, 3)) * (math.sqrt(count) if name == "SUM" else 1)
    options = {"keep_dims": keep}
    return Model(
        name, [x, numbers("axes", axes)], [wide("y", out, step)], options, contents(rng, x)
    )


@model("RELU/16", "RELU6/16", "LEAKY_RELU/16", "ABS/16")
def piecewise(op: str, rng: Draw) -> Model:
    """RELU6 of TensorFlow Lite Micro takes the scale of its input to be the output's."""
    name = op.removesuffix("/16")
    step = scale(rng)
    x = wide("x", shape(rng), step)
    y = wide(
        "y", x.shape, step if name == "RELU6" else step * pick(rng, 1.0, float(rng.uniform(0.5, 3)))
    )
    options = {"alpha": float(rng.uniform(-0.5, 1.5))} if name == "LEAKY_RELU" else {}
    return Model(name, [x], [y], options, contents(rng, x))


@model("QUANTIZE/16")
def quantize(op: str, rng: Draw) -> Model:
    source, target = pick(rng, ("int8", "int16"), ("int16", "int8"), ("int16", "int16"),
                          ("int16", "int32"), ("int32", "int16"), ("int32", "int8"), ("int8", "int32"))  # fmt: skip
    zeros = [int(rng.integers(-128, 128)) if kind == "int8" else 0 for kind in (source, target)]
    x = TensorSpec("x", shape(rng), source, scale(rng, 1e-4, 1e-2), zeros[0])
    bits = {"int8": 8, "int16": 16, "int32": 24}
    factor = 2.0 ** (bits[source] - bits[target]) * float(rng.uniform(0.7, 3))
    data = contents(rng, x)
    if source == "int32":
        data["x"] = rng.integers(-(2**23), 2**23, (SAMPLES, *x.shape)).astype(np.int32)
    y = TensorSpec("y", x.shape, target, x.scales[0] * factor, zeros[1])
    return Model("QUANTIZE", [x], [y], {}, data)


EVERY = np.arange(-(2**15), 2**15).astype(np.int16).reshape(1, 1, -1)


@model("LOGISTIC/16", "TANH/16")
def gate(op: str, rng: Draw) -> Model:
    """Every number of 16 bits; the scale of Q3.12 is a case of its own."""
    step = pick(rng, 2.0**-12, 2.0**-11, scale(rng), scale(rng))
    x = wide("x", EVERY.shape[1:], step)
    return Model(op.removesuffix("/16"), [x], [wide("y", x.shape, 2.0**-15)], {}, {"x": EVERY})


@model("SOFTMAX/16")
def softmax(op: str, rng: Draw) -> Model:
    dims = (*shape(rng, 0, 2), pick(rng, 1, 2, 5, 64, 300))
    x = wide("x", dims, scale(rng))
    options = {"beta": pick(rng, 1.0, float(rng.uniform(0.3, 2)))}
    return Model("SOFTMAX", [x], [wide("y", dims, 2.0**-15)], options, contents(rng, x))


@model(
    "BROADCAST_TO/16",
    "PACK/16",
    "UNPACK/16",
    "REVERSE_V2/16",
    "SELECT_V2/16",
    "DYNAMIC_UPDATE_SLICE/16",
)
def moved(op: str, rng: Draw) -> Model:
    """The model of int8 with tensors of int16."""
    made = MODELS[op.removesuffix("/16")](rng)
    step = scale(rng)

    def widened(spec: TensorSpec) -> TensorSpec:
        return wide(spec.name, spec.shape, step) if spec.dtype == "int8" else spec

    inputs = [widened(spec) for spec in made.inputs]
    data = {
        **contents(rng, *inputs),
        **{n: x for n, x in (made.data or {}).items() if x.dtype != np.int8},
    }
    return Model(made.op, inputs, [widened(spec) for spec in made.outputs], made.options, data)


def unmoved(op: str, rng: Draw, x: Shape, others: Sequence[TensorSpec], *ys: Shape,
            options: dict[str, Any] | None = None, first: bool = True) -> Model:  # fmt: skip
    """An operator that moves the elements of x, its further operands behind it (or before it)."""
    step = scale(rng)
    data, outputs = wide("x", x, step), [wide(f"y{i}", y, step) for i, y in enumerate(ys)]
    operands = [data, *others] if first else [*others, data]
    return Model(op.removesuffix("/16"), operands, outputs, options or {}, contents(rng, data))


@model("RESHAPE/16", "SQUEEZE/16", "EXPAND_DIMS/16")
def reshaped(op: str, rng: Draw) -> Model:
    full = (1, *shape(rng, 1, 3))
    if op == "RESHAPE/16":
        flat = (math.prod(full), 1)
        return unmoved(op, rng, full, [numbers("shape", flat)], flat)
    if op == "SQUEEZE/16":
        return unmoved(op, rng, full, [], full[1:], options={"squeeze_dims": [0]})
    return unmoved(op, rng, full, [numbers("axis", [0])], (1, *full))


@model("TRANSPOSE/16")
def transposed(op: str, rng: Draw) -> Model:
    full = shape(rng, 2, 4)
    perm = [int(a) for a in rng.permutation(len(full))]
    return unmoved(op, rng, full, [numbers("perm", perm)], tuple(full[a] for a in perm))


@model("CONCATENATION/16")
def joined(op: str, rng: Draw) -> Model:
    full, count = shape(rng, 1, 4), int(rng.integers(2, 5))
    axis, step = int(rng.integers(len(full))), scale(rng)
    sizes = [int(n) for n in rng.integers(1, 5, count)]
    parts = [
        wide(f"x{i}", tuple(n if a == axis else m for a, m in enumerate(full)), step)
        for i, n in enumerate(sizes)
    ]
    out = tuple(sum(sizes) if a == axis else m for a, m in enumerate(full))
    return Model(
        "CONCATENATION", parts, [wide("y", out, step)], {"axis": axis}, contents(rng, *parts)
    )


@model("SPLIT/16")
def divided(op: str, rng: Draw) -> Model:
    parts, full = int(rng.integers(1, 4)), list(shape(rng, 1, 4))
    axis = int(rng.integers(len(full)))
    one = tuple(full)
    full[axis] *= parts
    axes = TensorSpec("axis", (), "int32", data=np.array(axis, np.int32))
    return unmoved(
        op, rng, tuple(full), [axes], *[one] * parts, options={"num_splits": parts}, first=False
    )


@model("SPLIT_V/16")
def cut(op: str, rng: Draw) -> Model:
    sizes, full = [int(n) for n in rng.integers(1, 5, rng.integers(1, 4))], list(shape(rng, 1, 4))
    axis = int(rng.integers(len(full)))
    ys = [tuple(n if a == axis else m for a, m in enumerate(full)) for n in sizes]
    full[axis] = sum(sizes)
    others = [
        numbers("sizes", sizes),
        TensorSpec("axis", (), "int32", data=np.array(axis, np.int32)),
    ]
    return unmoved(op, rng, tuple(full), others, *ys, options={"num_splits": len(sizes)})


@model("SLICE/16", "STRIDED_SLICE/16")
def part(op: str, rng: Draw) -> Model:
    full = shape(rng, 1, 4)
    begin = [int(rng.integers(n)) for n in full]
    size = [int(rng.integers(1, n - b + 1)) for n, b in zip(full, begin, strict=True)]
    if op == "SLICE/16":
        return unmoved(op, rng, full, [numbers("begin", begin), numbers("size", size)], tuple(size))
    stride = [int(rng.integers(1, 4)) for _ in full]
    out = tuple(-(-n // s) for n, s in zip(size, stride, strict=True))
    end = [b + n for b, n in zip(begin, size, strict=True)]
    others = [numbers("begin", begin), numbers("end", end), numbers("strides", stride)]
    return unmoved(op, rng, full, others, out)


@model("PAD/16", "PADV2/16")
def bordered(op: str, rng: Draw) -> Model:
    full = shape(rng, 1, 4)
    border = rng.integers(0, 3, (len(full), 2)).tolist()
    out = tuple(n + sum(pair) for n, pair in zip(full, border, strict=True))
    made = unmoved(op, rng, full, [numbers("border", border)], out)
    if op == "PAD/16":
        return made
    value = rng.integers(-(2**15), 2**15, 1).astype(np.int16)
    filler = TensorSpec("value", (1,), "int16", made.inputs[0].scale, data=value)
    return Model(made.op, [*made.inputs, filler], made.outputs, {}, made.data)


@model("RESIZE_NEAREST_NEIGHBOR/16")
def resized(op: str, rng: Draw) -> Model:
    h, w, c, *out = (int(n) for n in rng.integers(1, 8, 5))
    flags = {"align_corners": bool(rng.integers(2)), "half_pixel_centers": False}
    return unmoved(op, rng, (1, h, w, c), [numbers("size", out)], (1, *out, c), options=flags)


@model("CAST/16")
def cast(op: str, rng: Draw) -> Model:
    source, target = pick(
        rng, ("int16", "int32"), ("int16", "int8"), ("int8", "int16"), ("int32", "int16")
    )
    x = TensorSpec("x", shape(rng), source)
    return Model("CAST", [x], [TensorSpec("y", x.shape, target)], {}, contents(rng, x))
