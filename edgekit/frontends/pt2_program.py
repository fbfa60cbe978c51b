"""The program in a `.pt2` archive: its calls, its tensors, its weights. What the calls mean is not
known here; both the importer and the reference engine read this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.frontends.json_reader import EXPORT_AGAIN, Item
from edgekit.frontends.limits import MAX_AXES
from edgekit.frontends.pt2_archive import Archive
from edgekit.frontends.pt2_symbols import Symbols
from edgekit.frontends.pt2_weights import Payload, payloads
from edgekit.frontends.torch_files import refusal

_SCHEMA = 8
_MAX_NODES = 20_000
# Codes of torch's serialized scalar types; half and double precision are read as float32.
SCALAR_TYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32",
    8: "float64", 12: "bool", 13: "bfloat16",
}  # fmt: skip
_MUTATIONS = ("buffer_mutation", "parameter_mutation", "user_input_mutation")
_CONSTANTS = {
    "parameter": "parameter_name", "buffer": "buffer_name", "tensor_constant": "tensor_constant_name",
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """A tensor as an argument, by its name in the graph."""

    name: str


@dataclass(frozen=True)
class Meta:
    """What a tensor is: `dtype` is torch's (without its module), `shape` fully known."""

    dtype: str
    shape: tuple[int, ...]


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
    # Whether the outputs are one list rather than a tuple.
    listed: bool
    where: str


class Program:
    """A whole program. Raises what its parts raise; EK202 for programs that change their weights.

    constants: graph name -> payload, of parameters, buffers and lifted constants. inputs, outputs:
    graph names.
    """

    def __init__(self, archive: Archive, dims: Mapping[str, int]) -> None:
        self.file = archive.file
        document = archive.json(f"models/{archive.model}.json")
        _check_version(document, archive.file)
        module = document["graph_module"]
        self._graph = module["graph"]
        self._metas: dict[str, Meta] = {}
        stored = payloads(archive)
        self.inputs: list[str] = []
        self.constants: dict[str, Payload] = {}
        for spec in module["signature"]["input_specs"].items():
            self._input(spec, stored)
        self._symbols = self._bound(document["range_constraints"], dims)
        self.outputs = [
            name for spec in module["signature"]["output_specs"].items() for name in _output(spec)
        ]
        if not self.outputs:
            raise _unsupported("a program without an output tensor", archive.file, "no tensor is returned")  # fmt: skip
        self.calls = tuple(self._calls())

    def _input(self, spec: Item, stored: Mapping[str, Payload]) -> None:
        kind, body = spec.union()
        if kind == "user_input":
            form, argument = body["arg"].union()
            if form == "as_tensor":
                self.inputs.append(argument["name"].text())
            elif form != "as_none":
                raise _unsupported("an input that is no tensor", spec.where, form)
        elif kind in _CONSTANTS:
            name = body[_CONSTANTS[kind]].text()
            if name not in stored:
                raise _inconsistent("a weight that the archive does not hold", spec.where, name)
            self.constants[body["arg"]["name"].text()] = stored[name]
        elif kind != "constant_input":  # a number that the export has put into the calls
            raise _unsupported("an input of this kind", spec.where, kind)

    def _bound(self, constraints: Item, dims: Mapping[str, int]) -> Symbols:
        symbols = Symbols(dims)
        for name in self.inputs:
            for axis, size in enumerate(self._tensor_value(name)["sizes"].items()):
                symbols.bind(size, leading=axis == 0)
        symbols.check(constraints)
        return symbols

    def _tensor_value(self, name: str) -> Item:
        meta = self._graph["tensor_values"].get(name)
        if meta is None:
            raise _inconsistent(
                "a tensor that the graph does not describe", self._graph.where, name
            )
        return meta

    def meta(self, name: str) -> Meta:
        """Raises EK104 (unknown size), EK105 (no such tensor, or not a possible one), EK202 (type)."""
        if name not in self._metas:
            item = self._tensor_value(name)
            code = item["dtype"].integer()
            if code not in SCALAR_TYPES:
                raise _unsupported("a tensor of this type", f"tensor {name}", f"type code {code}")
            shape = tuple(self._symbols.size(size) for size in item["sizes"].items())
            if len(shape) > MAX_AXES or any(not 0 < n < 2**31 for n in shape):
                raise _inconsistent(
                    "a tensor of an impossible shape", f"tensor {name}", list(shape)
                )
            self._metas[name] = Meta(SCALAR_TYPES[code], shape)
        return self._metas[name]

    def known(self, name: str) -> bool:
        return self._graph["tensor_values"].get(name) is not None

    def _calls(self) -> Iterator[Call]:
        nodes = list(self._graph["nodes"].items())
        if len(nodes) > _MAX_NODES:
            raise self._graph["nodes"].fail(f"at most {_MAX_NODES} nodes", f"{len(nodes)} nodes")
        for node in nodes:
            outputs = [output.union() for output in node["outputs"].items()]
            names = [name for form, output in outputs for name in _names(form, output)]
            target = node["target"].text().removeprefix("torch.ops.")
            # What computes sizes is known already, and what asserts something of them holds.
            if names or (not outputs and not target.startswith("aten._assert_")):
                arguments = tuple(self._argument(item) for item in node["inputs"].items())
                listed = [form for form, _ in outputs] == ["as_tensors"]
                yield Call(target, arguments, tuple(names), listed, node.where)

    def _argument(self, item: Item) -> Argument:
        kind = item.get("kind")
        return Argument(
            item["name"].text(), self._value(item["arg"]), kind is not None and kind.integer() == 2
        )

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


def tensors(value: Any) -> Iterator[str]:
    """The names of the tensors in an argument's value."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, Tensor):
            yield each.name


def float32(data: NDArray[Any]) -> NDArray[Any]:
    """Numbers of any floating-point width as float32, others as they are."""
    return data.astype(np.float32) if data.dtype.kind == "f" else data


def _names(form: str, item: Item) -> list[str]:
    """The tensors of one output."""
    if form == "as_tensor":
        return [item["name"].text()]
    if form == "as_tensors":
        return [each["name"].text() for each in item.items()]
    return []


def _output(spec: Item) -> list[str]:
    kind, body = spec.union()
    if kind in _MUTATIONS:
        raise changes_state(spec.where, kind.replace("_", " "))
    if kind != "user_output":
        raise _unsupported("an output of this kind", spec.where, kind)
    form, argument = body["arg"].union()
    if form not in ("as_tensor", "as_none"):
        raise _unsupported("an output that is no tensor", spec.where, form)
    return [argument["name"].text()] if form == "as_tensor" else []


def changes_state(where: str, found: str) -> EdgekitError:
    """EK202 for what a network in use must not do."""
    return EdgekitError(
        "EK202", "the program changes its own weights or buffers", where=where,
        found=f"{found}, wanted a model in evaluation mode",
        help="call model.eval() before torch.export.export; batch norm in training mode is the usual cause",
    )  # fmt: skip


def _check_version(document: Item, file: str) -> None:
    major = document["schema_version"]["major"].integer()
    if major != _SCHEMA:
        raise refusal(file, f"schema version {major} (edgekit reads {_SCHEMA})")


def _unsupported(message: str, where: str, found: str) -> EdgekitError:
    return EdgekitError(
        "EK202", f"{message} has no support", where=where, found=found,
        help="export a model whose inputs, outputs and weights are plain tensors",
    )  # fmt: skip


def _inconsistent(message: str, where: str, found: object) -> EdgekitError:
    return EdgekitError(
        "EK105", f"the file refers to {message}", where=where, found=str(found), help=EXPORT_AGAIN
    )
