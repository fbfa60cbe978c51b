"""`<name>.h`: sizes, scales and zero points as constants, one accessor per input and output."""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.emit.arenas import Array, arenas, array_of
from edgekit.emit.entry import fed_step, part_prototype, run_prototype
from edgekit.emit.feed import declarations
from edgekit.emit.names import c_type, comment, unique
from edgekit.graph import Layout, limits
from edgekit.program import CALLER, Buffer, Program

ABI = 2


def model_header(prefix: str, program: Program, banner: str) -> str:
    """The text of `<name>.h`, the model's public interface."""
    upper = prefix.upper()
    lines = [
        banner,
        f"#ifndef {upper}_H",
        f"#define {upper}_H",
        "",
        "#include <stdint.h>",
        "",
        '#include "ek_version.h"',
        "",
        f"#if EK_ABI != {ABI}",
        f'#error "{prefix}.h needs other runtime headers: regenerate it with edgekit"',
        "#endif",
        "",
        "/* Bytes that the caller provides, aligned by the attribute. */",
        *(f"#define {array.macro} {array.region.bytes}" for array in arenas(prefix, program)),
        f"#define {upper}_STATE_BYTES {program.state_bytes}",
        f"#define {upper}_ALIGN __attribute__((aligned(EK_ALIGN)))",
        "",
    ]
    names = unique((*program.inputs, *program.outputs))
    for kind, tensors in (("input", program.inputs), ("output", program.outputs)):
        for tensor in tensors:
            buffer = program.buffers[tensor]
            array = array_of(prefix, program, buffer.offset)
            lines += _tensor(prefix, kind, names[tensor], buffer, program.layouts, array)
        if kind == "input" and program.feed is not None:
            lines[-1:] = _rows(f"{prefix}_input_{names[tensor]}".upper(), program)
    if program.feed is None:
        lines += [
            "/* One inference. EK_OK, or EK_ERROR_NULL or EK_ERROR_ALIGN without any effect. */",
            f"{run_prototype(prefix, program)};",
            "",
        ]
    else:
        lines += declarations(prefix, program)
    if program.threads > 1:
        lines += _parts(prefix, program)
    if program.state_bytes:
        lines += [
            "/* Back to the first time step; call it before the first inference. */",
            f"void {prefix}_reset(void *state);",
            "",
        ]
    return "\n".join([*lines, "#endif", ""])


def _parts(prefix: str, program: Program) -> list[str]:
    """What threads call."""
    upper = prefix.upper()
    return [
        f"/* The same by threads: all of them call {prefix}_part for phase 0, when all have returned for phase",
        f" * 1, and so on to {upper}_PHASES - 1; each as a worker of its own below `workers`, which is at most",
        f" * {upper}_THREADS. Pointers are not checked. {prefix}_threads.h does it with POSIX threads. */",
        f"#define {upper}_THREADS {program.threads}",
        f"#define {upper}_PHASES {len(program.phases())}",
        f"{part_prototype(prefix, program)};",
        "",
    ]


def _tensor(
    prefix: str, kind: str, name: str, b: Buffer, layouts: Mapping[str, Layout], array: Array
) -> list[str]:
    macro = f"{prefix}_{kind}_{name}".upper()
    ctype = c_type(b.dtype)
    order = ""
    if b.name in layouts:
        source = layouts[b.name]
        order = f",\n * the source's {_size(source.shape)} with its axes in the order {', '.join(map(str, source.perm))}"
    lines = [
        f"/* {kind} {comment(b.name)}: {ctype} {_size(b.shape)}{order} */",
        f"#define {macro}_BYTES {b.nbytes}",
    ]
    if b.quant is not None:
        lines += [
            f"#define {macro}_SCALE {float(b.quant.scale[0])!r}f",
            f"#define {macro}_ZERO_POINT ({b.quant.zero_point[0]})",
        ]
    if b.space != CALLER:
        const = "const " if kind == "output" else ""
        lines += [
            f"#define {macro}_OFFSET {b.offset - array.region.offset}",
            f"static inline {const}{ctype} *{prefix}_{kind}_{name}(void *{array.argument})",
            "{",
            f"    return ({const}{ctype} *)(void *)((uint8_t *){array.argument} + {macro}_OFFSET);",
            "}",
        ]
    return [*lines, ""]


def _rows(macro: str, program: Program) -> list[str]:
    """The rows in which a streamed input is handed over."""
    step = fed_step(program)
    return [
        f"#define {macro}_ROWS {step.rows}",
        f"#define {macro}_ROW_BYTES {program.buffers[step.outputs[0]].row_bytes}",
        "",
    ]


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "1"


def float_header(prefix: str, program: Program, banner: str) -> str:
    """`<name>_float.h`: real numbers to and from the integer interface, the only floating point."""
    upper = f"{prefix.upper()}_FLOAT_H"
    lines = [banner, f"#ifndef {upper}", f"#define {upper}", "", f'#include "{prefix}.h"', ""]
    names = unique((*program.inputs, *program.outputs))
    for tensor in program.inputs:
        lines += _quantizer(prefix, names[tensor], program.buffers[tensor])
    for tensor in program.outputs:
        lines += _dequantizer(prefix, names[tensor], program.buffers[tensor])
    return "\n".join([*lines, "#endif", ""])


def _quantizer(prefix: str, name: str, b: Buffer) -> list[str]:
    macro, ctype = f"{prefix}_INPUT_{name}".upper(), c_type(b.dtype)
    low, high = limits(b.dtype)
    return [
        f"/* Nearest step, ties away from zero, clamped; count up to {b.nbytes}. */",
        f"static inline void {prefix}_quantize_{name}(const float *from, {ctype} *to, int32_t count)",
        "{",
        "    for (int32_t i = 0; i < count; i++) {",
        f"        float steps = from[i] / {macro}_SCALE;",
        "        float limited = steps > -65536.0f ? steps : -65536.0f;",
        "        int32_t q = (int32_t)(limited < 65536.0f ? limited : 65536.0f);",
        "        float rest = limited - (float)q;",
        f"        q += (rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0) + {macro}_ZERO_POINT;",
        f"        to[i] = ({ctype})(q < {low} ? {low} : q > {high} ? {high} : q);",
        "    }",
        "}",
        "",
    ]


def _dequantizer(prefix: str, name: str, b: Buffer) -> list[str]:
    macro, ctype = f"{prefix}_OUTPUT_{name}".upper(), c_type(b.dtype)
    return [
        f"static inline void {prefix}_dequantize_{name}(const {ctype} *from, float *to, int32_t count)",
        "{",
        "    for (int32_t i = 0; i < count; i++) {",
        f"        to[i] = (float)((int32_t)from[i] - {macro}_ZERO_POINT) * {macro}_SCALE;",
        "    }",
        "}",
        "",
    ]
