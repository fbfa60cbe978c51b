"""ONNX Resize in the coordinate and nearest modes that have a meaning here, against onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_oracle import run_onnx

from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.graph import Graph
from edgekit.passes import canonical
from edgekit.quantize.evaluate import activations

COORDINATES = ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]
NEAREST = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]
IMAGE = (1, 3, 3, 4)
SIZES = [(6, 8), (9, 10), (2, 3), (1, 1), (5, 4)]


def network(nodes: Mapping[str, tuple[tuple[int, ...], dict[str, Any]]], x: tuple[int, ...],
            by_scales: bool = False) -> onnx.ModelProto:  # fmt: skip
    """One Resize of `x` an output: output name to its spatial sizes and attributes."""
    made, constants, outputs = [], [], []
    for name, (size, attributes) in nodes.items():
        shape = (*x[:2], *size)
        given = np.array(shape, np.int64)
        if by_scales:
            given = np.array([m / n for m, n in zip(shape, x, strict=True)], np.float32)
        constants.append(numpy_helper.from_array(given, f"{name}_size"))
        operands = ["x", "", f"{name}_size"] if by_scales else ["x", "", "", f"{name}_size"]
        made.append(helper.make_node("Resize", operands, [name], **attributes))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)]
    graph = helper.make_graph(made, "net", ends, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def graph_of(model: onnx.ModelProto, folder: Path) -> Graph:
    onnx.save(model, folder / "m.onnx")
    return canonical(load_model(folder / "m.onnx"))


def compare(model: onnx.ModelProto, folder: Path, tolerance: float) -> None:
    graph = graph_of(model, folder)
    shape = tuple(d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim)
    x = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    wanted = run_onnx(model, {"x": x[None]})
    ours = graph.layouts["x"].ours(x, 0) if "x" in graph.layouts else x
    found = dict(activations(graph, {"x": ours.reshape(graph.value("x").shape)}))
    for name in graph.outputs:
        y, layout = found[name], graph.layouts.get(name)
        real = layout.source(y, 0) if layout else y
        want = wanted[name][0]
        np.testing.assert_allclose(
            real.reshape(want.shape), want, rtol=0, atol=tolerance, err_msg=name
        )


@pytest.mark.parametrize("coordinates", COORDINATES)
def test_nearest(coordinates: str, tmp_path: Path) -> None:
    mode = {"coordinate_transformation_mode": coordinates}
    nodes = {
        f"{rule}_{size[0]}_{size[1]}": (size, {**mode, "mode": "nearest", "nearest_mode": rule})
        for rule in NEAREST
        for size in SIZES
    }
    compare(network(nodes, IMAGE), tmp_path, 0)


@pytest.mark.parametrize("by_scales", [False, True])
@pytest.mark.parametrize("image", [True, False])
def test_linear(image: bool, by_scales: bool, tmp_path: Path) -> None:
    # Scales have to give whole sizes in float32.
    sizes = ([(6, 8), (3, 2)] if by_scales else SIZES) if image else [(10,), (5,)]
    nodes = {
        f"{mode}_{i}": (size, {"coordinate_transformation_mode": mode, "mode": "linear"})
        for mode in COORDINATES
        for i, size in enumerate(sizes)
    }
    # Positions are rounded to 1/1024 of a cell, along two axes.
    compare(network(nodes, IMAGE if image else (1, 3, 5), by_scales), tmp_path, 2 * 2 / 2048 + 1e-6)


OTHERS: list[dict[str, Any]] = [
    {"mode": "cubic"},
    {"mode": "cubic", "exclude_outside": 1, "coordinate_transformation_mode": "asymmetric"},
    {"mode": "linear", "antialias": 1},
    {"mode": "linear", "coordinate_transformation_mode": "half_pixel_symmetric"},
]


@pytest.mark.parametrize("attributes", OTHERS)
def test_other_modes_are_a_matrix(attributes: dict[str, Any], tmp_path: Path) -> None:
    nodes = {f"y{size[0]}": (size, attributes) for size in ((6, 8), (2, 3))}
    compare(network(nodes, IMAGE), tmp_path, 1e-5)


def test_a_matrix_of_a_large_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError) as refused:
        graph_of(network({"y": ((64, 64), OTHERS[0])}, (1, 3, 32, 32)), tmp_path)
    assert refused.value.code == "EK202"
    assert "weights as a matrix" in refused.value.found
