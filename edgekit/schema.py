"""Dataclasses read from TOML: the fields are the keys, and each field says how its value is read.

Whatever does not fit is EK002 with the place, what was found and what was wanted.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeVar

from edgekit.errors import EdgekitError

T = TypeVar("T")
Parser = Callable[[Any, str], Any]  # (value, where it stands) -> the field's value

_SIZE = re.compile(r"(\d+)([KM]?)")
_UNIT = {"": 1, "K": 1024, "M": 1024 * 1024}


def key(parse: Parser, called: str = "", **options: Any) -> Any:
    """A dataclass field that `read` fills, through `parse`, from the key of its name or `called`."""
    return dataclasses.field(metadata={"parse": parse, "called": called}, **options)


def read(cls: type[T], table: Any, where: str, **given: Any) -> T:
    """A `cls` from a TOML table, fields that are no keys from `given`.

    Raises EK002 on an unknown, missing or unreadable key.
    """
    if not isinstance(table, Mapping):
        reject(where, table, "a table")
    fields = {
        f.metadata["called"] or f.name: f
        for f in dataclasses.fields(cls)  # type: ignore[arg-type]
        if "parse" in f.metadata
    }
    for name in table:
        if name not in fields:
            raise EdgekitError(
                "EK002", f"unknown key {name!r}", where=where, help=nearest(name, fields)
            )
    for name, f in fields.items():
        required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if required and name not in table:
            raise EdgekitError("EK002", f"key {name!r} is missing", where=where, help="add it")
    values = {
        fields[name].name: fields[name].metadata["parse"](value, f"{where}, {name}")
        for name, value in table.items()
    }
    return cls(**given, **values)


def nearest(word: str, known: Iterable[str]) -> str:
    """The advice for a misspelt word: the known words that resemble it, else all of them."""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=3)
    if close:
        return "did you mean " + " or ".join(close) + "?"
    return "known: " + " ".join(known)


def reject(where: str, value: Any, wanted: str) -> NoReturn:
    raise EdgekitError(
        "EK002",
        "a value of the target description is wrong",
        where=where,
        found=f"{value!r}, wanted {wanted}",
        help="see `edgekit targets show cortex-m4` and the files of targets/",
    )


def text(value: Any, where: str) -> str:
    return value if isinstance(value, str) else reject(where, value, "a string")


def texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        reject(where, value, "a list of strings")
    return tuple(text(item, where) for item in value)


def integer(value: Any, where: str) -> int:
    if type(value) is not int or value < 0:
        reject(where, value, "an integer, 0 or more")
    return value


def count(value: Any, where: str) -> int:
    if type(value) is not int or value < 1:
        reject(where, value, "an integer, 1 or more")
    return value


def number(value: Any, where: str) -> float:
    if type(value) not in (int, float) or not 0 <= value < float("inf"):
        reject(where, value, "a number, 0 or more")
    return float(value)


def size(value: Any, where: str) -> int:
    """Bytes: an integer, or a string such as ``"128K"`` or ``"1M"`` in powers of 1024."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match:
        return int(match[1]) * _UNIT[match[2]]
    return integer(value, where) if type(value) is int else reject(where, value, '128, "4K", "1M"')


def one_of(*words: str) -> Parser:
    """Exactly one of `words`."""

    def parse(value: Any, where: str) -> str:
        if value not in words:
            reject(where, value, "one of " + " ".join(words))
        return str(value)

    return parse


def some_of(*words: str) -> Parser:
    """A list of `words`, each at most once; kept in the order of `words`."""

    def parse(value: Any, where: str) -> tuple[str, ...]:
        given = {one_of(*words)(item, where) for item in texts(value, where)}
        return tuple(word for word in words if word in given)

    return parse


def table(cls: type[Any]) -> Parser:
    """A nested table."""
    return lambda value, where: read(cls, value, where)


def tables(cls: type[Any]) -> Parser:
    """An array of tables."""

    def parse(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            reject(where, value, f"[[{where.rsplit(' ', 1)[-1]}]] tables")
        return tuple(read(cls, item, f"{where} {i}") for i, item in enumerate(value, 1))

    return parse
