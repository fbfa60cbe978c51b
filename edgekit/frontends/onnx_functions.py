"""Functions are written out into the graph by ONNX's own inliner: those that a model brings along, and
ONNX's operators that are defined by others, where edgekit has nothing for the operator itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from onnx import FunctionProto, ModelProto, NodeProto, helper, inliner, shape_inference

from edgekit.errors import EdgekitError
from edgekit.frontends.onnx_checks import DEFAULT_DOMAINS, check_count, known_operator
from edgekit.frontends.onnx_tools import EXPORT_AGAIN, onnx_errors

_Key = tuple[str, str, str]
_KINDS = ("has_function", "has_context_dependent_function")  # not in the package's type hints


def inlined(model: ModelProto) -> ModelProto:
    """`model` without functions of its own. Raises EK105 where they call each other in a circle and
    EK103 where they unfold beyond `MAX_NODES`: the inliner would not come back from either."""
    if not model.functions:
        return model
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    check_count(_unfolded(model.graph.node, functions, {}, ()))
    with onnx_errors("EK105", "the model's functions cannot be inlined", "functions"):
        return inliner.inline_local_functions(model)


def defined_by_others(model: ModelProto, opset: int, known: Collection[str]) -> ModelProto:
    """`model` with ONNX's functions in place of the operators that are not `known`; where that fails the
    operator stays, and is refused by whoever knows its node. Raises EK103 where the graph unfolds beyond
    `MAX_NODES`."""
    while names := sorted(_functions(model, opset) - set(known)):
        try:
            with onnx_errors("EK201", "an operator has no definition by others", "functions"):
                chosen = [("", name) for name in names]
                ready = _typed(_explicit(model, names, opset))
                made = inliner.inline_selected_functions(ready, chosen, False, True)
        except EdgekitError:
            break
        if _functions(made, opset) == _functions(model, opset):
            break
        model = made
        check_count(len(model.graph.node))
    return model


def _explicit(model: ModelProto, names: Collection[str], opset: int) -> ModelProto:
    """With the attributes that these operators have by default, which the inliner would leave out."""
    made = ModelProto()
    made.CopyFrom(model)
    for node in made.graph.node:
        schema = known_operator(node.op_type, opset) if node.op_type in names else None
        given = {attribute.name for attribute in node.attribute}
        for name, declared in (schema.attributes if schema else {}).items():
            if name not in given and declared.default_value.type:
                node.attribute.append(declared.default_value)
    return made


def _typed(model: ModelProto) -> ModelProto:
    """With the types of all tensors, constants among them, by which ONNX chooses definitions."""
    made = ModelProto()
    made.CopyFrom(model)
    named = {info.name for info in (*made.graph.input, *made.graph.value_info)}
    for tensor in made.graph.initializer:
        if tensor.name not in named:
            info = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            made.graph.value_info.append(info)
    return shape_inference.infer_shapes(made)


def _functions(model: ModelProto, opset: int) -> set[str]:
    """The operators of the graph that ONNX defines by others."""
    found = {node.op_type for node in model.graph.node if node.domain in DEFAULT_DOMAINS}
    schemas = {name: known_operator(name, opset) for name in found}
    return {
        name
        for name, schema in schemas.items()
        if schema is not None and any(getattr(schema, kind) for kind in _KINDS)
    }


def _unfolded(
    nodes: Iterable[NodeProto], functions: Mapping[_Key, FunctionProto],
    known: dict[_Key, int], above: tuple[_Key, ...],
) -> int:  # fmt: skip
    """How many nodes these become; `known` keeps the count of each function, `above` who called."""
    total = 0
    for node in nodes:
        total += 1
        for attribute in node.attribute:
            inner = ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs)
            total += sum(_unfolded(graph.node, functions, known, above) for graph in inner)
        key = (node.domain, node.op_type, node.overload)
        if key not in functions:
            continue
        if key in above or len(above) > 50:
            raise EdgekitError("EK105", "functions of the model call each other in a circle",
                               where=f"function {node.op_type}", found="a recursive call, wanted none",
                               help=EXPORT_AGAIN)  # fmt: skip
        if key not in known:
            known[key] = _unfolded(functions[key].node, functions, known, (*above, key))
        total += known[key]
    return total
