"""Operators that move data against TensorFlow Lite Micro, byte for byte."""

from __future__ import annotations

from typing import Any

import conformance
import numpy as np
import oracle
import pytest
from tflite_writer import Array, TensorSpec, one_op_graph, one_op_model

from edgekit.errors import EdgekitError

Shape = tuple[int, ...]
SCALES = [(0.05, 3), (0.0117, -128), (0.7, 127), (1e-4, 0)]


def operand(name: str, numbers: Any) -> TensorSpec:
    data = np.array(numbers, np.int32)
    return TensorSpec(name, data.shape, "int32", data=data)


def tensors(x: Shape, *ys: Shape, scale: int = 0) -> tuple[TensorSpec, list[TensorSpec]]:
    """The data operand and the outputs, all of one scale and zero point."""
    affine = SCALES[scale % len(SCALES)]
    outputs = [TensorSpec(f"y{i}", y, "int8", *affine) for i, y in enumerate(ys)]
    return TensorSpec("x", x, "int8", *affine), outputs


def simulated_like_litert(op: str, x: TensorSpec, rest: list[TensorSpec], y: list[TensorSpec],
                          options: dict[str, Any]) -> None:  # fmt: skip
    """For forms that TensorFlow Lite Micro refuses: LiteRT's reference kernels move bytes alike."""
    data: Array = np.random.default_rng(1).integers(-128, 128, (3, *x.shape)).astype(np.int8)
    want = oracle.litert_ref(
        one_op_model(op, [x, *rest], y, options), [[sample] for sample in data]
    )
    got = conformance.simulate(one_op_graph(op, [x, *rest], y, options), {"x": data})
    for i, spec in enumerate(y):
        np.testing.assert_array_equal(got[spec.name], np.stack([sample[i] for sample in want]))


RESHAPES: list[tuple[Shape, Shape]] = [
    ((1, 4, 5, 6), (1, 120)),
    ((1, 120), (1, 4, 5, 6)),
    ((1, 1, 1, 1), (1,)),
    ((6,), (1, 2, 3)),
    ((2, 3), (3, 2)),
    ((1, 3, 40), (1, 3, 1, 40)),
    ((5, 1, 7), (7, 5)),
    ((1, 1, 1024), (1024,)),
    ((1, 2, 3, 4), (4, 3, 2, 1)),
    ((1, 49, 10, 1), (1, 490)),
]


@pytest.mark.parametrize("index", range(len(RESHAPES)))
def test_reshape(index: int) -> None:
    x, outputs = tensors(*RESHAPES[index], scale=index)
    conformance.check("RESHAPE", [x, operand("shape", RESHAPES[index][1])], outputs)
    open_axis = [-1, *RESHAPES[index][1][1:]]
    conformance.check("RESHAPE", [x, operand("shape", open_axis)], outputs)
    conformance.check("RESHAPE", [x], outputs, {"new_shape": list(RESHAPES[index][1])})


SQUEEZES: list[tuple[Shape, list[int], Shape]] = [
    ((1, 4, 1, 6), [], (4, 6)),
    ((1, 4, 1, 6), [2], (1, 4, 6)),
    ((1, 4, 1, 6), [0, 2], (4, 6)),
    ((1, 4, 1, 6), [-2], (1, 4, 6)),
    ((1, 1, 7), [0], (1, 7)),
    ((3, 1), [1], (3,)),
]


@pytest.mark.parametrize(("shape", "axes", "out"), SQUEEZES)
def test_squeeze(shape: Shape, axes: list[int], out: Shape) -> None:
    x, outputs = tensors(shape, out)
    conformance.check("SQUEEZE", [x], outputs, {"squeeze_dims": axes})


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2, -4])
def test_expand_dims(axis: int) -> None:
    shape = [2, 3, 4]
    shape.insert(axis if axis >= 0 else axis + 4, 1)
    x, outputs = tensors((2, 3, 4), tuple(shape))
    conformance.check("EXPAND_DIMS", [x, operand("axis", [axis])], outputs)


