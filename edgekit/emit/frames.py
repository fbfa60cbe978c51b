"""What one instruction does to the stack pointer and to the flow of control, per machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from edgekit.emit.disassembly import Instruction

NEXT, JUMP, CALL, RETURN, TABLE, INDIRECT = "next", "jump", "call", "return", "table", "indirect"


@dataclass(frozen=True)
class Effect:
    """flow: one of the words above; target: of a jump or call; falls: whether the next instruction
    may follow too. grow: bytes that the stack grows by; sets: (register, None) copies the stack
    pointer plus `offset` into it; takes: the register the stack pointer is set from."""

    flow: str = NEXT
    target: int = 0
    falls: bool = True
    grow: int | None = 0
    sets: str = ""
    takes: str = ""
    offset: int = 0


_NUMBER = r"#?-?(0x[0-9a-f]+|[0-9]+)"


def number(text: str) -> int:
    """An immediate such as ``#-0x10``, ``0x8000`` or ``-16``."""
    return int(text.strip().lstrip("#"), 0)


def _registers(operands: str) -> list[str]:
    return re.search(r"\{(.*)\}", operands)[1].replace(" ", "").split(",")  # type: ignore[index]


_CONDITION = "(eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)"
_THUMB = re.compile(
    rf"(pop|push|vpush|vpop|bx|blx|bl|b|sub|subw|add|addw|mov|ldm|ldr|ldrd|str|strd|stmdb){_CONDITION}?"
)


def thumb(i: Instruction, previous: Instruction | None) -> Effect:
    """Arm Cortex-M."""
    mnemonic, operands = i.mnemonic.partition(".")[0], i.operands
    if mnemonic in ("cbz", "cbnz"):
        return Effect(JUMP, number(operands.split(",")[1]))
    if mnemonic in ("tbb", "tbh"):
        return Effect(TABLE, falls=False)
    # add(s) and sub(s) never touch the stack pointer in their flag-setting form.
    match = _THUMB.fullmatch(mnemonic)
    if not match:
        return Effect()
    name, conditional = match[1], match[2] is not None
    if name == "b":
        return Effect(JUMP, number(operands), conditional)
    if name == "bl":
        return Effect(CALL, number(operands))
    if name == "blx":
        return Effect(INDIRECT)
    if name == "bx":
        return Effect(RETURN if operands == "lr" else INDIRECT, falls=conditional)
    if name in ("push", "vpush", "pop", "vpop") or (
        name in ("ldm", "stmdb") and operands.startswith("sp!")
    ):
        registers = _registers(operands)
        size = sum(8 if r[0] == "d" else 4 for r in registers)
        if "pc" in registers:
            return Effect(RETURN, falls=conditional)
        return Effect(grow=size if name in ("push", "vpush", "stmdb") else -size)
    if name in ("ldr", "ldrd", "str", "strd"):
        return _thumb_indexed(name, operands, conditional)
    if operands.startswith("pc,") and name in ("add", "mov"):
        return Effect(TABLE, falls=False)
    return _arithmetic(name.removesuffix("w"), operands.split(", "))


def _thumb_indexed(name: str, operands: str, conditional: bool) -> Effect:
    """Loads and stores that move the stack pointer, and jumps by loading the program counter."""
    before = re.search(r"\[sp, (#-?\w+)\]!", operands)
    after = re.search(r"\[sp\], (#-?\w+)", operands)
    if name == "ldr" and operands.startswith("pc,"):
        if after:
            return Effect(RETURN, falls=conditional)
        return Effect(TABLE if "[pc" in operands else INDIRECT, falls=conditional)
    moved = before or after
    return Effect(grow=-number(moved[1])) if moved else Effect()


def _arithmetic(name: str, parts: list[str], sp: str = "sp") -> Effect:
    """add, sub and mov that read or write the stack pointer; two-operand forms repeat the first."""
    if parts[0] == sp:
        if name == "mov":
            return Effect(takes=parts[1])
        base, amount = (sp, parts[1]) if len(parts) == 2 else (parts[1], parts[2])
        if not re.fullmatch(_NUMBER, amount) or len(parts) > 4:
            return Effect(grow=None)
        value = number(amount) << (12 if parts[3:] == ["lsl #12"] else 0)
        value = value if name == "sub" else -value
        return Effect(grow=value) if base == sp else Effect(takes=base, offset=value)
    if len(parts) >= 2 and parts[1] == sp:
        if name == "mov":
            return Effect(sets=parts[0])
        if len(parts) == 3 and re.fullmatch(_NUMBER, parts[2]):
            value = number(parts[2])
            return Effect(sets=parts[0], offset=value if name == "sub" else -value)
    return Effect()


