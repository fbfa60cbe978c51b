"""What an ONNX file must be before anything else looks at it: text, versions, parts, size."""

from __future__ import annotations

import re
from typing import Any

import onnx
from onnx import ModelProto

from edgekit.errors import EdgekitError
from edgekit.frontends.onnx_tools import EXPORT_AGAIN, onnx_errors
from edgekit.refusals import unsupported

OLDEST_OPSET = 1
# Older files are read as files of this edition, which means the same for the operators they have.
_SETTLED = 9
MAX_NODES = 20_000
DEFAULT_DOMAINS = ("", "ai.onnx")
_PROSE = ("doc_string", "value", "producer_name", "producer_version")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def parse(data: bytes) -> ModelProto:
    """The message of a file. Raises EK101 for damaged bytes and for names that are not text."""
    with onnx_errors("EK101", "the file cannot be read as an ONNX model", "content"):
        model = ModelProto()
        model.ParseFromString(data)
    _check_text(model)
    return model


def _check_text(message: Any) -> None:
    """Names of a damaged file arrive as bytes, or with control characters that break a message in two
    or a terminal; nothing behind this expects that. Descriptions may hold what they like."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in [value] if hasattr(value, "ListFields") else value:
                _check_text(inner)
        elif field.type == field.TYPE_STRING and field.name not in _PROSE:
            for text in [value] if isinstance(value, (str, bytes)) else value:
                if not isinstance(text, str) or _CONTROL.search(text):
                    raise EdgekitError(
                        "EK101", "a name in the file is not text", where=f"field {field.name}",
                        found=f"{text[:40]!r}, wanted UTF-8 without control characters",
                        help=EXPORT_AGAIN,
                    )  # fmt: skip


def check_versions(model: ModelProto) -> int:
    """The version of ONNX's own operator set. Raises EK107 where it is absent, older or newer than
    what edgekit and the installed `onnx` know."""
    newest: int = onnx.defs.onnx_opset_version()
    versions: set[int] = {o.version for o in model.opset_import if o.domain in DEFAULT_DOMAINS}
    wanted = f"wanted {OLDEST_OPSET} to {newest}"
    if len(versions) != 1:
        found = f"{len(versions)} operator sets of the domain 'ai.onnx', wanted one"
        raise _version("the model does not say which operator set it uses", found)
    (version,) = versions
    if version < OLDEST_OPSET:
        raise _version("the operator set is too old", f"opset {version}, {wanted}",
                       "convert it with onnx.version_converter, or export with opset 17")  # fmt: skip
    if version > newest:
        raise _version("the operator set is newer than the installed onnx package",
                       f"opset {version}, {wanted}", "pip install -U onnx, or export with opset 17")  # fmt: skip
    if not 3 <= model.ir_version <= onnx.IR_VERSION:
        raise _version("the file format's version is unknown",
                       f"IR version {model.ir_version}, wanted 3 to {onnx.IR_VERSION}",
                       "pip install -U onnx, or export with an older IR version")  # fmt: skip
    return version


def _version(message: str, found: str, help: str = "export with opset 17") -> EdgekitError:
    return EdgekitError("EK107", message, where="operator sets", found=found, help=help)


def check_parts(model: ModelProto) -> None:
    """Raises EK105 for a model without nodes or outputs, EK103 beyond `MAX_NODES`, EK202 for parts
    that an inference on a device has no use for."""
    graph = model.graph
    for part, name in ((graph.node, "nodes"), (graph.output, "outputs")):
        if not part:
            raise EdgekitError("EK105", "the model computes nothing", where="graph",
                               found=f"no {name}, wanted at least 1", help=EXPORT_AGAIN)  # fmt: skip
    check_count(len(graph.node))
    for items, what, help in (
        (model.training_info, "training information", "export the model for inference"),
        (graph.sparse_initializer, "sparse weights", "export the model with dense weights"),
        (graph.quantization_annotation, "quantization annotations",
         "export the quantization as QuantizeLinear and DequantizeLinear nodes"),
    ):  # fmt: skip
        if items:
            raise EdgekitError("EK202", f"the model holds {what}", where="graph",
                               found=f"{len(items)}, wanted none", help=help)  # fmt: skip


def check_count(nodes: int) -> None:
    if nodes > MAX_NODES:
        raise EdgekitError("EK103", "the graph has too many nodes", where="graph",
                           found=f"{nodes:,} nodes, wanted at most {MAX_NODES:,}",
                           help="edgekit is for models that fit a microcontroller or a small board")  # fmt: skip


def check_operators(model: ModelProto, opset: int) -> None:
    """ONNX's own checker: attributes, operands and types of every node. Raises EK105, and EK201 for
    an operator that ONNX's own set does not have."""
    for index, node in enumerate(model.graph.node):
        if node.domain in DEFAULT_DOMAINS and known_operator(node.op_type, opset) is None:
            raise unsupported(node.op_type, f"node {node.name or index}", "onnx")
        _check_settled(node.op_type, opset, f"node {node.name or index}")
    with onnx_errors("EK105", "onnx.checker refuses the model", "graph"):
        onnx.checker.check_model(model)


def _check_settled(op: str, opset: int, where: str) -> None:
    """Raises EK107 for an operator of an old edition that meant something else there."""
    if opset >= _SETTLED:
        return
    then, later = known_operator(op, opset), known_operator(op, _SETTLED)
    if then is None or later is None or then.since_version != later.since_version:
        raise EdgekitError(
            "EK107", f"operator {op} has changed since this operator set", where=where,
            found=f"opset {opset}, wanted {_SETTLED} or newer",
            help="convert it with onnx.version_converter, or export with opset 17",
        )  # fmt: skip


def known_operator(op: str, opset: int) -> onnx.defs.OpSchema | None:
    """The schema of an operator of ONNX's own set, None where it has none of that name."""
    try:
        return onnx.defs.get_schema(op, opset, "")
    except onnx.defs.SchemaError:
        return None
