"""`<name>.c`: one call a step, a comment with the source node, parameters as named constants."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from edgekit.emit.arenas import arenas, unit
from edgekit.emit.calls import Caller, row_tables
from edgekit.emit.constants import Pool
from edgekit.emit.entry import (
    argument_names,
    checks,
    name_of,
    part_prototype,
    pointers,
    run_arguments,
    run_prototype,
)
from edgekit.emit.feed import definitions
from edgekit.emit.instances import prototypes
from edgekit.emit.names import comment
from edgekit.emit.params import params_struct
from edgekit.program import CALLER, Program, Turn


def model_source(prefix: str, program: Program, pool: Pool, banner: str) -> str:
    """The text of `<name>.c`."""
    kernels = sorted({step.kernel.name for step in program.steps})
    lines = [banner, f'#include "{prefix}.h"', "", "#include <stddef.h>", ""]
    lines += [f'#include "ek_{kernel}.h"' for kernel in kernels]
    instances = prototypes(prefix, program)
    lines += ['#include "ek_cursor.h"'] * (program.feed is not None)
    lines += ['#include "ek_share.h"'] * (program.threads > 1)
    lines += ['#include "ek_trace.h"', f'#include "{prefix}_weights.h"', ""]
    if instances:
        lines += [
            "/* Kernels compiled with the numbers of a layer as constants. */",
            *instances,
            "",
        ]
    for index, step in enumerate(program.steps):
        lines += params_struct(prefix, index, step, pool)
    lines += _tables(prefix, program)
    lines += _functions(prefix, program, pool)
    if program.state_bytes:
        lines += ["", *_reset(prefix, program, pool)]
    return "\n".join(lines) + "\n"


def _functions(prefix: str, program: Program, pool: Pool) -> list[str]:
    """What computes: the whole inference in one function, or the functions of a streamed input."""
    caller = Caller(prefix, program, pool, argument_names(program))
    streams = program.streams()
    if program.threads > 1:
        return _parts(caller)
    if program.feed is None:
        head = [run_prototype(prefix, program), "{", *checks(program), *_not_read(program)]
        return [*head, *_layers(caller, streams), "    return EK_OK;", "}"]
    fed = sorted({turn.step for turn in streams[0]})
    cases = [line for index in fed if index != program.feed for line in _case(caller, index, 0)]
    rest = [[], *streams[1:]]
    return definitions(
        caller, turns_name(prefix, 0), made_name(prefix), len(streams[0]),
        _indent(cases, 2), _layers(caller, rest),
    )  # fmt: skip


def _parts(caller: Caller) -> list[str]:
    """The part of each of several threads between two meetings, and all parts in one call."""
    prefix, program = caller.prefix, caller.program
    body = _switch(caller)
    unused = [
        f"    (void){name};"
        for name in (*(array.pointer for array in arenas("", program)), "s", "workers")
        if not any(re.search(rf"\b{name}\b", line) for line in body)
        and (name != "s" or program.state_bytes)
    ]
    # There once, and in one piece: whoever counts instructions knows layers by their return into it.
    part = [f"__attribute__((noinline)) {part_prototype(prefix, program)}", "{",
            *pointers(program), *unused, *_not_read(program)]  # fmt: skip
    names = ", ".join(map(name_of, run_arguments(program)))
    return [
        *part, *body, "}", "",
        run_prototype(prefix, program), "{", *checks(program),
        f"    for (int32_t phase = 0; phase < {prefix.upper()}_PHASES; phase++) {{",
        f"        {prefix}_part({names}, phase, 0, 1);",
        "    }",
        "    return EK_OK;", "}",
    ]  # fmt: skip


def _switch(caller: Caller) -> list[str]:
    """What a thread does in each phase."""
    streams = caller.program.streams()
    lines = ["    switch (phase) {"]
    for number, phase in enumerate(caller.program.phases()):
        first = phase[0][0].step
        if caller.program.steps[first].threads > 1:
            lines += _shared(caller, number, first)
            continue
        alone = _layers(caller, [turns if turns in phase else () for turns in streams])
        lines += [f"    case {number}: /* one thread, while the others wait */",
                  "        if (worker == 0) {", *_indent(alone[1:], 2), "        }", "        break;"]  # fmt: skip
    return [*lines, "    }"]


def _shared(caller: Caller, phase: int, index: int) -> list[str]:
    """A thread's share of a layer."""
    rows, call = caller.program.steps[index].rows, caller.share(index)
    inside = call[1:-1] if call[0] == "{" else _indent(call, 1)
    return [
        f"    case {phase}: {{ {caller.title(index)}",
        f"        const int32_t first = ek_share({rows}, worker, workers);",
        f"        const int32_t end = ek_share({rows}, worker + 1, workers);",
        "        if (first < end) {",
        *_indent(inside, 2),
        "        }",
        f"        EK_TRACE({index});",
        "        break;",
        "    }",
    ]


