"""How often each instruction executed, layer by layer, from the blocks that an emulator tells of."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.validate.runners.elf import Image

_UNIT = {"thumb": 2, "aarch64": 4, "riscv32": 2}


class Counter(ctypes.Structure):
    """`ek_counter` of count_block.c."""

    _fields_ = [
        *[(name, ctypes.c_uint64) for name in ("code", "unit", "row", "run", "run_end", "calls")],
        *[(name, ctypes.c_void_p) for name in ("kernels", "layers", "difference", "taken")],
        *[(name, ctypes.c_uint64) for name in ("done", "entered", "end")],
    ]


class Tally:
    """Difference arrays [layers, row], one column per `unit` bytes of code, and what fills them.

    `state` is what the compiled runtime/port/count_block.c works on; `block` is its twin.
    """

    def __init__(
        self, image: Image, arch: str, run: str, kernels: Sequence[str], layers: NDArray[np.int64]
    ) -> None:
        functions, (code, code_end) = image.functions, image.code
        self.image, self.unit = image, _UNIT[arch]
        row = (code_end - code) // self.unit + 2
        addresses = [functions[name].address for name in kernels]
        self._rows = layers.max(initial=-1) + 1
        if not addresses:  # a network of views: what `run` does counts for a layer that never comes
            addresses, layers = [0], np.zeros(1, np.int64)
        self.difference = np.zeros((layers.max() + 1, row), np.int64)
        self.taken = np.zeros_like(self.difference)
        self._kernels = np.array(addresses, np.uint64)
        self._layers = layers.astype(np.uint64)
        arrays = (self._kernels, self._layers, self.difference, self.taken)
        self.run = functions[run]
        self.state: Any = Counter(
            code, self.unit, row, self.run.address, self.run.address + self.run.size, len(addresses),
            *(array.ctypes.data for array in arrays),
        )  # fmt: skip

    def block(self, address: int, size: int) -> None:
        """A block of instructions, one after the other, was executed."""
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

    def finish(self) -> dict[str, Any]:
        """`counts` and `taken`, [layers, row], and what belongs to them. The last jump, back to the
        caller, began no block."""
        self.taken[self._place(self.state.end)] += 1
        base, end = self.image.code
        return {
            "counts": self.difference.cumsum(axis=1)[: self._rows],
            "taken": self.taken[: self._rows],
            "unit": self.unit,
            "code": np.frombuffer(self.image.bytes_of(base, end), np.uint8),
            "done": self.state.done,
        }
