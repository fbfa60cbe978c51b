"""`<name>.c`: one call a step, a comment with the source node, parameters as named constants."""

from __future__ import annotations

import math

import numpy as np

from edgekit.emit.constants import Pool
from edgekit.emit.names import c_type, comment, unique
from edgekit.op import params_fields
from edgekit.program import ARENA, CALLER, CONST, Buffer, Program, Step


def model_source(prefix: str, program: Program, pool: Pool, banner: str) -> str:
    """The text of `<name>.c`."""
    kernels = sorted({step.kernel.name for step in program.steps})
    lines = [banner, f'#include "{prefix}.h"', "", "#include <stddef.h>", ""]
    lines += [f'#include "ek_{kernel}.h"' for kernel in kernels]
    lines += ['#include "ek_trace.h"', f'#include "{prefix}_weights.h"', ""]
    for index, step in enumerate(program.steps):
        lines += _params(prefix, index, step, pool)
    lines += _run(prefix, program, pool)
    if program.state_bytes:
        lines += ["", *_reset(prefix, program, pool)]
    return "\n".join(lines) + "\n"


def run_prototype(prefix: str, program: Program) -> str:
    """The C prototype of the entry point."""
    caller = [n for n in (*program.inputs, *program.outputs) if program.buffers[n].space == CALLER]
    names = unique(caller)
    arguments = ["void *arena"] + ["void *state"] * bool(program.state_bytes)
    for name in caller:
        const = "const " if name in program.inputs else ""
        arguments.append(f"{const}{c_type(program.buffers[name].dtype)} *{names[name]}")
    return f"int {prefix}_run({', '.join(arguments)})"


def _params(prefix: str, index: int, step: Step, pool: Pool) -> list[str]:
    fields = []
    for f in params_fields(step.kernel.params):
        value = getattr(step.packed.params, f.name)
        text = "{" + ", ".join(map(str, value)) + "}" if f.metadata["length"] else str(value)
        fields.append(f"    .{f.name} = {text},")
    for const in step.kernel.consts:
        fields.append(f"    .{const.name} = {pool.symbols[step.name, const.name]},")
    return [f"static const ek_{step.kernel.name}_params {prefix}_p{index} = {{", *fields, "};", ""]


def _run(prefix: str, program: Program, pool: Pool) -> list[str]:
    names = unique(n for n in (*program.inputs, *program.outputs))
    lines = [run_prototype(prefix, program), "{", "    uint8_t *const a = arena;"]
    checks = [("arena", "a")]
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
    for index, step in enumerate(program.steps):
        lines += ["", *_call(prefix, index, program, step, pool, names)]
    return [*lines, "    return EK_OK;", "}"]


def _call(
    prefix: str, index: int, program: Program, step: Step, pool: Pool, names: dict[str, str]
) -> list[str]:
    buffers = program.buffers
    ins = [buffers[name] for name in step.inputs]
    (out,) = (buffers[name] for name in step.outputs)

    def at(buffer: Buffer, ctype: str) -> str:
        return f"({ctype} *){_address(buffer, pool, names)}"

    shapes = " * ".join("x".join(map(str, b.shape)) for b in ins)
    lines = [
        f"    /* {comment(step.name)}: {step.op.name} {shapes} -> {'x'.join(map(str, out.shape))} */"
    ]
    params = f"&{prefix}_p{index}"
    kernel = step.kernel.symbol
    if step.op.signature == "rows":
        lines.append("    {")
        rows = [("output", out)] + [(f"input{i}", b) for i, b in enumerate(ins)]
        for label, b in rows:
            lines.append(
                f"        const ek_rows {label} = {{{at(b, 'uint8_t')}, "
                f"{b.nbytes // b.shape[1]}, 0, {b.shape[1]}}};"
            )
        operands = [f"&input{i}" for i in range(len(ins))]
        scratch = f"a + {step.scratch_offset}" if step.scratch_bytes else "NULL"
        arguments = ", ".join([params, *operands, "&output", "0", str(out.shape[1]), scratch])
        lines += [f"        {kernel}({arguments});", "    }"]
    elif step.op.inputs[-1].endswith("..."):
        table = ", ".join(at(b, "const int8_t") for b in ins)
        lines += [
            "    {",
            f"        const int8_t *const inputs[{len(ins)}] = {{{table}}};",
            f"        {kernel}({params}, inputs, {at(out, 'int8_t')});",
            "    }",
        ]
    else:
        operands = [at(b, "const int8_t") for b in ins]
        count = [str(math.prod(out.shape))] if step.op.signature == "flat" else []
        arguments = ", ".join([params, *operands, at(out, "int8_t"), *count])
        lines.append(f"    {kernel}({arguments});")
    return [*lines, f"    EK_TRACE({index});"]


def _address(buffer: Buffer, pool: Pool, names: dict[str, str]) -> str:
    if buffer.space == CONST:
        return pool.symbols[buffer.name, "data"]
    if buffer.space == CALLER:
        return names[buffer.name]
    return f"({'a' if buffer.space == ARENA else 's'} + {buffer.offset})"


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