def _not_read(program: Program) -> list[str]:
    """Statements that silence compilers about buffers of the caller that no layer uses."""
    used = {name for step in program.steps for name in (*step.inputs, *step.outputs)}
    return [
        f"    (void){argument}; /* not read */"
        for name, argument in argument_names(program).items()
        if name not in used and program.buffers[name].space == CALLER
    ]


def _layers(caller: Caller, streams: Sequence[Sequence[Turn]]) -> list[str]:
    """The streams in order, an empty one left out."""
    lines: list[str] = []
    for number, turns in enumerate(streams):
        if len(turns) == 1:
            index = turns[0].step
            lines += ["", f"    {caller.title(index)}", *_indent(caller.whole(index), 1)]
            lines.append(f"    EK_TRACE({index});")
        elif turns:
            lines += ["", *_stream(caller, turns_name(caller.prefix, number), turns)]
    return lines


def turns_name(prefix: str, stream: int) -> str:
    """The C name of a stream's schedule."""
    return f"{prefix}_t_turns{stream}"


def made_name(prefix: str) -> str:
    """The C name of the table of the rows that the turns of the fed stream make."""
    return f"{prefix}_t_made"


def _tables(prefix: str, program: Program) -> list[str]:
    """The offsets of rows that lie apart, and the schedules of streams."""
    lines: list[str] = []
    for number, rows in enumerate(row_tables(program)):
        base = program.region(rows[0]).offset
        numbers = [(offset - base) // unit(program) for offset in rows]
        lines += [*_array(f"uint16_t {prefix}_t_rows{number}", numbers), ""]
    for number, turns in enumerate(program.streams()):
        if len(turns) > 1:
            layers = [turn.step - turns_base(turns) for turn in turns]
            lines += [*_array(f"uint8_t {turns_name(prefix, number)}", layers), ""]
        if program.feed in {turn.step for turn in turns}:
            made = [turn.first for turn in turns]
            counter = _counter(turns, program)
            lines += [*_array(f"{counter} {made_name(prefix)}", made), ""]
    return lines


def _counter(turns: Sequence[Turn], program: Program) -> str:
    """The smallest C type that counts the rows of a stream's layers."""
    rows = max(program.steps[turn.step].rows for turn in turns)
    return "uint8_t" if rows < 256 else "uint16_t"


def _array(name: str, numbers: Sequence[int]) -> list[str]:
    rows = [", ".join(map(str, numbers[at : at + 20])) for at in range(0, len(numbers), 20)]
    return [f"static const {name}[{len(numbers)}] = {{", *(f"    {row}," for row in rows), "};"]


def turns_base(turns: Sequence[Turn]) -> int:
    """The first layer of a stream; its layers are numbered from there."""
    return min(turn.step for turn in turns)


def _stream(caller: Caller, table: str, turns: Sequence[Turn]) -> list[str]:
    """The loop over a stream's schedule: each turn makes the next row of one layer."""
    base = turns_base(turns)
    layers = sorted({turn.step for turn in turns})
    counter = _counter(turns, caller.program)
    lines = [
        f"/* A stream of {len(layers)} layers: whose turn it is to make its next row. */",
        "{",
        f"    {counter} next[{layers[-1] - base + 1}];",
        f"    for (int32_t i = 0; i < {layers[-1] - base + 1}; i++) {{",
        "        next[i] = 0;",
        "    }",
        f"    for (int32_t i = 0; i < {len(turns)}; i++) {{",
        f"        const int32_t layer = {table}[i], row = next[layer];",
        "        switch (layer) {",
    ]
    for index in layers:
        lines += _indent(_case(caller, index, base), 2)
    lines += [
        "        }",
        "        next[layer]++;",
        f"        EK_TRACE({f'{base} + ' if base else ''}layer);",
        "    }",
        "}",
    ]
    return _indent(lines, 1)


def _case(caller: Caller, index: int, base: int) -> list[str]:
    """The next row of a layer, as a case of a stream's switch."""
    call = _indent(caller.row(index, "row"), 1)
    return [f"case {index - base}: {caller.title(index)}", *call, "    break;"]


def _indent(lines: Sequence[str], depth: int) -> list[str]:
    return [" " * 4 * depth + line if line else line for line in lines]


def _reset(prefix: str, program: Program, pool: Pool) -> list[str]:
    """`<name>_reset`: each state variable to its initial bytes."""
    lines = [f"void {prefix}_reset(void *state)", "{", "    uint8_t *const s = state;"]
    for state in program.states:
        b = program.buffers[state.value]
        if (state.value, "init") in pool.symbols:
            symbol = pool.symbols[state.value, "init"]
            source = f"((const uint8_t *){symbol})[i]"
        else:
            source = str(int(np.ascontiguousarray(state.init).view(np.uint8).reshape(-1)[0]))
        lines += [
            f"    for (size_t i = 0; i < {b.nbytes}; i++) {{ /* {comment(state.value)} */",
            f"        s[{b.offset} + i] = {source};",
            "    }",
        ]
    return [*lines, "}"]
