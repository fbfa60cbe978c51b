"""What compression decided on a canonical graph, and its file: with both the graph is made again.

The file is an `.npz` of plain arrays, equal bytes for equal decisions; nothing is ever unpickled.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from edgekit.arrays import read_arrays, write_arrays
from edgekit.compress.edits import KINDS, Edit
from edgekit.errors import EdgekitError
from edgekit.graph import Graph
from edgekit.quantize.prepare import own_constants

Array = NDArray[Any]

_FORMAT = 1
_DTYPES = ("float32", "int8", "int16", "int32")


@dataclass(frozen=True, eq=False)
class Compression:
    """Edits of the structure, in order, then new constants by tensor of the edited graph.

    recipe: the tables of the steps that decided it. report: a row of figures for each of them.
    """

    edits: tuple[Edit, ...] = ()
    data: Mapping[str, Array] = field(default_factory=dict)
    recipe: tuple[Mapping[str, Any], ...] = ()
    report: tuple[Mapping[str, Any], ...] = ()

    def applied(self, graph: Graph) -> Graph:
        """The canonical `graph`, compressed. Raises EK005 where it was made for another one."""
        graph = own_constants(graph)
        try:
            for edit in self.edits:
                graph = edit.applied(graph)
            graph = with_constants(graph, self.data)
        except (ValueError, IndexError) as wrong:
            damaged("compression", f"{wrong}; decided for another model")
        graph.verify()
        return graph


def with_constants(graph: Graph, data: Mapping[str, Array]) -> Graph:
    """The graph with other constants. Raises ValueError for one of another shape or type."""
    values = dict(graph.values)
    for name, array in data.items():
        old = values[name].data if name in values else None
        if old is None or (old.shape, old.dtype) != (array.shape, array.dtype):
            raise ValueError(f"tensor {name} is no constant of this shape and type")
        values[name] = replace(values[name], data=array)
    return replace(graph, values=values)


def save(path: Path, compression: Compression) -> None:
    """Write the file; the same compression always gives the same bytes."""
    names = {kind: word for word, kind in KINDS.items()}
    tensors = sorted(compression.data)
    text = {
        "edits": [[names[type(edit)], dataclasses.asdict(edit)] for edit in compression.edits],
        "tensors": tensors,
        "recipe": [dict(step) for step in compression.recipe],
        "report": [dict(row) for row in compression.report],
    }
    arrays: dict[str, Array] = {
        "format": np.array([_FORMAT], np.int32),
        "text": np.frombuffer(json.dumps(text).encode(), np.uint8),
    }
    arrays |= {f"data{i}": compression.data[name] for i, name in enumerate(tensors)}
    write_arrays(path, arrays)


def load(path: Path) -> Compression:
    """Read the file. Raises EK005 where it is not one, or damaged."""
    try:
        return _parsed(read_arrays(path))
    # zipfile, zlib, struct, json and numpy each have errors of their own for damage.
    except Exception as error:
        damaged(str(path), str(error).splitlines()[0] if str(error) else type(error).__name__)


def damaged(where: str, found: str) -> NoReturn:
    raise EdgekitError(
        "EK005", "the stored compression does not fit or is damaged", where=where,
        found=f"{found}; wanted the file that `edgekit compress` wrote",
        help="compress the model again",
    )  # fmt: skip


def _parsed(arrays: Mapping[str, Array]) -> Compression:
    if arrays["format"].tolist() != [_FORMAT]:
        raise ValueError(f"format {arrays['format'].tolist()}")
    text = json.loads(arrays["text"].tobytes().decode())
    edits = tuple(_edit(word, fields) for word, fields in text["edits"])
    data = {str(name): arrays[f"data{i}"] for i, name in enumerate(text["tensors"])}
    for name, array in data.items():
        if str(array.dtype) not in _DTYPES or not np.isfinite(array).all():
            raise ValueError(f"tensor {name} holds no numbers of a layer")
    return Compression(
        edits, data, tuple(map(dict, text["recipe"])), tuple(map(dict, text["report"]))
    )


def _edit(word: str, fields: Mapping[str, Any]) -> Edit:
    edit = KINDS[word](**fields)
    for known in dataclasses.fields(edit):
        wanted = str if known.name == "node" else int
        if type(getattr(edit, known.name)) is not wanted:
            raise ValueError(f"edit {word} with {fields}")
    return edit
