"""Random one-operator `.tflite` models: `MODELS` maps an operator to what draws one of them.

Sizes of 1 are as likely as all others together, zero points lie at the ends as often as between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tflite_writer import Array, TensorSpec

Shape = tuple[int, ...]
Affine = tuple[float, int]
Draw = np.random.Generator


@dataclass(frozen=True, eq=False)
class Model:
    """One operator. `data` are arrays [samples, *shape] by input name; random bytes where absent."""

    op: str
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    options: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Array] | None = None


MODELS: dict[str, Callable[[Draw], Model]] = {}
SAMPLES = 6
# Seeds of one test: some always, many where time does not matter.
BLOCKS = [range(20), pytest.param(range(20, 300), marks=pytest.mark.soak)]


def model(*ops: str) -> Callable[[Callable[[str, Draw], Model]], Callable[[str, Draw], Model]]:
    """Registers a function of an operator's name and a generator, for each of `ops`."""

    def register(draw: Callable[[str, Draw], Model]) -> Callable[[str, Draw], Model]:
        for op in ops:
            MODELS[op] = lambda rng, op=op: draw(op, rng)  # type: ignore[misc]
        return draw

    return register


def affine(rng: Draw, low: float = 0.004, high: float = 0.5) -> Affine:
    zero = rng.choice([-128, 127, 0, *rng.integers(-127, 127, 3)])
    return float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high))))), int(zero)


def shape(rng: Draw, low: int = 1, high: int = 4, largest: int = 7) -> Shape:
    rank = int(rng.integers(low, high + 1))
    return tuple(int(rng.choice([1, rng.integers(1, largest + 1)])) for _ in range(rank))


def pick(rng: Draw, *choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]


def numbers(name: str, values: Any) -> TensorSpec:
    """A constant int32 operand."""
    data = np.array(values, np.int32)
    return TensorSpec(name, data.shape, "int32", data=data)


def bytes_of(rng: Draw, spec: TensorSpec, samples: int = SAMPLES) -> Array:
    """Random contents of a tensor; the first two samples are all lowest and all highest."""
    if spec.dtype == "bool":
        return rng.integers(0, 2, (samples, *spec.shape)).astype(bool)
    info = np.iinfo(spec.dtype)
    x = rng.integers(info.min, info.max + 1, (samples, *spec.shape)).astype(spec.dtype)
    x[0], x[1] = info.min, info.max
    return x


def contents(rng: Draw, *specs: TensorSpec) -> dict[str, Array]:
    return {spec.name: bytes_of(rng, spec) for spec in specs if spec.given}


def smaller(rng: Draw, full: Shape) -> Shape:
    """A shape that repeats to `full`: itself, one element, a tail, or some axes of size 1."""
    some = tuple(n if rng.integers(2) else 1 for n in full)
    return pick(rng, full, full, (1,), full[-1:], some)


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


def moved(
    rng: Draw, x: Shape, *ys: Shape, dtype: str = "int8"
) -> tuple[TensorSpec, list[TensorSpec]]:
    """A tensor and the outputs that its bytes are moved to."""
    quant = affine(rng) if dtype == "int8" else ()
    outputs = [TensorSpec(f"y{i}", y, dtype, *quant) for i, y in enumerate(ys)]
    return TensorSpec("x", x, dtype, *quant), outputs


@model("BROADCAST_TO")
def broadcast_to(op: str, rng: Draw) -> Model:
    full = shape(rng)
    x, outputs = moved(rng, smaller(rng, full), full)
    return Model(op, [x, numbers("shape", full)], outputs, {}, contents(rng, x))


@model("PACK")
def pack(op: str, rng: Draw) -> Model:
    one, count = shape(rng, 1, 3), int(rng.integers(1, 6))
    axis = int(rng.integers(-len(one) - 1, len(one) + 1))
    at = axis % (len(one) + 1)
    x, outputs = moved(rng, one, (*one[:at], count, *one[at:]))
    operands = [TensorSpec(f"x{i}", one, "int8", x.scale, x.zero_point) for i in range(count)]
    options = {"values_count": count, "axis": axis}
    return Model(op, operands, outputs, options, contents(rng, *operands))


@model("UNPACK")
def unpack(op: str, rng: Draw) -> Model:
    full = shape(rng, 2, 4, 5)
    axis = int(rng.integers(-len(full), len(full)))
    at = axis % len(full)
    x, outputs = moved(rng, full, *[(*full[:at], *full[at + 1 :])] * full[at])
    return Model(op, [x], outputs, {"num": full[at], "axis": axis}, contents(rng, x))


@model("REVERSE_V2")
def reverse(op: str, rng: Draw) -> Model:
    """One axis at a time, which is what TensorFlow Lite Micro takes."""
    full = shape(rng, 1, 4)
    x, outputs = moved(rng, full, full)
    axes = [int(rng.integers(0, len(full)))]
    return Model(op, [x, numbers("axes", axes)], outputs, {}, contents(rng, x))


@model("DEPTH_TO_SPACE")
def depth_to_space(op: str, rng: Draw) -> Model:
    (h, w, c), block = shape(rng, 3, 3, 4), int(rng.integers(1, 4))
    x, outputs = moved(rng, (1, h, w, c * block * block), (1, h * block, w * block, c))
    return Model(op, [x], outputs, {"block_size": block}, contents(rng, x))


