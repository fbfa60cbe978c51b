"""The order of an ONNX graph: single assignment, definition before use."""

from __future__ import annotations

from collections.abc import Iterable

from onnx import GraphProto

from edgekit.errors import EdgekitError
from edgekit.frontends.onnx_tools import EXPORT_AGAIN


def check_order(graph: GraphProto) -> None:
    """Raises EK105 unless every tensor is written once and before it is read."""
    defined: set[str] = set()
    # An initializer may have the name of an input: the input then is a constant.
    for named in (graph.input, graph.initializer):
        names = [item.name for item in named]
        if "" in names or _repeated(names):
            raise _order(
                "an input or a constant has no name of its own", f"tensor {_repeated(names)!r}"
            )
        defined.update(names)
    later = {name for node in graph.node for name in node.output if name}
    for index, node in enumerate(graph.node):
        where = f"node {node.name or index} ({node.op_type})"
        for name in node.input:
            if not name or name in defined:
                continue
            if name in later:
                raise _order("a node reads a tensor that is written later",
                             f"{where}, tensor {name}", "a cycle, or nodes out of order")  # fmt: skip
            raise _order("a node reads a tensor that nothing writes", f"{where}, tensor {name}")
        for name in node.output:
            if name and name in defined:
                raise _order("a tensor is written twice", f"{where}, tensor {name}")
            defined.add(name)
    for info in graph.output:
        if info.name not in defined or not info.name:
            raise _order("an output is never written", f"tensor {info.name!r}")
    if _repeated([info.name for info in graph.output]):
        raise _order(
            "an output is listed twice", f"tensor {_repeated([i.name for i in graph.output])}"
        )


def _repeated(names: Iterable[str]) -> str:
    """A name that occurs twice, or ""."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def _order(message: str, where: str, found: str = "") -> EdgekitError:
    found = found or "a broken graph, wanted every tensor written once, before it is read"
    return EdgekitError("EK105", message, where=where, found=found, help=EXPORT_AGAIN)
