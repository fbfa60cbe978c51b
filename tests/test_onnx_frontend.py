"""What the ONNX frontend makes of sound files: operators, shapes, constants, names."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import ROOT, shared
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx_writer import calls, classifier, functions, model, node, quantized, tensor

from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.frontends.onnx_fold import FOLDED
from edgekit.graph import DTYPES, Graph
from edgekit.op import onnx_ops

NEWEST = onnx.defs.onnx_opset_version()
# File: operator set and what is left once shape arithmetic is folded.
SHARED = {
    "models/cifar10_resnet20_float.onnx":
        (17, "Conv 19, Relu 19, Add 9, Slice 4, Pad 2, AveragePool 1, Flatten 1, Gemm 1"),
    "models/cifar10_resnet20_qdq_int8_perchannel.onnx":
        (17, "QuantizeLinear 38, DequantizeLinear 78, Conv 19, Add 9, Slice 4, Pad 2, AveragePool 1, Flatten 1, Gemm 1"),
    "models/fsdd_kwt_tiny_transformer.onnx":
        (17, "MatMul 19, Add 23, LayerNormalization 7, Slice 9, Reshape 12, Transpose 12, Mul 9, Softmax 3, Div 3, Erf 3, ReduceMean 1, Gemm 1"),
    "models/fsdd_res1d_dscnn.onnx":
        (17, "Transpose 1, Conv 9, Relu 9, Add 4, ReduceMean 1, ReduceMax 1, Concat 1, Gemm 1"),
    "models/fsdd_res1d_dscnn_qdq_int8_perchannel.onnx":
        (17, "DequantizeLinear 38, QuantizeLinear 18, Transpose 1, Conv 9, Add 4, ReduceMean 1, ReduceMax 1, Concat 1, Gemm 1"),
    "models/mlperf_tiny_onnx_qdq/deep_autoencoder.onnx":
        (13, "QuantizeLinear 11, DequantizeLinear 31, Gemm 10"),
    "models/mlperf_tiny_onnx_qdq/kws_ref_model.onnx":
        (15, "Reshape 2, DequantizeLinear 32, QuantizeLinear 12, Conv 9, AveragePool 1, Gemm 1, Softmax 1"),
    "models/mlperf_tiny_onnx_qdq/mobilenet_v1.onnx":
        (13, "QuantizeLinear 30, DequantizeLinear 86, Conv 27, AveragePool 1, Transpose 1, Reshape 1, Gemm 1, Softmax 1"),
    "models/mlperf_tiny_onnx_qdq/resnet.onnx":
        (15, "Transpose 1, DequantizeLinear 35, QuantizeLinear 15, Conv 9, Add 3, AveragePool 1, Reshape 1, Gemm 1, Softmax 1"),
    "models/mtcnn_pnet_75x101_float.onnx": (17, "Conv 5, PRelu 3, MaxPool 1, Softmax 1"),
    "models/mtcnn_rnet_24x24_float.onnx":
        (17, "Conv 3, PRelu 4, MaxPool 2, Transpose 1, Reshape 1, Gemm 3, Softmax 1"),
    "models/ultralight_face_slim_240x320_float.onnx":
        (9, "Conv 42, Relu 34, Transpose 8, Reshape 8, Concat 2, Softmax 1"),
    "bench/net_digits.onnx": (17, "Conv 9, Clip 8, Add 1, ReduceMean 1, Gemm 1"),
    "bench/net_mnist.onnx": (17, "Conv 9, Clip 8, Add 1, ReduceMean 1, Gemm 1"),
}  # fmt: skip


def load(source: ModelProto, folder: Path, **dims: int) -> Graph:
    file = folder / "model.onnx"
    file.write_bytes(source.SerializeToString())
    return load_model(file, dims)


@pytest.mark.parametrize("file", SHARED)
def test_shared_models(file: str) -> None:
    graph = load_model(shared(*file.split("/")))
    opset, operators = SHARED[file]
    wanted = {op: int(n) for op, n in (item.split(" ") for item in operators.split(", "))}
    if set(wanted) <= {*onnx_ops(), *FOLDED, "Erf"}:  # others are written out by their definition
        assert Counter(n.op for n in graph.nodes) == wanted
    assert (graph.format, graph.opset, graph.one_rounding) == ("onnx", opset, True)
    for value in graph.values.values():
        assert value.dtype in DTYPES
        assert all(type(n) is int for n in value.shape)
        assert value.data is None or value.data.shape == value.shape
    for node_ in graph.nodes:
        assert (
            any(graph.const(name) is None for name in node_.inputs)
            or node_.op == "DequantizeLinear"
        )


def test_the_source_names_its_tensors() -> None:
    file = shared("models", "fsdd_res1d_dscnn.onnx")
    source = onnx.load(file).graph
    graph = load_model(file)
    assert [n.outputs for n in graph.nodes] == [tuple(n.output) for n in source.node]
    assert graph.inputs == ("logmel",)
    assert len({n.name for n in graph.nodes}) == len(graph.nodes)


@pytest.mark.parametrize("opset", range(9, NEWEST + 1))
def test_shape_arithmetic_is_folded_in_every_operator_set(opset: int, tmp_path: Path) -> None:
    graph = load(classifier(opset), tmp_path)
    assert [n.op for n in graph.nodes] == ["Conv", "Clip", "Reshape", "Gemm"]
    assert graph.nodes[2].inputs == ("clip", "target")
    target = graph.const("target")
    assert target is not None
    assert target.tolist() == [1, -1]
    assert graph.value("flat").shape == (1, 32)
    assert graph.opset == opset


def test_numbers_of_quantized_files_are_kept(tmp_path: Path) -> None:
    source = quantized()
    graph = load(source, tmp_path)
    assert [n.op for n in graph.nodes] == [n.op_type for n in source.graph.node]
    for constant in source.graph.initializer:
        held = graph.const(constant.name)
        assert held is not None
        np.testing.assert_array_equal(held, numpy_helper.to_array(constant), strict=True)


def test_dimensions_are_bound(tmp_path: Path) -> None:
    source = model([node("Relu", ["x"], ["y"])], None, {"x": ("N", "T", 4)}, {"y": ("N", "T", 4)})
    assert load(source, tmp_path, T=7).value("y").shape == (1, 7, 4)
    assert load(source, tmp_path, T=7, N=2).value("y").shape == (2, 7, 4)
    with pytest.raises(EdgekitError, match="EK104") as refused:
        load(source, tmp_path)
    assert refused.value.help == "bind it with --dim T=..."
    for wrong in ({"T": 7, "U": 1}, {"T": 0}):
        with pytest.raises(EdgekitError, match="EK001"):
            load(source, tmp_path, **wrong)
    with pytest.raises(EdgekitError, match="EK001"):
        load_model(ROOT / "tests" / "models" / "hello_world.tflite", {"N": 1})


def test_every_float_is_float32(tmp_path: Path) -> None:
    half = numpy_helper.from_array(np.float16([1, 2, 3, 4]))
    double = numpy_helper.from_array(np.float64([[1, 2, 3, 4]]))
    nodes = [
        node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16),
        node("Add", ["h", "w"], ["a"]),
        node("Cast", ["a"], ["d"], to=TensorProto.DOUBLE),
        node("Constant", [], ["c"], value=double),
        node("Add", ["d", "c"], ["y"]),
    ]
    source = model(nodes, {"w": half})
    source.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    graph = load(source, tmp_path)
    assert {v.dtype for v in graph.values.values()} == {"float32"}
    assert [n.op for n in graph.nodes] == ["Cast", "Add", "Cast", "Add"]
    assert graph.nodes[0].attrs == {"to": TensorProto.FLOAT}


def test_initializers_listed_as_inputs_are_constants(tmp_path: Path) -> None:
    source = model(
        [node("Add", ["x", "w"], ["y"])], {"w": np.ones((1, 4), np.float32)}, ir_version=3
    )
    source.graph.input.append(tensor("w", (1, 4)))
    assert load(source, tmp_path).inputs == ("x",)


def test_functions_are_inlined(tmp_path: Path) -> None:
    source = functions([[node("Relu", ["a0"], ["b"])], calls("f0", 2), calls("f1", 2)])
    graph = load(source, tmp_path)
    assert Counter(n.op for n in graph.nodes) == {"Relu": 4}
    assert graph.outputs == ("y",)


def test_foreign_operators_keep_their_domain(tmp_path: Path) -> None:
    source = model([node("Gelu", ["x"], ["y"], domain="com.microsoft", name="gelu")])
    source.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    graph = load(source, tmp_path)
    assert [(n.name, n.op) for n in graph.nodes] == [("gelu", "com.microsoft::Gelu")]


def test_nodes_get_names_of_their_own(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], ["a"]), node("Relu", ["a"], ["b"], name="r"), node("Relu", ["b"], ["y"], name="r")]  # fmt: skip
    assert [n.name for n in load(model(nodes), tmp_path).nodes] == ["Relu_0", "r", "r_1"]


def test_outputs_that_nobody_reads(tmp_path: Path) -> None:
    """An optional one is left out; the parts of a Split are counted."""
    nodes = [node("Dropout", ["x"], ["d", "mask"]), node("Split", ["d"], ["a", "unread"], axis=1),
             node("Concat", ["a", "a"], ["y"], axis=1)]  # fmt: skip
    graph = load(model(nodes, opset=12), tmp_path)
    assert [n.outputs for n in graph.nodes] == [("d",), ("a", "unread"), ("y",)]


def test_attributes_are_plain_values(tmp_path: Path) -> None:
    nodes = [node("Gemm", ["x", "w"], ["y"], alpha=0.5, transB=1)]
    graph = load(model(nodes, {"w": np.eye(4, dtype=np.float32)}), tmp_path)
    assert graph.nodes[0].attrs == {"alpha": 0.5, "transB": 1}
    nodes = [node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", strides=[1, 1])]
    conv = model(
        nodes, {"w": np.ones((1, 1, 3, 3), np.float32)}, {"x": (1, 1, 4, 4)}, {"y": (1, 1, 4, 4)}
    )
    assert load(conv, tmp_path).nodes[0].attrs == {"auto_pad": "SAME_UPPER", "strides": [1, 1]}


def test_an_infinite_bound_is_no_weight(tmp_path: Path) -> None:
    nodes = [node("Clip", ["x", "low", "high"], ["y"])]
    graph = load(model(nodes, {"low": np.float32(0), "high": np.float32(np.inf)}), tmp_path)
    assert graph.const("high") == np.inf


def test_tflite_files_do_not_load_onnx() -> None:
    code = (
        "import sys; from pathlib import Path; from edgekit.frontends import load_model;"
        "load_model(Path(sys.argv[1])); sys.exit('onnx' in sys.modules)"
    )
    file = ROOT / "tests" / "models" / "hello_world.tflite"
    assert subprocess.run([sys.executable, "-c", code, file], timeout=60).returncode == 0
