"""Rules of the `.pt2` vocabulary: the quantize and dequantize calls that PT2E writes into a program.

They become ONNX's QuantizeLinear and DequantizeLinear, so that their numbers are kept like those of a QDQ
file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.frontends.pt2_step import Step
from edgekit.graph import limits


def quantize_tensor(s: Step) -> None:
    s.emit("QuantizeLinear", [s.tensor("input"), *_one(s, s.dtype)])


def dequantize_tensor(s: Step) -> None:
    x = s.tensor("input")
    s.emit("DequantizeLinear", [x, *_one(s, s.writer.values[x].dtype)])


def quantize_channels(s: Step) -> None:
    s.emit(
        "QuantizeLinear", [s.tensor("input"), *_each(s, s.dtype)], {"axis": s.argument("axis", 0)}
    )


def dequantize_channels(s: Step) -> None:
    x = s.tensor("input")
    dtype = s.writer.values[x].dtype
    s.emit("DequantizeLinear", [x, *_each(s, dtype)], {"axis": s.argument("axis", 0)})


def _one(s: Step, dtype: str) -> list[str]:
    """Scale and zero point of a whole tensor: numbers, or tensors of one element."""
    scale, zero = (_numbers(s, name) for name in ("scale", "zero_point"))
    _check(s, dtype)
    return [s.constant("scale", scale.reshape(()), "float32"), s.constant("zero point", zero.reshape(()), dtype)]  # fmt: skip


def _each(s: Step, dtype: str) -> list[str]:
    """Scales and zero points of the channels; zero points may be absent."""
    scales = _numbers(s, "scales")
    zeros = _numbers(s, "zero_points") if s.given("zero_points") else np.zeros(scales.shape)
    _check(s, dtype)
    return [s.constant("scales", scales, "float32"), s.constant("zero points", zeros, dtype)]


def _numbers(s: Step, name: str) -> NDArray[np.generic]:
    value = s.argument(name)
    if isinstance(value, (int, float)):
        return np.array(value)
    data = s.writer.values[s.tensor(name)].data
    s.require(data is not None, f"a constant {name}", value)
    assert data is not None
    return data


def _check(s: Step, dtype: str) -> None:
    """Integers of 8 bits, or 32 for a bias; what is quantized here may use all of them."""
    s.require(dtype in ("int8", "uint8", "int32"), "integers of 8 bits, or 32 for a bias", dtype)
    given = s.argument("quant_min"), s.argument("quant_max")
    if dtype != "int32" and "dequantize" not in s.call.target:
        low, high = limits(dtype)
        # Symmetric weights leave out the lowest number.
        whole = given in ((low, high), (low + 1, high), (None, None))
        s.require(whole, f"all integers from {low} to {high}", given)
