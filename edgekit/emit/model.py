"""`<name>.c`: one call a step, a comment with the source node, parameters as named constants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.emit.arenas import arenas, unit
from edgekit.emit.calls import Caller, row_tables
from edgekit.emit.constants import Pool
from edgekit.emit.names import c_type, comment, unique
from edgekit.op import params_fields
from edgekit.program import CALLER, Program, Step, Turn


def model_source(prefix: str, program: Program, pool: Pool, banner: str) -> str:
    """The text of `<name>.c`."""
    kernels = sorted({step.op.kernel for step in program.steps})
    lines = [banner, f'#include "{prefix}.h"', "", "#include <stddef.h>", ""]
    lines += [f'#include "ek_{kernel}.h"' for kernel in kernels]
    lines += ['#include "ek_trace.h"', f'#include "{prefix}_weights.h"', ""]
    for index, step in enumerate(program.steps):
        lines += _params(prefix, index, step, pool)
    lines += _tables(prefix, program)
    lines += _run(prefix, program, pool)
    if program.state_bytes:
        lines += ["", *_reset(prefix, program, pool)]
    return "\n".join(lines) + "\n"


def run_prototype(prefix: str, program: Program) -> str:
    """The C prototype of the entry point."""
    caller = [n for n in (*program.inputs, *program.outputs) if program.buffers[n].space == CALLER]
    names = unique(caller)
    arguments = [f"void *{array.argument}" for array in arenas(prefix, program)]
    arguments += ["void *state"] * bool(program.state_bytes)
    for name in caller:
        const = "const " if name in program.inputs else ""
        arguments.append(f"{const}{c_type(program.buffers[name].dtype)} *{names[name]}")
    return f"int {prefix}_run({', '.join(arguments)})"


def _params(prefix: str, index: int, step: Step, pool: Pool) -> list[str]:
    fields = []
    for f in params_fields(step.op.Params):
        value = getattr(step.params, f.name)
        text = "{" + ", ".join(map(str, value)) + "}" if f.metadata["length"] else str(value)
        fields.append(f"    .{f.name} = {text},")
    for const in step.op.consts:
        fields.append(f"    .{const.name} = {pool.symbols[step.name, const.name]},")
    return [f"static const ek_{step.op.kernel}_params {prefix}_p{index} = {{", *fields, "};", ""]


def _run(prefix: str, program: Program, pool: Pool) -> list[str]:
    names = unique(n for n in (*program.inputs, *program.outputs))
    lines = [run_prototype(prefix, program), "{"]
    checks = []
    for array in arenas(prefix, program):
        lines.append(f"    uint8_t *const {array.pointer} = {array.argument};")
        checks.append((array.argument, array.pointer))
    if program.state_bytes:
        lines.append("    uint8_t *const s = state;")
        checks.append(("state", "s"))
    for what, pointer in checks:
        lines += [
            f"    if ({pointer} == NULL) {{ /* no {what} */",
            "        return EK_ERROR_NULL;",
            "    }",
            f"    if (((uintptr_t){pointer} & (EK_ALIGN - 1u)) != 0) {{",
            "        return EK_ERROR_ALIGN;",
            "    }",
        ]
    caller, first = Caller(prefix, program, pool, names), 0
    for number, turns in enumerate(program.streams()):
        steps = len({turn.step for turn in turns})
        if steps == 1:
            lines += ["", f"    {caller.title(first)}", *_indent(caller.whole(first), 1)]
            lines.append(f"    EK_TRACE({first});")
        else:
            lines += ["", *_stream(caller, turns_name(prefix, number), turns)]
        first += steps
    return [*lines, "    return EK_OK;", "}"]


def turns_name(prefix: str, stream: int) -> str:
    """The C name of a stream's schedule."""
    return f"{prefix}_t_turns{stream}"


def _tables(prefix: str, program: Program) -> list[str]:
    """The offsets of rows that lie apart, and the schedules of streams."""
    lines: list[str] = []
    for number, rows in enumerate(row_tables(program)):
        base = program.region(rows[0]).offset
        numbers = [(offset - base) // unit(program) for offset in rows]
        lines += [*_array(f"uint16_t {prefix}_t_rows{number}", numbers), ""]
    for number, turns in enumerate(program.streams()):
        if len({turn.step for turn in turns}) > 1:
            layers = [turn.step - turns_base(turns) for turn in turns]
            lines += [*_array(f"uint8_t {turns_name(prefix, number)}", layers), ""]
    return lines


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
    rows = max(caller.program.steps[index].rows for index in layers)
    counter = "uint8_t" if rows < 256 else "uint16_t"
    lines = [
        f"/* A stream of {len(layers)} layers: whose turn it is to make its next row. */",
        "{",
        f"    {counter} next[{len(layers)}];",
        f"    for (int32_t i = 0; i < {len(layers)}; i++) {{",
        "        next[i] = 0;",
        "    }",
        f"    for (int32_t i = 0; i < {len(turns)}; i++) {{",
        f"        const int32_t layer = {table}[i], row = next[layer];",
        "        switch (layer) {",
    ]
    for index in layers:
        lines += [f"        case {index - base}: {caller.title(index)}"]
        lines += [*_indent(caller.row(index, "row"), 3), "            break;"]
    lines += [
        "        }",
        "        next[layer]++;",
        f"        EK_TRACE({f'{base} + ' if base else ''}layer);",
        "    }",
        "}",
    ]
    return _indent(lines, 1)


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
