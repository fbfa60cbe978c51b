"""Builds one-operator .tflite files, and the imported graph that the frontend would make of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.graph import Graph, Node, Quant, Value

Array = NDArray[Any]

# Operators whose options table is not called after them.
_OPTIONS = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "REDUCE_ALL": "ReducerOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
}
_ENUMS = {
    "fused_activation_function": "ActivationFunctionType",
    "padding": "Padding",
    "weights_format": "FullyConnectedOptionsWeightsFormat",
    "mode": "MirrorPadMode",
}


@dataclass(frozen=True, eq=False)
class TensorSpec:
    """A tensor of the file. `data` makes it a constant; an empty `scale` leaves it unquantized."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "int8"
    scale: Sequence[float] | float = ()
    zero_point: Sequence[int] | int = 0
    axis: int = 0
    data: Array | None = None
    variable: bool = False

    @property
    def given(self) -> bool:
        """Is it an input of the model?"""
        return bool(self.name) and self.data is None and not self.variable

    @property
    def scales(self) -> list[float]:
        values = [self.scale] if isinstance(self.scale, (int, float)) else self.scale
        return [float(np.float32(s)) for s in values]

    @property
    def zero_points(self) -> list[int]:
        if isinstance(self.zero_point, (int, np.integer)):
            return [int(self.zero_point)] * len(self.scales)
        return [int(z) for z in self.zero_point]


# Operator, inputs, outputs, options.
Layer = tuple[str, Sequence[TensorSpec], Sequence[TensorSpec], Mapping[str, Any] | None]


@dataclass(frozen=True)
class Body:
    """A graph of several operators; tensors of one name are one."""

    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    layers: Sequence[Layer]


def _schema() -> Any:
    return pytest.importorskip("ai_edge_litert.schema_py_generated")


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


def _options_name(op_name: str) -> str:
    schema = _schema()
    wanted = _OPTIONS.get(op_name, op_name.replace("_", "") + "Options").lower()
    names = [n for n in dir(schema.BuiltinOptions) if n.lower() == wanted]
    return names[0] if names else ""


def _options(op_name: str, options: Mapping[str, Any] | None) -> Any:
    """The options object of an operator, None where it has none."""
    schema, kind = _schema(), _options_name(op_name)
    if not kind:
        return None
    table = getattr(schema, kind + "T")()
    for key, value in (options or {}).items():
        assert hasattr(table, _camel(key)), f"{kind} has no {key}"
        if isinstance(value, str) and key in _ENUMS:
            value = getattr(getattr(schema, _ENUMS[key]), value)
        setattr(table, _camel(key), value)
    return table


