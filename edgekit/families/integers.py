"""The integer types of plain integers, as kernels number them; twin of `ek_integers.h`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgekit.fixed import Int
from edgekit.graph import Node, kept
from edgekit.op import Array, require

if TYPE_CHECKING:
    from edgekit.draft import Draft

NUMBERS = {"int8": 0, "uint8": 1, "int16": 2, "int32": 3, "bool": 4, "uint16": 5, "uint32": 6}
TYPES = "0 int8, 1 uint8, 2 int16, 3 int32, 4 bool, 5 uint16, 6 uint32"


def narrowed(x: Int, dtype: str) -> Array:
    """Numbers as `dtype`, by dropping high bits; of a boolean anything but 0 is true."""
    return np.asarray(x, np.int64).astype(dtype)


def import_integers(
    node: Node, draft: Draft, function: str, operands: Sequence[str], output: str = ""
) -> str:
    """ONNX's operator on any number of plain integers, the second applied to the first and so on; the
    result's tensor. Raises EK202 for other operands."""
    found = [draft.value(name).dtype for name in operands]
    require(all(kept(t) in NUMBERS for t in found), "integers or booleans", node, found)
    dtype = "bool" if function in ("less", "less_equal", "equal") else kept(found[0])
    made = operands[0]
    for i, other in enumerate(operands[1:], 2):
        last = output if i == len(operands) else ""
        made = draft.add(
            "arithmetic", node, [made, other], {"function": function}, last, dtype=dtype
        )
    if len(operands) == 1 and output:
        draft.same(output, made)
    return made
