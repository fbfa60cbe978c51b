"""Compilers: finds one of a target's candidates, compiles and links with it, reproducibly."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from edgekit.data import cache_dir, data_dir
from edgekit.errors import EdgekitError
from edgekit.target import Target, Toolchain

WARNINGS = (
    "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow",
    "-Wdouble-promotion", "-Wcast-align", "-Wvla", "-Werror",
)  # fmt: skip
# Sections of their own let the linker drop what a model does not use; -g0 keeps paths out.
_COMMON = ("-std=c99", "-ffunction-sections", "-fdata-sections", "-fno-stack-protector", "-g0")
_SYSTEM = {
    "bare": ("-ffreestanding", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
    "hosted": (),
}
# zig cc turns the undefined-behaviour sanitizer on unless told otherwise.
_KIND = {"gcc": (), "clang": (), "zig": ("-fno-sanitize=all",)}
# Keeps the loops of memcpy and memset from becoming calls of memcpy and memset.
_NO_BUILTIN = {
    "gcc": ("-fno-builtin", "-fno-tree-loop-distribute-patterns"),
    "clang": ("-fno-builtin",),
    "zig": ("-fno-builtin",),
}
# zig links its own compiler library; -nostdlib would take it away.
_BARE_LINK = {
    "gcc": (("-nostdlib",), ("-lgcc",)),
    "clang": (("-nostdlib",), ()),
    "zig": ((), ()),
}
_TIMEOUT_S = 600
_ERROR = re.compile("error:|undefined|overflow|region", re.IGNORECASE)


@dataclass(frozen=True)
class MemoryMap:
    """Where a bare image is linked to, in bytes. The default is roomy: for emulated memory."""

    flash_base: int = 0x0800_0000
    flash_size: int = 0x0400_0000
    ram_base: int = 0x2000_0000
    ram_size: int = 0x0400_0000

    def script(self) -> str:
        """The linker script: the numbers, then `runtime/port/bare.ld`."""
        # As text, since zig passes no --defsym on to its linker.
        numbers = "".join(f"ek_{name} = {value:#x};\n" for name, value in vars(self).items())
        return numbers + (data_dir("runtime") / "port" / "bare.ld").read_text()


@dataclass(frozen=True)
class Compiler:
    """A compiler that exists on this machine, with the flags that make it compile for `target`."""

    target: Target
    toolchain: Toolchain
    command: tuple[str, ...]
    version: str

    def flags(self, optimize: str = "-O2") -> tuple[str, ...]:
        """Every flag of a compilation but warnings and paths."""
        tool = self.toolchain
        return (*tool.flags, *_COMMON, *_SYSTEM[self.target.system], *_KIND[tool.kind], optimize)

    def command_line(self, optimize: str = "-O2") -> str:
        """The compilation as reports record it, free of this machine's paths."""
        name = "zig cc" if self.toolchain.kind == "zig" else self.toolchain.command
        return shlex.join([*name.split(), *self.flags(optimize)])

    def compile(
        self,
        sources: Sequence[Path],
        folder: Path,
        *,
        include: Sequence[Path] = (),
        defines: Sequence[str] = (),
        flags: Sequence[str] = (),
        optimize: str = "-O2",
    ) -> list[Path]:
        """Compile each source to ``folder/<stem>.o``; any warning is an error.

        Raises EK502 with the compiler's first error lines.
        """
        folder.mkdir(parents=True, exist_ok=True)
        options = [*self.flags(optimize), *WARNINGS, *flags, *(f"-D{name}" for name in defines)]
        options += [f"-I{path}" for path in include]

        def one(source: Path) -> Path:
            output = folder / f"{source.stem}.o"
            mapped = f"-ffile-prefix-map={source.parent}=."
            self._run([*options, mapped, "-c", str(source), "-o", str(output)], source.name)
            return output

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(one, sources))

    def link(self, objects: Sequence[Path], output: Path, *, flags: Sequence[str] = ()) -> Path:
        """Link a program, or with ``-shared`` a library, of the target's operating system.

        Raises EK502.
        """
        base = self.toolchain.link_flags or self.toolchain.flags
        self._run([*base, "-O2", *map(str, objects), *flags, "-o", str(output)], output.name)
        return output

    def link_bare(
        self,
        objects: Sequence[Path],
        output: Path,
        *,
        entry: str,
        keep: Sequence[str] = (),
        memory: MemoryMap = MemoryMap(),
    ) -> Path:
        """Link an image without operating system or C library: `entry`, the functions of `keep`
        and what they need; the rest is dropped.

        `entry` is the start-up code's symbol, or a function to be called directly. Raises EK502.
        """
        tool = self.toolchain
        script = output.with_suffix(".ld")
        script.write_text(memory.script())
        string = data_dir("runtime") / "port" / "ek_string.c"
        helpers = self.compile([string], output.parent, flags=_NO_BUILTIN[tool.kind])
        before, after = _BARE_LINK[tool.kind]
        roots = [f"-Wl,-u,{symbol}" for symbol in keep]
        self._run(
            [*(tool.bare_flags or tool.flags), "-O2", *before, "-T", str(script),
             "-Wl,--gc-sections", f"-Wl,--entry={entry}", *roots,
             *map(str, (*objects, *helpers)), *after, "-o", str(output)],
            output.name,
        )  # fmt: skip
        return output

    def _run(self, arguments: list[str], where: str) -> None:
        command = [*self.command, *arguments]
        try:
            done = subprocess.run(
                command, env=environment(), text=True, errors="replace", timeout=_TIMEOUT_S,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            self._fail(where, f"no end after {_TIMEOUT_S} s", command)
        if done.returncode:
            lines = done.stdout.splitlines()
            errors = [line for line in lines if _ERROR.search(line)] or lines
            self._fail(where, "\n        ".join(errors[:5]), command)

    def _fail(self, where: str, found: str, command: list[str]) -> NoReturn:
        raise EdgekitError(
            "EK502", f"{self.toolchain.command} failed", where=where, found=found,
            help="the command was: " + shlex.join(command),
        )  # fmt: skip


def find_compiler(target: Target, prefer: str = "") -> Compiler:
    """The first of the target's toolchains that is installed; with `prefer` the first of that kind.

    Raises EK501 with what was looked for and how to install it.
    """
    candidates = [tool for tool in target.toolchains if prefer in ("", tool.kind)]
    for tool in candidates:
        command = locate(tool)
        if command:
            return Compiler(target, tool, command, version_of(command))
    looked_for = ", ".join(tool.command for tool in candidates) or f"a toolchain of kind {prefer}"
    raise EdgekitError(
        "EK501",
        f"no compiler for {target.name}",
        where=f"target {target.name}",
        found=f"none of: {looked_for}",
        help=" or ".join(install_line(tool) for tool in candidates)
        or "its kinds: " + " ".join(tool.kind for tool in target.toolchains),
    )


def locate(tool: Toolchain) -> tuple[str, ...]:
    """The command that starts the compiler, () where it is not installed."""
    if tool.kind == "zig":
        found = importlib.util.find_spec("ziglang") is not None
        return (sys.executable, "-m", "ziglang", "cc") if found else ()
    path = shutil.which(tool.command)
    return (path,) if path else ()


def install_line(tool: Toolchain) -> str:
    return 'pip install "edgekit[zig]"' if tool.kind == "zig" else f"apt install {tool.package}"


@functools.cache
def version_of(command: tuple[str, ...]) -> str:
    """The compiler's own name and version, "" where it does not start."""
    is_zig = command[-2:] == ("ziglang", "cc")
    question = [*command[:-1], "version"] if is_zig else [*command, "--version"]
    try:
        done = subprocess.run(question, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    first = done.stdout.partition("\n")[0].strip()
    return f"zig {first}" if is_zig else first


def environment() -> dict[str, str]:
    """The environment of a compiler: plain messages, and one zig cache for all builds of a user."""
    shared = os.environ.get("ZIG_GLOBAL_CACHE_DIR") or str(cache_dir() / "zig")
    fixed = {"ZIG_GLOBAL_CACHE_DIR": shared, "LC_ALL": "C"}
    return {"ZIG_LOCAL_CACHE_DIR": shared} | os.environ | fixed