def _tensor(model: Any, spec: TensorSpec) -> Any:
    """The schema's tensor; its constant data becomes a new buffer of `model`."""
    schema = _schema()
    tensor = schema.TensorT()
    tensor.name, tensor.shape = spec.name, list(spec.shape)
    tensor.isVariable = spec.variable
    tensor.type = getattr(schema.TensorType, spec.dtype.upper())
    buffer = schema.BufferT()
    if spec.data is not None and spec.dtype == "int4":
        buffer.data = _two_to_a_byte(spec.data)
    elif spec.data is not None:
        little_endian = np.ascontiguousarray(spec.data, np.dtype(spec.dtype).newbyteorder("<"))
        buffer.data = np.frombuffer(little_endian.tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor.buffer = len(model.buffers) - 1
    if spec.scales:
        quant = schema.QuantizationParametersT()
        quant.scale, quant.zeroPoint = spec.scales, spec.zero_points
        quant.quantizedDimension = spec.axis
        tensor.quantization = quant
    return tensor


def _two_to_a_byte(data: Array) -> Array:
    """The first of two numbers in the low bits."""
    flat = [int(v) & 15 for v in data.reshape(-1)] + [0]
    return np.array(
        [low | high << 4 for low, high in zip(flat[0::2], flat[1::2], strict=False)], np.uint8
    )


def _operator(model: Any, layer: Layer, index: Mapping[str, int]) -> Any:
    """The schema's operator, whose code is added to `model`; `index` numbers the tensors."""
    schema, (op_name, inputs, outputs, options) = _schema(), layer
    op, code = schema.OperatorT(), schema.OperatorCodeT()
    kind, _, custom = op_name.partition(":")
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.customCode = custom or None
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
    op.opcodeIndex = len(model.operatorCodes)
    model.operatorCodes.append(code)
    op.inputs = [index.get(s.name, -1) for s in inputs]
    op.outputs = [index[s.name] for s in outputs]
    if custom:
        op.customOptions = np.frombuffer((options or {}).get("custom_options", b""), np.uint8)
    elif (table := _options(op_name, options)) is not None:
        op.builtinOptions = table
        op.builtinOptionsType = getattr(schema.BuiltinOptions, _options_name(op_name))
    return op


def _subgraph(model: Any, body: Body) -> Any:
    """A graph, whose operators' codes and constants are added to `model`."""
    graph = _schema().SubGraphT()
    tensors = [spec for _, ins, outs, _ in body.layers for spec in (*ins, *outs)]
    named = {spec.name: spec for spec in (*body.inputs, *tensors) if spec.name}
    index = {name: i for i, name in enumerate(named)}
    graph.tensors = [_tensor(model, spec) for spec in named.values()]
    graph.inputs = [index[s.name] for s in body.inputs]
    graph.outputs = [index[s.name] for s in body.outputs]
    graph.operators = [_operator(model, layer, index) for layer in body.layers]
    graph.name = "main"
    return graph


def _alone(layer: Layer) -> Body:
    """A graph of one operator."""
    _, inputs, outputs, _ = layer
    return Body([s for s in inputs if s.given], outputs, [layer])


def one_op_model(
    op_name: str,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    options: Mapping[str, Any] | None = None,
    branches: Sequence[Layer] = (),
) -> bytes:
    """A .tflite file of one operator. `options` uses the schema's field names and enum names; a custom
    operator is "CUSTOM:its name".

    branches: operators of the file's further graphs, from number 1 on.
    """
    layers = [(op_name, inputs, outputs, options), *branches]
    return graphs_model([_alone(layer) for layer in layers])


def chain_model(layers: Sequence[Layer]) -> bytes:
    """A .tflite file of several operators, tensors of one name being one: what nobody makes is an
    input, what nobody reads an output."""
    given = {s.name: s for _, ins, _, _ in layers for s in ins if s.given and s.name}
    made = {s.name: s for _, _, outs, _ in layers for s in outs}
    read = {s.name for _, ins, _, _ in layers for s in ins}
    inputs = [spec for name, spec in given.items() if name not in made]
    return graphs_model([Body(inputs, [s for n, s in made.items() if n not in read], layers)])


def graphs_model(graphs: Sequence[Body]) -> bytes:
    """A .tflite file of several graphs, the first of which is the network."""
    import flatbuffers

    model = _schema().ModelT()
    model.buffers, model.version, model.operatorCodes = [_schema().BufferT()], 3, []
    model.subgraphs = [_subgraph(model, body) for body in graphs]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _value(spec: TensorSpec) -> Value:
    quant = None
    if spec.scales:
        axis = spec.axis if len(spec.scales) > 1 else None
        quant = Quant(tuple(spec.scales), tuple(spec.zero_points), axis)
    return Value(spec.name, spec.shape, spec.dtype, quant, spec.data)


def _attrs(op_name: str, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """The options as attributes: schema field names, defaults included, enums as strings."""
    schema, table = _schema(), _options(op_name, options)
    attrs: dict[str, Any] = {}
    for key, value in vars(table).items() if table is not None else ():
        name = _snake(key)
        if name in _ENUMS:
            names = vars(getattr(schema, _ENUMS[name]))
            value = next(k for k, v in names.items() if v == value and not k.startswith("_"))
        attrs[name] = value
    return attrs


def one_op_graph(
    op_name: str,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    options: Mapping[str, Any] | None = None,
) -> Graph:
    """The imported graph of the same file: one node under its source name."""
    values = {spec.name: _value(spec) for spec in (*inputs, *outputs) if spec.name}
    node = Node(op_name.lower(), op_name, tuple(s.name for s in inputs),
                tuple(s.name for s in outputs), _attrs(op_name, options))  # fmt: skip
    graph_inputs = tuple(s.name for s in inputs if s.given)
    return Graph("one_op", values, (node,), graph_inputs, node.outputs)
