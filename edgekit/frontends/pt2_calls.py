"""The calls of a `.pt2` program: what they are named, read and write, symbols already numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgekit.frontends.json_reader import Item
from edgekit.frontends.pt2_symbols import Symbols

_MAX_NODES = 20_000
_KEYWORD = 2  # code of an argument that is passed by name


@dataclass(frozen=True)
class Tensor:
    """A tensor as an argument, by its name in the graph."""

    name: str


@dataclass(frozen=True)
class Coded:
    """An enumeration as an argument (`kind` is scalar_type, memory_format or layout), or anything
    else that is neither tensor nor number."""

    kind: str
    code: int


@dataclass(frozen=True)
class Argument:
    """`value`: Tensor, list of Tensor (or None), int, float, bool, text, list of those, Coded, None."""

    name: str
    value: Any
    keyword: bool


@dataclass(frozen=True)
class Call:
    """One operator call; `target` as in `torch.ops`, e.g. ``aten.conv2d.default``."""

    target: str
    arguments: tuple[Argument, ...]
    outputs: tuple[str, ...]
    where: str

    def reads(self) -> Iterator[str]:
        """The names of the tensors in its arguments."""
        for argument in self.arguments:
            yield from tensors(argument.value)


def tensors(value: Any) -> Iterator[str]:
    """The names of the tensors in an argument's value."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, Tensor):
            yield each.name


def read_calls(graph: Item, symbols: Symbols) -> Iterator[Call]:
    """The calls of a serialized graph, in order. Raises EK101 (damaged) and what sizes raise."""
    nodes = list(graph["nodes"].items())
    if len(nodes) > _MAX_NODES:
        raise graph["nodes"].fail(f"at most {_MAX_NODES} nodes", f"{len(nodes)} nodes")
    reader = _Arguments(graph, symbols)
    for node in nodes:
        outputs = [output.union() for output in node["outputs"].items()]
        names = [name for form, output in outputs for name in _names(form, output)]
        target = node["target"].text().removeprefix("torch.ops.")
        # What computes sizes is known already, and what asserts something of them holds.
        if names or (not outputs and not target.startswith("aten._assert_")):
            arguments = tuple(reader.argument(item) for item in node["inputs"].items())
            yield Call(target, arguments, tuple(names), node.where)


def _names(form: str, item: Item) -> list[str]:
    """The tensors of one output."""
    if form == "as_tensor":
        return [item["name"].text()]
    if form == "as_tensors":
        return [each["name"].text() for each in item.items()]
    return []


class _Arguments:
    def __init__(self, graph: Item, symbols: Symbols) -> None:
        self._graph, self._symbols = graph, symbols

    def argument(self, item: Item) -> Argument:
        kind = item.get("kind")
        keyword = kind is not None and kind.integer() == _KEYWORD
        return Argument(item["name"].text(), self._value(item["arg"]), keyword)

    def _value(self, union: Item) -> Any:
        """The value of one of the schema's unions."""
        form, item = union.union()
        match form.removeprefix("as_"):
            case "none":
                return None
            case "tensor":
                return Tensor(item["name"].text())
            case "tensors":
                return [Tensor(each["name"].text()) for each in item.items()]
            case "optional_tensor":
                return self._value(item)
            case "optional_tensors":
                return [self._value(each) for each in item.items()]
            case "int":
                return item.integer()
            case "ints":
                return [each.integer() for each in item.items()]
            case "float":
                return item.number()
            case "floats":
                return [each.number() for each in item.items()]
            case "bool":
                return item.boolean()
            case "bools":
                return [each.boolean() for each in item.items()]
            case "string":
                return item.text()
            case "sym_int":
                return self._symbolic(item)
            case "sym_ints":
                return [self._symbolic(each) for each in item.items()]
            case "scalar_type" | "memory_format" | "layout" as kind:
                return Coded(kind, item.integer())
            case "device":
                return item["type"].text()
        return Coded(form, 0)  # a graph or an object: no operator of the vocabulary takes one

    def _symbolic(self, item: Item) -> int:
        form, body = item.union()
        if form == "as_int":
            return body.integer()
        return self._symbols.size(self._graph["sym_int_values"][body.text()])
