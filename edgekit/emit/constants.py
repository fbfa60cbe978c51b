"""The constants of a program as C arrays in flash: `<name>_weights.c` and its header."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.emit.names import c_type
from edgekit.op import const_dtype
from edgekit.program import CONST, Program

_PER_LINE = {"int8": 20, "uint8": 20, "bool": 20, "int16": 14, "uint16": 14, "int32": 9, "int64": 5}


@dataclass
class Pool:
    """Distinct constant arrays. `symbols` maps (owner, constant) to the C name that holds it.

    Weights are called ``<prefix>_w_...``, every other table ``<prefix>_t_...``: size reports tell
    them apart by that. Arrays of equal type and content are stored once.
    """

    prefix: str
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    symbols: dict[tuple[str, str], str] = field(default_factory=dict)
    _by_content: dict[tuple[str, bytes, bool], str] = field(default_factory=dict)

    def add(self, owner: str, const: str, array: NDArray[Any], *, weights: bool) -> None:
        key = (str(array.dtype), array.tobytes(), weights)
        if key not in self._by_content:
            symbol = f"{self.prefix}_{'w' if weights else 't'}_{len(self.arrays)}_{const}"
            self._by_content[key] = symbol
            self.arrays[symbol] = array
        self.symbols[owner, const] = self._by_content[key]

    def owned_bytes(self, owner: str) -> int:
        """Flash bytes of the arrays an owner refers to (shared arrays count for each)."""
        return sum(self.arrays[s].nbytes for (o, _), s in self.symbols.items() if o == owner)


def collect(prefix: str, program: Program) -> Pool:
    """Every constant array of the program: kernels' constants, constant operands, state images."""
    pool = Pool(prefix)
    for step in program.steps:
        for const in step.kernel.consts:
            array = np.ascontiguousarray(step.packed.consts[const.name], const_dtype(const))
            pool.add(step.name, const.name, array, weights=const.weights)
        for name in step.inputs:
            buffer = program.buffers[name]
            if buffer.space == CONST:
                assert buffer.data is not None
                pool.add(name, "data", np.ascontiguousarray(buffer.data), weights=True)
    for state in program.states:
        if np.unique(np.ascontiguousarray(state.init).view(np.uint8)).size > 1:
            pool.add(state.value, "init", np.ascontiguousarray(state.init), weights=False)
    return pool


def declaration(symbol: str, array: NDArray[Any]) -> str:
    # Biases of int16 layers are the only 64-bit integers; no tensor is.
    ctype = "int64_t" if array.dtype == np.int64 else c_type(str(array.dtype))
    return f"const {ctype} {symbol}[{array.size}]"


def weights_header(prefix: str, pool: Pool, banner: str) -> str:
    """`<name>_weights.h`: the declarations that the model's code includes."""
    guard = f"{prefix.upper()}_WEIGHTS_H"
    lines = [banner, f"#ifndef {guard}", f"#define {guard}", "", "#include <stdint.h>", ""]
    lines += [f"extern {declaration(symbol, array)};" for symbol, array in pool.arrays.items()]
    return "\n".join([*lines, "", "#endif", ""])


def weights_source(prefix: str, pool: Pool, banner: str) -> str:
    """`<name>_weights.c`: the arrays themselves."""
    lines = [banner, f'#include "{prefix}_weights.h"']
    for symbol, array in pool.arrays.items():
        lines += ["", f"{declaration(symbol, array)} = {{"]
        numbers = [_literal(int(v)) for v in array.reshape(-1)]
        per_line = _PER_LINE[str(array.dtype)]
        for at in range(0, len(numbers), per_line):
            lines.append("    " + ", ".join(numbers[at : at + per_line]) + ",")
        lines.append("};")
    return "\n".join(lines) + "\n"


def _literal(value: int) -> str:
    """-2^31 has no literal of its own in C."""
    return "-2147483647 - 1" if value == -(2**31) else str(value)
