"""Operators that need a whole map, as sums over its rows: what lets a stream end in a vector.

The sums are int32 in the kernel's scratch, which is theirs from the first row to the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgekit.graph import IntNode, Value
from edgekit.op import Array, Cost, Op, Params, Variant, c_field


@dataclass(frozen=True)
class RowSumParams(Params):
    in_h: int = c_field("int32_t", "input rows")
    in_w: int = c_field("int32_t", "input columns")
    in_c: int = c_field("int32_t", "input channels")


class RowSum(Op):
    """Base of the operators of signature "sum"; has no name of its own."""

    signature = "sum"
    variants: ClassVar[tuple[Variant, ...]] = ()
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def reads(cls, p: Any, consts: Mapping[str, Array], row: int) -> range:
        return range(row, row + 1)

    @classmethod
    def run(cls, p: Any, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, p.in_h, p.in_w, p.in_c)
        sums = np.zeros((len(x), cls.sums(p)), np.int32)
        return cls.from_sums(p, consts, cls.add_rows(p, consts, range(p.in_h), x, sums))

    @classmethod
    def sums(cls, p: Any) -> int:
        """How many sums there are."""
        return int(p.in_c)

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        return Cost(scratch=4 * cls.sums(node.params))

    @classmethod
    def add_rows(
        cls, p: Any, consts: Mapping[str, Array], rows: range, x: Array, sums: Array
    ) -> Array:
        """Per channel the sum over the rows' pixels."""
        added = x.sum(axis=(1, 2), dtype=np.int32)
        return np.asarray(added if rows.start == 0 else sums + added)


def fields(shape: tuple[int, ...]) -> dict[str, int]:
    """The fields of `RowSumParams` for a map [1, H, W, C]."""
    return dict(zip(("in_h", "in_w", "in_c"), shape[1:], strict=True))
