"""RAM of the streamed plans beside the peers', and what it costs: `python -m benchmarks.memory`.

Builds every model of `[memory]` in peers.toml for an emulated Cortex-M4 in each of `BUILDS`. ``--write``
stores the figures in benchmarks/memory.toml and docs/MEMORY.md; MODEL... measures some of them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import HERE, TARGET, memory_goals, models_folder, read_toml
from benchmarks.__main__ import table
from edgekit.build import Options, build, compile_program

FIGURES, DOCUMENT = HERE / "memory.toml", HERE.parent / "docs" / "MEMORY.md"
Figures = dict[str, Any]


@dataclass(frozen=True)
class Build:
    """A way to build; `key` names it in memory.toml, `goal` the row of peers.toml it aims at."""

    key: str
    title: str
    options: Mapping[str, Any]
    goal: str = ""


OFF = Build("off", "size", {"optimize": "size"})
QUICK = Build("speed", "speed", {"optimize": "speed"})
BALANCED = Build("balanced", "balanced", {"optimize": "balanced"})
RAM = Build("ram", "ram", {"optimize": "ram"}, "aim")
BUILDS = (OFF, QUICK, BALANCED, RAM)
# Where the goals speak of an input that comes row by row.
FED = Build("fed", "fed", {"optimize": "ram", "stream_input": True}, "aim_streamed")
KEPT = ("arena_bytes", "state_bytes", "static_bytes", "arena_lower_bound_bytes", "arena_proved_bytes", "arena_method", "instructions", "macs", "samples", "mismatches")  # fmt: skip


def measure(file: str, way: Build) -> Figures:
    """The figures of one build, and the seconds from the file to the program without it."""
    path = models_folder() / file
    with tempfile.TemporaryDirectory() as work:
        report = build(path, target=TARGET, name="m", output=Path(work, "m"), **way.options)
    begin = processor_seconds()
    compile_program(path, Options("m", TARGET, **way.options))
    seconds = processor_seconds() - begin
    return {name: report[name] for name in KEPT} | {
        "planning_seconds": round(seconds, 1), "compiler": report["compiler"]
    }  # fmt: skip


def processor_seconds() -> float:
    """Of this process and those that it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def total(found: Figures) -> int:
    """What the caller provides and the linker adds, in bytes; the stack stands apart."""
    return sum(int(found[name]) for name in ("arena_bytes", "state_bytes", "static_bytes"))


def builds(goal: Figures) -> tuple[Build, ...]:
    """The ways to build a model."""
    return (*BUILDS, FED) if FED.goal in goal else BUILDS


def memory_row(goal: Figures, found: Figures) -> list[str]:
    """A model's best plan with a resident input beside its goals and peers."""
    best = found[RAM.key]
    bytes_, bound, arena = total(best), best["arena_lower_bound_bytes"], best["arena_bytes"]
    gap = max(0, arena - max(bound, best["arena_proved_bytes"]))
    verdict = "aim" if bytes_ <= goal["aim"] else "must" if bytes_ <= goal["must"] else "MISSED"
    return [
        goal["title"], _number(goal.get("tflm")), _number(goal.get("published")),
        f"{goal['must']:,}", f"{goal['aim']:,}", f"{bytes_:,}", verdict,
        f"{arena:,}", f"{best['state_bytes']:,}", f"{best['static_bytes']:,}", f"{bound:,}",
        "optimal" if gap == 0 else f"{gap:,} ({100 * gap / bound:.1f} %)",
        best["arena_method"], f"{best['planning_seconds']:.1f}",
    ]  # fmt: skip


def speed_row(goal: Figures, found: Figures) -> list[str]:
    """What streams add to the instructions of the plan without them, at the RAM that then results."""
    base = found[OFF.key]["instructions"]
    cells = [goal["title"], f"{total(found[OFF.key]):,}", f"{base:,}"]
    for way in BUILDS[1:]:
        more = 100 * (found[way.key]["instructions"] / base - 1)
        cells += [f"{total(found[way.key]):,}", f"{more:+.2f} %"]
    return [*cells, f"{goal['more']} %" if "more" in goal else "-", *_verified(found)]


def fed_row(goal: Figures, found: Figures) -> list[str]:
    """A model's plan with an input that comes row by row, beside that with a resident one."""
    fed, resident = found[FED.key], found[RAM.key]
    bytes_, more = total(fed), 100 * (fed["instructions"] / resident["instructions"] - 1)
    return [
        goal["title"], f"{goal[FED.goal]:,}", f"{bytes_:,}",
        "aim" if bytes_ <= goal[FED.goal] else "above", f"{fed['arena_lower_bound_bytes']:,}",
        f"{total(resident):,}", f"{fed['instructions']:,}", f"{more:+.2f} %", f"{fed['macs']:,}",
    ]  # fmt: skip


