"""Static shapes: symbols are bound once at the inputs, then ONNX infers node by node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onnx import ModelProto, NodeProto, TypeProto, ValueInfoProto, numpy_helper, shape_inference

from edgekit.errors import EdgekitError
from edgekit.frontends.onnx_tensors import ELEMENT_TYPE
from edgekit.frontends.onnx_tools import onnx_errors
from edgekit.graph import Value

# Constants up to this size are shown to shape inference: shapes, axes, scales, but no weights.
_SHAPE_ELEMENTS = 1024
Shape = tuple[int, ...]
# Of each output: element type and dimensions (None where open), as far as they are known.
Inferred = dict[str, tuple[int, list[int | None] | None]]

# ONNX has no inference for them (onnx 1.23); their output is like their first operand.
_LIKE_FIRST = {"GroupNormalization"}


def bind(inputs: Iterable[ValueInfoProto], given: Mapping[str, int]) -> dict[str, int]:
    """The size of every symbol that the inputs have: as given, 1 for a leading one (the batch).

    Raises EK001 for a given name that no input has, and for a size below 1.
    """
    symbols: dict[str, int] = {}
    names: set[str] = set()
    for info in inputs:
        dims = info.type.tensor_type.shape.dim
        names.update(d.dim_param for d in dims if d.dim_param)
        if dims and dims[0].dim_param:
            symbols[dims[0].dim_param] = 1
    for name, size in given.items():
        if name not in names or size < 1:
            known = ", ".join(sorted(names)) or "no symbolic dimensions"
            raise EdgekitError("EK001", "a dimension cannot be bound", where=f"--dim {name}={size}",
                               found=f"{name}={size}, the inputs have {known}",
                               help="name a symbolic dimension of the model's inputs and a size of at least 1")  # fmt: skip
    return symbols | dict(given)


def input_shape(info: ValueInfoProto, symbols: Mapping[str, int]) -> Shape:
    """The shape of a graph input, its batch 1 where it is open. Raises EK202 for what is no tensor,
    EK104 for a dimension that is not known."""
    where = f"input {info.name}"
    _tensor(info.type, where)
    shape = declared(info.type, symbols)
    if shape and shape[0] is None:
        shape[0] = 1
    if shape is None or None in shape:
        dims = info.type.tensor_type.shape.dim
        text = [d.dim_param or (d.dim_value if d.dim_value > 0 else "?") for d in dims]
        open_names = [d.dim_param for d in dims if d.dim_param and d.dim_param not in symbols]
        help = " ".join(f"--dim {name}=..." for name in open_names)
        raise EdgekitError("EK104", "a dimension is not known", where=where,
                           found=f"shape {text if shape is not None else 'unknown'}, wanted fixed dimensions",
                           help=f"bind it with {help}" if help else "export the model with fixed input shapes")  # fmt: skip
    return tuple(n for n in shape if n is not None)


def _tensor(kind: TypeProto, where: str) -> None:
    if not kind.HasField("tensor_type"):
        found = kind.WhichOneof("value") or "no type"
        raise EdgekitError("EK202", "only tensors have support", where=where,
                           found=f"{found}, wanted a tensor", help="export the model with plain tensors")  # fmt: skip


def declared(kind: TypeProto, symbols: Mapping[str, int]) -> list[int | None] | None:
    """The dimensions that a file declares; None for an open one, and where there is no shape."""
    if not kind.tensor_type.HasField("shape"):
        return None
    dims = kind.tensor_type.shape.dim
    return [d.dim_value if d.dim_value > 0 else symbols.get(d.dim_param) for d in dims]


def single(node: NodeProto, opset: int, ir_version: int, values: Mapping[str, Value]) -> ModelProto:
    """A model of one node, its input types known, its small constants inside."""
    model = ModelProto(ir_version=ir_version)
    model.opset_import.add(domain="", version=opset)
    model.graph.name = "node"
    model.graph.node.append(node)
    for name in dict.fromkeys(name for name in node.input if name):
        value = values[name]
        info = model.graph.input.add(name=name)
        info.type.tensor_type.elem_type = ELEMENT_TYPE[value.dtype]
        info.type.tensor_type.shape.SetInParent()
        for size in value.shape:
            info.type.tensor_type.shape.dim.add(dim_value=size)
        if value.data is not None and value.data.size <= _SHAPE_ELEMENTS:
            model.graph.initializer.append(numpy_helper.from_array(value.data, name))
    return model


def infer(model: ModelProto, where: str) -> Inferred:
    """The types of the outputs of a model of one node.

    Raises EK105 where the operands do not fit the operator, EK202 where an output is no tensor.
    """
    node = model.graph.node[0]
    for attribute in node.attribute:
        # The inference of GatherND counts up from it, outside its arrays (onnx 1.23).
        if attribute.name == "batch_dims" and attribute.i < 0:
            raise EdgekitError("EK105", f"the operands do not fit {node.op_type}", where=where,
                               found=f"batch_dims {attribute.i}, wanted at least 0",
                               help="export the model again")  # fmt: skip
    with onnx_errors("EK105", f"the operands do not fit {node.op_type}", where):
        # Without propagation of data: what it would find is folded already, and it takes seconds for
        # a long vector.
        made = shape_inference.infer_shapes(model, strict_mode=True)
    outputs: Inferred = {}
    if node.op_type in _LIKE_FIRST:
        kind = model.graph.input[0].type.tensor_type
        outputs[node.output[0]] = (kind.elem_type, [d.dim_value for d in kind.shape.dim])
    for info in made.graph.value_info:
        _tensor(info.type, f"{where}, tensor {info.name}")
        kind = info.type.tensor_type
        # A window larger than its input gives a negative size, which is judged where it is used.
        shape = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
        outputs[info.name] = (kind.elem_type, shape if kind.HasField("shape") else None)
    return outputs
