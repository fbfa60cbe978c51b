"""Bytes of a linked model by what they are, and what its objects must not contain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.emit.disassembly import disassemble, open_elf

_ALLOCATED, _WRITABLE, _EXECUTABLE = 0x2, 0x1, 0x4  # section flags

_HEAP = r"malloc|calloc|realloc|free|_sbrk|sbrk"
_LIBM = r"(sin|cos|tan|exp|exp2|log|log2|pow|sqrt|floor|ceil|round|tanh|fabs|fmod)f?l?"
_SOFT_FLOAT = r"__aeabi_(f|d|i2f|i2d|ui2f|ui2d|l2f|l2d|ul2f|ul2d|cf|cd)\w*|__(add|sub|mul|div|neg|fix|fixuns|float|floatun|extend|trunc)[sdt][fi][sdt]?[fi]?\w*"
_FORBIDDEN_SYMBOL = re.compile(f"({_HEAP}|{_LIBM}|{_SOFT_FLOAT})")
# Arithmetic and conversion on floating-point numbers; moves and loads of vector registers are not.
_FLOAT_INSTRUCTION = re.compile(
    r"v(add|sub|mul|mla|mls|fma|fms|div|sqrt|neg|abs|cmp|cvt)\w*\.(f16|f32|f64|\w*\.f\d+)"
    r"|vcvt\w*|f(add|sub|mul|div|madd|msub|nmul|nmadd|nmsub|sqrt|neg|abs|cmp|ccmp|cvt\w*|mla|mls)(\.[sdh])?"
    r"|(scvtf|ucvtf)|v?(add|sub|mul|div|sqrt|min|max|ucomi|comi)(ss|sd|ps|pd)|v?cvt\w*(ss|sd|ps|pd)\w*"
)


@dataclass(frozen=True)
class Footprint:
    """Bytes in flash by kind, static RAM, and the symbols that take them: (name, kind, bytes)."""

    code_bytes: int
    weights_bytes: int
    tables_bytes: int
    data_bytes: int
    by_symbol: tuple[tuple[str, str, int], ...]


def footprint(elf: Path, prefix: str) -> Footprint:
    """Classify what a linked model occupies.

    Code is every executable section, literal pools and library helpers included; weights are the
    read-only symbols called ``<prefix>_w_...``; tables are the rest of what is read-only, with its
    alignment. Writable sections are static RAM, and their images in flash count as tables.
    """
    with open_elf(elf) as image:
        sections = [s for s in image.iter_sections() if s["sh_flags"] & _ALLOCATED and s["sh_size"]]
        kinds = {image.get_section_index(s.name): _kind(s) for s in sections}
        symbols = sorted(_objects(image, kinds, prefix), key=lambda s: (-s[2], s[0]))
        sums = {"code": 0, "constant": 0, "data": 0}
        for section in sections:
            sums[_kind(section)] += section["sh_size"]
        loaded = sum(
            s["sh_size"] for s in sections if _kind(s) == "data" and s["sh_type"] == "SHT_PROGBITS"
        )
    weights = sum(size for _, kind, size in symbols if kind == "weights")
    return Footprint(
        code_bytes=sums["code"],
        weights_bytes=weights,
        tables_bytes=sums["constant"] - weights + loaded,
        data_bytes=sums["data"],
        by_symbol=tuple(symbols),
    )


def _kind(section: Any) -> str:
    flags = section["sh_flags"]
    if flags & _EXECUTABLE:
        return "code"
    # A loader would write to .relro once, to relocate it; there is none here.
    return "data" if flags & _WRITABLE and section.name != ".relro" else "constant"


def _objects(image: Any, kinds: dict[int, str], prefix: str) -> Iterator[tuple[str, str, int]]:
    """Sized symbols of the allocated sections."""
    for symbol in image.get_section_by_name(".symtab").iter_symbols():
        kind = kinds.get(symbol["st_shndx"])
        if kind is None or not symbol["st_size"]:
            continue
        if kind == "constant":
            kind = "weights" if symbol.name.startswith(f"{prefix}_w_") else "tables"
        yield symbol.name, kind, int(symbol["st_size"])


def forbidden(objects: Sequence[Path]) -> list[str]:
    """What generated objects must not need, as ``file: symbol or instruction``; [] when clean.

    Looks for heap, libm and soft-float symbols, and for floating-point arithmetic instructions.
    """
    found = []
    for path in objects:
        with open_elf(path) as image:
            for symbol in image.get_section_by_name(".symtab").iter_symbols():
                if symbol["st_shndx"] == "SHN_UNDEF" and _FORBIDDEN_SYMBOL.fullmatch(symbol.name):
                    found.append(f"{path.name}: {symbol.name}")
            for function in disassemble(image):
                bad = {
                    i.mnemonic
                    for i in function.instructions
                    if _FLOAT_INSTRUCTION.fullmatch(i.mnemonic)
                }
                found += [f"{path.name}: {name} in {function.name}" for name in sorted(bad)]
    return found
