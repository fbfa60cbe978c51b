"""Runs a `Program` in numpy inside its own arena, many samples at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.liveness import dead_bytes
from edgekit.program import ARENA, CALLER, CONST, STATE, Buffer, Program, Step, Turn
from edgekit.threads import one_blas_thread

Array = NDArray[Any]
POISON = 0xA5
_BATCH_BYTES = 64 << 20  # samples run together while their arenas fit in this


class Simulator:
    """The reference of every place a program runs: same steps, same bytes.

    Inputs and outputs are arrays [N, *shape] of the program's own types; a program with state also
    takes [N, steps, *shape] and resets before each sample.
    """

    name = "simulator"

    def __init__(self, program: Program) -> None:
        self.program = program
        self._dead = dead_bytes(program)

    def run(self, inputs: Sequence[Array], steps: bool = False) -> list[Array]:
        """Outputs [N, *shape], or [N, steps, *shape] where `steps` says that axis is there."""
        count = len(inputs[0])
        batch = max(1, _BATCH_BYTES // max(1, self.program.arena_bytes * 8))
        with one_blas_thread():
            parts = [
                self._batch([x[i : i + batch] for x in inputs], steps)
                for i in range(0, count, batch)
            ]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def trace(self, inputs: Sequence[Array], steps: bool = False) -> list[tuple[str, str, Array]]:
        """Every step's outputs of the last inference on one sample: (step, tensor, array).

        inputs: arrays [*shape], or [steps, *shape] where `steps` says that axis is there.
        """
        frames = (
            [[x[time] for x in inputs] for time in range(len(inputs[0]))] if steps else [inputs]
        )
        memory = self._memory(1)
        for frame in frames[:-1]:
            self._once(memory, [x[None] for x in frame])
        self._feed(memory, [x[None] for x in frames[-1]])
        whole: dict[str, Array] = {}
        layers = []
        for turn in self._walk(memory):
            step = self.program.steps[turn.step]
            for name in step.outputs:
                self._collect(memory, step, turn, name, whole)
                if turn.first + turn.n == max(1, step.rows):
                    layers.append((step.name, name, whole[name][0].copy()))
        return layers

    def _collect(
        self, memory: dict[str, Array], step: Step, turn: Turn, name: str, whole: dict[str, Array]
    ) -> None:
        """Put what a turn has made of a tensor into `whole`: later turns may write over it."""
        buffer = self.program.buffers[name]
        if not step.rows or step.op.signature == "sum":
            whole[name] = self._view(memory, name).copy()
            return
        rows = whole.setdefault(name, np.zeros((1, *buffer.shape), buffer.dtype))
        for row in range(turn.first, turn.first + turn.n):
            rows[:, :, row] = self._row(memory, name, row)

    def close(self) -> None:
        """Nothing to release; here because every place has it."""

    def _batch(self, inputs: Sequence[Array], steps: bool) -> list[Array]:
        memory = self._memory(len(inputs[0]))
        if not steps:
            return self._once(memory, inputs)
        outputs = [
            self._once(memory, [x[:, time] for x in inputs]) for time in range(inputs[0].shape[1])
        ]
        return [np.stack(column, axis=1) for column in zip(*outputs, strict=True)]

    def _memory(self, count: int) -> dict[str, Array]:
        """Fresh memory for `count` samples: arena filled with a pattern, state reset."""
        program = self.program
        memory = {
            ARENA: np.full((count, program.arena_bytes), POISON, np.uint8),
            STATE: np.zeros((count, program.state_bytes), np.uint8),
        }
        for name, buffer in program.buffers.items():
            if buffer.space == CALLER:
                memory[name] = np.zeros((count, buffer.nbytes), np.uint8)
        for state in program.states:
            self._view(memory, state.value)[:] = state.init
        return memory

    def _feed(self, memory: dict[str, Array], inputs: Sequence[Array]) -> None:
        for name, x in zip(self.program.inputs, inputs, strict=True):
            self._view(memory, name)[:] = x.reshape(len(x), *self.program.buffers[name].shape)

    def _once(self, memory: dict[str, Array], inputs: Sequence[Array]) -> list[Array]:
        self._feed(memory, inputs)
        for _ in self._walk(memory):
            pass
        return [self._view(memory, name).copy() for name in self.program.outputs]

    def _walk(self, memory: dict[str, Array]) -> Iterator[Turn]:
        """Execute the schedule; yields each turn when what it made stands in memory. Scratch and
        bytes that nobody reads again are overwritten, so that whoever does read them computes
        something else."""
        for turn, dead in zip(self.program.schedule, self._dead, strict=True):
            step = self.program.steps[turn.step]
            if step.op.signature == "sum":
                self._sum(memory, step, turn)
            elif step.threads > 1:
                self._shared(memory, step)
            elif not step.rows or self._whole(step, turn):
                self._spoil_scratch(memory, step)
                arrays = [self._all(memory, name) for name in step.inputs]
                for name, result in zip(
                    step.outputs, step.op.run(step.params, step.consts, *arrays), strict=True
                ):
                    view = self._view(memory, name)
                    view[:] = result.reshape(view.shape)
                self._spoil_scratch(memory, step)
            else:
                for row in range(turn.first, turn.first + turn.n):
                    self._row_step(memory, step, row)
            yield turn
            for run in dead:
                memory[ARENA][:, run] = POISON

    def _spoil_scratch(self, memory: dict[str, Array], step: Step) -> None:
        """What a kernel may leave in its scratch, before its last read and after its last write."""
        end = step.scratch_offset + step.scratch_bytes
        memory[ARENA][:, step.scratch_offset : end] = POISON

    def _whole(self, step: Step, turn: Turn) -> bool:
        """Does a turn make whole tensors away from its inputs, so that rows need not be told apart?"""
        if turn.n < step.rows:
            return False
        tensors = [self.program.buffers[name] for name in (*step.inputs, *step.outputs)]
        if any(b.rows for b in tensors):
            return False
        *inputs, out = tensors
        return all(
            b.space != out.space or b.offset + b.nbytes <= out.offset or out.offset + out.nbytes <= b.offset
            for b in inputs
        )  # fmt: skip

    def _shared(self, memory: dict[str, Array], step: Step) -> None:
        """A layer that threads share, in the worst order there is: all outputs are written before any
        input is read, but where each element is written over by what is made from it, and the thread
        with the last rows is the first."""
        out = self.program.buffers[step.outputs[0]]
        inputs = [self.program.buffers[name] for name in step.inputs]
        if not any(
            i in step.op.inplace
            and (b.space, b.offset, b.rows) == (out.space, out.offset, out.rows)
            for i, b in enumerate(inputs)
        ):
            for row in range(step.rows):
                self._row(memory, out.name, row).view(np.uint8)[:] = POISON
        for rows in reversed(step.shares(step.threads)):
            for row in rows:
                self._row_step(memory, step, row)

    def _row_step(self, memory: dict[str, Array], step: Step, row: int) -> None:
        """One row of the output, from the rows of the inputs that it reads and nothing else."""
        self._spoil_scratch(memory, step)
        given = step.op.reads(step.params, step.consts, row)
        pieces = step.op.pieces(step.params)
        arrays = [
            self._view(memory, name)
            if step.op.signature == "each" and self.program.buffers[name].space == CONST
            else self._rows(memory, name, given, pieces)
            for name in step.inputs
        ]
        rows = range(row, row + 1)
        results = step.op.run_rows(step.params, step.consts, rows, given, *arrays)
        for name, result in zip(step.outputs, results, strict=True):
            view = self._row(memory, name, row)
            view[:] = result.reshape(view.shape)
        self._spoil_scratch(memory, step)

    def _sum(self, memory: dict[str, Array], step: Step, turn: Turn) -> None:
        """Rows added to the sums in the scratch; after the last row the output."""
        scratch = memory[ARENA][:, step.scratch_offset : step.scratch_offset + step.scratch_bytes]
        sums = scratch.view(np.int32)
        rows = range(turn.first, turn.first + turn.n)
        (x,) = (self._rows(memory, name, rows) for name in step.inputs)
        sums[:] = step.op.add_rows(step.params, step.consts, rows, x[:, 0], sums.copy())
        if rows.stop == step.rows:
            for name, result in zip(
                step.outputs, step.op.from_sums(step.params, step.consts, sums.copy()), strict=True
            ):
                view = self._view(memory, name)
                view[:] = result.reshape(view.shape)

    def _view(self, memory: dict[str, Array], name: str) -> Array:
        """A tensor as [N, *shape]: a view into memory, or a constant repeated."""
        b: Buffer = self.program.buffers[name]
        count = len(memory[ARENA])
        if b.space == CONST:
            assert b.data is not None
            return np.broadcast_to(b.data.reshape(b.shape), (count, *b.shape))
        part = self._block(memory, b)[:, b.offset : b.offset + b.nbytes]
        return part.view(np.dtype(b.dtype)).reshape(count, *b.shape)

    def _all(self, memory: dict[str, Array], name: str) -> Array:
        """A tensor as [N, *shape] to read from, also where its rows lie apart."""
        b = self.program.buffers[name]
        return self._rows(memory, name, range(b.shape[1])) if b.rows else self._view(memory, name)

    def _row(self, memory: dict[str, Array], name: str, row: int) -> Array:
        """A row of a tensor as [N, 1, W, C]: a view into memory."""
        b = self.program.buffers[name]
        offset = b.row_offset(row)
        part = self._block(memory, b)[:, offset : offset + b.row_bytes]
        return part.view(np.dtype(b.dtype)).reshape(len(part), 1, *b.shape[2:])

    def _rows(
        self, memory: dict[str, Array], name: str, rows: range, pieces: int | None = None
    ) -> Array:
        """Rows of a tensor as [N, 1, len(rows), W, C]; `rows` counts pieces where those are given."""
        b = self.program.buffers[name]
        if pieces:
            return self._all(memory, name).reshape(len(memory[ARENA]), pieces, -1)[:, rows]
        if not b.rows:
            return self._view(memory, name)[:, :, rows.start : rows.stop]
        count, shape = len(memory[ARENA]), b.shape
        found = np.empty((count, 1, len(rows), *shape[2:]), b.dtype)
        for at, row in enumerate(rows):
            found[:, :, at] = self._row(memory, name, row)
        return found

    def _block(self, memory: dict[str, Array], b: Buffer) -> Array:
        return memory[b.name] if b.space == CALLER else memory[b.space]
