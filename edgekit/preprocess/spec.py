"""What all descriptions of an input share: they are read strictly, and write themselves into a graph.

A description is a dataclass whose fields are the keys of its table ``[preprocess.<input>]`` in
edgekit.toml; the Python class takes the same names. `kind` says which class it is.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import typing
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from edgekit.errors import EdgekitError
from edgekit.graph import Quant
from edgekit.preprocess.chain import Chain

KINDS: dict[str, type[Spec]] = {}


@dataclass(frozen=True)
class Spec:
    """Base of the descriptions. A subclass has a default for `kind`, which registers it."""

    called: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        if cls.called:
            KINDS[cls.called] = cls

    @abstractmethod
    def write(self, chain: Chain) -> None:
        """Add the raw input and the operators that make the network's input of it.

        Raises EK205 where the result has not the size of the network's input.
        """

    def numbers(self) -> Quant | None:
        """The scale and zero point that suit the network's input best, where that is not the range's
        affair; for networks that get their numbers here."""
        return None

    def to_table(self) -> dict[str, Any]:
        """The table that `read` makes this of."""
        return {"kind": self.called} | dataclasses.asdict(self)

    def demand(self, ok: bool, key: str, wanted: str) -> None:
        """Raises EK003 for the value of a key unless `ok`."""
        if not ok:
            found = getattr(self, key)
            _refuse(
                f"preprocess, {key}", f"{found!r}, wanted {wanted}", "see docs/PREPROCESSING.md"
            )

    def demand_types(self) -> None:
        """Raises EK003 where a field holds another type than it says; whole numbers serve as reals, one
        number as a list of one."""
        hints = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            name, value = field.name, getattr(self, field.name)
            wanted = typing.get_origin(hints[name]) or hints[name]
            if wanted is tuple:
                value = value if isinstance(value, list | tuple) else (value,)
                self.demand(all(map(_is_number, value)), name, "numbers")
                value = tuple(map(float, value))
            elif wanted is float and _is_number(value):
                value = float(value)
            self.demand(type(value) is wanted, name, _NAMES[wanted])
            reals = value if wanted is tuple else (value,) if wanted is float else ()
            self.demand(all(map(math.isfinite, reals)), name, "finite numbers")
            object.__setattr__(self, name, value)


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool)


_NAMES = {
    int: "a whole number", float: "a number", str: "a word in quotes", bool: "true or false",
    tuple: "numbers",
}  # fmt: skip


def read(table: Any, where: str) -> Spec:
    """The description in one table. Raises EK003 on an unknown, missing or unreadable key."""
    if not isinstance(table, Mapping):
        _refuse(where, f"{table!r}, wanted a table", f"write it below a line [{where}]")
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        _refuse(f"{where}, kind", f"{kind!r}, wanted one of {', '.join(sorted(KINDS))}",
                _near(str(kind), KINDS))  # fmt: skip
    cls = KINDS[kind]
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for key in table:
        if key != "kind" and key not in fields:
            _refuse(f"{where}, {key}", f"{key}, wanted one of {', '.join(sorted(fields))}",
                    _near(key, fields))  # fmt: skip
    for name, field in fields.items():
        if field.default is dataclasses.MISSING and name not in table:
            _refuse(f"{where}, {name}", "nothing, wanted a value", "this key has no default")
    try:
        return cls(**{key: value for key, value in table.items() if key != "kind"})
    except EdgekitError as error:
        error.where = error.where.replace("preprocess", where, 1)
        raise


def read_all(given: Mapping[str, Any]) -> dict[str, Spec]:
    """Descriptions by input, each a `Spec` already or a table. Raises EK003."""
    if not isinstance(given, Mapping):
        _refuse("preprocess", f"{given!r}, wanted a table for each input", "write [preprocess.<input>]")  # fmt: skip
    return {
        str(name): entry if isinstance(entry, Spec) else read(entry, f"preprocess.{name}")
        for name, entry in given.items()
    }


def tables(given: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of descriptions by input, all keys in them. Raises EK003 (`read_all`)."""
    return {name: spec.to_table() for name, spec in read_all(given).items()}


def _near(word: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean {near[0]!r}?" if near else "see docs/PREPROCESSING.md"


def _refuse(where: str, found: str, help: str) -> NoReturn:
    raise EdgekitError(
        "EK003", "the preprocessing cannot be read", where=where, found=found, help=help
    )
