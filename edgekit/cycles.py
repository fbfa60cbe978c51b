"""From executed instructions to estimated cycles: a class for each instruction, a table of costs."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from edgekit.isa.armv8_1m import kind_of
from edgekit.target import Cycles

# The first pattern that matches a whole mnemonic, without width suffix, gives the class; "alu"
# where none does. A list of registers makes a load or store a multiple access.
_CLASSES = {
    "thumb": (
        ("load", r"v?ldr\w*|v?ldm\w*|v?pop|vld\w*"),
        ("store", r"v?str\w*|v?stm\w*|v?push|vst\w*"),
        ("branch", r"b|b(eq|ne|[ch]s|cc|lo|mi|pl|v[sc]|hi|ls|[gl][et])|bl|blx|bx|cbn?z|tb[bh]|bxns"),
        ("div", r"[su]div"),
        ("mul_long", r"[su]mull|[su]mlal|umaal"),
        ("simd", r"smla\w+|smls\w+|smul\w+|smu[as]\w+|smm\w+|[su]sat\w*|[squ]h?(add|sub|asx|sax)\w*(8|16|x)|"
                 r"q\w+|[su]xta?b16|pkh\w+|sel|usada?8|v\w+"),
        ("mul", r"muls?|mla|mls"),
        ("other", r"it[te]*|nop|dsb|dmb|isb|svc|bkpt|udf|cps\w*|mrs|msr"),
    ),
    "aarch64": (
        ("load", r"ld\w+"),
        ("store", r"st\w+"),
        ("branch", r"b|b\.\w+|bl|blr|br|ret|cbn?z|tbn?z"),
        ("div", r"[su]div"),
        ("mul_long", r"[su]mulh|[su]mull|[su]maddl|[su]msubl"),
        ("mul", r"mul|madd|msub|mneg"),
        ("other", r"nop|prfm|isb|dsb|dmb|hint|svc"),
    ),
    "riscv32": (
        ("load", r"(c\.)?l([bhw]|[bh]u|wsp)"),
        ("store", r"(c\.)?s([bhw]|wsp)"),
        ("branch", r"(c\.)?(b(eq|ne|lt|ge|gt|le)u?z?|j|jal|jr|jalr|ret|call|tail)"),
        ("div", r"(div|rem)u?"),
        ("mul_long", r"mulh(su|u)?"),
        ("mul", r"mul"),
        ("other", r"(c\.)?(nop|ebreak)|fence\w*|ecall|csr\w+"),
    ),
}  # fmt: skip
_VECTOR = re.compile(r"\b[vq]\d+")
_MODES = {
    "thumb": ("CS_ARCH_ARM", ("CS_MODE_THUMB", "CS_MODE_MCLASS")),
    "aarch64": ("CS_ARCH_ARM64", ("CS_MODE_ARM",)),
    "riscv32": ("CS_ARCH_RISCV", ("CS_MODE_RISCV32", "CS_MODE_RISCVC")),
}


class Instruction(NamedTuple):
    """offset and size in bytes of code; registers: how many a load or store moves."""

    offset: int
    size: int
    kind: str
    registers: int


def size_of(arch: str, code: bytes, offset: int) -> int:
    """Bytes of the instruction at `offset`, from its first halfword alone."""
    first = int.from_bytes(code[offset : offset + 2], "little")
    if arch == "thumb":
        return 4 if first >> 11 in (0b11101, 0b11110, 0b11111) else 2
    if arch == "riscv32":
        return 4 if first & 3 == 3 else 2
    return 4


class Disassembler:
    """Classes of instructions of one architecture."""

    def __init__(self, arch: str) -> None:
        self.arch = arch
        capstone = importlib.import_module("capstone")
        name, modes = _MODES[arch]
        self._engine: Any = capstone.Cs(
            getattr(capstone, name), sum(getattr(capstone, mode) for mode in modes)
        )
        self._patterns = [(kind, re.compile(pattern)) for kind, pattern in _CLASSES[arch]]

    def instruction(self, code: bytes, offset: int) -> Instruction:
        """One that cannot be decoded is of class "other"."""
        size = size_of(self.arch, code, offset)
        if self.arch == "thumb" and size == 4:
            halves = (int.from_bytes(code[at : at + 2], "little") for at in (offset, offset + 2))
            new = kind_of(*halves)
            if new:
                return Instruction(offset, size, new.name, new.registers)
        found = next(self._engine.disasm_lite(code[offset : offset + size], 0, 1), None)
        if found is None:
            return Instruction(offset, size, "other", 0)
        _, _, mnemonic, operands = found
        kind = self._kind(mnemonic.removesuffix(".w").removesuffix(".n"), operands)
        moved = _registers(operands) if kind in ("load", "store") else 0
        return Instruction(offset, size, kind, moved)

    def _kind(self, mnemonic: str, operands: str) -> str:
        plain = mnemonic if self.arch != "thumb" else mnemonic.partition(".")[0]
        for kind, pattern in self._patterns:
            if pattern.fullmatch(plain):
                vector = kind in ("mul", "mul_long") and self.arch == "aarch64"
                return "simd" if vector and _VECTOR.search(operands) else kind
        return "simd" if self.arch == "aarch64" and _VECTOR.search(operands) else "alu"


def _registers(operands: str) -> int:
    """How many registers a load or store names, its address apart."""
    listed = re.search(r"\{(.*)\}", operands)
    named = listed.group(1) if listed else operands.partition("[")[0]
    return max(1, len([part for part in named.split(",") if part.strip()]))


def costs(instructions: list[Instruction], table: Cycles) -> Iterator[tuple[float, float]]:
    """For each instruction its cycles, and those added whenever it jumps."""
    jump = table.branch_taken - table.branch_not_taken
    end, accessed = -1, False
    for i in instructions:
        follows = accessed and i.offset == end
        if i.kind in ("load", "store"):
            first, more = (
                (table.load, table.load_next)
                if i.kind == "load"
                else (table.store, table.store_next)
            )
            cycles = (more if follows else first) + more * (i.registers - 1)
        elif i.kind == "branch":
            cycles = table.branch_not_taken
        else:
            cycles = float(getattr(table, i.kind))
        yield cycles, jump
        end, accessed = i.offset + i.size, i.kind in ("load", "store")
