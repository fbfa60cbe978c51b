"""The last stage: an ordered list of steps on buffers with offsets.

The simulator and the C emitter read a `Program` and nothing else.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import DTYPES, Layout, Quant, State
from edgekit.op import Kernel, Op, Packed, Params, Variant

ARENA, STATE, CONST, CALLER = "arena", "state", "const", "caller"


@dataclass(frozen=True, eq=False)
class Buffer:
    """Where a tensor lives: a space and a byte offset in it.

    Spaces: `arena` (one block per inference), `state` (kept between inferences), `const` (flash,
    `data` holds it), `caller` (the caller's own buffers).
    """

    name: str
    space: str
    offset: int
    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None = None
    data: NDArray[Any] | None = None

    @property
    def nbytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * DTYPES[self.dtype]


@dataclass(frozen=True, eq=False)
class Step:
    """One kernel call. `inputs` and `outputs` name buffers; scratch is in the arena."""

    name: str
    op: type[Op]
    params: Params
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    consts: Mapping[str, NDArray[Any]]
    macs: int = 0
    scratch_offset: int = 0
    scratch_bytes: int = 0
    variant: Variant | None = None

    @property
    def kernel(self) -> Kernel:
        """The C function it calls."""
        return Kernel(self.op, self.variant)

    @functools.cached_property
    def packed(self) -> Packed:
        """What that function's struct is filled with."""
        return self.kernel.pack(self.params, self.consts)


@dataclass(frozen=True)
class PlanReport:
    """How good the memory plan is.

    lower_bound: peak of the live bytes of this schedule; method: what found the offsets;
    peak: name of the step at which most bytes are live; live: live bytes at each step.
    """

    lower_bound: int
    method: str
    peak: str
    live: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Program:
    """A network ready to run: buffers, steps, and the memory it needs (bytes)."""

    name: str
    buffers: Mapping[str, Buffer]
    steps: tuple[Step, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    arena_bytes: int
    state_bytes: int
    plan: PlanReport
    states: tuple[State, ...] = ()
    # Copies the plan made unnecessary: (node name, its IntNode-like step), kept for the checker.
    views: tuple[tuple[int, Step], ...] = field(default=())
    # Tensors whose axes are not in the source's order, inputs and outputs first of all.
    layouts: Mapping[str, Layout] = field(default_factory=dict)

    def text(self) -> str:
        """The form `--dump` writes: one line a step."""

        def place(name: str) -> str:
            b = self.buffers[name]
            dims = "x".join(map(str, b.shape))
            return f"{name}:{b.dtype}[{dims}]@{b.space}+{b.offset}"

        lines = [f"program {self.name} arena {self.arena_bytes} state {self.state_bytes}"]
        lines += [f"  input  {place(name)}" for name in self.inputs]
        for i, step in enumerate(self.steps):
            ins, outs = (", ".join(map(place, names)) for names in (step.inputs, step.outputs))
            scratch = f" scratch {step.scratch_bytes}@{step.scratch_offset}" * bool(
                step.scratch_bytes
            )
            lines.append(f"  {i} {step.name}: {outs} <- {step.op.name}({ins}){scratch}")
        lines += [f"  output {place(name)}" for name in self.outputs]
        return "\n".join(lines) + "\n"
