"""What threads win: `python -m benchmarks.threads [MODEL...] [--write]`.

Counted: the instructions that one to four threads execute one after the other on an emulated Cortex-A72.
Timed: the same models as C for this machine, one thread and all of its cores in turn, the quickest of
many inferences, which nothing else that runs here has disturbed; and how long a meeting takes.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks import HERE, models_folder
from benchmarks.__main__ import table
from benchmarks.raspberry import peers
from edgekit.bench import Counts, count
from edgekit.build import Options, compile_program
from edgekit.emit import emit
from edgekit.program import Program
from edgekit.share import MEETING
from edgekit.target import load_target
from edgekit.toolchain import find_compiler
from edgekit.validate.data import random_samples
from edgekit.validate.runners import deploy

DOCUMENT = HERE.parent / "docs" / "THREADS.md"
CORE = "rpi4"
MODELS = ("kws", "resnet8", "vww", "mobilenet_v2")
TIMED = ("kws", "resnet8", "vww")  # an inference of MobileNetV2 is too long to be undisturbed
THREADS = (1, 2, 3, 4)
_SECONDS = 10  # in which a model runs again and again

_MAIN = """\
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "m_threads.h"

static uint8_t arena[M_ARENA_BYTES] M_ALIGN;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void timed(ek_threads *threads, double *best)
{
    double begin = now();
    (void)m_run_threads(threads, arena);
    double taken = now() - begin;
    *best = taken < *best ? taken : *best;
}

static void meetings(ek_threads *threads, const void *n, int32_t worker)
{
    (void)worker;
    for (int32_t i = 0; i < *(const int32_t *)n; i++) {
        ek_threads_meet(threads);
    }
}

/* Seconds of the quickest inference with one thread and with all, and of a meeting. */
int main(int count, char **given)
{
    static ek_threads one, all;
    const int32_t many = 100;
    double alone = 1e9, shared = 1e9, meeting = 1e9;
    if (count != 3 || ek_threads_start(&one, 1) != EK_OK ||
        ek_threads_start(&all, atoi(given[1])) != EK_OK) {
        return 1;
    }
    for (double end = now() + atof(given[2]); now() < end;) {
        for (int32_t i = 0; i < 10; i++) {
            timed(&one, &alone);
        }
        for (int32_t i = 0; i < 10; i++) {
            timed(&all, &shared);
        }
        double begin = now();
        ek_threads_run(&all, meetings, &many);
        double taken = (now() - begin) / many;
        meeting = taken < meeting ? taken : meeting;
    }
    printf("%.9f %.9f %.9f\\n", alone, shared, meeting);
    ek_threads_stop(&all);
    ek_threads_stop(&one);
    return 0;
}
"""


class Timing(NamedTuple):
    """Seconds of the quickest inference by one thread and by all, and of the quickest meetings."""

    one: float
    all: float
    meeting: float


def planned(key: str, target: str, threads: int) -> Program:
    path = models_folder() / peers()["files"][key]
    options = Options("m", target, optimize="speed", threads=threads)
    return compile_program(path, options).program


def written(program: Program, folder: Path) -> None:
    for file, text in emit("m", program, "model")[0].items():
        (folder / file).write_text(text)


def counted(key: str, threads: int) -> tuple[Program, Counts]:
    """A model's program for the emulated core, and one inference of it."""
    program = planned(key, CORE, threads)
    one = random_samples([program.buffers[name] for name in program.inputs], 1)
    with tempfile.TemporaryDirectory() as work:
        written(program, Path(work))
        deployed = deploy(program, Path(work), "m")
        return program, count(deployed, load_target(CORE), [x[0] for x in one.arrays])


def timed(key: str, threads: int) -> Timing:
    """One thread and `threads` in turn on this machine. Raises EK501 and EK502."""
    compiler = find_compiler(load_target("host"))
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        written(planned(key, "host", threads), folder)
        (folder / "main.c").write_text(_MAIN)
        objects = compiler.compile(sorted(folder.glob("*.c")), folder / "o", include=[folder])
        binary = compiler.link(objects, folder / "main", flags=["-pthread"])
        command = [str(binary), str(threads), str(_SECONDS)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return Timing(*map(float, done.stdout.split()))


def document(models: tuple[str, ...]) -> str:
    """The tables and what they mean."""
    rows, times = [], []
    meeting = math.inf
    cores = os.cpu_count() or 1
    for key in models:
        found = [counted(key, n) for n in THREADS]
        whole = found[0][1].critical
        program = found[-1][0]
        shared = sum(step.threads > 1 for step in program.steps)
        cells = [f"{c.critical:,} ({whole / c.critical:.2f})" for _, c in found]
        more = f"{100 * (found[-1][1].instructions / whole - 1):.1f} %"
        arenas = [f"{p.arena_bytes:,}" for p in (found[0][0], program)]
        rows.append([key, f"{shared} of {len(program.steps)}", *cells, more, *arenas])
        print(rows[-1], flush=True, file=sys.stderr)
    for key in (key for key in models if key in TIMED):
        t = timed(key, cores)
        times.append([key, f"{t.one * 1e3:.3f}", f"{t.all * 1e3:.3f}", f"{t.one / t.all:.2f}"])
        meeting = min(meeting, t.meeting)
        print(times[-1], flush=True, file=sys.stderr)
    heads = ("model", "layers shared", *(f"{n} threads" for n in THREADS), "more in all", "arena of 1", "of 4")  # fmt: skip
    return f"""\
# Threads

Written by `python -m benchmarks.threads --write`.

Instructions of one inference that follow one another on an emulated Cortex-A72 (`--target {CORE}
--optimize speed`), in brackets how many times fewer than with one thread: in each phase those of the
busiest thread, meetings left out. Behind them what four threads execute more in all, and the arenas.

{table(heads, rows)}

A thread makes whole rows, so of 25 rows the busiest of four makes seven. Dense layers, softmax and maps of
one row are not shared, nor are layers that win less than two meetings, {2 * MEETING:,} instructions: of the
anomaly detector, all dense, no layer is.

Milliseconds of the quickest inference of portable C on this machine, {cores} cores that other processes use,
too. Threads meet, so where others take their cores away they all wait, and may win nothing:

{table(("model", "1 thread", f"{cores} threads", "ratio"), times)}

A meeting of these threads took {meeting * 1e6:.2f} us at best. Plans reckon with {MEETING:,} instructions,
which at two a cycle and 1.5 GHz are {MEETING / 3000:.2f} us, because four cores of a Raspberry Pi are farther apart.
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.threads")
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(MODELS)}")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    arguments = parser.parse_args()
    if unknown := set(arguments.models) - set(MODELS):
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    text = document(tuple(arguments.models) or MODELS)
    print(text)
    if arguments.write:
        DOCUMENT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
