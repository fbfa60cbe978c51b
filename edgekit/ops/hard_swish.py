"""Hard swish.

    out = in * clamp(in + 3, 0, 6) / 6

In 16-bit fixed point: the input on 1/128 of its scale, times a gate in [0, 1] that comes from the
input rescaled so that 3.0 is 2^15. Multipliers are `quantize_multiplier`'s, rounded to 16 bits,
from float32 scales.
"""

from __future__ import annotations

import numpy as np

from edgekit import fixed
from edgekit.fixed import Int
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case, require
from edgekit.ops.lut import Lut, case


class HardSwish(Lut):
    name = "hard_swish"
    tflite = ("HARD_SWISH",)
    onnx = ("HardSwish",)
    tolerance = 1.5

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [inputs[0] * np.clip(inputs[0] + 3.0, 0.0, 6.0) / 6.0]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: Int) -> Int:
        hires_scale = np.float32(x.scale) * np.float32(1 / 128)
        scale, shift = _multiplier16(float(hires_scale / np.float32(out.scale)))
        require(shift <= 0, "an output scale above 1/128 of the input's", node,
                f"{out.scale:g}")  # fmt: skip
        gate_scale, gate_shift = _multiplier16(float(hires_scale / np.float32(3 / 32768)))
        hires = difference * 128
        preshift = _multiply_high16(hires, scale)
        gate = hires
        # The last bit of a left shift comes after the multiplication, so that only a saturation
        # of the true value can show.
        if gate_shift > 0:
            gate = _saturate16(gate << (gate_shift - 1))
        gate = _multiply_high16(gate, gate_scale)
        gate = _saturate16(gate << 1) if gate_shift > 0 else fixed.rounding_shift(gate, -gate_shift)
        gate = (gate + (1 << 15)) >> 1
        # Truncation, not rounding: it cancels the bias of the roundings before it.
        product = gate * preshift
        truncated = np.sign(product) * (np.abs(product) >> 15)
        return fixed.rounding_shift(truncated, -shift) + out.zero_point

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            case(cls, "usual", (0.05, 5), (0.03, -100)),
            case(cls, "narrow", (0.01, -20), (0.008, -30)),
            case(cls, "wide", (0.5, 127), (0.25, 0)),
            case(cls, "wider", (1.0, -128), (1.0, -128)),
        ]


def _multiplier16(factor: float) -> tuple[int, int]:
    """`quantize_multiplier` with a multiplier of 16 bits."""
    multiplier, shift = fixed.quantize_multiplier(factor)
    return min((multiplier + (1 << 15)) >> 16, 32767), shift


def _multiply_high16(x: Int, multiplier: int) -> Int:
    """``x * multiplier / 2^15``, rounded half up."""
    return np.asarray((x * multiplier + (1 << 14)) >> 15)


def _saturate16(x: Int) -> Int:
    return np.asarray(np.clip(x, -32768, 32767))
