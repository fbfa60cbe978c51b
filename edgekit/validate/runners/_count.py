"""Counts how often each instruction of a model executes, layer by layer, in a process of its own.

    python -m edgekit.validate.runners._count GUEST HOOK REQUEST.npz ANSWER.npz

`GUEST` is the JSON of a `machine.Guest`; `HOOK` the compiled runtime/port/count_block.c, "" where
there is no compiler. Request: `input_<i>` with `place_<i>` (space, offset), and per call in order the
kernel's name in `kernels` and its layer in `layers`. Answer: what `Tally.finish` gives, `stack` bytes,
and the `result` of the call.

Blocks are counted, not instructions: one that a condition skips inside a block (in an IT block of
Thumb) takes its cycle too, and a hook for each instruction would not see it.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.validate.runners.machine import Guest, GuestFault, Machine
from edgekit.validate.runners.tally import Tally

_TIMEOUT_S = 300.0
FAULT_STATUS = 3


class BlockCounter(Tally):
    """Filled by unicorn, block by block."""

    def __init__(
        self, machine: Machine, kernels: list[str], layers: NDArray[np.int64], hook: str
    ) -> None:
        guest = machine.guest
        super().__init__(machine.image, guest.arch, guest.walker, kernels, layers)
        if not (hook and self._attach(machine, hook)):
            machine.uc.hook_add(
                _unicorn().UC_HOOK_BLOCK,
                lambda _uc, address, size, _data: self.block(address, size),
            )

    def _attach(self, machine: Machine, hook: str) -> bool:
        """Hand the compiled function itself to unicorn: a Python one is some 30 times slower.

        These names of unicorn's are private, so the version is pinned in pyproject.toml.
        """
        try:
            library = importlib.import_module("unicorn.unicorn_py3.unicorn").uclib
            handle, engine = ctypes.c_size_t(), machine.uc._uch
            self._library = ctypes.CDLL(hook)
        except (AttributeError, ImportError, OSError):
            return False
        function = ctypes.cast(self._library.ek_count_block, ctypes.c_void_p)
        status = library["uc_hook_add"](
            engine, ctypes.byref(handle), ctypes.c_int(_unicorn().UC_HOOK_BLOCK), function,
            ctypes.cast(ctypes.byref(self.state), ctypes.c_void_p),
            ctypes.c_uint64(1), ctypes.c_uint64(0),
        )  # fmt: skip
        return bool(status == 0)


def _unicorn() -> Any:
    return importlib.import_module("unicorn")


def count(machine: Machine, request: dict[str, NDArray[Any]], hook: str) -> dict[str, Any]:
    """One inference after a reset, counted."""
    guest = machine.guest
    if guest.spaces[1]:
        machine.call(f"{guest.name}_reset", [machine.bases[1]], _TIMEOUT_S)
    for key in [key for key in request if key.startswith("input_")]:
        space, offset = request[key.replace("input", "place")]
        machine.write(int(space), int(offset), request[key].tobytes())
    kernels = [str(name) for name in request["kernels"]]
    counter = BlockCounter(machine, kernels, request["layers"], hook)
    machine.paint_stack()
    machine.call(guest.entry, machine.arguments(), _TIMEOUT_S)
    return counter.finish() | {"stack": machine.stack_used(), "result": machine.result()}


def main(guest: str, hook: str, request_path: str, answer_path: str) -> int:
    with np.load(request_path, allow_pickle=False) as archive:
        request = dict(archive)
    machine = Machine(Guest.from_json(guest))
    try:
        answer = count(machine, request, hook)
    except GuestFault as fault:
        print(f"{machine.image.name_of(fault.pc)}: {fault}", file=sys.stderr)
        return FAULT_STATUS
    np.savez(answer_path, **answer)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
