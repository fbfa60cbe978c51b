"""The searches as programs: `runtime/tools/*.c`, compiled once with the host's compiler."""

from __future__ import annotations

import functools
import hashlib
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from edgekit.data import cache_dir, data_dir
from edgekit.errors import EdgekitError
from edgekit.plan.canonical import FOUND, LIMIT, Instance, Outcome
from edgekit.plan.conflicts import Conflicts
from edgekit.plan.groups import Ints, group
from edgekit.plan.problem import Block
from edgekit.target import load_target
from edgekit.toolchain import find_compiler

_OFFSETS, _EJECTION = "offsets.c", "ejection.c"
_OPTIMIZE = "-O2"
_TIMEOUT_S = 600  # a safety net far above any limit of nodes


@functools.cache
def program() -> Path | None:
    """The compiled canonical search; None where this machine cannot compile, keep or start it."""
    try:
        path = _compile(_OFFSETS)
        one = Instance.of([Block("one", 1, 0, 1)])
        return path if explore(path, one, 1, 1, False).offsets == (0,) else None
    except (EdgekitError, OSError):
        return None


@functools.cache
def ejector() -> Path | None:
    """The compiled search by ejection; None where this machine cannot compile, keep or start it."""
    try:
        path = _compile(_EJECTION)
        one = Conflicts([group(("one", 0), [(0, 1, 0, 1)], 1)])
        found, _ = eject(path, one, np.ones(1, np.int64), 1, 9, range(1))
        return path if found is not None and found.tolist() == [0] else None
    except (EdgekitError, OSError):
        return None


def _compile(name: str) -> Path:
    source = data_dir("runtime") / "tools" / name
    compiler = find_compiler(load_target("host"))
    known = "\n".join((source.read_text(), compiler.version, compiler.command_line(_OPTIMIZE)))
    folder = cache_dir() / "tools"
    path = folder / f"{source.stem}-{hashlib.sha256(known.encode()).hexdigest()[:16]}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            objects = compiler.compile([source], Path(work), optimize=_OPTIMIZE)
            # Renamed when whole, so that two builds at once do not meet.
            compiler.link(objects, Path(work) / source.stem).replace(path)
    return path


def explore(path: Path, instance: Instance, capacity: int, limit: int, dynamic: bool) -> Outcome:
    """`canonical.explore` by the program at `path`.

    Raises EK901 where the program fails, which is a bug.
    """
    rows: list[tuple[int, ...]] = [
        (len(instance.blocks), instance.sections, capacity, limit, int(dynamic))
    ]
    rows += [
        (start, end, block.size, block.align, rank)
        for block, start, end, rank in zip(
            instance.blocks, instance.start, instance.end, instance.preference, strict=True
        )
    ]
    try:
        status, nodes, excess, *offsets = _run(path, rows)
    except subprocess.TimeoutExpired:
        return Outcome(LIMIT, limit, late=True)
    return Outcome(status, nodes, excess, tuple(offsets) if status == FOUND else ())


def eject(
    path: Path, conflicts: Conflicts, start: Ints, capacity: int, moves: int, seeds: range
) -> tuple[Ints | None, int]:
    """`ejection.eject` by the program at `path`.

    Raises EK901 where the program fails, which is a bug.
    """
    groups = conflicts.groups
    rows: list[tuple[int, ...]] = [(len(groups), capacity, moves, seeds.start, len(seeds))]
    for g, at, (others, low, high) in zip(groups, start.tolist(), conflicts.of, strict=True):
        rows.append((at, g.extent, g.align, len(others)))
        rows.extend(zip(others.tolist(), low.tolist(), high.tolist(), strict=True))
    try:
        found, spent, *offsets = _run(path, rows)
    except subprocess.TimeoutExpired:
        return None, moves * len(seeds)
    return np.array(offsets, np.int64) if found else None, spent


def _run(path: Path, rows: Iterable[tuple[int, ...]]) -> list[int]:
    """What a program prints for rows of numbers."""
    text = "\n".join(" ".join(map(str, row)) for row in rows)
    done = subprocess.run([path], input=text, text=True, capture_output=True, timeout=_TIMEOUT_S)
    if done.returncode:
        raise EdgekitError(
            "EK901", "the search for offsets failed", where=path.name,
            found=f"exit code {done.returncode}", help="report this as a bug",
        )  # fmt: skip
    return list(map(int, done.stdout.split()))
