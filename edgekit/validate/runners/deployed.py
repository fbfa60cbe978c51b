"""What a runner needs to know of an emitted model: its files, its memory, its interface."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.emit.arenas import arenas
from edgekit.emit.calls import in_one_call
from edgekit.emit.instances import functions
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
    begins that the firmware would have in several memory regions.
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

    @property
    def entry(self) -> str:
        """The function that makes one inference: of a streamed input it hands the caller's buffer over
        in portions, and belongs to the test firmware (`agent.feeder`)."""
        return f"{self.name}_{'fed' if self.fed_rows else 'run'}"

    @property
    def walker(self) -> str:
        """The function that calls the kernels."""
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
    def sources(self) -> list[Path]:
        return sorted(self.folder.glob("*.c"))

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
    )


def _turn(program: Program, turn: Turn) -> LayerTurn:
    step = program.steps[turn.step]
    every = max(1, step.rows)
    flat = step.op.signature in ("flat", "each") and step.rows > 0
    whole = step.op.signature == "flat" and turn.n == every and in_one_call(program, step)
    single = not flat or whole
    last = turn.first + turn.n == every
    return LayerTurn(turn.step, turn.first, turn.n, 1 if single else turn.n, last)
