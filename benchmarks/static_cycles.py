"""Cycles of an out-of-order core from executed blocks: `llvm-mca` on each of them, in a steady state.

A block's cycles are those of 100 repetitions, divided by 100, times how often it executed. Caches are
perfect and no branch is mispredicted, so this bounds the time from below; set it only beside figures
that were made the same way.
"""

from __future__ import annotations

import functools
import importlib
import re
import shutil
import subprocess
from typing import Any

TOOLS = ("llvm-mca", "llvm-mca-14", "llvm-mca-15", "llvm-mca-16")
# LLVM has no model of the Cortex-A72; its predecessor's has the same pipes.
MODEL = "cortex-a57"
_REPEAT = 100
_JUMP = re.compile(r"b(l|r|lr|\.\w+)?|ret|cbn?z|tbn?z")
_WORTH = 0.999  # of the executed instructions, that the blocks estimated make up


def tool() -> str:
    """The first llvm-mca that is installed, "" where there is none."""
    return next((path for name in TOOLS if (path := shutil.which(name))), "")


@functools.cache
def version() -> str:
    """What that says of itself, "" where there is none."""
    if not tool():
        return ""
    text = subprocess.run([tool(), "--version"], capture_output=True, text=True).stdout
    found = re.search(r"LLVM version \S+", text)
    return found[0] if found else text.strip()


def blocks(answer: dict[str, Any]) -> list[tuple[int, list[str]]]:
    """(times, instructions) of the straight runs of code of what `edgekit.bench.execute` answers."""
    capstone: Any = importlib.import_module("capstone")
    engine = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    unit, code = int(answer["unit"]), answer["code"].tobytes()
    times = answer["counts"].sum(axis=0)
    found: list[tuple[int, list[str]]] = []
    before, jumped = 0, True
    for index in range(len(code) // unit):
        n = int(times[index])
        if n:
            one = next(engine.disasm(code[index * unit : index * unit + 4], index * unit))
            if jumped or n != before:
                found.append((n, []))
            jumped = bool(_JUMP.fullmatch(one.mnemonic))
            # Where a jump goes does not matter, but its address must be one.
            text = re.sub(r"#0x[0-9a-f]+$", "here", one.op_str) if jumped else one.op_str
            found[-1][1].append(f"{one.mnemonic} {text}")
        before = n
    return found


def cycles(answer: dict[str, Any]) -> int:
    """The estimate for one inference. Raises RuntimeError where llvm-mca is missing or fails."""
    found = sorted(blocks(answer), key=lambda b: -b[0] * len(b[1]))
    total, seen, chosen = sum(n * len(text) for n, text in found), 0, []
    for n, text in found:
        if seen < _WORTH * total:
            chosen.append((n, text))
            seen += n * len(text)
    lines = ["here:"]
    for i, (_, text) in enumerate(chosen):
        lines += [f"# LLVM-MCA-BEGIN {i}", *text, f"# LLVM-MCA-END {i}"]
    command = [tool() or TOOLS[0], "-mtriple=aarch64", f"-mcpu={MODEL}", f"-iterations={_REPEAT}",
               "-instruction-info=false", "-resource-pressure=false"]  # fmt: skip
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True)
    each = [int(n) for n in re.findall(r"Total Cycles: +(\d+)", done.stdout)]
    if done.returncode or len(each) != len(chosen):
        raise RuntimeError(done.stderr.strip() or f"{len(each)} of {len(chosen)} blocks estimated")
    estimate = sum(n * c / _REPEAT for (n, _), c in zip(chosen, each, strict=True))
    return round(estimate * total / seen)
