"""Builds what runs a deployed model: a program, a board's image, or the model's code alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.data import data_dir
from edgekit.emit.entry import name_of, run_arguments
from edgekit.emit.names import c_type
from edgekit.graph import DTYPES
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
            *([feeder(deployed)] if deployed.fed_rows else []),
            *([f'#include "{name}_threads.h"', ""] if deployed.threads > 1 else []),
            *arrays,
            f"const ek_space ek_spaces[3] = {{\n{chr(10).join(spaces)}\n}};",
            f"const uint8_t ek_model_hash[8] = {{{', '.join(map(str, deployed.hash))}}};",
            "",
            *(
                _on_threads(deployed, arguments)
                if deployed.threads > 1
                else [
                    f"int ek_model_run(void)\n{{\n    return {deployed.entry}({', '.join(arguments)});\n}}"
                ]
            ),
            "",
            f"void ek_model_reset(void)\n{{\n{reset}\n}}",
            "",
        ]
    )


def _on_threads(deployed: Deployed, arguments: Sequence[str]) -> list[str]:
    """`ek_model_run` on a pool that the first inference starts."""
    return [f"""\
static ek_threads threads;

int ek_model_run(void)
{{
    int rc = threads.count > 0 ? EK_OK : ek_threads_start(&threads, {deployed.threads});
    return rc != EK_OK ? rc : {deployed.name}_run_threads(&threads, {", ".join(arguments)});
}}"""]  # fmt: skip


def in_turn(deployed: Deployed) -> str:
    """The C function that does what each of the threads does, one after the other: in every phase the
    last thread first, which no result may depend on. It ends with a phase that does nothing: whoever
    counts learns by it that the last kernel has returned, even one that was jumped to."""
    assert deployed.program is not None
    arguments, phases = run_arguments(deployed.program), f"{deployed.name.upper()}_PHASES"
    prototype = f"int {deployed.entry}({', '.join(arguments)})"
    handed = ", ".join(map(name_of, arguments))
    return f"""\
{prototype};

{prototype}
{{
    for (int32_t phase = 0; phase < {phases}; phase++) {{
        for (int32_t worker = {deployed.threads - 1}; worker >= 0; worker--) {{
            {deployed.walker}({handed}, phase, worker, {deployed.threads});
        }}
    }}
    {deployed.walker}({handed}, {phases}, 0, 1);
    return EK_OK;
}}
"""


def feeder(deployed: Deployed) -> str:
    """The C function that hands over a whole sample: 1, 2, 3, 1, 2, 3, ... rows a call, up to the last."""
    given, *outputs = deployed.caller
    ctype, row = c_type(given.dtype), given.nbytes // deployed.fed_rows // DTYPES[given.dtype]
    state = bool(deployed.state_bytes)
    takes = ["void *arena", *["void *state"] * state, f"const {ctype} *rows"]
    takes += [f"{c_type(t.dtype)} *output{i}" for i, t in enumerate(outputs)]
    gives = ["arena", *["state"] * state, "rows", "n", *(f"output{i}" for i in range(len(outputs)))]
    prototype = f"int {deployed.entry}({', '.join(takes)})"
    return f"""\
{prototype};

{prototype}
{{
    int rc = {deployed.name}_start(arena);
    int32_t n = 0;
    for (int32_t left = {deployed.fed_rows}; rc >= 0 && left > 0; left -= n) {{
        n = n % 3 + 1;
        n = n < left ? n : left;
        rc = {deployed.walker}({", ".join(gives)});
        rows += n * {row};
    }}
    return rc;
}}
"""


def build_program(deployed: Deployed, target: Target, folder: Path, *, traced: bool) -> Path:
    """The agent as a program of the target's operating system. Raises EK501 and EK502."""
    compiler = find_compiler(target)
    port, flags = [], []
    if traced:
        deployed = deployed.alone
    elif deployed.threads > 1:
        port = compiler.compile(
            deployed.port_sources, folder / "threads", include=[deployed.folder]
        )
        flags = ["-pthread"]
    objects = _agent_objects(
        compiler,
        deployed,
        folder,
        ["port_stdio.c"],
        [f"EK_AGENT_PAYLOAD={_HOSTED_PAYLOAD}"],
        traced,
    )
    return compiler.link(objects + port, folder / "agent", flags=flags)


