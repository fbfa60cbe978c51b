"""A reader of FlatBuffers that trusts nothing: every offset and length is checked against the file.

Layout as the FlatBuffers binary format defines it: a table starts with a signed offset back to its
vtable; the vtable holds the table's fields as 16-bit offsets, 0 for absent ones.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError

_SCALARS = {
    "bool": "<?", "int8": "<b", "uint8": "<B", "uint16": "<H", "int32": "<i", "uint32": "<I",
    "int64": "<q", "uint64": "<Q", "float32": "<f",
}  # fmt: skip


# Tables and vectors may share bytes, so a small file can unfold to an endless one. Real files are
# read about once in all; this leaves room for tied weights.
_MAX_READS = 16


class Reader:
    """The bytes of one file, and how many of them were read, counted with repetition."""

    def __init__(self, data: bytes, file: str) -> None:
        self.data = data
        self.file = file
        self.read = 0

    def root(self) -> Table:
        return self.table(self.offset(0, "root"), "root")

    def fail(self, where: str, found: str) -> EdgekitError:
        return EdgekitError(
            "EK101",
            "the file is damaged",
            where=f"{self.file}, {where}",
            found=found,
            help="export the model again",
        )

    def span(self, at: int, size: int, where: str) -> bytes:
        """`size` bytes at `at`; EK101 where they are not inside the file."""
        if at < 0 or size < 0 or at + size > len(self.data):
            raise self.fail(where, f"bytes {at} to {at + size}, wanted within {len(self.data)}")
        self.read += size
        if self.read > _MAX_READS * len(self.data):
            raise self.fail(where, f"parts that are shared more than {_MAX_READS} times")
        return self.data[at : at + size]

    def scalar(self, kind: str, at: int, where: str) -> Any:
        form = _SCALARS[kind]
        (value,) = struct.unpack(form, self.span(at, struct.calcsize(form), where))
        return value

    def offset(self, at: int, where: str) -> int:
        """The position a 32-bit offset stored at `at` points to."""
        return at + int(self.scalar("uint32", at, where))

    def table(self, at: int, where: str) -> Table:
        return Table(self, at, where)


class Table:
    """One table; fields are asked for by slot number and have a default when absent."""

    def __init__(self, reader: Reader, at: int, where: str) -> None:
        self.reader, self.at, self.where = reader, at, where
        self.vtable = at - int(reader.scalar("int32", at, where))
        size = int(reader.scalar("uint16", self.vtable, where))
        if size < 4 or size % 2:
            raise reader.fail(where, f"a vtable of {size} bytes, wanted an even number from 4")
        reader.span(self.vtable, size, where)
        self.slots = (size - 4) // 2

    def field(self, slot: int) -> int | None:
        """Position of a field's data, None where the field is absent."""
        if slot >= self.slots:
            return None
        offset = int(self.reader.scalar("uint16", self.vtable + 4 + 2 * slot, self.where))
        return self.at + offset if offset else None

    def scalar(self, slot: int, kind: str, default: Any = 0) -> Any:
        at = self.field(slot)
        return default if at is None else self.reader.scalar(kind, at, self.where)

    def _vector(self, slot: int, width: int) -> tuple[int, int] | None:
        """Position and length of a vector whose elements take `width` bytes."""
        at = self.field(slot)
        if at is None:
            return None
        start = self.reader.offset(at, self.where)
        length = int(self.reader.scalar("uint32", start, self.where))
        self.reader.span(start + 4, length * width, self.where)
        return start + 4, length

    def array(self, slot: int, dtype: str) -> NDArray[Any]:
        """A vector of scalars, empty where absent."""
        found = self._vector(slot, np.dtype(dtype).itemsize)
        if found is None:
            return np.zeros(0, dtype)
        little = np.dtype(dtype).newbyteorder("<")
        return np.frombuffer(self.reader.data, little, found[1], found[0]).astype(dtype)

    def has(self, slot: int) -> bool:
        return self.field(slot) is not None

    def text(self, slot: int) -> str:
        return self.array(slot, "uint8").tobytes().decode("utf-8", "replace")

    def table(self, slot: int, where: str) -> Table | None:
        at = self.field(slot)
        if at is None:
            return None
        return self.reader.table(self.reader.offset(at, self.where), where)

    def tables(self, slot: int, where: str) -> Iterator[Table]:
        """A vector of tables."""
        start, length = self._vector(slot, 4) or (0, 0)
        for i in range(length):
            label = f"{where} {i}"
            yield self.reader.table(self.reader.offset(start + 4 * i, label), label)
