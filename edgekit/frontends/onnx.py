"""`.onnx` files to an imported graph: a generic reader that knows the file, not the operators.

The file is parsed, checked, inferred and folded by the `onnx` package's own tools.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from onnx import GraphProto

from edgekit.errors import EdgekitError
from edgekit.frontends.onnx_checks import check_operators, check_parts, check_versions, parse
from edgekit.frontends.onnx_external import embed
from edgekit.frontends.onnx_finite import require_finite
from edgekit.frontends.onnx_fold import FOLDED
from edgekit.frontends.onnx_functions import defined_by_others, inlined
from edgekit.frontends.onnx_order import check_order
from edgekit.frontends.onnx_shapes import bind, declared, input_shape
from edgekit.frontends.onnx_tensors import array, dtype_of, narrow
from edgekit.frontends.onnx_tools import located
from edgekit.frontends.onnx_walk import Walk
from edgekit.graph import Graph, Value
from edgekit.op import onnx_ops


def load(data: bytes, path: Path, dims: Mapping[str, int]) -> Graph:
    """The graph of an ONNX file's content. `path` is where it lies, for its external data and for
    messages; `dims` binds symbolic dimensions of its inputs.

    Raises EK001 (`dims`), EK101 (damaged), EK103 (too large), EK104 (dynamic shape), EK105
    (inconsistent), EK106 (activations or computed constants too large), EK107 (operator set), EK108
    (external data), EK201 (an operator without a shape), EK202 (types and parts), EK304 (numbers).
    """
    with located(path):
        model = parse(data)
        opset = check_versions(model)
        check_parts(model)
        check_order(model.graph)
        embed(model, path.parent)
        check_operators(model, opset)
        model = defined_by_others(inlined(model), opset, {*onnx_ops(), *FOLDED})
        check_parts(model)
        narrow(model)
        return _graph(model.graph, Walk(model.graph, opset, model.ir_version), dims)


def _graph(source: GraphProto, walk: Walk, dims: Mapping[str, int]) -> Graph:
    constants = {tensor.name for tensor in source.initializer}
    inputs = [info for info in source.input if info.name not in constants]
    walk.symbols = bind(inputs, dims)
    for tensor in source.initializer:
        walk.constant(tensor.name, array(tensor, f"tensor {tensor.name}"))
    for info in inputs:
        where = f"input {info.name}"
        shape = input_shape(info, walk.symbols)
        walk.activation(info.name, shape, dtype_of(info.type.tensor_type.elem_type, where), where)
    for index, node in enumerate(source.node):
        walk.node(index, node)
    names = tuple(info.name for info in inputs), tuple(info.name for info in source.output)
    used = {*names[0], *names[1]}
    used.update(name for node in walk.nodes for name in (*node.inputs, *node.outputs))
    graph = Graph(
        source.name or "graph",
        {name: value for name, value in walk.values.items() if name in used},
        tuple(walk.nodes), *names, format="onnx", opset=walk.opset, one_rounding=True,
    )  # fmt: skip
    for info in source.output:
        _check_output(graph.value(info.name), declared(info.type, {}))
    require_finite(graph)
    graph.verify()
    return graph


def _check_output(value: Value, promised: list[int | None] | None) -> None:
    """Raises EK105 for an output without elements, and where the file promises another shape."""
    if not value.elements:
        raise EdgekitError("EK105", "an output has no elements", where=f"output {value.name}",
                           found=f"shape {list(value.shape)}, wanted at least 1 along every axis",
                           help="export the model again with fixed input shapes")  # fmt: skip
    if promised is None:
        return
    fits = len(promised) == len(value.shape) and all(
        wanted in (None, size) for wanted, size in zip(promised, value.shape, strict=False)
    )
    if not fits:
        raise EdgekitError("EK105", "the file declares another shape than the operators produce",
                           where=f"output {value.name}", found=f"{promised}, wanted {list(value.shape)}",
                           help="export the model again with fixed input shapes")  # fmt: skip