TRANSPOSES: list[tuple[Shape, tuple[int, ...]]] = [
    ((1, 3, 5, 4), (0, 2, 3, 1)),
    ((1, 5, 4, 3), (0, 3, 1, 2)),
    ((4, 5), (1, 0)),
    ((4, 5), (0, 1)),
    ((2, 3, 4), (2, 0, 1)),
    ((2, 3, 4), (0, 2, 1)),
    ((2, 3, 4, 5), (3, 2, 1, 0)),
    ((2, 3, 4, 5), (2, 3, 0, 1)),
    ((2, 3, 4, 5, 2), (4, 0, 3, 1, 2)),
    ((1, 6, 1, 5), (2, 1, 0, 3)),
    ((7,), (0,)),
    ((1, 1, 1, 1), (3, 1, 2, 0)),
]


@pytest.mark.parametrize("index", range(len(TRANSPOSES)))
def test_transpose(index: int) -> None:
    shape, perm = TRANSPOSES[index]
    x, outputs = tensors(shape, tuple(shape[axis] for axis in perm), scale=index)
    conformance.check("TRANSPOSE", [x, operand("perm", perm)], outputs)


SLICES: list[tuple[Shape, list[int], list[int]]] = [
    ((1, 6, 7, 5), [0, 1, 2, 1], [1, 3, 4, 3]),
    ((1, 6, 7, 5), [0, 2, 0, 0], [1, 4, 7, 5]),
    ((1, 6, 7, 5), [0, 0, 0, 4], [1, 6, 7, 1]),
    ((1, 6, 7, 5), [0, 3, 2, 1], [-1, -1, -1, -1]),
    ((9,), [8], [1]),
    ((9,), [0], [9]),
    ((4, 5), [1, 0], [-1, 2]),
    ((2, 3, 4), [1, 1, 1], [1, 2, 3]),
    ((2, 3, 4, 2, 3), [1, 0, 2, 0, 1], [1, 3, 2, 2, 2]),
    ((1, 1, 1, 1), [0, 0, 0, 0], [1, 1, 1, 1]),
]


@pytest.mark.parametrize("index", range(len(SLICES)))
def test_slice(index: int) -> None:
    shape, begin, size = SLICES[index]
    out = tuple(n - b if s == -1 else s for n, b, s in zip(shape, begin, size, strict=True))
    x, outputs = tensors(shape, out, scale=index)
    conformance.check("SLICE", [x, operand("begin", begin), operand("size", size)], outputs)


# shape, begin, end, stride, masks, output shape
STRIDED: list[tuple[Shape, list[int], list[int], list[int], dict[str, int], Shape]] = [
    ((1, 5, 1, 40), [0, -2, 0, 0], [0, 0, 0, 40], [1, 1, 1, 1], {"begin": 13, "end": 15}, (1, 2, 1, 40)),
    ((1, 6, 7, 5), [0, 1, 2, 1], [1, 5, 7, 4], [1, 1, 1, 1], {}, (1, 4, 5, 3)),
    ((1, 6, 7, 5), [0, 1, 1, 0], [1, 6, 7, 5], [1, 2, 3, 2], {}, (1, 3, 2, 3)),
    ((6, 7), [5, 6], [0, 0], [-1, -2], {}, (5, 3)),
    ((6, 7), [0, 0], [0, 0], [-1, -1], {"begin": 3, "end": 3}, (6, 7)),
    ((6, 7), [-9, -99], [99, 3], [1, 1], {}, (6, 3)),
    ((6, 7), [2, 1], [3, 6], [1, 1], {"shrink_axis": 1}, (5,)),
    ((6, 7), [-1, -3], [0, 0], [1, 1], {"shrink_axis": 3}, ()),
    ((2, 3, 4, 5), [1, 0, 2, 0], [2, 3, 3, 5], [1, 1, 1, 1], {"shrink_axis": 5}, (3, 5)),
    ((2, 3, 4, 5), [0, -1, 0, 1], [2, 0, 4, 2], [1, 1, 1, 1], {"end": 2, "shrink_axis": 8}, (2, 1, 4)),
    ((9,), [-2], [-8], [-3], {}, (2,)),
    ((1, 9, 1, 3), [0, 1, 0, 0], [1, 9, 1, 3], [1, 4, 1, 1], {}, (1, 2, 1, 3)),
]  # fmt: skip


