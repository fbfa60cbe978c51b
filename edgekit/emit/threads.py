"""The port files of a model that threads share: the only ones that know of threads.

`ek_threads.h` and `.c` are a pool that any model can use, `<name>_threads.h` and `.c` what its threads do
for one inference of this model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from edgekit.data import data_dir
from edgekit.emit.entry import checks, name_of, run_arguments
from edgekit.program import Program

_POOL = "ek_threads"


def port_files(prefix: str, program: Program, banner: Callable[[str], str]) -> dict[str, str]:
    """Name to text."""
    folder, own = data_dir("runtime") / "threads", f"{prefix}_threads"
    files = {f"{own}.h": _header(prefix, program), f"{own}.c": _source(prefix, program)}
    texts = {name: "\n".join([banner(name), *lines, ""]) for name, lines in files.items()}
    return texts | {name: (folder / name).read_text() for name in (f"{_POOL}.h", f"{_POOL}.c")}


def without_port(prefix: str, sources: Iterable[Path]) -> list[Path]:
    """The C files that are the model's own."""
    port = (f"{prefix}_threads.c", f"{_POOL}.c")
    return [path for path in sources if path.name not in port]


def _prototype(prefix: str, program: Program) -> str:
    arguments = [f"{_POOL} *threads", *run_arguments(program)]
    return f"int {prefix}_run_threads({', '.join(arguments)})"


def _header(prefix: str, program: Program) -> list[str]:
    upper = prefix.upper()
    return [
        f"#ifndef {upper}_THREADS_H",
        f"#define {upper}_THREADS_H",
        "",
        f'#include "{_POOL}.h"',
        f'#include "{prefix}.h"',
        "",
        f"/* One inference on the threads of a pool, of which at most {upper}_THREADS compute; otherwise as",
        f" * {prefix}_run, byte for byte, however many there are. */",
        f"{_prototype(prefix, program)};",
        "",
        "#endif",
    ]


def _source(prefix: str, program: Program) -> list[str]:
    upper, arguments = prefix.upper(), run_arguments(program)
    handed = ", ".join(f"with->{name_of(argument)}" for argument in arguments)
    return [
        f'#include "{prefix}_threads.h"',
        "",
        "#include <stddef.h>",
        "",
        "typedef struct {",
        *(f"    {argument};" for argument in arguments),
        "} inference;",
        "",
        f"static void work({_POOL} *threads, const void *argument, int32_t worker)",
        "{",
        "    const inference *with = argument;",
        f"    const int32_t workers = threads->count < {upper}_THREADS ? threads->count : {upper}_THREADS;",
        f"    for (int32_t phase = 0; phase < {upper}_PHASES; phase++) {{",
        "        if (phase > 0) {",
        f"            {_POOL}_meet(threads);",
        "        }",
        "        if (worker < workers) {",
        f"            {prefix}_part({handed}, phase, worker, workers);",
        "        }",
        "    }",
        "}",
        "",
        _prototype(prefix, program),
        "{",
        *checks(program),
        "    if (threads == NULL) {",
        "        return EK_ERROR_NULL;",
        "    }",
        f"    const inference with = {{{', '.join(map(name_of, arguments))}}};",
        f"    {_POOL}_run(threads, work, &with);",
        "    return EK_OK;",
        "}",
    ]
