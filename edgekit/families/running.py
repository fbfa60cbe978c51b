"""What sums without weights share (ADD_N, CUMSUM): the rescaling of a total."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Params, c_field, require

LEFT = 19


@dataclass(frozen=True)
class RunningParams(Params):
    start: int = c_field("int32_t", "total before the first element")
    input_zero: int = c_field("int32_t", "zero point of the inputs")
    multiplier: int = c_field("int32_t", "of 2^19 times the total")
    right: int = c_field("int32_t", "and its right shift")
    output_zero: int = c_field("int32_t", "zero point of the output")


def running_params(node: Node, graph: Graph, x: Value, out: Value) -> dict[str, int]:
    """The fields of `RunningParams`. TensorFlow Lite Micro's totals do not start at 0, but at what it
    takes the integer 0 for; those of our own numbers do."""
    multiplier, shift = fixed.quantize_multiplier(2 * x.scale / (2 ** (LEFT + 1) * out.scale))
    require(shift <= 0, "an output scale above 2^-19 of the inputs'", node, f"{out.scale:g}")
    return {
        "start": 0 if graph.one_rounding else -x.zero_point,
        "input_zero": x.zero_point,
        "multiplier": multiplier,
        "right": -shift,
        "output_zero": out.zero_point,
    }


def from_total(p: RunningParams, total: fixed.Int) -> Array:
    """Outputs for totals over the inputs, zero points taken off; 2^19 times one need not fit int32."""
    drop = 31 - LEFT
    high = np.asarray((total * p.multiplier + (1 << (drop - 1))) >> drop)
    high = np.clip(high, fixed.INT32_MIN, fixed.INT32_MAX)
    return fixed.saturate(fixed.rounding_shift(high, p.right) + p.output_zero)
