"""Random models of operators that move data, by constant or computed indices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from random_models import (
    SAMPLES,
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
