"""Targets are data: loads, merges and validates the TOML files of `targets/` and of users.

The dataclasses below are the schema of those files: a field is a key.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgekit import schema
from edgekit.data import data_dir
from edgekit.errors import EdgekitError
from edgekit.schema import key

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ISA = ("armv6m", "dsp", "mve", "neon", "neon_dot", "rv32", "rvv")


@dataclass(frozen=True)
class Memory:
    """One memory region. `base`, `size` and `reserved` (what the rest of the firmware needs) are
    bytes; `wait` is the cycles an access costs beyond those of the cycle table."""

    name: str = key(schema.text)
    kind: str = key(schema.one_of("ram", "flash"))
    base: int = key(schema.size)
    size: int = key(schema.size)
    reserved: int = key(schema.size, default=0)
    wait: float = key(schema.number, default=0.0)


@dataclass(frozen=True)
class Toolchain:
    """One way to compile for a target. `flags` select the core at compile time; `link_flags` link
    a program of the target's operating system, `bare_flags` an image without any; both default to
    `flags`. `package` is what Debian calls it."""

    kind: str = key(schema.one_of("gcc", "clang", "zig"))
    command: str = key(schema.text)
    flags: tuple[str, ...] = key(schema.texts)
    link_flags: tuple[str, ...] = key(schema.texts, default=())
    bare_flags: tuple[str, ...] = key(schema.texts, default=())
    package: str = key(schema.text, default="")


@dataclass(frozen=True)
class Qemu:
    """How QEMU runs a program for the target: on a `machine` from a bare image linked to the given
    memory, with its result on a `uart`, or with `cpu` alone as a Linux program."""

    program: str = key(schema.text)
    package: str = key(schema.text)
    machine: str = key(schema.text, default="")
    cpu: str = key(schema.text, default="")
    uart: str = key(schema.one_of("cmsdk", "ns16550"), default="")
    uart_base: int = key(schema.size, default=0)
    flash_base: int = key(schema.size, default=0)
    flash_size: int = key(schema.size, default=0)
    ram_base: int = key(schema.size, default=0)
    ram_size: int = key(schema.size, default=0)


@dataclass(frozen=True)
class Emulator:
    """`unicorn` is the name of unicorn's constant for the CPU model; "" where it has none."""

    unicorn: str = key(schema.text, default="")
    qemu: Qemu | None = key(schema.table(Qemu), default=None)


@dataclass(frozen=True)
class Cycles:
    """Cycles per executed instruction of each class, and where the figures come from.

    `load_next` and `store_next` are accesses right behind another one, and every register after
    the first of a multiple access. The sum is multiplied by `factor` (below 1: dual issue).
    """

    source: str = key(schema.text)
    load: float = key(schema.number)
    load_next: float = key(schema.number)
    store: float = key(schema.number)
    store_next: float = key(schema.number)
    alu: float = key(schema.number)
    mul: float = key(schema.number)
    mul_long: float = key(schema.number)
    div: float = key(schema.number)
    simd: float = key(schema.number)
    branch_taken: float = key(schema.number)
    branch_not_taken: float = key(schema.number)
    other: float = key(schema.number)
    factor: float = key(schema.number, default=1.0)


@dataclass(frozen=True)
class Power:
    """What a cycle of the running core takes from the supply, in picojoules, and who says so."""

    source: str = key(schema.text)
    pj_per_cycle: float = key(schema.number)


