"""An independent check of a program's memory plan: replay it with an owner for every byte.

Nothing here knows how plans are made. Each byte of memory carries the identity of the content that
was last written there; every read must find exactly the content that the graph says it reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.graph import DTYPES
from edgekit.program import ARENA, CALLER, STATE, Program, Step

Ids = NDArray[np.int64]


def check_plan(program: Program) -> None:
    """Raises EK402 naming the step and tensor whose bytes were lost, or that leave their space."""
    _Replay(program).run()


class _Replay:
    def __init__(self, program: Program) -> None:
        self.program = program
        size = {ARENA: program.arena_bytes, STATE: program.state_bytes}
        self.memory: dict[str, Ids] = {s: np.full(n, -1, np.int64) for s, n in size.items()}
        self.content: dict[str, Ids] = {}
        self.next_id = 0

    def run(self) -> None:
        for state in self.program.states:
            self._write("reset", state.value)
        for name in self.program.inputs:
            self._write("inputs", name)
        views = list(self.program.views)
        for index, step in enumerate(self.program.steps):
            while views and views[0][0] <= index:
                self._view(views.pop(0)[1])
            self._step(step)
        for _, view in views:
            self._view(view)
        for name in self.program.outputs:
            self._read("outputs", name)
        for state in self.program.states:
            self._read("the next inference", state.value)

    def _fail(self, message: str, step: str, name: str) -> None:
        raise EdgekitError(
            "EK402", message, where=f"step {step}, tensor {name}", help="report this as a bug"
        )

    def _span(self, step: str, name: str) -> Ids:
        """The owner ids of a tensor's bytes: a window into memory."""
        buffer = self.program.buffers[name]
        memory = self.memory[buffer.space]
        if buffer.offset < 0 or buffer.offset + buffer.nbytes > len(memory):
            self._fail("a tensor reaches outside its memory", step, name)
        return memory[buffer.offset : buffer.offset + buffer.nbytes]

    def _outside(self, name: str) -> bool:
        return self.program.buffers[name].space not in self.memory

    def _write(self, step: str, name: str) -> None:
        size = self.program.buffers[name].nbytes
        fresh = np.arange(self.next_id, self.next_id + size, dtype=np.int64)
        self.next_id += size
        self.content[name] = fresh
        if not self._outside(name):
            self._span(step, name)[:] = fresh

    def _read(self, step: str, name: str) -> None:
        if not self._outside(name) and not np.array_equal(
            self._span(step, name), self.content[name]
        ):
            self._fail("a tensor was overwritten before its last use", step, name)

    def _step(self, step: Step) -> None:
        for name in step.inputs:
            self._read(step.name, name)
        self._disjoint(step)
        if step.scratch_bytes:
            end = step.scratch_offset + step.scratch_bytes
            if end > self.program.arena_bytes:
                self._fail("scratch reaches outside the arena", step.name, "scratch")
            self.memory[ARENA][step.scratch_offset : end] = -1
            for name in step.inputs:
                self._read(step.name, name)
        for name in step.outputs:
            self._write(step.name, name)

    def _disjoint(self, step: Step) -> None:
        """Outputs meet no input's bytes, except where the operator may work in place, and no scratch."""
        buffers = self.program.buffers
        for out in (buffers[name] for name in step.outputs):
            if out.space == CALLER:
                continue
            for index, name in enumerate(step.inputs):
                x = buffers[name]
                if x.space != out.space or not _overlap(x.offset, x.nbytes, out.offset, out.nbytes):
                    continue
                if index not in step.op.inplace or x.offset != out.offset:
                    self._fail("an output overlaps an input that is still read", step.name, name)
            if out.space == ARENA and _overlap(
                step.scratch_offset, step.scratch_bytes, out.offset, out.nbytes
            ):
                self._fail("scratch overlaps an output", step.name, out.name)

    def _view(self, step: Step) -> None:
        """A dropped copy: its output's bytes must already hold what the copy would have made."""
        arrays = [self._element_ids(name) for name in step.inputs]
        for name, ids in zip(
            step.outputs, step.op.run(step.params, step.consts, *arrays), strict=True
        ):
            width = DTYPES[self.program.buffers[name].dtype]
            self.content[name] = (ids.reshape(-1, 1) + np.arange(width)).reshape(-1)
            self._read(step.name, name)

    def _element_ids(self, name: str) -> NDArray[Any]:
        """The id of each element's first byte, in the tensor's shape, with a sample axis."""
        buffer = self.program.buffers[name]
        return self.content[name][:: DTYPES[buffer.dtype]].reshape(1, *buffer.shape)


def _overlap(a: int, a_size: int, b: int, b_size: int) -> bool:
    return a < b + b_size and b < a + a_size