def strided(case: Any) -> tuple[TensorSpec, list[TensorSpec], list[TensorSpec], dict[str, Any]]:
    shape, begin, end, step, masks, out = case
    x, outputs = tensors(shape, out)
    rest = [operand("begin", begin), operand("end", end), operand("step", step)]
    return x, rest, outputs, {f"{name}_mask": mask for name, mask in masks.items()}


@pytest.mark.parametrize("index", range(len(STRIDED)))
def test_strided_slice(index: int) -> None:
    x, rest, outputs, options = strided(STRIDED[index])
    conformance.check("STRIDED_SLICE", [x, *rest], outputs, options)


BEYOND_MICRO: list[tuple[Shape, list[int], list[int], list[int], dict[str, int], Shape]] = [
    ((2, 3, 4, 5), [0, 1], [0, 3], [1, 1], {"ellipsis": 1}, (2, 3, 4, 2)),
    ((2, 3, 4, 5), [1, 0, 1], [2, 0, 3], [1, 1, 1], {"ellipsis": 2}, (1, 3, 4, 2)),
    ((3, 4), [0, 1, 0], [0, 3, 4], [1, 1, 1], {"new_axis": 1}, (1, 2, 4)),
    ((3, 4), [0, 0, 2], [3, 0, 4], [1, 1, 1], {"new_axis": 2}, (3, 1, 2)),
    ((3, 4), [0, 0, 2], [0, 0, 3], [1, 1, 1], {"ellipsis": 1, "new_axis": 2, "shrink_axis": 4}, (3, 1)),
    ((6, 7), [1], [4], [1], {}, (3, 7)),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(BEYOND_MICRO)))
def test_masks_of_strided_slice(index: int) -> None:
    x, rest, outputs, options = strided(BEYOND_MICRO[index])
    simulated_like_litert("STRIDED_SLICE", x, rest, outputs, options)


SPLITS: list[tuple[Shape, int, int]] = [
    ((1, 4, 5, 6), 3, 2),
    ((1, 4, 5, 6), 3, 6),
    ((1, 4, 5, 6), 1, 4),
    ((1, 4, 5, 6), -1, 3),
    ((1, 4, 5, 6), 2, 1),
    ((8,), 0, 4),
    ((6, 3), 0, 2),
    ((6, 3), -2, 3),
    ((2, 3, 4), 2, 4),
    ((1, 9), 1, 3),
]


@pytest.mark.parametrize("index", range(len(SPLITS)))
def test_split(index: int) -> None:
    shape, axis, count = SPLITS[index]
    part = list(shape)
    part[axis] //= count
    x, outputs = tensors(shape, *[tuple(part)] * count, scale=index)
    conformance.check("SPLIT", [operand("axis", [axis]), x], outputs, {"num_splits": count})


SPLITS_V: list[tuple[Shape, int, list[int]]] = [
    ((1, 4, 5, 6), 3, [1, 2, 3]),
    ((1, 4, 5, 6), 1, [3, 1]),
    ((1, 4, 5, 6), -2, [4, 1]),
    ((1, 4, 5, 6), 3, [2, 4]),
    ((8,), 0, [1, 7]),
    ((6, 3), 0, [1, 1, 4]),
    ((6, 3), 1, [3]),
    ((2, 3, 4), -1, [1, 1, 1, 1]),
    ((2, 3, 4), 0, [1, 1]),
    ((1, 9), 1, [2, 7]),
]


@pytest.mark.parametrize("index", range(len(SPLITS_V)))
def test_split_v(index: int) -> None:
    shape, axis, sizes = SPLITS_V[index]
    axis_from_front = axis % len(shape)
    parts = [(*shape[:axis_from_front], n, *shape[axis_from_front + 1 :]) for n in sizes]
    x, outputs = tensors(shape, *parts, scale=index)
    rest = [operand("sizes", sizes), operand("axis", axis)]
    conformance.check("SPLIT_V", [x, *rest], outputs, {"num_splits": len(sizes)})


def test_split_v_with_an_open_size() -> None:
    x, outputs = tensors((1, 9), (1, 2), (1, 7))
    rest = [operand("sizes", [2, -1]), operand("axis", 1)]
    simulated_like_litert("SPLIT_V", x, rest, outputs, {"num_splits": 2})