def _verified(found: Figures) -> list[str]:
    wrong = sum(way["mismatches"] for way in found.values())
    return ["yes" if wrong == 0 else f"{wrong:,} DIFFER"]


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


MEMORY = (
    "model", "TFLM + CMSIS-NN", "published", "must", "aim", "reached", "meets", "arena", "state",
    "static", "lower bound", "gap", "placed by", "seconds",
)  # fmt: skip
SPEED = ("model", "RAM", "instructions", *(f"{word} {way.title}" for way in BUILDS[1:] for word in ("RAM", "more,")), "limit", "bit-exact")  # fmt: skip


FED_HEADS = (
    "model", "aim", "reached", "meets", "lower bound", "resident", "instructions", "above resident",
    "MACs",
)  # fmt: skip


def document(figures: Figures) -> str:
    """The text of docs/MEMORY.md for what memory.toml holds."""
    goals = memory_goals()
    sources = "\n".join(
        f"- {goal['title']}: {goal['published']:,}, {goal['source']}"
        for goal in goals.values()
        if "published" in goal
    )
    whole = {key for key in goals if len(figures.get(key, ())) == len(builds(goals[key]))}
    rows = [(goal, figures[key]) for key, goal in goals.items() if key in whole]
    missing = ", ".join(goal["title"] for key, goal in goals.items() if key not in whole)
    return _DOCUMENT.format(
        target=TARGET, compiler=figures["compiler"], sources=sources,
        missing=f"\nNot measured yet: {missing}.\n" if missing else "",
        memory=table(MEMORY, [memory_row(*row) for row in rows]),
        speed=table(SPEED, [speed_row(*row) for row in rows]),
        fed=table(FED_HEADS, [fed_row(*row) for row in rows if FED.goal in row[0]]),
    )  # fmt: skip


_DOCUMENT = """\
# Memory

Written by `python -m benchmarks.memory --write`.

RAM for one inference on {target}, in bytes, input resident, built with `--optimize ram`: `arena_bytes` +
`state_bytes` + `static_bytes` as `edgekit size --format json` prints them. The arena holds input, output,
activations and kernel scratch, aligned as emitted; the stack stands apart. The lower bound is the most
bytes alive at once in the chosen schedule; the gap is what a better placement of it might still save.
Seconds are of one processor, from the file to the finished plan.

{memory}

"TFLM + CMSIS-NN" is `arena_used_bytes` of TensorFlow Lite Micro; MobileNetV2: its plan without scratch.
Published by others:

{sources}

## What it costs

Instructions of one inference on the emulated core, counted, above the plan without streams (`--optimize
size`). `ram` chooses among the same shared kernels; `speed` and `balanced` also have instances of kernels
for single layers. Every build ran 16 random samples in the simulator, on this machine and on the emulated
core; "bit-exact" says that not a value differed.

{speed}

## Input row by row

The same with `--optimize ram --stream-input`, where the input never stands in RAM as a whole. What a smaller
arena costs in instructions is scratch: kernels that need less of it are slower (`--budget ram=` lies between).

{fed}
{missing}
Compiler: {compiler}. The figures are in `benchmarks/memory.toml`, goals and peers in `benchmarks/peers.toml`.
"""


def toml(figures: Figures) -> str:
    """The text of memory.toml."""
    lines = [
        "# What `python -m benchmarks.memory --write` measured; tests/test_memory.py holds it.",
        f"\ncompiler = {figures['compiler']!r}",
    ]
    for key in (key for key in memory_goals() if key in figures):
        for way in (way for way in (*BUILDS, FED) if way.key in figures[key]):
            lines.append(f"\n[{key}.{way.key}]")
            lines += [f"{name} = {value!r}" for name, value in figures[key][way.key].items()]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print the document; with --write store figures and document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--write", action="store_true", help="store the figures and the tables")
    parser.add_argument("model", nargs="*", help="keys of [memory]; the others keep their figures")
    arguments = parser.parse_args()
    figures = read_toml(FIGURES) if FIGURES.exists() else {}
    for key in arguments.model or memory_goals():
        figures[key] = {}
        for way in builds(memory_goals()[key]):
            found = measure(memory_goals()[key]["file"], way)
            figures["compiler"] = found.pop("compiler")
            figures[key][way.key] = found
            if arguments.write:
                FIGURES.write_text(toml(figures))
                DOCUMENT.write_text(document(figures))
            print(f"{key}, {way.key}: {total(found):,} B, {found['instructions']:,} instructions, {found['planning_seconds']} s", flush=True)  # fmt: skip
    print(document(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
