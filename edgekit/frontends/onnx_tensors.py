"""ONNX's tensors and attributes as numpy arrays and plain Python values.

Floating point of every width is float32 here: the network becomes int8 in the end, and what was
exported in half precision loses nothing by it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

from edgekit.errors import EdgekitError
from edgekit.frontends.limits import MAX_AXES
from edgekit.frontends.onnx_tools import onnx_errors

Array = NDArray[Any]

_FLOATS = (TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)
# Element type to a key of graph.DTYPES.
DTYPE: dict[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.UINT8: "uint8",
    TensorProto.INT8: "int8",
    TensorProto.INT16: "int16",
    TensorProto.UINT16: "uint16",
    TensorProto.INT32: "int32",
    TensorProto.UINT32: "uint32",
    TensorProto.INT64: "int64",
    TensorProto.UINT64: "uint64",
    TensorProto.BOOL: "bool",
    **dict.fromkeys(_FLOATS, "float32"),
}
ELEMENT_TYPE = {DTYPE[code]: code for code in DTYPE if code not in _FLOATS}
# Attributes that name an element type.
_TYPE_ATTRIBUTES = ("to", "dtype")


def dtype_of(code: int, where: str) -> str:
    """The dtype of an element type. Raises EK202 for those that int8 networks have no use for."""
    if code in DTYPE:
        return DTYPE[code]
    known = TensorProto.DataType.items()
    name = next((text for text, number in known if number == code), f"type {code}")
    raise EdgekitError(
        "EK202", "a tensor type without support", where=where,
        found=f"{name.lower()}, wanted one of {', '.join(ELEMENT_TYPE)} or a float",
        help="export the model in float32, or quantized to int8 with QuantizeLinear and DequantizeLinear",
    )  # fmt: skip


def array(tensor: TensorProto, where: str) -> Array:
    """The numbers of a tensor. Raises EK202 (type, axes) and EK105 (data that do not fill the shape)."""
    dtype = dtype_of(tensor.data_type, where)
    check_axes(tuple(tensor.dims), where)
    with onnx_errors("EK105", "a constant does not fill its shape", where):
        return np.array(numpy_helper.to_array(tensor), dtype)


def check_axes(shape: tuple[int, ...], where: str) -> None:
    """Raises EK105 for a negative dimension or more than `MAX_AXES` axes."""
    if len(shape) > MAX_AXES or any(n < 0 for n in shape):
        raise EdgekitError(
            "EK105", "a tensor has an impossible shape", where=where,
            found=f"{list(shape)}, wanted at most {MAX_AXES} axes, none negative",
            help="export the model again",
        )  # fmt: skip


def attributes(node: NodeProto, where: str) -> dict[str, Any]:
    """Attributes by name: int, float, str, a list of these, or an array.

    Raises EK202 for a kind that layers do not have, EK304 for a number that is not finite; an
    infinite bound of a Clip is none.
    """
    made: dict[str, Any] = {}
    for attribute in node.attribute:
        at = f"{where}, attribute {attribute.name}"
        value = _attribute(attribute, at)
        made[attribute.name] = value
        numbers = value if isinstance(value, list) else [value]
        for number in numbers:
            infinite = isinstance(number, float) and not math.isfinite(number)
            if infinite and (node.op_type != "Clip" or math.isnan(number)):
                raise EdgekitError(
                    "EK304", "an attribute is not a finite number", where=at,
                    found=f"{number}, wanted a finite number", help="export the model again",
                )  # fmt: skip
    return made


def _attribute(attribute: AttributeProto, where: str) -> Any:
    kind = attribute.type
    if kind == AttributeProto.FLOAT:
        return float(attribute.f)
    if kind == AttributeProto.INT:
        return int(attribute.i)
    if kind == AttributeProto.STRING:
        return _text(attribute.s, where)
    if kind == AttributeProto.TENSOR:
        return array(attribute.t, where)
    if kind == AttributeProto.FLOATS:
        return [float(f) for f in attribute.floats]
    if kind == AttributeProto.INTS:
        return [int(i) for i in attribute.ints]
    if kind == AttributeProto.STRINGS:
        return [_text(s, where) for s in attribute.strings]
    name = next((text for text, n in AttributeProto.AttributeType.items() if n == kind), str(kind))
    raise EdgekitError(
        "EK202", "an attribute of a kind without support", where=where, found=name.lower(),
        help="replace this layer in the source model",
    )  # fmt: skip


def _text(raw: bytes, where: str) -> str:
    with onnx_errors("EK101", "a text is not UTF-8", where):
        return raw.decode()


def tensors(graph: GraphProto) -> Iterator[tuple[TensorProto, str]]:
    """Every tensor of a graph, those of attributes and of graphs inside it too, and where it is."""
    for tensor in graph.initializer:
        yield tensor, f"tensor {tensor.name}"
    for sparse in graph.sparse_initializer:
        yield sparse.values, f"sparse tensor {sparse.values.name}"
        yield sparse.indices, f"indices of sparse tensor {sparse.values.name}"
    yield from node_tensors(graph.node)


def node_tensors(nodes: Any) -> Iterator[tuple[TensorProto, str]]:
    for index, node in enumerate(nodes):
        for attribute in node.attribute:
            where = f"node {node.name or index}, attribute {attribute.name}"
            for tensor in ([attribute.t] if attribute.HasField("t") else []) + list(
                attribute.tensors
            ):
                yield tensor, where
            sparse = [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
            for item in sparse + list(attribute.sparse_tensors):
                yield item.values, where
                yield item.indices, where
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(
                attribute.graphs
            ):
                yield from tensors(inner)


def narrow(model: ModelProto) -> None:
    """Make every floating-point type of the main graph's nodes and interface float32, in place.

    Initializers are converted when they are read. A Cast between widths thereby does nothing.
    """
    for info in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        if info.type.HasField("tensor_type") and info.type.tensor_type.elem_type in _FLOATS:
            info.type.tensor_type.elem_type = TensorProto.FLOAT
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name in _TYPE_ATTRIBUTES and attribute.i in _FLOATS:
                attribute.i = TensorProto.FLOAT
            if attribute.HasField("t") and attribute.t.data_type in _FLOATS:
                wide = array(attribute.t, f"node {node.name}, attribute {attribute.name}")
                attribute.t.CopyFrom(numpy_helper.from_array(wide, attribute.t.name))
