"""Classes of instructions that Armv8.1-M added, which the disassembler does not know: MVE and loops."""

from __future__ import annotations

from typing import NamedTuple

_VECTOR, _LANES = 2, 4


class Kind(NamedTuple):
    """A class of `edgekit.cycles`, and how many words of up to 64 bits a load or store moves."""

    name: str
    registers: int = 0


def kind_of(first: int, second: int) -> Kind | None:
    """The class of an instruction of two halfwords; None where it is none of these.

    A vector is two accesses of 64 bits, of single lanes (gathered, scattered) four.
    """
    if first >> 7 == 0b111100000 and second & 1:
        return _loop(first, second)
    if first >> 8 in (0xEF, 0xFF):
        return Kind("simd")
    floating = second >> 8 & 0xF in (0x9, 0xA, 0xB)
    if first >> 8 in (0xEE, 0xFE) and not floating:
        return Kind("simd")
    if first >> 9 & 0b1110111 == 0b1110110 and second & 0x0E00 == 0x0E00:
        return _memory(first, second)
    return None


def _loop(first: int, second: int) -> Kind | None:
    if second >> 12 == 0xC:  # LE, LETP, WLS, WLSTP
        return Kind("branch")
    if second >> 12 == 0xE:  # DLS, DLSTP; VCTP
        return Kind("simd" if second == 0xE801 else "alu")
    return None


def _memory(first: int, second: int) -> Kind:
    before, up, back = first >> 8 & 1, first >> 7 & 1, first >> 5 & 1
    if not (before or up or back):  # VMOV of two registers to two lanes, or from them
        return Kind("simd")
    name = "load" if first >> 4 & 1 else "store"
    one_by_one = not before and up and not back and not second >> 12 & 1
    return Kind(name, _LANES if one_by_one else _VECTOR)