@model("MIRROR_PAD")
def mirror_pad(op: str, rng: Draw) -> Model:
    full, mode = shape(rng, 1, 4), pick(rng, "REFLECT", "SYMMETRIC")
    room = [n - (mode == "REFLECT") for n in full]
    border = [[int(rng.integers(0, r + 1)) for _ in range(2)] for r in room]
    x, outputs = moved(rng, full, tuple(n + sum(b) for n, b in zip(full, border, strict=True)))
    return Model(op, [x, numbers("border", border)], outputs, {"mode": mode}, contents(rng, x))


@model("SPACE_TO_BATCH_ND")
def space_to_batch(op: str, rng: Draw) -> Model:
    block = [int(n) for n in rng.integers(1, 4, pick(rng, 1, 2))]
    cells = shape(rng, len(block), len(block), 3)
    borders, space = [], []
    for b, n in zip(block, cells, strict=True):
        borders.append([0, 0])  # TensorFlow Lite Micro's border is not initialised
        space.append(n * b)
    batch, c = pick(rng, 1, 2), pick(rng, 1, 5)
    x, outputs = moved(rng, (batch, *space, c), (batch * math.prod(block), *cells, c))
    operands = [x, numbers("block", block), numbers("borders", borders)]
    return Model(op, operands, outputs, {}, contents(rng, x))


@model("BATCH_TO_SPACE_ND")
def batch_to_space(op: str, rng: Draw) -> Model:
    block = [int(n) for n in rng.integers(1, 4, pick(rng, 1, 2))]
    cells, batch, c = shape(rng, len(block), len(block), 3), pick(rng, 1, 2), pick(rng, 1, 5)
    crops, space = [], []
    for b, n in zip(block, cells, strict=True):
        total = int(rng.integers(0, n * b))
        before = int(rng.integers(0, total + 1))
        crops.append([before, total - before])
        space.append(n * b - total)
    x, outputs = moved(rng, (batch * math.prod(block), *cells, c), (batch, *space, c))
    operands = [x, numbers("block", block), numbers("crops", crops)]
    return Model(op, operands, outputs, {}, contents(rng, x))


@model("GATHER")
def gather(op: str, rng: Draw) -> Model:
    full, indices = shape(rng, 1, 4), shape(rng, 1, 2)
    axis = int(rng.integers(0, len(full)))
    x, outputs = moved(rng, full, (*full[:axis], *indices, *full[axis + 1 :]))
    return indexed(op, rng, x, indices, full[axis], outputs, {"axis": axis})


@model("EMBEDDING_LOOKUP")
def embedding(op: str, rng: Draw) -> Model:
    full, count = shape(rng, 2, 2), int(rng.integers(1, 6))
    x, outputs = moved(rng, full, (count, *full[1:]))
    made = indexed(op, rng, x, (count,), full[0], outputs, {})
    return Model(op, made.inputs[::-1], outputs, {}, made.data)


@model("GATHER_ND")
def gather_nd(op: str, rng: Draw) -> Model:
    full = shape(rng, 1, 4)
    depth, lead = int(rng.integers(1, len(full) + 1)), shape(rng, 1, 2, 4)
    x, outputs = moved(rng, full, (*lead, *full[depth:]))
    return indexed(op, rng, x, (*lead, depth), np.array(full[:depth]), outputs, {})


def indexed(op: str, rng: Draw, x: TensorSpec, indices: Shape, limit: Any,
            outputs: list[TensorSpec], options: dict[str, Any]) -> Model:  # fmt: skip
    """An operator with computed or constant indices below `limit`."""
    known = rng.integers(0, limit, (SAMPLES, *indices)).astype(np.int32)
    if x.name == "x" and op == "EMBEDDING_LOOKUP":
        x = TensorSpec("x", x.shape, "int8", x.scale, x.zero_point, data=bytes_of(rng, x, 3)[2])
    data = contents(rng, x)
    spec = TensorSpec("indices", indices, "int32")
    if x.data is None and rng.integers(2):
        spec = TensorSpec("indices", indices, "int32", data=known[0])
    else:
        data["indices"] = known
    return Model(op, [x, spec], outputs, options, data)


@model("DYNAMIC_UPDATE_SLICE")
def update_slice(op: str, rng: Draw) -> Model:
    full = shape(rng, 1, 4)
    part = tuple(int(rng.integers(1, n + 1)) for n in full)
    x, outputs = moved(rng, full, full)
    update = TensorSpec("update", part, "int8", x.scale, x.zero_point)
    start = TensorSpec("start", (len(full),), "int32")
    data = contents(rng, x, update)
    data["start"] = rng.integers(-1, max(full) + 1, (SAMPLES, len(full))).astype(np.int32)
    return Model(op, [x, update, start], outputs, {}, data)


@model("CAST")
def cast(op: str, rng: Draw) -> Model:
    types = [
        ("int8", "int32"),
        ("int8", "int8"),
        ("bool", "int8"),
        ("int32", "int8"),
        ("int8", "bool"),
        ("int32", "int16"),
    ]
    source, target = types[int(rng.integers(len(types)))]
    x = TensorSpec("x", shape(rng), source)
    return Model(op, [x], [TensorSpec("y", x.shape, target)], {}, contents(rng, x))


@model("SHAPE", "ZEROS_LIKE")
def known(op: str, rng: Draw) -> Model:
    x = (
        TensorSpec("x", shape(rng), "int8", *affine(rng))
        if op == "SHAPE"
        else TensorSpec("x", shape(rng), pick(rng, "int8", "int32"))
    )
    y = (
        TensorSpec("y", (len(x.shape),), "int32")
        if op == "SHAPE"
        else TensorSpec("y", x.shape, x.dtype)
    )
    return Model(op, [x], [y], {}, contents(rng, x))


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
