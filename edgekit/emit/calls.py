"""C text of one kernel call: all of a layer at once, or some of its rows."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from edgekit.emit.arenas import array_of, unit
from edgekit.emit.constants import Pool
from edgekit.emit.instances import functions
from edgekit.emit.names import comment
from edgekit.program import ARENA, CALLER, CONST, Buffer, Program, Step


def in_one_call(program: Program, step: Step) -> bool:
    """Whether a kernel on contiguous elements can make all rows in one call."""
    return not any(program.buffers[n].rows for n in (*step.inputs, *step.outputs))


@dataclass(frozen=True)
class Caller:
    """Writes the calls of one model. `names` are the C names of the caller's own buffers."""

    prefix: str
    program: Program
    pool: Pool
    names: dict[str, str]

    def title(self, index: int) -> str:
        """A layer in words, as a C comment."""
        step = self.program.steps[index]
        ins = [self.program.buffers[name] for name in step.inputs]
        out = self.program.buffers[step.outputs[0]]
        shapes = " * ".join("x".join(map(str, b.shape)) for b in ins)
        made = "x".join(map(str, out.shape))
        return f"/* {comment(step.name)}: {step.op.name} {shapes} -> {made} */"

    def whole(self, index: int) -> list[str]:
        """The call that makes all of a layer."""
        step = self.program.steps[index]
        if step.op.signature in ("rows", "sum"):
            rows = step.rows or self.program.buffers[step.outputs[0]].shape[1]
            return self._by_rows(index, "0", str(rows))
        apart = step.op.signature == "flat" and not in_one_call(self.program, step)
        if apart or step.op.signature == "each":
            return self._row_by_row(index, "0", str(step.rows))
        return self._at_once(index)

    def row(self, index: int, row: str) -> list[str]:
        """The call that makes row `row` (a C expression)."""
        if self.program.steps[index].op.signature in ("flat", "each"):
            return self._row_by_row(index, row, "1")
        return self._by_rows(index, row, "1")

    def share(self, index: int) -> list[str]:
        """The call that makes the rows from `first` to before `end`, as thread number `worker`."""
        step = self.program.steps[index]
        if step.op.signature == "rows":
            each = step.scratch_bytes // step.threads
            own = f"{self._inside(step.scratch_offset)} + worker * {each}" if each else "NULL"
            return self._by_rows(index, "first", "end - first", own)
        if step.op.signature == "each" or not in_one_call(self.program, step):
            return self._row_by_row(index, "first", "end")
        _, ins, out, params, kernel = self._parts(index)
        parts = [f"{self._at(b, 'const int8_t')} + first * {b.row_bytes}" for b in ins]
        parts.append(f"{self._at(out, 'int8_t')} + first * {out.row_bytes}")
        count = f"(end - first) * {math.prod(out.shape[2:])}"
        return [f"{kernel}({', '.join([params, *parts, count])});"]

    def fed(self, index: int) -> list[str]:
        """The call that puts the caller's row number `row`, which `rows` points to, into its place."""
        _, _, out, params, kernel = self._parts(index)
        given = f"{{(uint8_t *)(uintptr_t)rows, NULL, {out.row_bytes}, row, 1}}"
        return [
            "{",
            self.output(index),
            f"    const ek_rows input0 = {given};",
            f"    {kernel}({params}, &input0, &output, row, 1, NULL);",
            "}",
        ]

    def output(self, index: int) -> str:
        """The declaration of a layer's output as rows."""
        return self._rows("output", self._parts(index)[2])

    @functools.cached_property
    def _functions(self) -> list[str]:
        return functions(self.prefix, self.program)

    def _parts(self, index: int) -> tuple[Step, list[Buffer], Buffer, str, str]:
        step = self.program.steps[index]
        ins = [self.program.buffers[name] for name in step.inputs]
        out = self.program.buffers[step.outputs[0]]
        return step, ins, out, f"&{self.prefix}_p{index}", self._functions[index]

    def _by_rows(self, index: int, first: str, n: str, scratch: str = "") -> list[str]:
        step, ins, out, params, kernel = self._parts(index)
        sums = step.op.signature == "sum"
        lines = ["{"] + ([] if sums else [self._rows("output", out)])
        lines += [self._rows(f"input{i}", b) for i, b in enumerate(ins)]
        operands = [f"&input{i}" for i in range(len(ins))]
        if step.op.inputs[-1].endswith("..."):
            table = ", ".join(operands)
            lines.append(f"    const ek_rows *const inputs[{len(ins)}] = {{{table}}};")
            operands = ["inputs"]
        made = self._at(out, "int8_t") if sums else "&output"
        scratch = scratch or (self._inside(step.scratch_offset) if step.scratch_bytes else "NULL")
        arguments = ", ".join([params, *operands, made, first, n, scratch])
        return [*lines, f"    {kernel}({arguments});", "}"]

    def _row_by_row(self, index: int, first: str, n: str) -> list[str]:
        """A kernel on contiguous elements, called for row `first` where n is "1", else for each row from
        there to before `n`; constants are the same for all."""
        step, ins, out, params, kernel = self._parts(index)
        lines = ["{", self._rows("output", out)]
        lines += [self._rows(f"input{i}", b) for i, b in enumerate(ins) if b.space != CONST]
        count = [str(math.prod(out.shape[2:]))] if step.op.signature == "flat" else []
        y = first if n == "1" else "y"
        rows = [
            self._at(b, "const int8_t") if b.space == CONST else f"ek_row(&input{i}, {y})"
            for i, b in enumerate(ins)
        ]
        call = f"{kernel}({', '.join([params, *rows, f'ek_row(&output, {y})', *count])});"
        if n == "1":
            return [*lines, f"    {call}", "}"]
        loop = f"    for (int32_t y = {first}; y < {n}; y++) {{"
        return [*lines, loop, f"        {call}", "    }", "}"]

    def _at_once(self, index: int) -> list[str]:
        step, ins, out, params, kernel = self._parts(index)
        if step.op.inputs[-1].endswith("..."):
            table = ", ".join(self._at(b, "const int8_t") for b in ins)
            return [
                "{",
                f"    const int8_t *const inputs[{len(ins)}] = {{{table}}};",
                f"    {kernel}({params}, inputs, {self._at(out, 'int8_t')});",
                "}",
            ]
        written = step.op.states
        operands = [
            self._at(b, "int8_t" if name in written else "const int8_t")
            for name, b in zip(step.op.inputs, ins, strict=True)
        ]
        made = [out, *(self.program.buffers[n] for n in step.outputs[1:] if step.op.more)]
        count = [str(math.prod(out.shape))] if step.op.signature == "flat" else []
        results = [self._at(b, "int8_t") for b in made]
        arguments = ", ".join([params, *operands, *results, *count])
        return [f"{kernel}({arguments});"]

    def _rows(self, label: str, b: Buffer) -> str:
        """The declaration of a tensor as rows."""
        if b.rows:
            pointer = array_of(self.prefix, self.program, b.offset).pointer
            place = f"{pointer}, {row_table(self.prefix, self.program, b)}, {unit(self.program)}"
        else:
            place = f"{self._at(b, 'uint8_t')}, NULL, {b.row_bytes}"
        return f"    const ek_rows {label} = {{{place}, 0, {b.shape[1]}}};"

    def _at(self, b: Buffer, ctype: str) -> str:
        return f"({ctype} *){self._address(b)}"

    def _address(self, b: Buffer) -> str:
        if b.space == CONST:
            return self.pool.symbols[b.name, "data"]
        if b.space == CALLER:
            return self.names[b.name]
        return f"({self._inside(b.offset)})" if b.space == ARENA else f"(s + {b.offset})"

    def _inside(self, offset: int) -> str:
        """The address of a byte of the arena."""
        array = array_of(self.prefix, self.program, offset)
        return f"{array.pointer} + {offset - array.region.offset}"


def row_tables(program: Program) -> list[tuple[int, ...]]:
    """The distinct tables of row offsets, in the order of their first use."""
    used = (n for step in program.steps for n in (*step.inputs, *step.outputs))
    return list(dict.fromkeys(program.buffers[n].rows for n in used if program.buffers[n].rows))


def row_table(prefix: str, program: Program, b: Buffer) -> str:
    """The C name of a tensor's table of row offsets."""
    return f"{prefix}_t_rows{row_tables(program).index(b.rows)}"
