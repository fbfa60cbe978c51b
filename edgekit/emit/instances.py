"""Specialised layers: a kernel's source compiled once more, with the numbers of a layer as constants.

`<name>_<kernel>.c` includes the kernel's file, whose function is static there, under another name. Each
instance fills a struct with constants, takes only the pointers from the layer's own, and has the whole
kernel inlined; loops written in instructions are no part of that, so all instances share them. Layers
of the same numbers share an instance.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from edgekit.emit.params import scalars
from edgekit.headers import parameters
from edgekit.program import Program, Step

# Clang's `flatten` reaches one level of calls only. Constants let GCC see loops that never run, and
# warn of what they would do.
_BEFORE = """\
#if defined(__clang__)
#pragma clang attribute push(__attribute__((always_inline)), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC diagnostic ignored "-Waggressive-loop-optimizations"
#endif"""
_BEHIND = """\
#if defined(__clang__)
#pragma clang attribute pop
#endif"""


def functions(prefix: str, program: Program) -> list[str]:
    """The C function that each step calls: its kernel, its instance of it, or, where other layers
    have instances of that kernel, the function beside them that serves any layer."""
    specialised = {step.kernel.name for step in program.steps if step.specialised}
    known: dict[Hashable, str] = {}
    names = []
    for index, step in enumerate(program.steps):
        kernel = step.kernel
        if step.specialised:
            own = f"{prefix}_l{index}_{kernel.name}"
            names.append(known.setdefault(same_instance(step), own))
        else:
            names.append(f"{prefix}_{kernel.name}" if kernel.name in specialised else kernel.symbol)
    return names


def same_instance(step: Step) -> Hashable:
    """Equal for layers that can share an instance."""
    return step.kernel, step.packed.params


def _own(prefix: str, program: Program) -> Mapping[str, Step]:
    """The functions that are no kernels of the runtime, each with its first layer."""
    called = zip(functions(prefix, program), program.steps, strict=True)
    own: dict[str, Step] = {}
    for name, step in called:
        if name != step.kernel.symbol:
            own.setdefault(name, step)
    return own


def prototypes(prefix: str, program: Program) -> list[str]:
    """The declarations of these functions."""
    return [f"{_prototype(step, name)};" for name, step in _own(prefix, program).items()]


def instance_sources(prefix: str, program: Program) -> dict[str, list[str]]:
    """The files of the instances, one a kernel: name to lines, without a banner."""
    files: dict[str, list[str]] = {}
    for name, step in _own(prefix, program).items():
        lines = files.setdefault(f"{prefix}_{step.kernel.name}.c", [])
        if not lines:
            lines += _kernel(step)
        lines += ["", f"{_prototype(step, name)};", ""]
        lines += _instance(step, name) if step.specialised else _general(step, name)
    return files


def _prototype(step: Step, name: str) -> str:
    first = f"const ek_{step.kernel.name}_params *p"
    return f"void {name}({', '.join([first, *parameters(step.kernel)])})"


def _passed(step: Step, first: str) -> str:
    names = [text.replace("*", " ").split()[-1] for text in parameters(step.kernel)]
    return ", ".join([first, *names])


def _here(step: Step) -> str:
    return f"{step.kernel.symbol}_here"


def _kernel(step: Step) -> list[str]:
    """The kernel as a function of its file alone."""
    kernel = step.kernel
    return [
        f'#include "ek_{kernel.name}.h"',
        "",
        _BEFORE,
        "",
        f"#define {kernel.symbol} {_here(step)}",
        f"static inline {_prototype(step, _here(step))};",
        f'#include "ek_{kernel.name}.c"',
        _BEHIND,
    ]


def _instance(step: Step, name: str) -> list[str]:
    kernel = step.kernel
    fields = [f"        .{field} = {value}," for field, value in scalars(step)]
    fields += [f"        .{const.name} = p->{const.name}," for const in kernel.consts]
    return [
        f"__attribute__((flatten)) {_prototype(step, name)}",
        "{",
        f"    const ek_{kernel.name}_params constants = {{",
        *fields,
        "    };",
        *["    (void)p;"] * (not kernel.consts),
        f"    {_here(step)}({_passed(step, '&constants')});",
        "}",
    ]


def _general(step: Step, name: str) -> list[str]:
    return [_prototype(step, name), "{", f"    {_here(step)}({_passed(step, 'p')});", "}"]
