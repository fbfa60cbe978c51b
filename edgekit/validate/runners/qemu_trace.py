"""Counts executed instructions in QEMU, for cores that unicorn does not have.

QEMU can log each block when it translates it (its instructions) and whenever it executes it; blocks
are not chained then, so that none goes untold. Logged are the model's functions alone: `<name>_run`
and what it calls.
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from edgekit.errors import EdgekitError
from edgekit.validate.runners.elf import Image, symbols_of
from edgekit.validate.runners.tally import Tally

# "0x10000040:  4825       ldr r0, ...": an instruction, or a half of one that has no name here.
_INSTRUCTION = re.compile(rb"0x([0-9a-f]{8,16}):  ((?:[0-9a-f]{2,8} ?)+)")
# "Trace 0: 0x7f81a0000100 [0080044a/10000040/...": host's address of the block, and its own.
_EXECUTED = re.compile(rb"Trace \d+: (0x[0-9a-f]+) \[[0-9a-f]+/([0-9a-f]+)/")
_ABANDONED = b"Stopped execution"
# What count.c tells: kind, two numbers.
_ANSWER_BYTES, _EXECUTED_KIND = 9, 1


class Traced(NamedTuple):
    """result: what `<name>_run` returned; stack: bytes that it wrote to."""

    tally: Tally
    result: int
    stack: int


def trace(command: Sequence[str], tally: Tally, skipped: Iterable[Path], timeout: float) -> Traced:
    """Run the image of `build_counted` in QEMU and fill `tally`.

    command: QEMU with its board and image. skipped: objects whose functions are not the model's.
    Raises EK601 when there is no end within `timeout` seconds, EK603 when the model faults.
    """
    ranges = model_ranges(tally.image, skipped)
    options = ["-d", "exec,nochain,in_asm", "-dfilter", ",".join(f"{a:#x}..{b:#x}" for a, b in ranges)]  # fmt: skip
    process = subprocess.Popen(
        [*command, *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    last: list[bytes] = []
    reader = threading.Thread(target=_read, args=(process.stderr, tally, last), daemon=True)
    reader.start()
    late = threading.Timer(timeout, process.kill)
    late.start()
    try:
        answer = process.stdout.read(_ANSWER_BYTES)
    finally:
        late.cancel()
        process.kill()
        reader.join()
        process.stdout.close()
        process.stderr.close()
        process.wait()
    return _checked(tally, answer, last, timeout)


def _checked(tally: Tally, answer: bytes, last: list[bytes], timeout: float) -> Traced:
    first, second = (int.from_bytes(answer[i : i + 4], "little") for i in (1, 5))
    if len(answer) < _ANSWER_BYTES:
        words = b" ".join(last).decode(errors="replace").strip()
        raise EdgekitError(
            "EK601", "the model does not end", where="QEMU",
            found=words or f"no end after {timeout:g} s",
        )  # fmt: skip
    if answer[0] != _EXECUTED_KIND:
        raise EdgekitError(
            "EK603", "the model faulted", where="QEMU", found=tally.image.name_of(first)
        )
    return Traced(tally, first - (first >> 31 << 32), second)


def model_ranges(image: Image, skipped: Iterable[Path]) -> list[tuple[int, int]]:
    """First and last address of each run of functions that none of these objects has."""
    foreign = {name for path in skipped for name in symbols_of(path)}
    starts = sorted((f.address, name in foreign) for name, f in image.functions.items())
    ends = [address for address, _ in starts[1:]] + [image.code[1]]
    ranges: list[tuple[int, int]] = []
    for (address, is_foreign), end in zip(starts, ends, strict=True):
        if is_foreign or end == address:
            continue
        if ranges and ranges[-1][1] + 1 == address:
            ranges[-1] = (ranges[-1][0], end - 1)
        else:
            ranges.append((address, end - 1))
    return ranges


def _read(lines: Iterable[bytes], tally: Tally, last: list[bytes]) -> None:
    """Fill the tally from the first block of `<name>_run` on. Lines of QEMU's own go to `last`."""
    sizes: dict[bytes, int] = {}
    end, running = 0, False
    waiting: tuple[int, int] | None = None
    for line in lines:
        if line.startswith(b"Trace"):
            found = _EXECUTED.match(line)
            if not found:
                continue
            if waiting:
                tally.block(*waiting)
            host, address = found[1], int(found[2], 16)
            if end:
                sizes[host], end = end - address, 0
            running = running or address == tally.run.address
            waiting = (address, sizes[host]) if running else None
        elif listed := _INSTRUCTION.match(line):
            end = int(listed[1], 16) + len(listed[2].replace(b" ", b"")) // 2
        elif line.startswith(_ABANDONED):
            waiting = None  # it will be told of again
        elif not line.startswith((b"IN:", b"---", b"\n")):
            last[:] = [line]
    if waiting:
        tally.block(*waiting)
