"""What a runner needs to know of an emitted model: its files, its memory, its interface."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgekit.emit.arenas import arenas
from edgekit.emit.calls import in_one_call
from edgekit.emit.instances import functions
from edgekit.emit.threads import without_port
from edgekit.graph import DTYPES
from edgekit.program import ARENA, CALLER, STATE, Program, Turn

# The protocol's number of each space is its place here.
SPACES = (ARENA, STATE, CALLER)
_HASH_BYTES = 8


@dataclass(frozen=True)
class Tensor:
    """Where a tensor lies: an offset in bytes into one of `SPACES`; where its rows do not follow one
    another, `rows` has the offset of each."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    space: str
    offset: int
    nbytes: int
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Layer:
    """One step of `<name>_run`: calls of `function`, which is `kernel` or this layer's instance of it,
    and what they leave in memory.

    rows: how many rows it makes in turns; 0 where its outputs are there at once, at the end.
    """

    name: str
    op: str
    kernel: str
    function: str
    outputs: tuple[Tensor, ...]
    rows: int = 0


@dataclass(frozen=True)
class LayerTurn:
    """One turn of `<name>_run`: `calls` calls of the kernel of layer number `layer`, which make its
    rows first..first+n-1; `last` tells that the layer is finished then."""

    layer: int
    first: int = 0
    n: int = 1
    calls: int = 1
    last: bool = True


@dataclass(frozen=True)
class Deployed:
    """An emitted model. `folder` holds its C files; sizes are bytes.

    `program` is what the simulator runs; it may be None where only C code is wanted. `turns` is the
    order in which layers make rows; empty where each layer runs once, in order. `fed_rows`: the rows
    of a streamed input, 0 where inputs are resident. `arenas`: where in the arena each of the arrays
    begins that the firmware would have in several memory regions. `threads`: how many
    may share a layer.
    """

    folder: Path
    name: str
    arena_bytes: int
    state_bytes: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    steps: tuple[Layer, ...]
    program: Program | None = None
    turns: tuple[LayerTurn, ...] = ()
    fed_rows: int = 0
    arenas: tuple[int, ...] = (0,)
    threads: int = 1

    @property
    def entry(self) -> str:
        """The function that makes one inference. Of a streamed input it hands the caller's buffer over
        in portions, of a model for threads it does the parts of each, one after the other; both belong
        to the test firmware (`agent`)."""
        if self.threads > 1:
            return f"{self.name}_in_turn"
        return f"{self.name}_{'fed' if self.fed_rows else 'run'}"

    @property
    def walker(self) -> str:
        """The function that calls the kernels."""
        if self.threads > 1:
            return f"{self.name}_part"
        return f"{self.name}_{'feed' if self.fed_rows else 'run'}"

    @property
    def entry_points(self) -> tuple[str, ...]:
        """The model's own functions, as far as an inference calls them."""
        start = [f"{self.name}_start"] * bool(self.fed_rows)
        return (self.walker, *start, *[f"{self.name}_reset"] * bool(self.state_bytes))

    @property
    def schedule(self) -> tuple[LayerTurn, ...]:
        """Every turn of an inference."""
        return self.turns or tuple(LayerTurn(i) for i in range(len(self.steps)))

    @property
    def calls(self) -> list[tuple[int, int]]:
        """The kernel calls that `entry` makes, in order: (layer, thread)."""
        if self.threads > 1:
            assert self.program is not None
            return list(_shared_calls(self.program, self.schedule))
        return [(turn.layer, 0) for turn in self.schedule for _ in range(turn.calls)]

    @property
    def sources(self) -> list[Path]:
        """The model's own C files, those of threads left out."""
        return without_port(self.name, sorted(self.folder.glob("*.c")))

    @property
    def port_sources(self) -> list[Path]:
        """The C files of threads."""
        return sorted({*self.folder.glob("*.c")} - {*self.sources})

    @property
    def alone(self) -> Deployed:
        """The model as one thread runs it, layer after layer."""
        return replace(self, threads=1)

    @property
    def caller(self) -> list[Tensor]:
        """Inputs and outputs in buffers of the caller: further arguments of `<name>_run`."""
        return [tensor for tensor in (*self.inputs, *self.outputs) if tensor.space == CALLER]

    @property
    def caller_bytes(self) -> int:
        return max((tensor.offset + tensor.nbytes for tensor in self.caller), default=0)

    @property
    def hash(self) -> bytes:
        """Tells models apart on a device: the beginning of the SHA-256 of all C files."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.glob("*.[ch]")):
            text = path.read_bytes()
            digest.update(f"{path.name} {len(text)}\n".encode() + text)
        return digest.digest()[:_HASH_BYTES]


def deploy(program: Program, folder: Path, name: str) -> Deployed:
    """Describe `program` as emitted into `folder` under the C prefix `name`."""
    # The caller's buffers come one after the other, each aligned for any element.
    offsets, end = {}, 0
    for tensor in (*program.inputs, *program.outputs):
        if program.buffers[tensor].space == CALLER:
            offsets[tensor] = end
            end = (end + program.buffers[tensor].nbytes + 15) & ~15

    def place(names: Sequence[str]) -> tuple[Tensor, ...]:
        found = [program.buffers[n] for n in names]
        return tuple(
            Tensor(
                b.name, b.shape, b.dtype, b.space, offsets.get(b.name, b.offset), b.nbytes, b.rows
            )
            for b in found
            if b.space in SPACES and b.dtype in DTYPES
        )

    steps = tuple(
        Layer(
            step.name,
            step.op.name,
            step.kernel.symbol,
            function,
            place(step.outputs),
            0 if step.op.signature == "sum" else step.rows,
        )
        for step, function in zip(program.steps, functions(name, program), strict=True)
    )
    return Deployed(
        folder,
        name,
        program.arena_bytes,
        program.state_bytes,
        place(program.inputs),
        place(program.outputs),
        steps,
        program,
        tuple(_turn(program, turn) for turn in program.schedule),
        0 if program.feed is None else program.steps[program.feed].rows,
        tuple(array.region.offset for array in arenas(name, program)),
        program.threads,
    )


def _shared_calls(program: Program, turns: Sequence[LayerTurn]) -> Iterator[tuple[int, int]]:
    """`Deployed.calls` of a model for threads: phase by phase, in each the last thread first."""
    rest = iter(turns)
    for phase in program.phases():
        step = program.steps[phase[0][0].step]
        if step.threads == 1:
            for turn in itertools.islice(rest, sum(map(len, phase))):
                yield from [(turn.layer, 0)] * turn.calls
            continue
        turn = next(rest)
        shares = step.shares(program.threads)
        for worker in reversed(range(program.threads)):
            rows = len(shares[worker])
            yield from [(turn.layer, worker)] * (rows if turn.calls > 1 else min(1, rows))


def _turn(program: Program, turn: Turn) -> LayerTurn:
    step = program.steps[turn.step]
    every = max(1, step.rows)
    flat = step.op.signature in ("flat", "each") and step.rows > 0
    whole = step.op.signature == "flat" and turn.n == every and in_one_call(program, step)
    single = not flat or whole
    last = turn.first + turn.n == every
    return LayerTurn(turn.step, turn.first, turn.n, 1 if single else turn.n, last)
