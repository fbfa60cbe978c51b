"""The functions of a model that firmware calls: their names, their arguments, what they check first."""

from __future__ import annotations

import re

from edgekit.emit.arenas import arenas
from edgekit.emit.names import c_type, unique
from edgekit.program import CALLER, Program, Step

# What the bodies call things of their own.
_OURS = re.compile(
    r"a|s|arena|state|at|i|layer|row|rows|n|next|y|inputs?|input\d+|output|phase|workers?|first|end|threads|with"
)


def entry_points(prefix: str, program: Program) -> tuple[str, ...]:
    """The C names of the entry points; the first is the one that calls the kernels."""
    runs: tuple[str, ...] = ("run",) if program.feed is None else ("feed", "start", "next_row")
    if program.threads > 1:
        runs = ("part", *runs)
    return tuple(f"{prefix}_{name}" for name in (*runs, *["reset"] * bool(program.state_bytes)))


def argument_names(program: Program) -> dict[str, str]:
    """Tensor to C name, for inputs and outputs in the caller's buffers."""
    names = unique((*program.inputs, *program.outputs)).items()
    return {t: f"{name}_buffer" if _OURS.fullmatch(name) else name for t, name in names}


def run_arguments(program: Program) -> list[str]:
    """The C declarations of what an inference is called with."""
    return [
        *_memory(program),
        *_buffers(program, program.inputs),
        *_buffers(program, program.outputs),
    ]


def name_of(declaration: str) -> str:
    """The name that a C declaration of a pointer declares."""
    return declaration.rpartition("*")[2]


def run_prototype(prefix: str, program: Program) -> str:
    """The C prototype of an inference in one call."""
    return f"int {prefix}_run({', '.join(run_arguments(program))})"


def part_prototype(prefix: str, program: Program) -> str:
    """The C prototype of what one of several threads does between two meetings."""
    numbers = [f"int32_t {name}" for name in ("phase", "worker", "workers")]
    return f"void {prefix}_part({', '.join([*run_arguments(program), *numbers])})"


def feed_prototypes(prefix: str, program: Program) -> dict[str, str]:
    """The C prototypes where the input is streamed: start, feed and next_row."""
    ctype = row_type(program)
    arguments = [
        *_memory(program),
        f"const {ctype} *rows",
        "int32_t n",
        *_buffers(program, program.outputs),
    ]
    return {
        "start": f"int {prefix}_start(void *arena)",
        "feed": f"int {prefix}_feed({', '.join(arguments)})",
        "next_row": f"{ctype} *{prefix}_next_row(void *arena)",
    }


def fed_step(program: Program) -> Step:
    """The step that takes the rows of a streamed input."""
    assert program.feed is not None
    return program.steps[program.feed]


def row_type(program: Program) -> str:
    """The C type of an element of a streamed input."""
    return c_type(program.buffers[fed_step(program).inputs[0]].dtype)


def pointers(program: Program, *, state: bool = True) -> list[str]:
    """The bytes of the arena and, with `state`, of the state, as C declarations."""
    return [f"    uint8_t *const {p} = {argument};" for argument, p in _places(program, state)]


def _places(program: Program, state: bool) -> list[tuple[str, str]]:
    """Arguments that are memory, each with the pointer to its bytes."""
    found = [(array.argument, array.pointer) for array in arenas("", program)]
    return found + [("state", "s")] * bool(program.state_bytes and state)


def checks(program: Program, *, state: bool = True) -> list[str]:
    """The first statements of an entry point: the arena and, with `state`, the state are usable."""
    lines = pointers(program, state=state)
    for what, pointer in _places(program, state):
        lines += [
            f"    if ({pointer} == NULL) {{ /* no {what} */",
            "        return EK_ERROR_NULL;",
            "    }",
            f"    if (((uintptr_t){pointer} & (EK_ALIGN - 1u)) != 0) {{",
            "        return EK_ERROR_ALIGN;",
            "    }",
        ]
    return lines


def _memory(program: Program) -> list[str]:
    memory = [f"void *{array.argument}" for array in arenas("", program)]
    return memory + ["void *state"] * bool(program.state_bytes)


def _buffers(program: Program, tensors: tuple[str, ...]) -> list[str]:
    """The arguments of those tensors that are in buffers of the caller."""
    names, found = argument_names(program), []
    for tensor in tensors:
        if program.buffers[tensor].space == CALLER:
            const = "const " if tensor in program.inputs else ""
            found.append(f"{const}{c_type(program.buffers[tensor].dtype)} *{names[tensor]}")
    return found
