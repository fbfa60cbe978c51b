"""The canonical search as a program: `runtime/tools/offsets.c`, compiled once with the host's compiler."""

from __future__ import annotations

import functools
import hashlib
import subprocess
import tempfile
from pathlib import Path

from edgekit.data import cache_dir, data_dir
from edgekit.errors import EdgekitError
from edgekit.plan.canonical import FOUND, LIMIT, Instance, Outcome
from edgekit.plan.problem import Block
from edgekit.target import load_target
from edgekit.toolchain import find_compiler

_SOURCE = "offsets.c"
_OPTIMIZE = "-O2"
_TIMEOUT_S = 600  # a safety net far above any limit of nodes


@functools.cache
def program() -> Path | None:
    """The compiled program; None where this machine cannot compile, keep or start it."""
    try:
        path = _compile()
        one = Instance.of([Block("one", 1, 0, 1)])
        return path if explore(path, one, 1, 1, False).offsets == (0,) else None
    except (EdgekitError, OSError):
        return None


def _compile() -> Path:
    source = data_dir("runtime") / "tools" / _SOURCE
    compiler = find_compiler(load_target("host"))
    known = "\n".join((source.read_text(), compiler.version, compiler.command_line(_OPTIMIZE)))
    folder = cache_dir() / "tools"
    path = folder / f"offsets-{hashlib.sha256(known.encode()).hexdigest()[:16]}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            objects = compiler.compile([source], Path(work), optimize=_OPTIMIZE)
            # Renamed when whole, so that two builds at once do not meet.
            compiler.link(objects, Path(work) / "offsets").replace(path)
    return path


def explore(path: Path, instance: Instance, capacity: int, limit: int, dynamic: bool) -> Outcome:
    """`canonical.explore` by the program at `path`.

    Raises EK901 where the program fails, which is a bug.
    """
    rows = [(len(instance.blocks), instance.sections, capacity, limit, int(dynamic))]
    rows += [
        (start, end, block.size, block.align, rank)
        for block, start, end, rank in zip(
            instance.blocks, instance.start, instance.end, instance.preference, strict=True
        )
    ]
    text = "\n".join(" ".join(map(str, row)) for row in rows)
    try:
        done = subprocess.run(
            [path], input=text, text=True, capture_output=True, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return Outcome(LIMIT, limit, late=True)
    if done.returncode:
        raise EdgekitError(
            "EK901", "the search for offsets failed", where=_SOURCE,
            found=f"exit code {done.returncode}", help="report this as a bug",
        )  # fmt: skip
    status, nodes, excess, *offsets = map(int, done.stdout.split())
    return Outcome(status, nodes, excess, tuple(offsets) if status == FOUND else ())