def aarch64(i: Instruction, previous: Instruction | None) -> Effect:
    """Armv8-A, 64 bits."""
    mnemonic, operands = i.mnemonic, i.operands
    if mnemonic == "b" or mnemonic.startswith("b."):
        return Effect(JUMP, number(operands), mnemonic != "b")
    if mnemonic in ("cbz", "cbnz", "tbz", "tbnz"):
        return Effect(JUMP, number(operands.split(", ")[-1]))
    if mnemonic == "bl":
        return Effect(CALL, number(operands))
    if mnemonic in ("blr", "br", "ret"):
        kind = {"blr": INDIRECT, "br": TABLE, "ret": RETURN}[mnemonic]
        return Effect(kind, falls=mnemonic == "blr")
    if mnemonic in ("str", "stp", "ldr", "ldp"):
        moved = re.search(r"\[sp, (#-?\w+)\]!", operands) or re.search(
            r"\[sp\], (#-?\w+)", operands
        )
        return Effect(grow=-number(moved[1])) if moved else Effect()
    if mnemonic in ("add", "sub", "mov"):
        return _arithmetic(mnemonic, operands.split(", "))
    return Effect()


def riscv(i: Instruction, previous: Instruction | None) -> Effect:
    """RV32IMC. Branch operands are relative to the instruction; a far call is auipc and jalr."""
    mnemonic, parts = i.mnemonic.removeprefix("c."), i.operands.split(", ")
    if mnemonic in ("j", "jal"):
        target = i.address + number(parts[-1])
        links = mnemonic == "jal" and parts[0] != "zero"
        return Effect(CALL, target) if links else Effect(JUMP, target, False)
    if re.fullmatch(r"b(eq|ne|lt|ge|gt|le)u?z?", mnemonic):
        return Effect(JUMP, i.address + number(parts[-1]))
    if mnemonic == "ret" or (mnemonic == "jr" and parts == ["ra"]):
        return Effect(RETURN, falls=False)
    if mnemonic == "jr":
        return Effect(TABLE, falls=False)
    if mnemonic == "jalr":
        return _far_call(parts, previous)
    if mnemonic in ("addi", "addi16sp", "addi4spn", "mv", "add", "sub"):
        name = {"mv": "mov", "sub": "sub"}.get(mnemonic, "add")
        return _arithmetic(name, parts)
    return Effect()


def _far_call(parts: list[str], previous: Instruction | None) -> Effect:
    """jalr rd, base, offset: a direct call where auipc has just made the base."""
    if len(parts) != 3 or previous is None or previous.mnemonic != "auipc":
        return Effect(INDIRECT)
    base, high = previous.operands.split(", ")
    if base != parts[1]:
        return Effect(INDIRECT)
    target = (previous.address + (number(high) << 12) + number(parts[2])) & 0xFFFFFFFF
    return Effect(CALL, target) if parts[0] == "ra" else Effect(JUMP, target, False)


def x86_64(i: Instruction, previous: Instruction | None) -> Effect:
    """x86-64; a call's return address is counted by the caller of this analysis."""
    mnemonic, operands = i.mnemonic.removeprefix("notrack ").removeprefix("bnd "), i.operands
    direct = re.fullmatch(r"0x[0-9a-f]+", operands) is not None
    if mnemonic == "call":
        return Effect(CALL, number(operands)) if direct else Effect(INDIRECT)
    if mnemonic == "jmp":
        return Effect(JUMP, number(operands), False) if direct else Effect(TABLE, falls=False)
    if mnemonic.startswith("j"):
        return Effect(JUMP, number(operands))
    if mnemonic.startswith("ret"):
        return Effect(RETURN, falls=False)
    if mnemonic in ("push", "pop"):
        return Effect(grow=8 if mnemonic == "push" else -8)
    if mnemonic == "leave":
        return Effect(takes="rbp", offset=-8)
    if mnemonic == "and" and operands.startswith("rsp,"):
        return Effect(grow=(-number(operands.split(", ")[1]) & 0xFFFFFFFF) - 1)
    if mnemonic == "lea":
        where = re.fullmatch(r"(\w+), \[rsp ([+-]) (\w+)\]", operands)
        if where:
            value = number(where[3]) * (-1 if where[2] == "+" else 1)
            return Effect(grow=value) if where[1] == "rsp" else Effect(sets=where[1], offset=value)
        back = re.fullmatch(r"rsp, \[(\w+) ([+-]) (\w+)\]", operands)
        if back:
            return Effect(takes=back[1], offset=number(back[3]) * (-1 if back[2] == "+" else 1))
        return Effect(grow=None) if operands.startswith("rsp,") else Effect()
    if mnemonic in ("add", "sub", "mov"):
        return _arithmetic(mnemonic, operands.split(", "), "rsp")
    return Effect()


Semantics = Callable[[Instruction, Instruction | None], Effect]

MACHINES: dict[str, tuple[Semantics, int, int]] = {
    # machine -> its semantics of an instruction behind another, bytes that a call itself pushes,
    # bytes below the stack pointer that a function without calls may use
    "EM_ARM": (thumb, 0, 0),
    "EM_AARCH64": (aarch64, 0, 0),
    "EM_RISCV": (riscv, 0, 0),
    "EM_X86_64": (x86_64, 8, 128),
}

_WRITES_NOTHING = re.compile(
    r"(c\.)?(v?push|cmp|cmn|test|tst|v?st\w*|s[bhwd]|s[wd]sp|cbn?z|tbn?z|b\w*|unknown)"
)


def written(i: Instruction) -> str:
    """The register that an instruction's first operand names as its result, "" where it has none."""
    if _WRITES_NOTHING.fullmatch(i.mnemonic.partition(".w")[0]):
        return ""
    return i.operands.partition(",")[0].strip()
