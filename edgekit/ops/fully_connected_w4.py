"""Dense layer with weights of four bits, two to a byte in flash.

The formula of `fully_connected`; weights are -8..7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from edgekit.cases import four_bit_cases
from edgekit.families import nibbles
from edgekit.isa import dsp
from edgekit.op import Array, Case, Const, Packed, Variant
from edgekit.ops.fully_connected import FullyConnected, FullyConnectedParams


class FullyConnectedW4(FullyConnected):
    name = "fully_connected_w4"
    kernel = "fully_connected_w4"
    as_rows = ""
    consts: ClassVar[tuple[Const, ...]] = (
        Const("weights", "int8_t", "[ceil(out_c / 2)][in_c], two channels a byte", weights=True),
        *FullyConnected.consts[1:],
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("dsp", ("dsp",), dsp.dense_w4_fits, dsp.pack_dense_w4, FullyConnectedParams,
                (dsp.GROUPED_NIBBLES, dsp.GROUPS)),
    )  # fmt: skip
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def stored(cls, p: FullyConnectedParams, consts: Mapping[str, Array]) -> Packed:
        return nibbles.packed(p, consts, nibbles.pairs(consts["weights"]))

    @classmethod
    def cases(cls) -> list[Case]:
        return four_bit_cases(
            cls, FullyConnected, "one_by_one rows_3_taps_7 rows_5_taps_9 rounded_once batch_of_three "
            "keep_dims lanes_9_rows_66_taps",
        )  # fmt: skip
