"""The model part of a firmware image: the bundle's objects, linked alone, nothing added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edgekit.emit.footprint import Footprint, footprint, forbidden
from edgekit.emit.stack import StackBound, stack_bound
from edgekit.emit.threads import without_port
from edgekit.errors import EdgekitError
from edgekit.target import Target
from edgekit.toolchain import Compiler, find_compiler


@dataclass(frozen=True)
class Firmware:
    """The linked model: what a board would hold of it, and what it was made with."""

    name: str
    elf: Path
    objects: tuple[Path, ...]
    compiler: Compiler
    roots: tuple[str, ...]

    def footprint(self) -> Footprint:
        """Bytes of code, weights, tables and static RAM."""
        return footprint(self.elf, self.name)

    def stack(self) -> StackBound:
        """Worst-case stack of an entry point. Raises EK401 where it has no bound."""
        return self._stack

    @cached_property
    def _stack(self) -> StackBound:
        return stack_bound(self.elf, list(self.roots))


def compile_model(
    folder: Path, name: str, target: Target, work: Path, *, roots: Sequence[str], prefer: str = ""
) -> Firmware:
    """Compile a bundle's C files but those of threads, and link its entry points `roots` into ``work``.

    Raises EK501/EK502 for compilers, EK901 when an object needs what generated code must not need.
    """
    compiler = find_compiler(target, prefer)
    sources = without_port(name, sorted(folder.glob("*.c")))
    objects = compiler.compile(sources, work / "objects", include=[folder])
    unwanted = forbidden(objects)
    if unwanted:
        raise EdgekitError(
            "EK901", "generated code needs what it must not need", found=", ".join(unwanted)
        )
    elf = compiler.link_bare(objects, work / f"{name}.elf", entry=roots[0], keep=roots)
    return Firmware(name, elf, tuple(objects), compiler, tuple(roots))
