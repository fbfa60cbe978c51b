"""Specialised layers: a kernel's source compiled once more with one layer's parameters as constants.

The kernel's file is included as it is. Its function is declared static beforehand under another name, so
the only call is the one that hands over the parameters, and the compiler carries them through.
"""

from __future__ import annotations

from collections.abc import Hashable

from edgekit.emit.constants import Pool
from edgekit.emit.params import scalars
from edgekit.headers import parameters
from edgekit.program import Program, Step


def functions(prefix: str, program: Program) -> list[str]:
    """The C function that each step calls: its kernel, or its instance of it. Specialised layers
    with equal parameters and constants share one."""
    known: dict[Hashable, str] = {}
    names = []
    for index, step in enumerate(program.steps):
        shared = step.kernel.symbol
        own = f"{prefix}_l{index}_{step.kernel.name}"
        names.append(known.setdefault(_content(step), own) if step.specialised else shared)
    return names


def _content(step: Step) -> Hashable:
    """All that an instance depends on."""
    return step.kernel, step.packed.params


def instance_sources(prefix: str, program: Program) -> dict[str, list[str]]:
    """The files of the instances, one a kernel: name to lines, without a banner."""
    first: dict[str, Step] = {}
    for step, name in zip(program.steps, functions(prefix, program), strict=True):
        if step.specialised:
            first.setdefault(name, step)
    files: dict[str, list[str]] = {}
    for name, step in first.items():
        file = files.setdefault(f"{prefix}_{step.kernel.name}.c", [])
        file += _instance(step, name) if file else [*_kernel(step), *_instance(step, name)]
    return files


def _kernel(step: Step) -> list[str]:
    kernel = step.kernel
    return [
        f'#include "ek_{kernel.name}.h"',
        "",
        "/* The kernel as a function of this file alone. */",
        f"#define {kernel.symbol} kernel",
        f"static inline {_signature(step, 'kernel')};",
        f'#include "ek_{kernel.name}.c"',
    ]


def prototypes(prefix: str, program: Program) -> list[str]:
    """The declarations of the instances."""
    called = zip(program.steps, functions(prefix, program), strict=True)
    return list(dict.fromkeys(f"{_signature(s, name)};" for s, name in called if s.specialised))


def _signature(step: Step, name: str) -> str:
    return f"void {name}(const ek_{step.kernel.name}_params *p, {', '.join(parameters(step.kernel))})"


def _instance(step: Step, name: str) -> list[str]:
    kernel = step.kernel
    passed = ", ".join(["&constants", *(_name(text) for text in parameters(kernel))])
    fields = [f"        .{f} = {value}," for f, value in scalars(step)]
    fields += [f"        .{const.name} = p->{const.name}," for const in kernel.consts]
    return [
        "",
        f"{_signature(step, name)};",
        "",
        f"__attribute__((flatten)) {_signature(step, name)}",
        "{",
        f"    const ek_{kernel.name}_params constants = {{",
        *fields,
        "    };",
        *["    (void)p;"] * (not kernel.consts),
        f"    kernel({passed});",
        "}",
    ]


def _name(declaration: str) -> str:
    """The name that a parameter's declaration ends with."""
    return declaration.replace("*", " ").split()[-1]
