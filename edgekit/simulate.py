"""Runs a `Program` in numpy inside its own arena, many samples at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.program import ARENA, CALLER, CONST, STATE, Buffer, Program
from edgekit.threads import one_blas_thread

Array = NDArray[Any]
_BATCH_BYTES = 64 << 20  # samples run together while their arenas fit in this


class Simulator:
    """The reference of every place a program runs: same steps, same bytes.

    Inputs and outputs are arrays [N, *shape] of the program's own types; a program with state also
    takes [N, steps, *shape] and resets before each sample.
    """

    name = "simulator"

    def __init__(self, program: Program) -> None:
        self.program = program

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
        return [
            (self.program.steps[index].name, name, self._view(memory, name)[0].copy())
            for index in self._walk(memory)
            for name in self.program.steps[index].outputs
        ]

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
            ARENA: np.full((count, program.arena_bytes), 0xA5, np.uint8),
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

    def _walk(self, memory: dict[str, Array]) -> Iterator[int]:
        """Execute the steps; yields each step's index when its outputs stand in memory."""
        for index, step in enumerate(self.program.steps):
            arrays = [self._view(memory, name) for name in step.inputs]
            results = step.op.run(step.params, step.consts, *arrays)
            for name, result in zip(step.outputs, results, strict=True):
                view = self._view(memory, name)
                view[:] = result.reshape(view.shape)
            yield index

    def _view(self, memory: dict[str, Array], name: str) -> Array:
        """A tensor as [N, *shape]: a view into memory, or a constant repeated."""
        b: Buffer = self.program.buffers[name]
        count = len(memory[ARENA])
        if b.space == CONST:
            assert b.data is not None
            return np.broadcast_to(b.data.reshape(b.shape), (count, *b.shape))
        block = memory[name] if b.space == CALLER else memory[b.space]
        part = block[:, b.offset : b.offset + b.nbytes]
        return part.view(np.dtype(b.dtype)).reshape(count, *b.shape)
