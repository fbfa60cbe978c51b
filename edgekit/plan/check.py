"""An independent check of a program's memory plan: replay it with an owner for every byte.

Nothing here knows how plans are made. Each byte of memory carries the identity of the content that
was last written there; every read must find exactly the content that the graph says it reads. A step
that works row by row is replayed row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.graph import DTYPES
from edgekit.program import ARENA, STATE, Program, Step, Turn

Ids = NDArray[np.int64]
Rows = Sequence[int]
NOBODY = -1


def check_plan(program: Program) -> None:
    """Raises EK402 naming the step and tensor whose bytes were lost, or that leave their space."""
    _Replay(program).run()


class _Replay:
    def __init__(self, program: Program) -> None:
        self.program = program
        size = {ARENA: program.arena_bytes, STATE: program.state_bytes}
        self.memory: dict[str, Ids] = {s: np.full(n, NOBODY, np.int64) for s, n in size.items()}
        self.content: dict[str, Ids] = {}
        self.places: dict[str, Ids] = {}
        self.made = dict.fromkeys(range(len(program.steps)), 0)
        self.next_id = 0

    def run(self) -> None:
        for state in self.program.states:
            self._write("reset", state.value)
        for name in self.program.inputs:
            self._write("inputs", name)
        fed = self._begin_feeding()
        views = list(self.program.views)
        for index, turn in enumerate(self.program.schedule):
            while views and views[0][0] <= index:
                self._view(views.pop(0)[1])
            self._turn(self.program.steps[turn.step], turn)
        for _, view in views:
            self._view(view)
        for index, step in enumerate(self.program.steps):
            if self.made[index] != max(1, step.rows):
                self._fail("a step does not make all its rows", step.name, step.outputs[0])
        for name in self.program.outputs:
            self._read("outputs", name)
        for state in self.program.states:
            self._read("the next inference", state.value)
        if fed is not None:
            self._keep_scratch(fed)

    def _begin_feeding(self) -> Step | None:
        """Where the input is streamed: its cursor stands from the beginning to the end, the first
        thing to do is a row, and nobody but the feed looks at what the caller has."""
        if self.program.feed is None:
            return None
        feed = self.program.steps[self.program.feed]
        for step in self.program.steps:
            for name in {*step.inputs} & {*self.program.inputs}:
                if step is not feed or not self._outside(name):
                    self._fail("a streamed input is read as if it were resident", step.name, name)
        if [turn.step for turn in self.program.schedule[:1]] != [self.program.feed]:
            self._fail("an inference does not begin with a row", feed.name, feed.outputs[0])
        self._take_scratch(feed, again=False)
        return feed

    def _fail(self, message: str, step: str, name: str) -> None:
        raise EdgekitError(
            "EK402", message, where=f"step {step}, tensor {name}", help="report this as a bug"
        )

    def _place(self, step: str, name: str, rows: Rows | None, pieces: int = 0) -> Ids:
        """Where the bytes of a tensor's rows (or pieces) lie, in order; None means all of it."""
        buffer = self.program.buffers[name]
        if name not in self.places:
            if buffer.rows:
                starts = np.array(buffer.rows)[:, None]
                self.places[name] = (starts + np.arange(buffer.row_bytes)).reshape(-1)
            else:
                self.places[name] = buffer.offset + np.arange(buffer.nbytes)
            at = self.places[name]
            if at.size and (at.min() < 0 or at.max() >= len(self.memory[buffer.space])):
                self._fail("a tensor reaches outside its memory", step, name)
            if buffer.space == ARENA and at.size and self._parted(int(at.min()), int(at.max())):
                self._fail("a tensor lies in two memory regions", step, name)
        return self.places[name][self._bytes(name, rows, pieces)]

    def _parted(self, first: int, last: int) -> bool:
        """Does a memory region end between two bytes of the arena?"""
        return self.program.region(first) != self.program.region(last)

    def _bytes(self, name: str, rows: Rows | None, pieces: int = 0) -> slice | Ids:
        """Which bytes of a tensor its rows are; `rows` counts pieces where those are given."""
        if rows is None:
            return slice(None)
        buffer = self.program.buffers[name]
        size = buffer.nbytes // (pieces or buffer.shape[1])
        if isinstance(rows, range) and rows.step == 1:
            return slice(rows.start * size, rows.stop * size)
        return np.asarray(np.add.outer(np.array(rows) * size, np.arange(size)).reshape(-1))

    def _outside(self, name: str) -> bool:
        return self.program.buffers[name].space not in self.memory

    def _fresh(self, size: int) -> Ids:
        self.next_id += size
        return np.arange(self.next_id - size, self.next_id, dtype=np.int64)

    def _write(self, step: str, name: str, rows: Rows | None = None) -> None:
        buffer = self.program.buffers[name]
        if name not in self.content or rows is None:
            self.content[name] = np.full(buffer.nbytes, NOBODY, np.int64)
        part = self._bytes(name, rows)
        self.content[name][part] = self._fresh(len(self.content[name][part]))
        if not self._outside(name):
            self.memory[buffer.space][self._place(step, name, rows)] = self.content[name][part]

    def _read(self, step: str, name: str, rows: Rows | None = None, pieces: int = 0) -> None:
        if self._outside(name) or (rows is not None and not rows):
            return
        buffer, wanted = self.program.buffers[name], self.content.get(name)
        part = self._bytes(name, rows, pieces)
        if wanted is None or (wanted[part] == NOBODY).any():
            self._fail("a tensor is read before it is made", step, name)
        assert wanted is not None
        found = self.memory[buffer.space][self._place(step, name, rows, pieces)]
        if not np.array_equal(found, wanted[part]):
            self._fail("a tensor was overwritten before its last use", step, name)

    def _turn(self, step: Step, turn: Turn) -> None:
        """The row steps of a turn, one after the other."""
        if turn.first != self.made[turn.step] or turn.first + turn.n > max(1, step.rows):
            self._fail("rows are made out of order", step.name, step.outputs[0])
        self.made[turn.step] += turn.n
        rows = range(turn.first, turn.first + turn.n)
        if step.threads > 1 and turn.n != step.rows:
            self._fail("threads share a part of a layer", step.name, step.outputs[0])
        if step.kernel.together(step.params) or step.threads > 1:
            self._rows(step, rows, turn.first)
            return
        for row in rows:
            self._rows(step, range(row, row + 1), turn.first)

    def _rows(self, step: Step, rows: range, first: int) -> None:
        """Rows that are made at once, in a turn that began at `first`."""
        sums = step.op.signature == "sum"
        row = rows[-1]
        reads: Rows | None = None
        writes: Rows | None = None
        pieces = step.op.pieces(step.params) or 0
        if step.rows:
            before = int(rows.start > first and step.kernel.lingers(step.params))
            parts = [
                step.op.reads(step.params, step.consts, r)
                for r in range(rows.start - before, rows.stop)
            ]
            reads = parts[0] if len(parts) == 1 else _all_of(parts)
            writes = None if sums else rows
        for name in step.inputs:
            self._read(step.name, name, reads, pieces)
        self._take_scratch(step, again=step.op.feeds or (sums and row > 0))
        for name in step.inputs:
            self._read(step.name, name, reads, pieces)
        if sums and row < step.rows - 1:
            return
        inplace = [self._in_place(step, i, row, reads, writes) for i in range(len(step.inputs))]
        for name in step.outputs:
            self._write(step.name, name, writes)
        for name, taken in zip(step.inputs, inplace, strict=True):
            if not taken and name not in step.outputs:
                try:
                    self._read(step.name, name, reads, pieces)
                except EdgekitError:
                    self._fail("an output overlaps an input that is still read", step.name, name)
        self._keep_scratch(step)

    def _in_place(
        self, step: Step, index: int, row: int, reads: Rows | None, writes: Rows | None
    ) -> bool:
        """Does the operator write this input's bytes over, each with what it is made from?"""
        x, out = step.inputs[index], step.outputs[0]
        same_space = self.program.buffers[x].space == self.program.buffers[out].space
        if index not in step.op.inplace or reads != writes or not same_space or self._outside(x):
            return False
        here = self._place(step.name, x, reads), self._place(step.name, out, writes)
        return np.array_equal(*here)

    def _take_scratch(self, step: Step, *, again: bool) -> None:
        """Scratch becomes the step's own; `again`: it must have stayed so since the last row."""
        if not step.scratch_bytes:
            return
        if step.scratch_offset + step.scratch_bytes > self.program.arena_bytes:
            self._fail("scratch reaches outside the arena", step.name, "scratch")
        if self._parted(step.scratch_offset, step.scratch_offset + step.scratch_bytes - 1):
            self._fail("scratch lies in two memory regions", step.name, "scratch")
        if again:
            self._keep_scratch(step)
        self.content[f"scratch of {step.name}"] = self._fresh(step.scratch_bytes)
        self.memory[ARENA][self._scratch(step)] = self.content[f"scratch of {step.name}"]

    def _keep_scratch(self, step: Step) -> None:
        if step.scratch_bytes:
            wanted = self.content[f"scratch of {step.name}"]
            if not np.array_equal(self.memory[ARENA][self._scratch(step)], wanted):
                self._fail("scratch overlaps what else is written", step.name, "scratch")

    def _scratch(self, step: Step) -> slice:
        return slice(step.scratch_offset, step.scratch_offset + step.scratch_bytes)

    def _view(self, step: Step) -> None:
        """A dropped copy: whoever reads its output must find what the copy would have made."""
        for name in step.inputs:
            if name not in self.content or (self.content[name] == NOBODY).any():
                self._fail("a tensor is read before it is made", step.name, name)
        arrays = [self._element_ids(name) for name in step.inputs]
        for name, ids in zip(
            step.outputs, step.op.run(step.params, step.consts, *arrays), strict=True
        ):
            width = DTYPES[self.program.buffers[name].dtype]
            self.content[name] = (ids.reshape(-1, 1) + np.arange(width)).reshape(-1)

    def _element_ids(self, name: str) -> NDArray[Any]:
        """The id of each element's first byte, in the tensor's shape, with a sample axis."""
        buffer = self.program.buffers[name]
        return self.content[name][:: DTYPES[buffer.dtype]].reshape(1, *buffer.shape)


def _all_of(parts: Sequence[Rows]) -> Rows:
    """The rows that are in any of the parts; a range where they follow one another."""
    rows = sorted(set().union(*parts))
    return range(rows[0], rows[-1] + 1) if rows and rows[-1] - rows[0] < len(rows) else rows
