"""Functions of an ELF file as instructions; data between them is left out."""

from __future__ import annotations

import contextlib
import importlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_EXECUTABLE = 0x4  # section flag
# ELF machine -> capstone architecture and modes
_MACHINES = {
    "EM_ARM": ("CS_ARCH_ARM", ("CS_MODE_THUMB", "CS_MODE_MCLASS")),
    "EM_AARCH64": ("CS_ARCH_ARM64", ("CS_MODE_ARM",)),
    "EM_RISCV": ("CS_ARCH_RISCV", ("CS_MODE_RISCV32", "CS_MODE_RISCVC")),
    "EM_X86_64": ("CS_ARCH_X86", ("CS_MODE_64",)),
}


@dataclass(frozen=True)
class Instruction:
    """One instruction; branch targets in `operands` are absolute addresses."""

    address: int
    size: int
    mnemonic: str
    operands: str


@dataclass(frozen=True)
class Function:
    """A function's instructions in the order of their addresses."""

    name: str
    address: int
    end: int
    instructions: tuple[Instruction, ...]


@contextlib.contextmanager
def open_elf(path: Path) -> Iterator[Any]:
    """The ELF file at `path`."""
    elffile = importlib.import_module("elftools.elf.elffile")
    with path.open("rb") as file:
        yield elffile.ELFFile(file)


def machine_of(image: Any) -> str:
    """The ELF machine, e.g. ``EM_ARM``."""
    return str(image["e_machine"])


def disassemble(image: Any) -> list[Function]:
    """Every function of the executable sections, linked or not."""
    capstone = importlib.import_module("capstone")
    architecture, modes = _MACHINES[machine_of(image)]
    engine = capstone.Cs(
        getattr(capstone, architecture), sum(getattr(capstone, mode) for mode in modes)
    )
    functions: list[Function] = []
    for index, section in enumerate(image.iter_sections()):
        if section["sh_flags"] & _EXECUTABLE and section["sh_size"]:
            functions += _functions(image, index, section, engine)
    return functions


def _functions(image: Any, index: int, section: Any, engine: Any) -> Iterator[Function]:
    """The functions of one section. Assembly without sizes reaches to the next symbol."""
    thumb = machine_of(image) == "EM_ARM"
    base, data = int(section["sh_addr"]), section.data()
    starts: dict[int, str] = {}
    maps: list[tuple[int, str]] = []
    for symbol in image.get_section_by_name(".symtab").iter_symbols():
        if symbol["st_shndx"] != index:
            continue
        address = int(symbol["st_value"]) & ~int(thumb)
        if symbol.name.startswith("$"):  # Arm's and RISC-V's marks: $d data, others code
            maps.append((address, symbol.name[:2]))
        elif _names_function(symbol):
            starts.setdefault(address, symbol.name)
    bounds = [*sorted(starts), base + len(data)]
    for start, end in itertools.pairwise(bounds):
        spans = _code_spans(start, end, sorted(maps))
        instructions = tuple(
            instruction
            for low, high in spans
            for instruction in _decode(engine, data[low - base : high - base], low, thumb)
        )
        yield Function(starts[start], start, end, instructions)


def _decode(engine: Any, code: bytes, address: int, thumb: bool) -> Iterator[Instruction]:
    """Instructions of a run of code. One that the disassembler does not know (Armv8.1-M's loops)
    is called "unknown"; the first halfword tells its size."""
    at = 0
    while at < len(code):
        # In one go, because only so the conditions of an IT block reach its instructions.
        for found in engine.disasm(code[at:], address + at):
            yield Instruction(found.address, found.size, found.mnemonic, found.op_str)
            at += found.size
        if at < len(code):
            wide = (
                thumb and code[at + 1 : at + 2] and code[at + 1] >> 3 in (0b11101, 0b11110, 0b11111)
            )
            size = 4 if wide else 2 if thumb else 1
            yield Instruction(address + at, size, "unknown", "")
            at += size


def _names_function(symbol: Any) -> bool:
    """Assembly gives its functions no type; compilers' local labels have none either."""
    kinds = ("STT_FUNC", "STT_NOTYPE")
    return symbol["st_info"]["type"] in kinds and symbol.name != "" and symbol.name[:2] != ".L"


def _code_spans(start: int, end: int, maps: list[tuple[int, str]]) -> list[tuple[int, int]]:
    """The parts of [start, end) that the mapping symbols do not mark as data."""
    marks = [(a, kind) for a, kind in maps if start < a < end]
    before = [kind for a, kind in maps if a <= start]
    marks.insert(0, (start, before[-1] if before else "$x"))
    ends = [a for a, _ in marks[1:]] + [end]
    return [(a, b) for (a, kind), b in zip(marks, ends, strict=True) if kind != "$d" and a < b]
