"""The last stage: an ordered list of steps on buffers with offsets.

The simulator and the C emitter read a `Program` and nothing else.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import DTYPES, Layout, Quant, State
from edgekit.op import Kernel, Op, Packed, Params, Variant

ARENA, STATE, CONST, CALLER = "arena", "state", "const", "caller"


@dataclass(frozen=True, eq=False)
class Buffer:
    """Where a tensor lives: a space and a byte offset in it.

    Spaces: `arena` (one block per inference), `state` (kept between inferences), `const` (flash,
    `data` holds it), `caller` (the caller's own buffers). Where the rows of a [1, H, W, C] tensor do
    not follow one another, `rows` has the offset of each.
    """

    name: str
    space: str
    offset: int
    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None = None
    data: NDArray[Any] | None = None
    rows: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * DTYPES[self.dtype]

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return DTYPES[self.dtype]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of a [1, H, W, C] tensor."""
        return self.nbytes // self.shape[1]

    def row_offset(self, row: int) -> int:
        """Where a row begins."""
        return self.rows[row] if self.rows else self.offset + row * self.row_bytes


@dataclass(frozen=True, eq=False)
class Step:
    """One layer. `inputs` and `outputs` name buffers; scratch is in the arena.

    rows: the row steps it takes, one a row of the output (of the input where the operator sums over
    rows); 0 where the kernel does everything at once. instructions: of one inference, counted before
    or estimated. specialised: it calls a copy of the kernel that
    is compiled with its parameters as constants. threads: how many share its rows, each with a part of
    the scratch.
    """

    name: str
    op: type[Op]
    params: Params
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    consts: Mapping[str, NDArray[Any]]
    macs: int = 0
    scratch_offset: int = 0
    scratch_bytes: int = 0
    rows: int = 0
    variant: Variant | None = None
    instructions: int = 0
    specialised: bool = False
    threads: int = 1

    def shares(self, threads: int) -> list[range]:
        """The rows that each of so many threads makes; `ek_share` of ek_share.h in Python."""
        ends = [self.rows * i // threads for i in range(threads + 1)]
        return [range(first, end) for first, end in itertools.pairwise(ends)]

    @property
    def kernel(self) -> Kernel:
        """The C function it calls."""
        return Kernel(self.op, self.variant)

    @functools.cached_property
    def packed(self) -> Packed:
        """What that function's struct is filled with."""
        return self.kernel.pack(self.params, self.consts)


class Turn(NamedTuple):
    """Row steps first..first+n-1 of step number `step`, one after the other."""

    step: int
    first: int
    n: int


def streams_of(schedule: Sequence[Turn]) -> list[tuple[Turn, ...]]:
    """A schedule cut where nothing is under way: a lone turn, or the turns of steps that make rows for
    each other."""
    last = {turn.step: i for i, turn in enumerate(schedule)}
    groups: list[tuple[Turn, ...]] = []
    begin = end = 0
    for i, turn in enumerate(schedule):
        end = max(end, last[turn.step])
        if i == end:
            groups.append(tuple(schedule[begin : i + 1]))
            begin = i + 1
    return groups


@dataclass(frozen=True)
class OrderReport:
    """How good the order of the steps is, for whole tensors.

    peak_bytes: bytes alive at most in the best order found; file_peak_bytes: in the source's order;
    lower_bound_bytes: no order has a lower peak; method: how that is known; taken: "file", or
    "searched" where the plan follows the best order instead.
    """

    peak_bytes: int
    file_peak_bytes: int
    lower_bound_bytes: int
    method: str
    taken: str = "file"


class Block(NamedTuple):
    """Bytes of the arena from `offset`, taken from row step `first` to row step `last`.

    Row steps count from 1 through the schedule; inputs are there at 0, outputs after the last. owner:
    the tensor whose memory it is, from row `row` on; of scratch the step, with row -1.
    """

    owner: str
    row: int
    offset: int
    bytes: int
    first: int
    last: int


class Region(NamedTuple):
    """A part of the arena that lies in a memory region of its own: `bytes` from `offset`."""

    name: str
    offset: int
    bytes: int


@dataclass(frozen=True)
class PlanReport:
    """How good the memory plan is.

    lower_bound: peak of the live bytes of this schedule, scratch included; proved: no plan of it has
    a smaller arena, in whole words; method: what found the offsets; peak: name of the step at which
    most bytes are live; live: live bytes at each step; order: of the order of the steps, None where
    none was looked for; blocks: all that is ever in the arena.
    """

    lower_bound: int
    proved: int
    method: str
    peak: str
    live: tuple[int, ...] = ()
    order: OrderReport | None = None
    blocks: tuple[Block, ...] = ()

    def fullest(self) -> tuple[int, int]:
        """The first row step with the most bytes alive, and those bytes."""
        change: dict[int, int] = {}
        for block in self.blocks:
            change[block.first] = change.get(block.first, 0) + block.bytes
            change[block.last + 1] = change.get(block.last + 1, 0) - block.bytes
        live = peak = most = 0
        for time in sorted(change):
            live += change[time]
            if live > most:
                peak, most = time, live
        return peak, most


@dataclass(frozen=True, eq=False)
class Program:
    """A network ready to run: buffers, steps, and the memory it needs (bytes).

    `schedule` says which step makes how many rows when. A step that is not streamed has one turn.
    `regions` divide the arena, each tensor lies in one of them; () where the target's do not matter.
    `threads`: how many may run it, at most.
    """

    name: str
    buffers: Mapping[str, Buffer]
    steps: tuple[Step, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    arena_bytes: int
    state_bytes: int
    plan: PlanReport
    states: tuple[State, ...] = ()
    schedule: tuple[Turn, ...] = ()
    # Copies the plan made unnecessary: (number of turns before it, the step), kept for the checker.
    views: tuple[tuple[int, Step], ...] = field(default=())
    # Tensors whose axes are not in the source's order, inputs and outputs first of all.
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    # Of tensors that lost channels: which of the source's are left (last axis), as a mask.
    kept: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    regions: tuple[Region, ...] = ()
    threads: int = 1

    def region(self, offset: int) -> Region:
        """The region that holds a byte of the arena."""
        whole = Region("", 0, self.arena_bytes)
        return next((r for r in reversed(self.regions) if r.offset <= offset), whole)

    @property
    def feed(self) -> int | None:
        """The step that takes the rows of a streamed input; None where inputs are resident."""
        return next((i for i, step in enumerate(self.steps) if step.op.feeds), None)

    def streams(self) -> list[tuple[Turn, ...]]:
        """The streams of the schedule."""
        return streams_of(self.schedule)

    def phases(self) -> list[list[tuple[Turn, ...]]]:
        """The streams between the meetings of threads: a shared layer alone, or what one thread does
        while the others wait."""
        found: list[list[tuple[Turn, ...]]] = []
        alone = False
        for turns in self.streams():
            shared = self.steps[turns[0].step].threads > 1
            if shared or not alone:
                found.append([])
            found[-1].append(turns)
            alone = not shared
        return found

    def text(self) -> str:
        """The form `--dump` writes: one line a step, one a stream."""

        def place(name: str) -> str:
            b = self.buffers[name]
            dims = "x".join(map(str, b.shape))
            at = f"rows {' '.join(map(str, b.rows))}" if b.rows else str(b.offset)
            return f"{name}:{b.dtype}[{dims}]@{b.space}+{at}"

        lines = [f"program {self.name} arena {self.arena_bytes} state {self.state_bytes}"]
        lines += [f"  region {r.name} {r.offset}+{r.bytes}" for r in self.regions]
        lines += [f"  input  {place(name)}" for name in self.inputs]
        for i, step in enumerate(self.steps):
            ins, outs = (", ".join(map(place, names)) for names in (step.inputs, step.outputs))
            scratch = f" scratch {step.scratch_bytes}@{step.scratch_offset}" * bool(
                step.scratch_bytes
            )
            shared = f" threads {step.threads}" * (step.threads > 1)
            lines.append(f"  {i} {step.name}: {outs} <- {step.op.name}({ins}){scratch}{shared}")
        for turns in self.streams():
            if len(turns) > 1:
                lines.append("  stream " + " ".join(f"{t.step}:{t.first}+{t.n}" for t in turns))
        lines += [f"  output {place(name)}" for name in self.outputs]
        return "\n".join(lines) + "\n"
