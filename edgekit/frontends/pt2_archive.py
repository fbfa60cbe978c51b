"""The container of a `.pt2` program: a zip archive whose members are read by name and never unpacked.

torch writes `<root>/models/<model>.json` (graph), `<root>/data/weights/` and `<root>/data/constants/`
(raw bytes, and a JSON file that says what they are), and `<root>/data/sample_inputs/<model>.pt`. That
last member is a pickle; there is no code here that could open it.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from edgekit.errors import EdgekitError
from edgekit.frontends.json_reader import EXPORT_AGAIN, Item, read_json
from edgekit.frontends.limits import MAX_FILE_BYTES
from edgekit.frontends.torch_files import refusal, zip_kind

_MAX_MEMBERS = 20_000
# torch stores members as they are; an archive packed again by another tool shrinks by 2 to 30.
_MAX_RATIO = 200
_SMALL = 1 << 20  # bytes up to which the ratio of one member is of no interest
_ENTRY = b"PK\x01\x02"  # starts each entry of the central directory
_LOCAL_HEADER = 30  # bytes, without the member's name
# Whatever zipfile raises on damaged archives.
_BROKEN = (
    zipfile.BadZipFile, EOFError, OSError, RuntimeError, struct.error, ValueError,
    NotImplementedError, zlib.error,
)  # fmt: skip


class Archive:
    """A checked archive with one program. `model` is the program's name inside it."""

    def __init__(self, data: bytes, file: str) -> None:
        """Raises EK101 (damaged, or built to mislead), EK102 (another kind of zip), EK103 (would
        unpack to too much)."""
        self.file = file
        if data.count(_ENTRY) > _MAX_MEMBERS:
            raise self.fail("members", f"more than {_MAX_MEMBERS} members")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _BROKEN as broken:
            raise self.fail("zip directory", str(broken) or type(broken).__name__) from None
        members = self._zip.infolist()
        _check_members(self, members, len(data))
        self._members = {member.filename: member for member in members}
        self._root, self.model = self._program()
        self._claimed = 0

    def fail(self, where: str, found: str, help: str = EXPORT_AGAIN) -> EdgekitError:
        return EdgekitError(
            "EK101", "the file is damaged", where=f"{self.file}, {where}", found=found, help=help
        )

    def _program(self) -> tuple[str, str]:
        """The root folder and the name of the program; raises EK102 where there is none, or
        several, or its weights are pickled as torch did before 2.9."""
        graphs = [
            name.removesuffix(".json").split("/models/")
            for name in self._members
            if name.count("/") == 2 and "/models/" in name and name.endswith(".json")
        ]
        if len(graphs) > 1:
            raise refusal(self.file, f"an archive of {len(graphs)} programs (edgekit reads one)")
        if not graphs:
            raise refusal(self.file, zip_kind(self._members))
        root, model = graphs[0]
        if f"{root}/data/weights/{model}.pt" in self._members:
            raise refusal(self.file, "a .pt2 of torch 2.8 or older, whose weights are pickled")
        return root, model

    def read(self, name: str) -> bytes:
        """The bytes of a member, its name without the root folder. Raises EK101."""
        member = self._members.get(f"{self._root}/{name}")
        if member is None:
            raise self.fail(name, "no such member in the archive")
        try:
            with self._zip.open(member) as stream:
                data = stream.read(member.file_size + 1)
        except _BROKEN as broken:
            raise self.fail(name, str(broken) or type(broken).__name__) from None
        if len(data) != member.file_size:
            raise self.fail(name, f"{len(data)} bytes, wanted {member.file_size}")
        return data

    def json(self, name: str) -> Item:
        return read_json(self.read(name), f"{self.file}, {name}")

    def claim(self, size: int, where: str) -> None:
        """Count a tensor made from the archive, before it is made: strides of 0 and shared payloads
        make large ones of few bytes. Raises EK103."""
        self._claimed += size
        if self._claimed > MAX_FILE_BYTES:
            raise _too_large(self, where, self._claimed)

    def byte_order(self) -> str:
        """ "<" or ">": how numbers lie in the payloads."""
        order = self.read("byteorder").strip()
        if order not in (b"little", b"big"):
            raise self.fail("byteorder", f"{order[:20]!r}, wanted little or big")
        return "<" if order == b"little" else ">"


def _check_members(archive: Archive, members: list[zipfile.ZipInfo], size: int) -> None:
    """Names that are used once, sizes that are believable, and bytes that belong to one member."""
    seen: set[str] = set()
    end = 0
    for member in sorted(members, key=lambda m: m.header_offset):
        name = member.filename
        if name in seen:
            raise archive.fail(name[:80], "two members of one name")
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise archive.fail(name[:80], "a name that leaves the archive's folder")
        if member.flag_bits & 1:
            raise archive.fail(name[:80], "an encrypted member", "export the model without encryption")  # fmt: skip
        if member.header_offset < end:
            raise archive.fail(name[:80], "a member inside another one")
        seen.add(name)
        end = member.header_offset + _LOCAL_HEADER + member.compress_size
        if end > size:
            raise archive.fail(name[:80], f"bytes up to {end}, wanted within {size}")
        if member.file_size > max(_SMALL, _MAX_RATIO * member.compress_size):
            raise _too_large(archive, name[:80], member.file_size)
    total = sum(member.file_size for member in members)
    if total > MAX_FILE_BYTES:
        raise _too_large(archive, f"{len(members)} members", total)


def _too_large(archive: Archive, where: str, size: int) -> EdgekitError:
    return EdgekitError(
        "EK103", "the archive unpacks to too much", where=f"{archive.file}, {where}",
        found=f"{size:,} bytes, wanted at most {MAX_FILE_BYTES:,} in all and {_MAX_RATIO} times the packed size",
        help="edgekit is for models that fit a microcontroller or a small board",
    )  # fmt: skip
