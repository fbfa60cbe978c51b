"""What slices and transpositions share: a kernel that reads the input along up to five strides.

    out[i0, i1, i2, i3, i4, :] = run bytes of in at offset + sum of i_k * stride_k

Axes that continue one another are merged at build time, and whatever is contiguous is one run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgekit.graph import IntNode, Value
from edgekit.op import Alias, Op, Params, c_field


@dataclass(frozen=True)
class StridedParams(Params):
    offset: int = c_field("int32_t", "byte of the input that is read first")
    run: int = c_field("int32_t", "contiguous bytes")
    shape: tuple[int, ...] = c_field("int32_t", "sizes of the walk over the output", 5)
    stride: tuple[int, ...] = c_field("int32_t", "and its steps in the input, bytes", 5)


class Strided(Op):
    """Base of the strided operators; has no name of its own."""

    kernel = "strided"
    signature = "whole"
    Params: ClassVar[type[StridedParams]] = StridedParams
    coupling = "move"
    same_scale = True

    @classmethod
    def aliases(cls, node: IntNode, values: Mapping[str, Value]) -> list[Alias]:
        p = node.params
        assert isinstance(p, StridedParams)
        if p.run < values[node.outputs[0]].nbytes:
            return []
        return [Alias(node.outputs[0], node.inputs[0], p.offset)]
