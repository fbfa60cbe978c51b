"""Measured instructions of kernels: the file that `edgekit tune` writes and `edgekit build` reads.

One file serves one core, any number of models. An entry belongs to an operator with all its
parameters, so a layer of another model with the same ones finds it, too.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgekit.data import data_dir
from edgekit.errors import EdgekitError
from edgekit.graph import IntGraph, IntNode
from edgekit.op import PORTABLE
from edgekit.plugins import digest
from edgekit.target import Target

FORMAT = 1
# calls that make the layer -> suffix of the variant, or PORTABLE -> instructions of all of them
Entry = dict[int, dict[str, int]]


@dataclass(frozen=True)
class Costs:
    """core, isa: of the targets that it holds for. kernels: hash of the C that was counted.
    compiler: what compiled it, for the reader."""

    core: str
    isa: tuple[str, ...]
    kernels: str
    compiler: str
    layers: Mapping[str, Entry] = field(default_factory=dict)

    @staticmethod
    def none(target: Target, compiler: str) -> Costs:
        """Nothing measured yet."""
        return Costs(target.core, target.isa, kernels_hash(), compiler)

    def of(self, node: IntNode) -> Mapping[tuple[str, int], int]:
        """What is known of a node, as `IntNode.measured` has it."""
        entry = self.layers.get(layer_key(node), {})
        return {(suffix, calls): n for calls, ways in entry.items() for suffix, n in ways.items()}

    def with_layer(self, key: str, entry: Entry) -> Costs:
        return replace(self, layers={**self.layers, key: entry})

    def only(self, nodes: Iterable[IntNode]) -> Costs:
        """The part that these nodes need."""
        keys = {layer_key(node) for node in nodes}
        return replace(self, layers={k: e for k, e in self.layers.items() if k in keys})

    def is_stale(self) -> bool:
        """Whether the kernels were changed since."""
        return self.kernels != kernels_hash()

    def to_json(self) -> str:
        """The file's text; the same costs give the same bytes."""
        head = {"format": FORMAT, "core": self.core, "isa": list(self.isa),
                "kernels": self.kernels, "compiler": self.compiler}  # fmt: skip
        layers = {
            key: {str(calls): dict(sorted(ways.items())) for calls, ways in sorted(entry.items())}
            for key, entry in sorted(self.layers.items())
        }
        return json.dumps({**head, "layers": layers}, indent=1) + "\n"

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises EK001 where that cannot be done."""
        beside = path.with_name(f".{path.name}.new")
        try:
            beside.write_text(self.to_json(), encoding="utf-8")
            os.replace(beside, path)
        except OSError as refused:
            raise EdgekitError(
                "EK001", "the cost file cannot be written", where=str(path),
                found=refused.strerror or str(refused), help="choose another -o",
            ) from None  # fmt: skip


def layer_key(node: IntNode) -> str:
    """The operator and every parameter: ``conv2d in_h=25 in_w=5 ...``; of a plug-in also its files."""
    fields = dataclasses.fields(node.params)
    name = f"{node.op.name}@{digest(node.op)}" if node.op.origin else node.op.name
    return " ".join([name, *(f"{f.name}={getattr(node.params, f.name)}" for f in fields)])


@functools.cache
def kernels_hash() -> str:
    """SHA-256 of all kernels and their headers."""
    digest = hashlib.sha256()
    for folder, kind in (("kernels", "c"), ("include", "h")):
        for path in sorted((data_dir("runtime") / folder).glob(f"*.{kind}")):
            text = path.read_bytes()
            digest.update(f"{path.name} {len(text)}\n".encode() + text)
    return digest.hexdigest()


def load_costs(path: Path) -> Costs:
    """Read a cost file. Raises EK006 where it is none."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        costs = _of_json(table)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as broken:
        found = broken.strerror if isinstance(broken, OSError) else str(broken)
        raise EdgekitError(
            "EK006", "the cost file cannot be read", where=str(path), found=str(found),
            help="write it with `edgekit tune MODEL --target T -o FILE`",
        ) from None  # fmt: skip
    return costs


def _of_json(table: dict[str, Any]) -> Costs:
    """Raises ValueError and the like where the table is not as `to_json` writes it."""
    if table["format"] != FORMAT:
        raise ValueError(f"format {table['format']}, wanted {FORMAT}")
    layers: dict[str, Entry] = {}
    for key, entry in table["layers"].items():
        layers[str(key)] = {
            int(calls): {str(suffix): _count(n) for suffix, n in ways.items()}
            for calls, ways in entry.items()
        }
    isa = tuple(str(word) for word in table["isa"])
    return Costs(str(table["core"]), isa, str(table["kernels"]), str(table["compiler"]), layers)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no number of instructions")
    return value


def costs_for(path: Path, target: Target) -> Costs:
    """The costs in a file that are to choose kernels for `target`. Raises EK006 where they are of
    another core, or of kernels that were changed since."""
    costs = load_costs(path)
    check_core(costs, path, target)
    if costs.is_stale():
        raise EdgekitError(
            "EK006", "the cost file is out of date", where=str(path),
            found="kernels changed since they were counted",
            help=f"run `edgekit tune MODEL --target {target.name} -o {path}` again",
        )  # fmt: skip
    return costs


def check_core(costs: Costs, path: Path, target: Target) -> None:
    """Raises EK006 where the costs are of another core."""
    if (costs.core, costs.isa) != (target.core, target.isa):
        raise EdgekitError(
            "EK006", "the cost file is of another core", where=str(path),
            found=f"{costs.core} ({' '.join(costs.isa) or 'c'}), wanted {target.core} "
            f"({' '.join(target.isa) or 'c'})",
            help="keep one cost file a core",
        )  # fmt: skip


def measured(graph: IntGraph, costs: Costs | None) -> IntGraph:
    """The graph whose nodes know what was counted of them."""
    if costs is None:
        return graph
    nodes = tuple(replace(node, measured=costs.of(node)) for node in graph.nodes)
    return replace(graph, nodes=nodes)


__all__ = ["PORTABLE", "Costs", "costs_for", "load_costs", "measured"]
