"""What the emulator needs of a linked image: its bytes, its functions."""

from __future__ import annotations

import bisect
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple


class Function(NamedTuple):
    address: int
    size: int


@dataclass(frozen=True)
class Image:
    """segments: (address, bytes) as they stand in memory when the program runs; functions: by
    name, without the mode bit of Arm addresses; code: first and one past the last address that
    may be executed."""

    segments: tuple[tuple[int, bytes], ...]
    functions: dict[str, Function]
    code: tuple[int, int]

    def name_of(self, address: int) -> str:
        """`function+offset` of a program counter; the plain number where there is no function."""
        starts = sorted((f.address, name) for name, f in self.functions.items())
        index = bisect.bisect_right(starts, (address, "\U0010ffff")) - 1
        if index < 0 or not self.code[0] <= address < self.code[1]:
            return f"{address:#x}"
        start, name = starts[index]
        return f"{name}+{address - start:#x}"

    def bytes_of(self, first: int, end: int) -> bytes:
        """What stands from address `first` to before `end`, which lie in one segment."""
        start, data = next(
            (start, data) for start, data in self.segments if start <= first < start + len(data)
        )
        return data[first - start : end - start]


def read_image(path: Path) -> Image:
    """Read an ELF file made by `Compiler.link_bare`."""
    elffile = importlib.import_module("elftools.elf.elffile")
    with path.open("rb") as file:
        elf: Any = elffile.ELFFile(file)
        loaded = [s for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"]]
        segments = tuple((int(s["p_vaddr"]), bytes(s.data())) for s in loaded)
        mode_bit = 1 if elf["e_machine"] == "EM_ARM" else 0
        functions = {
            symbol.name: Function(int(symbol["st_value"]) & ~mode_bit, int(symbol["st_size"]))
            for symbol in elf.get_section_by_name(".symtab").iter_symbols()
            if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_shndx"] != "SHN_UNDEF"
        }
        text = elf.get_section_by_name(".text")
        start = int(text["sh_addr"])
        return Image(segments, functions, (start, start + int(text["sh_size"])))


def symbols_of(path: Path) -> set[str]:
    """The names of the functions that an object file defines."""
    elffile = importlib.import_module("elftools.elf.elffile")
    with path.open("rb") as file:
        table = elffile.ELFFile(file).get_section_by_name(".symtab")
        return {
            symbol.name
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_shndx"] != "SHN_UNDEF"
        }
