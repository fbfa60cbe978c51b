"""Functions that a model brings along are written out into its graph by ONNX's own inliner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onnx import FunctionProto, ModelProto, NodeProto, inliner

from edgekit.errors import EdgekitError
from edgekit.frontends.onnx_checks import check_count
from edgekit.frontends.onnx_tools import EXPORT_AGAIN, onnx_errors

_Key = tuple[str, str, str]


def inlined(model: ModelProto) -> ModelProto:
    """`model` without functions of its own. Raises EK105 where they call each other in a circle and
    EK103 where they unfold beyond `MAX_NODES`: the inliner would not come back from either."""
    if not model.functions:
        return model
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    check_count(_unfolded(model.graph.node, functions, {}, ()))
    with onnx_errors("EK105", "the model's functions cannot be inlined", "functions"):
        return inliner.inline_local_functions(model)


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