@dataclass(frozen=True)
class Target:
    """A core or a board. `clock_hz` is None and `memory` empty where only the core is known. `cores`:
    how many of them the threads of one program can share."""

    name: str
    description: str = key(schema.text)
    arch: str = key(schema.one_of("thumb", "aarch64", "riscv32", "native"))
    system: str = key(schema.one_of("bare", "hosted"))
    pointer_bytes: int = key(schema.integer)
    toolchains: tuple[Toolchain, ...] = key(schema.tables(Toolchain), called="toolchain")
    inherits: str = key(schema.text, default="")
    source: str = key(schema.text, default="")
    isa: tuple[str, ...] = key(schema.some_of(*ISA), default=())
    clock_hz: int | None = key(schema.integer, default=None)
    cores: int = key(schema.count, default=1)
    memory: tuple[Memory, ...] = key(schema.tables(Memory), default=())
    emulator: Emulator = key(schema.table(Emulator), default=Emulator())
    cycles: Cycles | None = key(schema.table(Cycles), default=None)
    power: Power | None = key(schema.table(Power), default=None)

    @property
    def core(self) -> str:
        """The target that describes the core: the one inherited from, or this one."""
        return self.inherits or self.name

    @property
    def ram_limit_bytes(self) -> int | None:
        """The sum over the RAM regions, `reserved` included; None where there are none."""
        return self._sum("ram", "size")

    @property
    def flash_limit_bytes(self) -> int | None:
        return self._sum("flash", "size")

    @property
    def reserved_bytes(self) -> int:
        """RAM that the rest of the firmware needs."""
        return self._sum("ram", "reserved") or 0

    @property
    def flash_reserved_bytes(self) -> int:
        return self._sum("flash", "reserved") or 0

    def _sum(self, kind: str, attribute: str) -> int | None:
        found = [int(getattr(m, attribute)) for m in self.memory if m.kind == kind]
        return sum(found) if found else None

    def summary(self) -> dict[str, Any]:
        """The line of `edgekit targets`."""
        return {
            "name": self.name,
            "description": self.description,
            "arch": self.arch,
            "isa": list(self.isa),
            "clock_hz": self.clock_hz,
            "cores": self.cores,
            "ram_limit_bytes": self.ram_limit_bytes,
            "flash_limit_bytes": self.flash_limit_bytes,
        }

    def to_json(self) -> dict[str, Any]:
        """The summary and every key of the file, inherited ones included."""
        return self.summary() | asdict(self) | {"reserved_bytes": self.reserved_bytes}


def list_targets() -> list[str]:
    """The names of the shipped targets, sorted."""
    return sorted(path.stem for path in data_dir("targets").glob("*.toml"))


def load_target(name_or_path: str | Path) -> Target:
    """A shipped target by name, or a user's file by path (it has a ``/`` or ends in ``.toml``).

    Raises EK002 for an unknown name and for whatever is wrong in the file.
    """
    path = _locate(str(name_or_path), Path())
    table = _parse(path)
    if "inherits" in table:
        parent = _parse(
            _locate(schema.text(table["inherits"], f"{path.name}, inherits"), path.parent)
        )
        if "inherits" in parent:
            raise EdgekitError(
                "EK002",
                "a target inherits from one that itself inherits",
                where=path.name,
                found=f"{table['inherits']} inherits {parent['inherits']}, wanted one level",
                help=f"inherit {parent['inherits']} and repeat the keys you need",
            )
        table = _merge(parent, table)
    target = schema.read(Target, table, path.name, name=path.stem)
    for memory in target.memory:
        if memory.reserved > memory.size:
            schema.reject(
                f"{path.name}, memory {memory.name}, reserved", memory.reserved,
                f"at most the region's {memory.size} bytes",
            )  # fmt: skip
    return target


def _locate(name: str, folder: Path) -> Path:
    """The file of a shipped name, or of a path relative to `folder`."""
    if "/" in name or "\\" in name or name.endswith(".toml"):
        return folder / name
    if name not in list_targets():
        raise EdgekitError(
            "EK002",
            f"unknown target {name!r}",
            where="target",
            found=f"{name}, wanted a name of `edgekit targets` or the path of a .toml file",
            help=schema.nearest(name, list_targets()),
        )
    return data_dir("targets") / f"{name}.toml"


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as broken:
        reason = broken.strerror if isinstance(broken, OSError) else str(broken)
        raise EdgekitError(
            "EK002", "the target description cannot be read", where=str(path),
            found=reason or "an unreadable file", help="see the files of targets/ for the form",
        ) from None  # fmt: skip


def _merge(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """`child` over `parent`: tables merge key by key, everything else is replaced."""
    merged = dict(parent) | dict(child)
    for name, value in child.items():
        if isinstance(value, dict) and isinstance(parent.get(name), dict):
            merged[name] = _merge(parent[name], value)
    return merged
