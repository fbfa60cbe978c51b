"""Which bytes of the arena nobody will read again, turn by turn: the simulator overwrites them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgekit.program import ARENA, Program, Step, Turn

Flags = NDArray[np.bool_]


def dead_bytes(program: Program) -> list[list[slice]]:
    """Per turn the runs of bytes that it used last. What it leaves standing but unread is among them."""
    live = np.zeros(program.arena_bytes, bool)
    for name in program.outputs:
        _mark(program, live, name, None)
    for step in program.steps:
        if step.op.feeds:  # its scratch is read at the next call, and at the next inference
            live[step.scratch_offset : step.scratch_offset + step.scratch_bytes] = True
    dead: list[list[slice]] = []
    for turn in reversed(program.schedule):
        step = program.steps[turn.step]
        read, written = np.zeros_like(live), np.zeros_like(live)
        for row in range(turn.first, turn.first + turn.n):
            for name in step.inputs:
                _mark(program, read, name, _reads(step, row), step.op.pieces(step.params) or 0)
        for name in step.outputs:
            _mark(program, written, name, _writes(step, turn))
        scratch = slice(step.scratch_offset, step.scratch_offset + step.scratch_bytes)
        sums = step.op.signature == "sum"
        used = read | written
        used[scratch] = True
        dead.append(list(_runs(used & ~live)))
        live &= ~written
        live |= read
        if sums:
            live[scratch] = turn.first > 0
    return dead[::-1]


def _reads(step: Step, row: int) -> range | None:
    return step.op.reads(step.params, step.consts, row) if step.rows else None


def _writes(step: Step, turn: Turn) -> range | None:
    """The output rows of a turn, None for all; a sum writes nothing before its last row."""
    if step.op.signature == "sum":
        return None if turn.first + turn.n == step.rows else range(0)
    return range(turn.first, turn.first + turn.n) if step.rows else None


def _mark(program: Program, flags: Flags, name: str, rows: range | None, pieces: int = 0) -> None:
    """Set the bytes of a tensor's rows, of its pieces where those are counted, or of all of it."""
    b = program.buffers[name]
    if b.space != ARENA:
        return
    if pieces and b.rows:  # equal parts of rows that lie apart
        size, each = b.nbytes // pieces, pieces // b.shape[1]
        for piece in range(pieces) if rows is None else rows:
            at = b.row_offset(piece // each) + piece % each * size
            flags[at : at + size] = True
        return
    if pieces or (rows is None and not b.rows):
        size = b.nbytes // (pieces or 1)
        for piece in range(pieces or 1) if rows is None else rows:
            flags[b.offset + piece * size : b.offset + (piece + 1) * size] = True
        return
    for row in range(b.shape[1]) if rows is None else rows:
        at = b.row_offset(row)
        flags[at : at + b.row_bytes] = True


def _runs(flags: Flags) -> Iterator[slice]:
    """The runs of set flags."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    for start, stop in edges.reshape(-1, 2):
        yield slice(int(start), int(stop))
