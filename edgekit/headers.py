"""Kernel headers, generated from the operators' Params: `python -m edgekit.headers [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

from edgekit.data import data_dir
from edgekit.op import Kernel, load_ops, params_fields


def kernels() -> dict[str, Kernel]:
    """Name to kernel, variants included, each of the class that sets `kernel`; without plug-ins."""
    table: dict[str, Kernel] = {}
    owners = {Kernel(op).owner: None for op in load_ops().values()}
    for cls in (owner for owner in owners if owner.kernel and owner.origin is None):
        for kernel in (Kernel(cls), *(Kernel(cls, variant) for variant in cls.variants)):
            if kernel.name in table:
                raise TypeError(f"kernel {kernel.name} is defined twice")
            table[kernel.name] = kernel
    return dict(sorted(table.items()))


def parameters(kernel: Kernel) -> list[str]:
    """The C declarations of a kernel's parameters behind the first, its struct."""
    op = kernel.op
    variadic = op.inputs[-1].endswith("...")
    names = [name.removesuffix("...") for name in op.inputs]
    if op.signature == "rows":
        pointer = "*const *" if variadic else "*"
        operands = [f"const ek_rows {pointer}{name}" for name in names]
        operands += ["const ek_rows *output", "int32_t first", "int32_t n", "uint8_t *scratch"]
    elif op.signature == "sum":
        operands = [f"const ek_rows *{names[0]}", "int8_t *output"]
        operands += ["int32_t first", "int32_t n", "uint8_t *scratch"]
    elif variadic:
        operands = [f"const int8_t *const *{names[0]}", "int8_t *output"]
    else:
        written = op.states
        operands = [f"{'' if name in written else 'const '}int8_t *{name}" for name in names]
        operands += [f"int8_t *{name}" for name in ("output", *op.more)]
        operands += ["int32_t n"] if op.signature == "flat" else []
    return operands


def prototype(kernel: Kernel) -> str:
    """The C prototype of a kernel, without the semicolon."""
    params = f"const ek_{kernel.name}_params *p"
    return f"void {kernel.symbol}({', '.join([params, *parameters(kernel)])})"


def header_text(kernel: Kernel) -> str:
    """The text of ``ek_<kernel>.h``."""
    guard = f"EK_{kernel.name.upper()}_H"
    origin, stem = kernel.op.origin, kernel.op.__module__.rsplit(".", 1)[-1]
    source = origin.name if origin else f"edgekit/ops/{stem}.py"
    lines = [
        f"/* ek_{kernel.name}.h -- generated from {source}; do not edit */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        "#include <stdint.h>",
        "",
        '#include "ek_rows.h"',
        "",
        "typedef struct {",
    ]
    for f in params_fields(kernel.params):
        length = f"[{f.metadata['length']}]" if f.metadata["length"] else ""
        lines.append(f"    {f.metadata['c']} {f.name}{length}; /* {f.metadata['doc']} */")
    lines += [f"    const {c.ctype} *{c.name}; /* {c.doc} */" for c in kernel.consts]
    lines += [f"}} ek_{kernel.name}_params;", "", f"{prototype(kernel)};", "", "#endif", ""]
    return "\n".join(lines)


def stale() -> dict[Path, str]:
    """Headers whose file differs from what the operators say: path to wanted text."""
    folder = data_dir("runtime") / "include"
    wanted = {folder / f"ek_{name}.h": header_text(kernel) for name, kernel in kernels().items()}
    return {p: t for p, t in wanted.items() if not p.is_file() or p.read_text() != t}


def main(arguments: list[str]) -> int:
    """Write the stale headers, or with --check only name them (exit 1 when there are any)."""
    changed = stale()
    check = "--check" in arguments
    for path, text in changed.items():
        print(("stale: " if check else "wrote ") + path.name)
        if not check:
            path.write_text(text)
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
