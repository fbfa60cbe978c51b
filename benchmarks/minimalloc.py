"""The offset planner on MiniMalloc's instances: `python -m benchmarks.minimalloc`.

``--write`` stores what was measured in docs/MINIMALLOC.md.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import HERE, models_folder
from benchmarks.__main__ import table
from edgekit.plan.offsets import Offsets, place
from edgekit.plan.problem import Block

DOCUMENT = HERE.parent / "docs" / "MINIMALLOC.md"
CAPACITY = 1_048_576
# Seconds of the instances' own solver on a machine of the same class.
PUBLISHED = dict(
    zip("ABCDEFGHIJK", (7.4, 9.6, 2.9, 7.9, 6.3, 6.0, 1.3, 1.7, 3.6, 1.5, 0.6), strict=True)
)
_HEADINGS = (
    "problem", "blocks", "seconds", "published", "nodes", "peak", "bound", "gap", "found by",
)  # fmt: skip


def instance(name: str) -> list[Block]:
    """One of the instances A to K; sizes in bytes, alignment 1."""
    path = models_folder().parent / "minimalloc" / f"{name}.{CAPACITY}.csv"
    with path.open() as file:
        return [
            Block(row["id"], int(row["size"]), int(row["lower"]), int(row["upper"]))
            for row in csv.DictReader(file)
        ]


def concatenated(names: str) -> list[Block]:
    """Instances one after the other in time: no block lives across the seams."""
    blocks: list[Block] = []
    for name in names:
        now = max((b.end for b in blocks), default=0)
        blocks += [
            Block(f"{name}{b.name}", b.size, b.start + now, b.end + now) for b in instance(name)
        ]
    return blocks


def large(count: int = 10_000) -> list[Block]:
    """A random problem of one part: about 100 of `count` blocks alive at once."""
    rng = random.Random(1)
    starts = [rng.randrange(2 * count) for _ in range(count)]
    return [
        Block(f"b{i}", rng.randrange(1, 4096), start, start + rng.randrange(1, 400))
        for i, start in enumerate(starts)
    ]


@dataclass(frozen=True)
class Run:
    """One planned problem; `published` is the other solver's time."""

    name: str
    blocks: int
    seconds: float
    published: str
    found: Offsets

    def row(self) -> list[str]:
        """A line of the table."""
        found = self.found
        return [
            self.name, f"{self.blocks:,}", f"{self.seconds:.1f}", self.published, f"{found.nodes:,}",
            f"{found.peak:,}", f"{found.bound:,}", f"{found.gap:,}", found.method,
        ]  # fmt: skip


def runs() -> Iterator[Run]:
    """Every problem of the table, planned one after the other."""
    for name, seconds in PUBLISHED.items():
        yield _run(name, instance(name), f"{seconds}", CAPACITY)
    for name in "CDJ":
        yield _run(f"{name}, lowest", instance(name), "0.33" if name == "C" else "-")
    yield _run("G, H, J, K in a row", concatenated("GHJK"), "> 280")
    yield _run("random", large(), "-")


def _run(name: str, blocks: list[Block], published: str, enough: int = 0) -> Run:
    begin = time.perf_counter()
    found = place(blocks, enough=enough)
    return Run(name, len(blocks), time.perf_counter() - begin, published, found)


def main() -> None:
    """Print the table; with --write store it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.minimalloc", description=__doc__)
    parser.add_argument("--write", action="store_true", help="store the table in docs")
    arguments = parser.parse_args()
    text = table(_HEADINGS, [run.row() for run in runs()])
    print(text)
    if arguments.write:
        DOCUMENT.write_text(_DOCUMENT.format(capacity=CAPACITY, table=text))


_DOCUMENT = """\
# The offset planner on MiniMalloc's instances

Written by `python -m benchmarks.minimalloc --write`.

A to K are the "challenging" instances of google/minimalloc (M. D. Moffitt, ASPLOS 2023), whose question
is whether the blocks fit {capacity:,} bytes. "Published" is that project's own solver on a machine of the
same class, in seconds; ours are wall-clock seconds of one thread, and vary with the machine. Nodes, peaks
and gaps repeat to the last digit wherever a compiler is found. The bound is the most bytes alive at once;
the gap is what a better plan might still save, 0 where the plan is proved optimal.

{table}

Rows "lowest" look for the least peak rather than for {capacity:,} bytes. G, H, J and K in a row never live
at the same time, so they are split at the seams. "Random" has about a hundred blocks alive at once.
"""


if __name__ == "__main__":
    main()
