"""Several models in one memory of an emulated core, in a process of its own.

    python -m edgekit.validate.runners._shared GUEST REQUEST.json INPUTS.npz ANSWER.npz

`GUEST` is the JSON of a `machine.Guest` whose first space is the memory. The request has `memory` (offsets
of the arrays that the functions take), `tasks` (run, reset or "", kernels, `inputs` and `outputs` as (offset,
bytes) in the memory) and `jobs`: who runs, and who
interrupts it (-1: nobody) when half of its kernels have been called. Inputs are `<task>_<input>`, one row
a job of the task; so are the outputs of the answer.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.validate.runners.machine import Guest, GuestFault, Machine

_TIMEOUT_S = 300.0
_GAP = 256  # bytes of stack below the interrupted function that an interrupt leaves alone
FAULT_STATUS = 3

Array = NDArray[Any]


class Shared:
    """The models of one image, taking turns."""

    def __init__(self, machine: Machine, asked: dict[str, Any], inputs: Any) -> None:
        self.machine, self.tasks, self.inputs = machine, asked["tasks"], inputs
        # The arrays of the memory regions, one after the other.
        self._memory = [machine.bases[0] + offset for offset in asked["memory"]]
        self.done = Counter[int]()
        self.kernels: dict[int, int] = {}  # calls of a task's job, counted in its first
        self.outputs: dict[str, list[bytes]] = {}
        self.seen, self.stop_after = 0, 0
        entries = {name for task in self.tasks for name in task["kernels"]}
        for name in sorted(entries & set(machine.image.functions)):
            address = machine.image.functions[name].address
            machine.uc.hook_add(
                importlib.import_module("unicorn").UC_HOOK_CODE, self._entered,
                begin=address, end=address,
            )  # fmt: skip

    def _entered(self, uc: Any, address: int, *_: Any) -> None:
        self.seen += 1
        if self.seen == self.stop_after:
            self.machine.stop(address)

    def reset(self) -> None:
        for task in self.tasks:
            if task["reset"]:
                self.machine.call(task["reset"], self._memory[:1], _TIMEOUT_S)

    def job(self, number: int, interrupted_by: int) -> None:
        """Fill, run and read; half-way another job of a more urgent task."""
        self._fill(number)
        calls = self.kernels.get(number, 0)
        stop = interrupted_by >= 0 and calls > 0
        self.seen, self.stop_after = 0, calls // 2 + 1 if stop else 0
        self.machine.call(self.tasks[number]["run"], self._memory, _TIMEOUT_S)
        if not stop:
            self.kernels[number] = self.seen
        elif not self.machine.stopped:
            raise GuestFault(0, f"{self.tasks[number]['run']} ended before it was interrupted")
        else:
            with self.machine.interrupted(_GAP, _TIMEOUT_S):
                self.job(interrupted_by, -1)
                self.stop_after = 0
        result = self.machine.result()
        if result != 0:
            raise GuestFault(0, f"{self.tasks[number]['run']} returned {result}")
        self._read(number)

    def _fill(self, number: int) -> None:
        task, turn = self.tasks[number], self.done[number]
        for i, place in enumerate(task["inputs"]):
            self.machine.write(0, place[0], self.inputs[f"{number}_{i}"][turn].tobytes())

    def _read(self, number: int) -> None:
        for i, (offset, size) in enumerate(self.tasks[number]["outputs"]):
            read = self.machine.read(0, offset, size)
            self.outputs.setdefault(f"{number}_{i}", []).append(read)
        self.done[number] += 1


def main(guest: str, request: str, inputs: str, answer: str) -> int:
    asked = json.loads(Path(request).read_text())
    with np.load(inputs, allow_pickle=False) as archive:
        shared = Shared(Machine(Guest.from_json(guest)), asked, dict(archive))
    try:
        shared.reset()
        for number, interrupted_by in asked["jobs"]:
            shared.job(number, interrupted_by)
    except GuestFault as fault:
        print(f"{shared.machine.image.name_of(fault.pc)}: {fault}", file=sys.stderr)
        return FAULT_STATUS
    found: dict[str, Any] = {
        k: np.frombuffer(b"".join(v), np.uint8).reshape(len(v), -1)
        for k, v in shared.outputs.items()
    }
    np.savez(answer, **found)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
