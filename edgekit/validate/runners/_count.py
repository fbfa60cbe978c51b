"""Counts how often each instruction of a model executes, layer by layer, in a process of its own.

    python -m edgekit.validate.runners._count GUEST HOOK REQUEST.npz ANSWER.npz

`GUEST` is the JSON of a `machine.Guest`; `HOOK` the compiled runtime/port/count_block.c, "" where
there is no compiler. Request: `input_<i>` with `place_<i>` (space, offset), and per call in order the
kernel's name in `kernels` and its layer in `layers`. Answer: `counts` and `taken`, [layers, row] with
one column per `unit` bytes of `code`, which begins at `base`; `stack` bytes; `result` of the call;
`done`, how many calls.

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

_UNIT = {"thumb": 2, "aarch64": 4, "riscv32": 2}
_TIMEOUT_S = 300.0
FAULT_STATUS = 3


class Counter(ctypes.Structure):
    """`ek_counter` of count_block.c."""

    _fields_ = [
        *[(name, ctypes.c_uint64) for name in ("code", "unit", "row", "run", "run_end", "calls")],
        *[(name, ctypes.c_void_p) for name in ("kernels", "layers", "difference", "taken")],
        *[(name, ctypes.c_uint64) for name in ("done", "entered", "end")],
    ]


class BlockCounter:
    """The difference arrays and what fills them."""

    def __init__(
        self, machine: Machine, kernels: list[str], layers: NDArray[np.int64], hook: str
    ) -> None:
        functions, (code, code_end) = machine.image.functions, machine.image.code
        self.unit = _UNIT[machine.guest.arch]
        row = (code_end - code) // self.unit + 2
        addresses = [functions[name].address for name in kernels]
        if not addresses:  # a network of views: what `run` does counts for a layer that never comes
            addresses, layers = [0], np.zeros(1, np.int64)
        self.difference = np.zeros((layers.max() + 1, row), np.int64)
        self.taken = np.zeros_like(self.difference)
        self._kernels = np.array(addresses, np.uint64)
        run = functions[machine.guest.walker]
        self._layers = layers.astype(np.uint64)
        arrays = (self._kernels, self._layers, self.difference, self.taken)
        self.state: Any = Counter(
            code, self.unit, row, run.address, run.address + run.size, len(addresses),
            *(array.ctypes.data for array in arrays),
        )  # fmt: skip
        if not (hook and self._attach(machine, hook)):
            machine.uc.hook_add(_unicorn().UC_HOOK_BLOCK, self._block)

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

    def _block(self, uc: Any, address: int, size: int, data: Any) -> None:
        c = self.state
        if c.end not in (0, address):
            self.taken[self._place(c.end)] += 1
        if c.done < c.calls and address == self._kernels[c.done]:
            c.entered = 1
        elif c.entered and c.run <= address < c.run_end:
            c.entered = 0
            c.done += 1
        c.end = address + size
        self.difference[self._place(address)] += 1
        self.difference[self._place(c.end)] -= 1

    def _place(self, address: int) -> tuple[int, int]:
        c = self.state
        layer = int(self._layers[min(c.done, c.calls - 1)])
        return layer, (address - c.code) // c.unit

    def finish(self) -> None:
        """The last jump, back to the caller, begins no block."""
        self.taken[self._place(self.state.end)] += 1


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
    counter.finish()
    base, end = machine.image.code
    layers = len(counter.difference) if kernels else 0
    return {
        "counts": counter.difference.cumsum(axis=1)[:layers],
        "taken": counter.taken[:layers],
        "unit": counter.unit,
        "code": np.frombuffer(machine.uc.mem_read(base, end - base), np.uint8),
        "base": base,
        "stack": machine.stack_used(),
        "result": machine.result(),
        "done": counter.state.done,
    }


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