def build_image(
    deployed: Deployed, target: Target, qemu: Qemu, folder: Path, *, traced: bool
) -> Path:
    """The agent as the image of a board that QEMU emulates. Raises EK501 and EK502."""
    compiler = find_compiler(target)
    objects = _agent_objects(
        compiler, deployed, folder, [f"port_{qemu.uart}.c", "start.c", _start_file(target)],
        [f"EK_UART_BASE={qemu.uart_base:#x}u"], traced,
    )  # fmt: skip
    memory = MemoryMap(qemu.flash_base, qemu.flash_size, qemu.ram_base, qemu.ram_size)
    return compiler.link_bare(objects, folder / "agent.elf", entry="ek_reset", memory=memory)


def build_counted(
    deployed: Deployed, target: Target, qemu: Qemu, folder: Path, inputs: Sequence[bytes]
) -> tuple[Path, list[Path]]:
    """The image of a board that runs the model once on `inputs` and tells how it went (count.c), and
    those of its objects that are not the model's. Raises EK501 and EK502."""
    compiler = find_compiler(target)
    names = [f"port_{qemu.uart}.c", "start.c", _start_file(target), "count.c"]
    model_glue = folder / "agent_glue.c"
    model_glue.write_text(glue(deployed) + _placed(deployed, inputs))
    port = compiler.compile(
        [*map(_port, names), model_glue],
        folder / "port",
        include=[deployed.folder, _port("")],
        defines=[f"EK_UART_BASE={qemu.uart_base:#x}u"],
        flags=["-fno-builtin"],
    )
    objects = _model_objects(compiler, deployed, folder, traced=False) + port
    memory = MemoryMap(qemu.flash_base, qemu.flash_size, qemu.ram_base, qemu.ram_size)
    image = compiler.link_bare(objects, folder / "count.elf", entry="ek_reset", memory=memory)
    return image, port


def _placed(deployed: Deployed, inputs: Sequence[bytes]) -> str:
    """The inputs' bytes, and where each belongs."""
    lines, places = ["", '#include "count.h"', ""], []
    for i, (tensor, data) in enumerate(zip(deployed.inputs, inputs, strict=True)):
        numbers = ", ".join(map(str, data))
        lines += [f"static const uint8_t input_{i}[{len(data)}] = {{{numbers}}};"]
        places += [f"    {{{tensor.space} + {tensor.offset}, input_{i}, {len(data)}}},"]
    return "\n".join([
        *lines,
        f"const uint32_t ek_inputs = {len(places)};",
        "const ek_placed_input ek_input[] = {", *places, "};", "",
    ])  # fmt: skip


def build_model(deployed: Deployed, target: Target, folder: Path, *, traced: bool) -> Path:
    """The model's code alone, to be called from outside: its entry points and what they need; of a
    streamed input what hands it over, too, of threads what does their parts. Raises EK501 and EK502."""
    compiler = find_compiler(target)
    deployed = deployed.alone if traced else deployed
    objects = _model_objects(compiler, deployed, folder, traced)
    if traced:
        objects += compiler.compile([_port("trace_stop.c")], folder / "port")
    if deployed.fed_rows or deployed.threads > 1:
        source = folder / "entry.c"
        entry = feeder(deployed) if deployed.fed_rows else in_turn(deployed)
        source.write_text(f'#include "{deployed.name}.h"\n\n{entry}')
        objects += compiler.compile([source], folder / "port", include=[deployed.folder])
    roots = dict.fromkeys((deployed.entry, *deployed.entry_points))
    return compiler.link_bare(objects, folder / "model.elf", entry=deployed.entry, keep=list(roots))


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


def _start_file(target: Target) -> str:
    return "start_riscv.c" if target.arch == "riscv32" else "start_cortex_m.c"


def _port(file: str) -> Path:
    return data_dir("runtime") / "port" / file