CONCATS: list[tuple[int, list[Shape]]] = [
    (1, [(1, 2, 1, 40), (1, 3, 1, 40)]),
    (3, [(1, 3, 4, 5), (1, 3, 4, 1), (1, 3, 4, 9)]),
    (2, [(1, 3, 4, 5), (1, 3, 1, 5)]),
    (-1, [(1, 3, 4, 5), (1, 3, 4, 2)]),
    (-3, [(1, 3, 4, 5), (1, 1, 4, 5)]),
    (0, [(4,), (1,), (7,)]),
    (0, [(2, 3), (1, 3)]),
    (1, [(2, 3), (2, 1)]),
    (1, [(1, 5)]),
    (1, [(1, 1)] * 10),
    (2, [(2, 3, 4), (2, 3, 1)]),
]


@pytest.mark.parametrize("index", range(len(CONCATS)))
def test_concatenation(index: int) -> None:
    axis, shapes = CONCATS[index]
    affine = SCALES[index % len(SCALES)]
    inputs = [TensorSpec(f"x{i}", shape, "int8", *affine) for i, shape in enumerate(shapes)]
    out = list(shapes[0])
    out[axis] = sum(shape[axis] for shape in shapes)
    outputs = [TensorSpec("y", tuple(out), "int8", *affine)]
    conformance.check("CONCATENATION", inputs, outputs, {"axis": axis})


def test_concatenation_with_a_constant() -> None:
    data = np.arange(-3, 3, dtype=np.int8).reshape(1, 2, 3)
    inputs = [TensorSpec("x", (1, 4, 3), "int8", 0.1, 5)]
    inputs.append(TensorSpec("border", (1, 2, 3), "int8", 0.1, 5, data=data))
    outputs = [TensorSpec("y", (1, 6, 3), "int8", 0.1, 5)]
    conformance.check("CONCATENATION", inputs, outputs, {"axis": 1})


def test_concatenation_of_two_scales_is_refused() -> None:
    inputs = [TensorSpec("a", (1, 2), "int8", 0.1, 5), TensorSpec("b", (1, 2), "int8", 0.2, 5)]
    graph = one_op_graph(
        "CONCATENATION", inputs, [TensorSpec("y", (1, 4), "int8", 0.1, 5)], {"axis": 1}
    )
    with pytest.raises(EdgekitError, match="EK202"):
        conformance.simulate(graph, {name: np.zeros((1, 1, 2), np.int8) for name in "ab"})


PADS: list[tuple[Shape, list[list[int]]]] = [
    ((1, 3, 4, 5), [[0, 0], [1, 1], [1, 1], [0, 0]]),
    ((1, 3, 4, 5), [[0, 0], [0, 1], [0, 1], [0, 0]]),
    ((1, 3, 4, 5), [[0, 0], [3, 0], [0, 2], [0, 0]]),
    ((1, 3, 4, 5), [[0, 0], [0, 0], [0, 0], [2, 3]]),
    ((1, 3, 4, 5), [[1, 2], [0, 1], [1, 0], [2, 0]]),
    ((1, 3, 4, 5), [[0, 0]] * 4),
    ((1, 1, 1, 1), [[0, 0], [7, 7], [7, 7], [0, 0]]),
    ((4, 3), [[1, 0], [0, 2]]),
    ((2, 3, 4), [[1, 1], [0, 0], [2, 0]]),
    ((9,), [[0, 5]]),
    ((1, 40, 1, 3), [[0, 0], [4, 4], [0, 0], [0, 0]]),
    ((2, 1, 2, 3, 2), [[1, 0], [0, 2], [1, 1], [2, 0], [0, 1]]),
]


@pytest.mark.parametrize("index", range(len(PADS)))
def test_pad(index: int) -> None:
    shape, border = PADS[index]
    out = tuple(n + sum(pair) for n, pair in zip(shape, border, strict=True))
    x, outputs = tensors(shape, out, scale=index)
    conformance.check("PAD", [x, operand("border", border)], outputs)
    value = np.array([(-128, 127, 0, -7)[index % 4]], np.int8)
    constant = TensorSpec("value", (1,), "int8", x.scale, x.zero_point, data=value)
    conformance.check("PADV2", [x, operand("border", border), constant], outputs)
