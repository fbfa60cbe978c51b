"""Runs an imported graph of ONNX's vocabulary in onnxruntime, every tensor an output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.graph import Graph, Value

Array = NDArray[Any]


def run_graph(graph: Graph, inputs: Sequence[Array]) -> dict[str, Array]:
    """Name -> content of every activation. The graph must pass ONNX's full check."""
    onnx = pytest.importorskip("onnx")
    ort = pytest.importorskip("onnxruntime")
    helper = onnx.helper

    def info(value: Value) -> Any:
        code = helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
        return helper.make_tensor_value_info(value.name, code, value.shape)

    constants = [
        onnx.numpy_helper.from_array(value.data, value.name)
        for value in graph.values.values()
        if value.data is not None
    ]
    nodes = [
        helper.make_node(node.op, node.inputs, node.outputs, node.name, **node.attrs)
        for node in graph.nodes
    ]
    wanted = dict.fromkeys(name for node in graph.nodes for name in node.outputs)
    made = helper.make_graph(
        nodes, graph.name, [info(graph.value(name)) for name in graph.inputs],
        [info(graph.value(name)) for name in wanted], constants,
    )  # fmt: skip
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", graph.opset)], ir_version=10
    )
    onnx.checker.check_model(model, full_check=True)
    return run_model(ort, model.SerializeToString(), dict(zip(graph.inputs, inputs, strict=True)))


def run_model(ort: Any, model: bytes | str, inputs: Mapping[str, Array]) -> dict[str, Array]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))
