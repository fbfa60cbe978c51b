"""onnxruntime as an oracle: whole models with every tensor by name, and QDQ models operator by operator."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx.utils import Extractor

from edgekit.graph import Value
from edgekit.validate.data import Samples
from edgekit.validate.reference import reference_outputs

Array = NDArray[Any]
_FUSED = ("Relu", "Clip")  # an activation belongs to the node before it
_MOVES = ("Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
_EDGES = ("QuantizeLinear", "DequantizeLinear", "Constant")


def run_onnx(
    model: bytes | onnx.ModelProto, inputs: Mapping[str, Array], intermediates: bool = False
) -> dict[str, Array]:
    """Outputs by name as [N, *shape], and with `intermediates` every tensor that a node writes.

    inputs: [N, *shape] by name, in the types the model declares (floats are cast, nothing else is);
    `shape` has the model's own batch axis. One child process a call. Raises EK505.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        pytest.skip("onnxruntime is not installed")
    data = model if isinstance(model, bytes) else model.SerializeToString()
    graph = onnx.load_from_string(data).graph
    known = {constant.name for constant in graph.initializer}
    names = [each.name for each in graph.input if each.name not in known]
    arrays = tuple(np.asarray(inputs[name]) for name in names)
    tensors = tuple(
        Value(name, x.shape[1:], str(x.dtype)) for name, x in zip(names, arrays, strict=True)
    )
    with tempfile.TemporaryDirectory(prefix="edgekit-oracle-") as folder:
        path = Path(folder, "model.onnx")
        path.write_bytes(data)
        found = reference_outputs(
            path, Samples(tensors, arrays), engine="onnxruntime", intermediates=intermediates
        )
    outputs = dict(zip((each.name for each in graph.output), found.outputs, strict=True))
    return {str(name): x for name, x in found.tensors.items()} | outputs


class Operator(NamedTuple):
    """One operator of a QDQ model by itself, as a model of its own.

    `model` goes from the int8 tensors its operands are dequantized from (and moved, where the model
    moves them as floats), over the node and a Relu or Clip behind it, to the int8 tensor that comes of
    it; where there is no Q or DQ its edge is float. Tensors are called as in the whole model.
    """

    name: str
    op: str
    model: onnx.ModelProto

    @property
    def inputs(self) -> list[str]:
        return [each.name for each in self.model.graph.input]

    @property
    def outputs(self) -> list[str]:
        return [each.name for each in self.model.graph.output]


def operators(model: onnx.ModelProto) -> list[Operator]:
    """Every node of a QDQ model that makes something of an activation, in the model's order; moves of
    floats are part of the node behind them."""
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    graph = _Graph(model.graph)
    extractor = Extractor(model)
    found = []
    for i, node in enumerate(model.graph.node):
        if node.op_type in _EDGES or graph.constant(node.output[0]) or graph.is_fused(node):
            continue
        inputs = [graph.before(name) for name in node.input if name and not graph.constant(name)]
        outputs = [graph.behind(name) for name in node.output if name]
        if node.op_type in _MOVES and not graph.quantized(inputs[0], outputs[0]):
            continue
        part = extractor.extract_model(list(dict.fromkeys(inputs)), outputs)
        found.append(Operator(node.name or f"{node.op_type}_{i}", node.op_type, part))
    return found


class Case(NamedTuple):
    """An operator with what onnxruntime fed it and got from it within the whole model, [N, *shape]."""

    operator: Operator
    inputs: dict[str, Array]
    outputs: dict[str, Array]


def operator_cases(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> Iterator[Case]:
    """All operators of a QDQ model on the data that reaches them; onnxruntime runs once."""
    tensors = dict(inputs) | run_onnx(model, inputs, intermediates=True)
    for operator in operators(model):
        yield Case(
            operator,
            {name: tensors[name] for name in operator.inputs},
            {name: tensors[name] for name in operator.outputs},
        )


class _Graph:
    """Who writes and who reads each tensor of an ONNX graph."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.writer = {name: node for node in graph.node for name in node.output}
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.public = {each.name for each in graph.output}
        self._constants = {each.name for each in graph.initializer}
        # In order: whatever depends on constants alone is one.
        for node in graph.node:
            if all(not name or name in self._constants for name in node.input):
                self._constants.update(node.output)

    def constant(self, name: str) -> bool:
        return name in self._constants

    def is_fused(self, node: onnx.NodeProto) -> bool:
        """An activation straight behind a node that computes, both of them alone."""
        if node.op_type not in _FUSED or self.constant(node.input[0]):
            return False
        before = self.writer.get(node.input[0])
        return before is not None and before.op_type not in _EDGES and self._only(node.input[0])

    def quantized(self, before: str, behind: str) -> bool:
        """Whether an operator's edges are the input of a DQ and the output of a Q."""
        reader, writer = self.readers.get(before, []), self.writer.get(behind)
        dequantized = any(node.op_type == "DequantizeLinear" for node in reader)
        return dequantized and writer is not None and writer.op_type == "QuantizeLinear"

    def before(self, name: str) -> str:
        """The quantized tensor that `name` is dequantized from, also by way of moves; else itself."""
        node = self.writer.get(name)
        while node is not None and node.op_type in _MOVES:
            node = self.writer.get(node.input[0])
        return node.input[0] if node is not None and node.op_type == "DequantizeLinear" else name

    def behind(self, name: str) -> str:
        """The quantized tensor that `name` becomes, behind an activation too; else the last one."""
        readers = self.readers.get(name, [])
        if self._only(name) and self.is_fused(readers[0]):
            return self.behind(readers[0].output[0])
        quantized = [node.output[0] for node in readers if node.op_type == "QuantizeLinear"]
        return quantized[0] if quantized else name

    def _only(self, name: str) -> bool:
        return len(self.readers.get(name, [])) == 1 and name not in self.public
