"""Specialised layers: a kernel's source compiled once more with one layer's parameters as constants.

The kernel's file is included as it is. Its function is declared static beforehand under another name, so
the only call is the one that hands over the parameters, and the compiler carries them through.
"""

from __future__ import annotations

from collections.abc import Hashable

from edgekit.emit.constants import Pool
from edgekit.emit.params import params_struct
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
    consts = tuple(step.packed.consts[const.name].tobytes() for const in step.kernel.consts)
    return step.kernel, step.packed.params, consts


def instance_sources(prefix: str, program: Program, pool: Pool) -> dict[str, list[str]]:
    """The files of the instances: name to lines, without a banner."""
    first: dict[str, int] = {}
    for index, (step, name) in enumerate(zip(program.steps, functions(prefix, program), strict=True)):
        if step.specialised:
            first.setdefault(name, index)
    return {
        f"{name}.c": _source(prefix, program.steps[index], index, name, pool)
        for name, index in first.items()
    }


def prototypes(prefix: str, program: Program) -> list[str]:
    """The declarations of the instances."""
    called = zip(program.steps, functions(prefix, program), strict=True)
    return list(dict.fromkeys(f"{_signature(s, name)};" for s, name in called if s.specialised))


def _signature(step: Step, name: str) -> str:
    return f"void {name}({', '.join(parameters(step.kernel))})"


def _source(prefix: str, step: Step, index: int, name: str, pool: Pool) -> list[str]:
    kernel = step.kernel
    struct = f"{prefix}_p{index}"
    declared = ", ".join([f"const ek_{kernel.name}_params *p", *parameters(kernel)])
    passed = ", ".join([f"&{struct}", *(_name(text) for text in parameters(kernel))])
    return [
        f'#include "ek_{kernel.name}.h"',
        f'#include "{prefix}_weights.h"',
        "",
        "/* The kernel as a function of this file alone. */",
        f"#define {kernel.symbol} {name}_kernel",
        f"static void {name}_kernel({declared});",
        f'#include "ek_{kernel.name}.c"',
        "",
        *params_struct(prefix, index, step, pool),
        f"{_signature(step, name)};",
        "",
        _signature(step, name),
        "{",
        f"    {name}_kernel({passed});",
        "}",
    ]


def _name(declaration: str) -> str:
    """The name that a parameter's declaration ends with."""
    return declaration.replace("*", " ").split()[-1]
