"""`.pt2` programs of torch.export to an imported graph in ONNX's vocabulary, without torch.

The archive's graph, its configuration of weights and the raw weights are read; its pickles are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.frontends.pt2_archive import Archive
from edgekit.frontends.pt2_calls import Call, tensors
from edgekit.frontends.pt2_program import Program
from edgekit.frontends.pt2_step import Step
from edgekit.frontends.pt2_vocabulary import OPSET, meaning
from edgekit.frontends.pt2_writer import Writer
from edgekit.graph import Graph, Node, Value
from edgekit.refusals import unsupported


def load(data: bytes, path: Path, dims: Mapping[str, int]) -> Graph:
    """The graph of a `.pt2` file's content.

    `path` is for messages and names the graph. `dims` gives sizes to symbolic dimensions by the
    file's own names; a leading one of an input, the batch, is 1 without it. Tensors have the names
    of torch's graph, weights their qualified names.

    Raises EK001 (`dims`), EK101 (damaged), EK102 (another kind of file), EK103 (unpacks to too much), EK104
    (unknown dimension), EK105 (inconsistent), EK106 (activations too large), EK202 (outside the
    supported limits), EK304 (weights that are not finite) and EK201 (an unknown operator that may
    write into its operands). Another call that the vocabulary does not know becomes a node of that
    name, for canonicalization to refuse.
    """
    program = Program(Archive(data, path.name), dims)
    writer = Writer(program)
    for index, call in enumerate(program.calls):
        _translate(index, call, writer)
    outputs = tuple(writer.read(name) for name in program.outputs)
    graph = Graph(
        path.stem, _named(writer, (*program.inputs, *outputs)), tuple(writer.nodes),
        tuple(program.inputs), outputs, format="onnx", opset=OPSET, one_rounding=True,
    )  # fmt: skip
    graph.verify()
    return graph


def _named(writer: Writer, ends: tuple[str, ...]) -> dict[str, Value]:
    """The values that something names; constants that were only read while folding are not."""
    names = set(ends).union(*(set(node.inputs) | set(node.outputs) for node in writer.nodes))
    return {name: value for name, value in writer.values.items() if name in names}


def _translate(index: int, call: Call, writer: Writer) -> None:
    """Arguments are looked up as a sound file has them; where a damaged one lacks or confuses
    some, that fails and the file is at fault."""
    known = meaning(call.target)
    try:
        _check_reads(call, writer)
        if known.rule is None or not call.outputs:
            _unknown(call, writer, known.in_place)
            return
        if known.view:
            writer.shares(call)
        if known.in_place:
            writer.check_overwrite(index, call)
        known.rule(Step(call, writer))
        if known.in_place:
            writer.overwritten(call)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, MemoryError):
        raise EdgekitError(
            "EK105", f"the arguments do not fit {call.target}", where=call.where,
            found=str([argument.value for argument in call.arguments])[:200],
            help="export the model again",
        ) from None  # fmt: skip


def _check_reads(call: Call, writer: Writer) -> None:
    for name in call.reads():
        if writer.read(name) not in writer.values:
            raise EdgekitError(
                "EK105", "a call reads a tensor that nothing has written", where=call.where,
                found=f"tensor {name}", help="export the model again",
            )  # fmt: skip


def _unknown(call: Call, writer: Writer, in_place: bool) -> None:
    """A node of the target's name, to be refused where its result is in use. What may have an
    effect beside its result is refused at once."""
    if in_place or not call.outputs or not call.target.startswith("aten."):
        raise unsupported(call.target, call.where, "onnx")
    outputs = [name for name in call.outputs if writer.program.known(name)]
    for name in outputs:
        writer.declare(name)
    attrs = {a.name: a.value for a in call.arguments if not list(tensors(a.value))}
    inputs = tuple(map(writer.read, call.reads()))
    writer.nodes.append(Node(call.outputs[0], call.target, inputs, tuple(outputs), attrs))
