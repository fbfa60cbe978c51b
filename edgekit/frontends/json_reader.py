"""A reader of JSON that trusts nothing: every member and every type is checked when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from edgekit.errors import EdgekitError

# Python objects take about twenty times a document's bytes.
MAX_JSON_BYTES = 32 << 20
EXPORT_AGAIN = "export the model again"
_NOT_FINITE = {"Infinity": float("inf"), "-Infinity": float("-inf"), "NaN": float("nan")}


def read_json(data: bytes, where: str) -> Item:
    """The document in `data`. Raises EK101 where it is none, or too large or too deep to be one."""
    if len(data) > MAX_JSON_BYTES:
        found = f"{len(data)} bytes, wanted at most {MAX_JSON_BYTES}"
    else:
        try:
            return Item(json.loads(data), where)
        except RecursionError:
            found = "parts inside parts, too deep to read"
        except ValueError as broken:  # also of bytes that are no UTF-8
            found = str(broken)
    raise EdgekitError("EK101", "the file is damaged", where=where, found=found, help=EXPORT_AGAIN)


class Item:
    """One value of a document, and where it lies."""

    def __init__(self, value: Any, where: str, parent: Item | None = None) -> None:
        self.value = value
        self._where, self._parent = where, parent

    @property
    def where(self) -> str:
        return f"{self._parent.where}{self._where}" if self._parent else self._where

    def fail(self, wanted: str, found: object = None) -> EdgekitError:
        """EK101: this value is not what it should be."""
        text = repr(self.value) if found is None else str(found)
        return EdgekitError(
            "EK101", "the file is damaged", where=self.where,
            found=f"{text[:80]}, wanted {wanted}", help=EXPORT_AGAIN,
        )  # fmt: skip

    def _is(self, kind: type, wanted: str) -> Any:
        # bool is an int in Python, and is none here.
        if not isinstance(self.value, kind) or (kind is int and isinstance(self.value, bool)):
            raise self.fail(wanted)
        return self.value

    def __getitem__(self, key: str) -> Item:
        if key not in self._is(dict, f"an object with {key!r}"):
            raise self.fail(f"a member {key!r}", "no such member")
        return Item(self.value[key], f", {key}", self)

    def get(self, key: str) -> Item | None:
        """A member; None where it is absent or null."""
        absent = self._is(dict, "an object").get(key) is None
        return None if absent else self[key]

    def items(self) -> Iterator[Item]:
        for i, value in enumerate(self._is(list, "a list")):
            yield Item(value, f"[{i}]", self)

    def members(self) -> Iterator[tuple[str, Item]]:
        for key in self._is(dict, "an object"):
            yield key, self[key]

    def union(self) -> tuple[str, Item]:
        """The only member of an object that says with it what it is."""
        if len(self._is(dict, "an object of one member")) != 1:
            raise self.fail("an object of one member")
        (key,) = self.value
        return key, self[key]

    def text(self) -> str:
        return str(self._is(str, "text"))

    def boolean(self) -> bool:
        return bool(self._is(bool, "true or false"))

    def integer(self) -> int:
        """Raises EK101 also outside 64 bits."""
        value = int(self._is(int, "an integer"))
        if not -(2**63) <= value < 2**63:
            raise self.fail("an integer of 64 bits")
        return value

    def number(self) -> float:
        """An integer or a float; the names of infinities and of NaN are numbers too."""
        if isinstance(self.value, str) and self.value in _NOT_FINITE:
            return _NOT_FINITE[self.value]
        return float(self.value if isinstance(self.value, float) else self.integer())
