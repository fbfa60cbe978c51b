"""Builds what runs a deployed model: a program, a board's image, or the model's code alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.data import data_dir
from edgekit.emit.names import c_type
from edgekit.target import Qemu, Target
from edgekit.toolchain import Compiler, MemoryMap, find_compiler
from edgekit.validate.runners.deployed import Deployed

_HOSTED_PAYLOAD = 4096
_TRACED = ("EK_TRACE_HOOK",)


def glue(deployed: Deployed) -> str:
    """The C file that ties a model to `runtime/port/agent.c`: its memory and its names."""
    name, upper = deployed.name, deployed.name.upper()
    arguments = [f"arena + {offset}" if offset else "arena" for offset in deployed.arenas]
    arguments += ["state"] * bool(deployed.state_bytes)
    for tensor in deployed.caller:
        arguments.append(f"({c_type(tensor.dtype)} *)(void *)(caller + {tensor.offset})")
    memory = {
        "arena": (str(deployed.arena_bytes), deployed.arena_bytes),
        "state": (f"{upper}_STATE_BYTES", deployed.state_bytes),
        "caller": (str(deployed.caller_bytes), deployed.caller_bytes),
    }
    arrays = [f"static uint8_t {s}[{n}] {upper}_ALIGN;" for s, (n, b) in memory.items() if b]
    spaces = [f"    {{{s}, {n}}}," if b else "    {0, 0}," for s, (n, b) in memory.items()]
    reset = f"    {name}_reset(state);" if deployed.state_bytes else "    /* has no state */"
    return "\n".join(
        [
            f'#include "{name}.h"',
            '#include "agent.h"',
            "",
            *arrays,
            f"const ek_space ek_spaces[3] = {{\n{chr(10).join(spaces)}\n}};",
            f"const uint8_t ek_model_hash[8] = {{{', '.join(map(str, deployed.hash))}}};",
            "",
            f"int ek_model_run(void)\n{{\n    return {name}_run({', '.join(arguments)});\n}}",
            "",
            f"void ek_model_reset(void)\n{{\n{reset}\n}}",
            "",
        ]
    )


def build_program(deployed: Deployed, target: Target, folder: Path, *, traced: bool) -> Path:
    """The agent as a program of the target's operating system. Raises EK501 and EK502."""
    compiler = find_compiler(target)
    objects = _agent_objects(
        compiler,
        deployed,
        folder,
        ["port_stdio.c"],
        [f"EK_AGENT_PAYLOAD={_HOSTED_PAYLOAD}"],
        traced,
    )
    return compiler.link(objects, folder / "agent")


def build_image(
    deployed: Deployed, target: Target, qemu: Qemu, folder: Path, *, traced: bool
) -> Path:
    """The agent as the image of a board that QEMU emulates. Raises EK501 and EK502."""
    compiler = find_compiler(target)
    start = "start_riscv.c" if target.arch == "riscv32" else "start_cortex_m.c"
    objects = _agent_objects(
        compiler, deployed, folder, [f"port_{qemu.uart}.c", "start.c", start],
        [f"EK_UART_BASE={qemu.uart_base:#x}u"], traced,
    )  # fmt: skip
    memory = MemoryMap(qemu.flash_base, qemu.flash_size, qemu.ram_base, qemu.ram_size)
    return compiler.link_bare(objects, folder / "agent.elf", entry="ek_reset", memory=memory)


def build_model(deployed: Deployed, target: Target, folder: Path, *, traced: bool) -> Path:
    """The model's code alone, to be called from outside: `<name>_run`, `<name>_reset` and what they
    need. Raises EK501 and EK502."""
    compiler = find_compiler(target)
    objects = _model_objects(compiler, deployed, folder, traced)
    if traced:
        objects += compiler.compile([_port("trace_stop.c")], folder / "port")
    roots = [f"{deployed.name}_run", *[f"{deployed.name}_reset"] * bool(deployed.state_bytes)]
    return compiler.link_bare(objects, folder / "model.elf", entry=roots[0], keep=roots)


def _agent_objects(
    compiler: Compiler,
    deployed: Deployed,
    folder: Path,
    sources: Sequence[str],
    defines: Sequence[str],
    traced: bool,
) -> list[Path]:
    objects = _model_objects(compiler, deployed, folder, traced)
    model_glue = folder / "agent_glue.c"
    model_glue.write_text(glue(deployed))
    return objects + compiler.compile(
        [_port("agent.c"), *map(_port, sources), model_glue],
        folder / "port",
        include=[deployed.folder, _port("")],
        defines=[*defines, *_TRACED[: int(traced)]],
    )


def _model_objects(
    compiler: Compiler, deployed: Deployed, folder: Path, traced: bool
) -> list[Path]:
    return compiler.compile(
        deployed.sources,
        folder / "model",
        include=[deployed.folder],
        defines=_TRACED[: int(traced)],
    )


def _port(file: str) -> Path:
    return data_dir("runtime") / "port" / file
