"""Dense layer whose weights flash holds as a stream of bits.

The formula of `fully_connected`; a weight is multiplied as it comes out of the stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgekit import instructions
from edgekit.cases import coded_cases
from edgekit.families.coded import CODE, STREAM, CodedOp, CodeParams
from edgekit.graph import IntNode
from edgekit.op import Array, Case, Const, Params
from edgekit.ops.fully_connected import FullyConnected, FullyConnectedParams


@dataclass(frozen=True)
class FullyConnectedCodedParams(CodeParams, FullyConnectedParams):
    pass


class FullyConnectedCoded(CodedOp, FullyConnected):
    name = "fully_connected_coded"
    kernel = "fully_connected_coded"
    Params: ClassVar[type[Params]] = FullyConnectedCodedParams
    consts: ClassVar[tuple[Const, ...]] = (STREAM, CODE, *FullyConnected.consts[1:])

    @classmethod
    def taps(cls, p: FullyConnectedCodedParams) -> int:
        return p.in_c

    @classmethod
    def layout(cls, p: FullyConnectedCodedParams, rows: Array) -> Array:
        return rows

    @classmethod
    def suits(cls, node: IntNode) -> bool:
        return True

    @classmethod
    def unpacking(cls, p: FullyConnectedCodedParams) -> int:
        """Each vector decodes anew."""
        return p.batch * instructions.decoding(p)

    @classmethod
    def cases(cls) -> list[Case]:
        return coded_cases(
            cls, FullyConnected, "one_by_one rows_3_taps_7 rows_5_taps_9 rounded_once batch_of_three "
            "keep_dims lanes_9_rows_66_taps from_a_map groups_31_rows_40_taps lanes_7_rows_31_taps",
        )  # fmt: skip
