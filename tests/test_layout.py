"""Channel-first sources in edgekit's order: random networks keep their meaning, and where the
transposes go."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnx_graphs import OPSET, random_network

from edgekit.frontends import load_model
from edgekit.graph import Graph
from edgekit.op import Array, load_ops
from edgekit.passes import CANONICAL

FLOAT = TensorProto.FLOAT


def imported(model: onnx.ModelProto, folder: Path) -> Graph:
    """The canonical graph, every declared shape checked against the operators' rules after each pass."""
    onnx.save(model, folder / "model.onnx")
    graph, ops = load_model(folder / "model.onnx"), load_ops()
    for rewrite in CANONICAL:
        graph = rewrite(graph)
        graph.verify()
        for node in graph.nodes if all(n.op in ops for n in graph.nodes) else ():
            assert ops[node.op].shapes(node, graph) == [graph.value(n).shape for n in node.outputs]
    return graph


def evaluated(graph: Graph, x: Array) -> list[Array]:
    """The outputs in real numbers, with the source's axes."""
    values = {}
    for name in graph.inputs:
        ours = graph.layouts[name].ours(x, 0) if name in graph.layouts else x
        values[name] = ours.reshape(graph.value(name).shape).astype(np.float64)
    for node in graph.nodes:
        operands = [values[n] for n in node.inputs if n and graph.const(n) is None]
        results = load_ops()[node.op].real(node, graph, *operands)
        for name, result in zip(node.outputs, results, strict=True):
            values[name] = result.reshape(graph.value(name).shape)
    return [
        graph.layouts[name].source(values[name], 0) if name in graph.layouts else values[name]
        for name in graph.outputs
    ]


@settings(
    max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(seed=st.integers(0, 2**32 - 1))
def test_canonical_form_computes_what_the_source_does(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = random_network(seed)
    graph = imported(model, tmp_path_factory.mktemp("layout"))
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    wanted = ReferenceEvaluator(model).run(None, {"x": x})
    for ours, theirs in zip(evaluated(graph, x), wanted, strict=True):
        size = max(1.0, float(np.abs(theirs).max()))
        np.testing.assert_allclose(ours.reshape(theirs.shape) / size, theirs / size, atol=2e-4)


def network(nodes: list[onnx.NodeProto], x: tuple[int, ...], y: tuple[int, ...],
            **constants: Array) -> onnx.ModelProto:  # fmt: skip
    tensors = [
        onnx.numpy_helper.from_array(np.asarray(data), name) for name, data in constants.items()
    ]
    ends = [helper.make_tensor_value_info(n, FLOAT, s) for n, s in (("x", x), ("y", y))]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def weights(*shape: int) -> Array:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def ops(graph: Graph) -> Counter[str]:
    return Counter(node.op for node in graph.nodes)


def test_residual_block_keeps_its_channels_last(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Add", ["b", "x"], ["c"]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("Gemm", ["e", "v"], ["y"]),
    ]
    graph = imported(
        network(nodes, (1, 3, 5, 6), (1, 4), w=weights(3, 3, 3, 3), v=weights(3, 4)), tmp_path
    )
    assert ops(graph) == Counter(["conv2d", "add", "mean", "reshape", "fully_connected"])
    assert graph.value("x").shape == (1, 5, 6, 3)
    assert graph.layouts["x"].perm == (0, 2, 3, 1)
    assert "y" not in graph.layouts


def test_dense_layer_behind_a_map_takes_its_columns_in_our_order(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MaxPool", ["x"], ["a"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Reshape", ["a", "shape"], ["b"]),
        helper.make_node("Gemm", ["b", "v"], ["y"], transB=1),
    ]
    model = network(nodes, (1, 2, 4, 6), (1, 4), v=weights(4, 12), shape=np.array([1, -1]))
    graph = imported(model, tmp_path)
    assert ops(graph) == Counter(["max_pool", "reshape", "fully_connected"])


def test_transpose_that_no_layer_absorbs_is_left(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Transpose", ["a"], ["b"], perm=[0, 2, 3, 1]),
        helper.make_node("Conv", ["b", "v"], ["y"]),
    ]
    graph = imported(
        network(nodes, (1, 3, 5, 6), (1, 2, 6, 4), w=weights(4, 3, 1, 1), v=weights(2, 5, 1, 1)),
        tmp_path,
    )
    assert ops(graph) == Counter(["conv2d", "transpose", "conv2d"])


def test_audio_network_has_time_as_rows(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1]),
        helper.make_node("BatchNormalization", ["a", "s", "s", "s", "s"], ["b"]),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("Conv", ["c", "v"], ["d"], group=8),
        helper.make_node("ReduceMax", ["d", "axes"], ["y"], keepdims=0),
    ]
    model = network(nodes, (1, 4, 9), (1, 8), w=weights(8, 4, 3), v=weights(8, 1, 5),
                    s=np.full(8, 0.5, np.float32), axes=np.array([2]))  # fmt: skip
    graph = imported(model, tmp_path)
    assert ops(graph) == Counter(["reshape", "conv2d", "depthwise", "reduce_max", "reshape"])
    assert graph.value(graph.nodes[1].outputs[0]).shape == (1, 9, 1, 8)


def test_same_scale_of_a_view_is_its_tensors(tmp_path: Path) -> None:
    """Numbers that a source gives behind a transpose are those of the tensor in front of it."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0, 2, 1]),
        helper.make_node("QuantizeLinear", ["a", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["b"]),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    graph = imported(
        network(nodes, (1, 3, 5), (1, 5, 3), scale=np.float32(0.5), zero=np.int8(7)), tmp_path
    )
    quant = graph.value("x").quant
    assert quant is not None
    assert (quant.scale, quant.zero_point) == ((0.5,), (7,))
    assert ops(graph) == Counter(["relu"])
