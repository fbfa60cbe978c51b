"""Fed models compiled for this machine: any partition of any input's rows over calls."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from numpy.typing import NDArray

from edgekit.emit import emit
from edgekit.emit.entry import argument_names, fed_step, row_type
from edgekit.emit.names import c_type
from edgekit.program import CALLER, Program

Array = NDArray[np.generic]
IN_PLACE = -1  # a portion of one row that is written where it belongs
SANITIZED = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def compile_folder(folder: Path, flags: Sequence[str] = SANITIZED) -> None:
    """All C files of a folder to the program `run` in it."""
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", *flags]
    sources = map(str, sorted(folder.glob("*.c")))
    subprocess.run([*command, *sources, "-o", str(folder / "run")], check=True)


def status(folder: Path) -> int:
    """What the program `run` of a folder exits with."""
    return subprocess.run([str(folder / "run")]).returncode


class Fed:
    """A program's C code with `fed_main.c` around it, compiled in `folder`."""

    def __init__(self, program: Program, folder: Path, flags: Sequence[str] = SANITIZED) -> None:
        if shutil.which("gcc") is None:
            pytest.skip("gcc is not installed")
        self.program = program
        step = fed_step(program)
        self.rows, self.row_bytes = step.rows, program.buffers[step.outputs[0]].row_bytes
        for name, text in emit("m", program, "model.tflite")[0].items():
            (folder / name).write_text(text)
        (folder / "main.c").write_text(self._main())
        compile_folder(folder, flags)
        self._run = str(folder / "run")

    def _main(self) -> str:
        names, program = argument_names(self.program), self.program
        buffers, arguments, writes = [], [], []
        for name in program.outputs:
            b, found = program.buffers[name], f"m_output_{names[name]}(arena)"
            if b.space == CALLER:
                found = f"out_{names[name]}"
                buffers.append(f"static {c_type(b.dtype)} {found}[{b.nbytes // b.itemsize}];")
                arguments.append(found)
            writes.append(f"fwrite({found}, 1, {b.nbytes}, stdout);")
        state = ["state"] * bool(program.state_bytes)
        words = {
            "OUTPUT_BUFFERS": "\n".join(buffers),
            "WRITE_OUTPUTS": " ".join(writes),
            "RESET": "m_reset(state)" if state else "(void)0",
            "ROW_BYTES": str(self.row_bytes),
            "TYPE": row_type(program),
        }
        text = (ROOT / "tests" / "fed_main.c").read_text()
        text = re.sub("|".join(words), lambda word: words[word[0]], text)
        feed = ", ".join(["arena", *state, "ROWS, N", *arguments])
        return re.sub(
            r"FEED\((\w+), (\w+)\)",
            lambda call: f"m_feed({feed.replace('ROWS, N', f'{call[1]}, {call[2]}')})",
            text,
        )

    def outputs(self, samples: Array, partitions: Sequence[Sequence[int]]) -> list[Array]:
        """Outputs [N, *shape] for samples [N, *shape], each handed over in portions of its own."""
        request = bytearray()
        for sample, portions in zip(samples, partitions, strict=True):
            data, at = sample.tobytes(), 0
            request += np.int32(len(portions)).tobytes()
            for n in portions:
                end = at + abs(n) * self.row_bytes
                request += np.int32(n).tobytes() + data[at:end]
                at = end
            assert at == len(data), "portions of all rows"
        done = subprocess.run([self._run], input=bytes(request), capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")
        buffers = [self.program.buffers[name] for name in self.program.outputs]
        sizes = np.cumsum([b.nbytes for b in buffers])
        parts = np.split(
            np.frombuffer(done.stdout, np.uint8).reshape(len(samples), -1), sizes[:-1], axis=1
        )
        return [
            np.ascontiguousarray(part).view(b.dtype).reshape(-1, *b.shape)
            for part, b in zip(parts, buffers, strict=True)
        ]
