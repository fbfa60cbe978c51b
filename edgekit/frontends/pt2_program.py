"""The program in a `.pt2` archive: its calls, its tensors, its weights. What the calls mean is not
known here; both the importer and the reference engine read this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.frontends.json_reader import EXPORT_AGAIN, Item
from edgekit.frontends.limits import MAX_AXES
from edgekit.frontends.pt2_archive import Archive
from edgekit.frontends.pt2_calls import read_calls
from edgekit.frontends.pt2_symbols import Symbols
from edgekit.frontends.pt2_weights import Payload, payloads
from edgekit.frontends.torch_files import refusal

_SCHEMA = 8
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
class Meta:
    """What a tensor is: `dtype` is torch's (without its module), `shape` fully known."""

    dtype: str
    shape: tuple[int, ...]


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
        self.calls = tuple(read_calls(self._graph, self._symbols))

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


def float32(data: NDArray[Any]) -> NDArray[Any]:
    """Numbers of any floating-point width as float32, others as they are."""
    return data.astype(np.float32) if data.dtype.kind == "f" else data


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
