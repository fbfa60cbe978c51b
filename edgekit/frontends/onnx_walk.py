"""One pass over an ONNX graph: each node is folded where it is constant, else inferred and kept.

Nodes come in their order, so that a folded constant is known where it is a later node's shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto
from onnx.defs import OpSchema

from edgekit.errors import EdgekitError
from edgekit.frontends.limits import MAX_ACTIVATION_BYTES
from edgekit.frontends.names import unique
from edgekit.frontends.onnx_checks import DEFAULT_DOMAINS, known_operator
from edgekit.frontends.onnx_fold import FOLDED, OF_SHAPE, Folder
from edgekit.frontends.onnx_shapes import Inferred, declared, infer, single
from edgekit.frontends.onnx_tensors import Array, attributes, check_axes, dtype_of
from edgekit.graph import DTYPES, Node, Value
from edgekit.op import onnx_ops
from edgekit.refusals import unsupported

_GRAPHS = (AttributeProto.GRAPH, AttributeProto.GRAPHS)


class Walk:
    """The values and nodes so far. `symbols` are the sizes of symbolic dimensions."""

    def __init__(self, source: GraphProto, opset: int, ir_version: int) -> None:
        self.opset, self.ir_version = opset, ir_version
        self.symbols: Mapping[str, int] = {}
        self.values: dict[str, Value] = {}
        self.nodes: list[Node] = []
        self._types = {i.name: i.type for i in (*source.value_info, *source.output)}
        self._read = {name for node in source.node for name in node.input}
        self._read |= {info.name for info in source.output}
        self._taken = {name: 0 for node in source.node for name in node.output}
        self._names: dict[str, int] = {}
        self._folder = Folder()
        self._activation_bytes = 0

    def constant(self, name: str, data: Array) -> None:
        self.values[name] = Value(name, data.shape, str(data.dtype), None, data)

    def activation(self, name: str, shape: tuple[int, ...], dtype: str, where: str) -> None:
        """A new activation, counted before anything has its size. Raises EK105, EK106."""
        check_axes(shape, where)
        if 0 in shape:
            raise EdgekitError("EK105", "an activation has no elements", where=where,
                               found=f"shape {list(shape)}, wanted at least 1 along every axis",
                               help="export the model again with fixed input shapes")  # fmt: skip
        # What is floating point here becomes int8.
        item = 1 if dtype.startswith("float") else DTYPES[dtype]
        self._activation_bytes += math.prod(shape) * item
        if self._activation_bytes > MAX_ACTIVATION_BYTES:
            found = f"{self._activation_bytes:,} bytes up to here, wanted at most {MAX_ACTIVATION_BYTES:,}"
            raise EdgekitError("EK106", "the activations are too large", where=where, found=found,
                               help="reduce the resolution or the channels of the model's input")  # fmt: skip
        self.values[name] = Value(name, shape, dtype)

    def node(self, index: int, source: NodeProto) -> None:
        """Take one node. Raises EK104 for an output without a fixed shape, EK201 for an operator that
        nothing is known of, and what inference and folding raise."""
        foreign = source.domain not in DEFAULT_DOMAINS
        op = f"{source.domain}::{source.op_type}" if foreign else source.op_type
        name = unique(source.name.strip() or f"{source.op_type}_{index}", self._names)
        where = f"node {name}"
        self._check_operands(source, op, where)
        node = self._named(source, name)
        if foreign or known_operator(op, self.opset) is None:
            model, types = None, self._declared(node, op, where)
        else:
            model = single(node, self.opset, self.ir_version, self.values)
            types = infer(model, where)
        if model is not None and self._constant_operands(node):
            self._fold(model, types, where)
            return
        for out in node.output:
            at = f"{where}, tensor {out}"
            code, shape = types.get(out, (0, None))
            if shape is None or None in shape:
                raise _dynamic(at, shape)
            known = tuple(n for n in shape if n is not None)
            if 0 in known:  # nothing is computed for it, and its readers find that out
                self.constant(out, np.zeros(known, dtype_of(code, at)))
                continue
            self.activation(out, known, dtype_of(code, at), at)
        outputs = tuple(out for out in node.output if self.values[out].data is None)
        attrs = attributes(node, where)
        if len(outputs) < len(node.output) and op == "Split":
            axis = int(attrs.get("axis", 0))
            attrs["split"] = [self.values[out].shape[axis] for out in outputs]
        if outputs:
            self.nodes.append(Node(name, op, tuple(node.input), outputs, attrs))

    def _check_operands(self, node: NodeProto, op: str, where: str) -> None:
        if not node.output or any(a.type in _GRAPHS for a in node.attribute):
            raise unsupported(op, where, "onnx")
        for name in node.input:
            if name and name not in self.values:
                raise EdgekitError("EK105", "a node reads a tensor that nothing writes",
                                   where=f"{where}, tensor {name}", found="wanted a written one",
                                   help="export the model again")  # fmt: skip

    def _named(self, source: NodeProto, name: str) -> NodeProto:
        """A copy without the optional outputs at its end that nobody reads, and a name for each that
        stays."""
        node = NodeProto()
        node.CopyFrom(source)
        node.domain = "" if source.domain in DEFAULT_DOMAINS else source.domain
        outputs = list(node.output)
        schema = known_operator(node.op_type, self.opset) if not node.domain else None
        while (
            schema
            and len(outputs) > 1
            and outputs[-1] not in self._read
            and _optional(schema, len(outputs) - 1)
        ):
            outputs.pop()
        node.ClearField("output")
        node.output.extend(out or unique(f"{name}_unused", self._taken) for out in outputs)
        return node

    def _constant_operands(self, node: NodeProto) -> bool:
        if node.op_type not in FOLDED:
            return False
        read = node.input[:1] if node.op_type == "CastLike" else node.input
        constant = all(self.values[name].data is not None for name in read if name)
        return constant or node.op_type in OF_SHAPE

    def _declared(self, node: NodeProto, op: str, where: str) -> Inferred:
        """Of an operator outside ONNX's own set, what the file says."""
        types: Inferred = {}
        for out in node.output:
            kind = self._types.get(out)
            shape = declared(kind, self.symbols) if kind is not None else None
            if kind is None or shape is None or None in shape:
                raise (
                    _undeclared(out, where) if op in onnx_ops() else unsupported(op, where, "onnx")
                )
            types[out] = (kind.tensor_type.elem_type, shape)
        return types

    def _fold(self, model: ModelProto, types: Inferred, where: str) -> None:
        node = model.graph.node[0]
        made = self._folder.run(model, self.values, types, where)
        for name, data in zip(node.output, made, strict=True):
            self.constant(name, data)


def _optional(schema: OpSchema, output: int) -> bool:
    declared = schema.outputs[min(output, len(schema.outputs) - 1)]
    return declared.option == OpSchema.FormalParameterOption.Optional


def _undeclared(tensor: str, where: str) -> EdgekitError:
    return EdgekitError(
        "EK104", "the file does not say what an operator of a custom domain makes",
        where=f"{where}, tensor {tensor}", found="no type and shape, wanted both",
        help=f"add {tensor} to the graph's value_info (onnx.helper.make_tensor_value_info)",
    )  # fmt: skip


def _dynamic(where: str, shape: list[int | None] | None) -> EdgekitError:
    text = "unknown" if shape is None else str(["?" if n is None else n for n in shape])
    return EdgekitError(
        "EK104", "the shape of a tensor depends on the numbers in it", where=where,
        found=f"shape {text}, wanted fixed dimensions",
        help="replace this layer in the source model by one with a fixed output shape",
    )  # fmt: skip
