"""The entry points of a model whose input is streamed: start, feed and next_row.

A feed goes through the schedule from where the last one stopped: it takes a row where one is due, and
stops where one is due and none is left. Which layer a turn belongs to and which row it makes stand in
tables, so all that an inference remembers between two calls is the number of its turn.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.emit.calls import Caller
from edgekit.emit.entry import checks, fed_step, feed_prototypes, row_type
from edgekit.program import CALLER, Program


def declarations(prefix: str, program: Program) -> list[str]:
    """What the header says of the entry points."""
    name, step = prefix, fed_step(program)
    row = program.buffers[step.outputs[0]].row_bytes
    head = feed_prototypes(prefix, program)
    lines = [
        f"/* The input is handed over as {step.rows} rows of {row} bytes; it never stands in RAM as a whole.",
        " *",
        f" * {name}_start begins an inference, whatever became of the one before. {name}_feed takes the next n",
        " * rows, which follow one another in memory, and computes all that they allow. It returns",
        " *     EK_MORE         more rows are due; those handed over may be overwritten now",
        " *     EK_OK           that was the last row: the outputs are valid until the next start",
        " *     EK_ERROR_START  no inference is under way: none was started, or the last has ended",
        " *     EK_ERROR_ROWS   n is negative, or more than the rows that are still due",
        " *     EK_ERROR_NULL, EK_ERROR_ALIGN",
        " * Errors have no effect. How rows are divided among calls changes no byte; n may be 0.",
        " * Until the inference has ended the arena serves nothing else.",
    ]
    if program.state_bytes:
        lines.append(
            " * The state changes while rows come: reset it where an inference was given up."
        )
    if any(program.buffers[n].space == CALLER for n in program.outputs):
        lines.append(" * Every call of an inference gets the same output buffers.")
    return [
        *lines,
        " */",
        f"{head['start']};",
        f"{head['feed']};",
        "",
        "/* Where the next row belongs, NULL where none is due: what is written there between two calls, by",
        f" * DMA perhaps, is handed over without copying when {name}_feed gets this pointer and n = 1. */",
        f"{head['next_row']};",
        "",
    ]


def definitions(
    caller: Caller, turns: str, rows: str, count: int, cases: Sequence[str], rest: Sequence[str]
) -> list[str]:
    """The C functions.

    turns, rows: the C names of the tables of `count` turns. cases: of the switch over the other
    layers of the first stream, for `row`. rest: the layers behind that stream.
    """
    return [*_start(caller), "", *_next_row(caller, rows), "",
            *_feed(caller, turns, rows, count, cases, rest)]  # fmt: skip


def _cursor(program: Program, const: str = "") -> str:
    offset = fed_step(program).scratch_offset
    return f"    {const}ek_cursor *const at = ({const}ek_cursor *)(void *)(a + {offset});"


def _start(caller: Caller) -> list[str]:
    program = caller.program
    return [
        feed_prototypes(caller.prefix, program)["start"],
        "{",
        *checks(program, state=False),
        _cursor(program),
        "    at->mark = EK_CURSOR_MARK;",
        "    at->turn = 0;",
        "    return EK_OK;",
        "}",
    ]


def _next_row(caller: Caller, rows: str) -> list[str]:
    program = caller.program
    assert program.feed is not None
    ctype = row_type(program)
    cast = "" if ctype == "int8_t" else f"({ctype} *)(void *)"
    return [
        feed_prototypes(caller.prefix, program)["next_row"],
        "{",
        "    uint8_t *const a = arena;",
        "    if (a == NULL || ((uintptr_t)a & (EK_ALIGN - 1u)) != 0) {",
        "        return NULL;",
        "    }",
        _cursor(program, "const "),
        "    if (at->mark != EK_CURSOR_MARK) {",
        "        return NULL;",
        "    }",
        caller.output(program.feed),
        f"    return {cast}ek_row(&output, {rows}[at->turn]);",
        "}",
    ]


def _feed(
    caller: Caller, turns: str, rows: str, count: int, cases: Sequence[str], rest: Sequence[str]
) -> list[str]:
    program = caller.program
    assert program.feed is not None
    step = fed_step(program)
    out = program.buffers[step.outputs[0]]
    return [
        feed_prototypes(caller.prefix, program)["feed"],
        "{",
        *checks(program),
        _cursor(program),
        "    if (at->mark != EK_CURSOR_MARK) {",
        "        return EK_ERROR_START;",
        "    }",
        f"    if (n < 0 || n > {step.rows} - {rows}[at->turn]) {{",
        "        return EK_ERROR_ROWS;",
        "    }",
        "    if (rows == NULL && n > 0) {",
        "        return EK_ERROR_NULL;",
        "    }",
        "",
        f"    /* Between two calls the turn is that of the next row; all {step.rows} are taken before the last. */",
        f"    for (; at->turn < {count}; at->turn++) {{",
        f"        const int32_t layer = {turns}[at->turn], row = {rows}[at->turn];",
        "        switch (layer) {",
        f"        case {program.feed}: {caller.title(program.feed)}",
        "            if (n == 0) {",
        "                return EK_MORE;",
        "            }",
        *("            " + line for line in caller.fed(program.feed)),
        f"            rows += {out.row_bytes // out.itemsize};",
        "            n--;",
        "            break;",
        *cases,
        "        }",
        "        EK_TRACE(layer);",
        "    }",
        "    at->mark = 0;",
        *rest,
        "    return EK_OK;",
        "}",
    ]
