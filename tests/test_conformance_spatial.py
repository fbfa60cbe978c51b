"""Convolutions, dense layers, pools, mean and resize against TensorFlow Lite Micro, byte for byte."""

from __future__ import annotations

from typing import Any

import conformance
import numpy as np
import pytest
from tflite_writer import TensorSpec

SEEDS = range(24)
ACTIVATIONS = ["NONE", "RELU", "RELU6", "RELU_N1_TO_1"]


class Draw:
    """Seeded choices of one parameterisation."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def size(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def one(self, choices: list[Any]) -> Any:
        return choices[self.rng.integers(len(choices))]

    def zero(self) -> int:
        return int(self.one([-128, 127, 0, int(self.rng.integers(-128, 128))]))

    def weights(self, shape: tuple[int, ...], axis: int, per_channel: bool) -> TensorSpec:
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        count = shape[axis] if per_channel else 1
        scale = [float(s) for s in self.rng.uniform(0.002, 0.02, count)]
        return TensorSpec("w", shape, "int8", scale, [0] * count, axis, data)

    def bias(self, count: int) -> TensorSpec:
        data = self.rng.integers(-4000, 4000, count).astype(np.int32)
        return TensorSpec("b", (count,), "int32", 0.0005, 0, 0, data)

    def output(self, shape: tuple[int, ...], taps: int) -> TensorSpec:
        scale = float(np.sqrt(taps) * self.rng.uniform(0.02, 0.08))
        return TensorSpec("y", shape, "int8", scale, self.zero())


def out_size(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
    extent = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == "SAME" else (size - extent) // stride + 1


def window(draw: Draw) -> tuple[dict[str, Any], tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Options, kernel, input and output sizes of a random window; SAME windows may pass the input."""
    padding = draw.one(["SAME", "VALID"])
    kernel = (draw.size(1, 5), draw.size(1, 5))
    stride = draw.size(1, 3)
    dilation = draw.one([1, 1, 1, 2]) if stride == 1 else 1
    least = [1 if padding == "SAME" else (k - 1) * dilation + 1 for k in kernel]
    sizes = (draw.size(least[0], least[0] + 6), draw.size(least[1], least[1] + 6))
    out = tuple(
        out_size(n, k, stride, dilation, padding) for n, k in zip(sizes, kernel, strict=True)
    )
    options = {
        "padding": padding,
        "stride_h": stride,
        "stride_w": stride,
        "fused_activation_function": draw.one(ACTIVATIONS),
        "dilation_h_factor": dilation,
        "dilation_w_factor": dilation,
    }
    return options, kernel, sizes, (out[0], out[1])


@pytest.mark.parametrize("seed", SEEDS)
def test_conv_2d(seed: int) -> None:
    draw = Draw(seed)
    options, kernel, size, out = window(draw)
    channels, filters = draw.size(1, 9), draw.size(1, 9)
    x = TensorSpec("x", (1, *size, channels), "int8", 0.05, draw.zero())
    w = draw.weights((filters, *kernel, channels), 0, draw.one([True, True, False]))
    operands = [x, w] + ([draw.bias(filters)] if draw.one([True, True, False]) else [])
    y = draw.output((1, *out, filters), kernel[0] * kernel[1] * channels)
    conformance.check("CONV_2D", operands, [y], options, samples=4, seed=seed)


@pytest.mark.parametrize("axis", ["time as height", "time as width"])
@pytest.mark.parametrize("kernel", [1, 3, 8])
def test_conv_1d(axis: str, kernel: int) -> None:
    draw = Draw(kernel)
    size, taps = ((20, 1), (kernel, 1)) if axis == "time as height" else ((1, 20), (1, kernel))
    out = tuple(n - k + 1 for n, k in zip(size, taps, strict=True))
    x = TensorSpec("x", (1, *size, 6), "int8", 0.05, -128)
    y = draw.output((1, *out, 5), kernel * 6)
    options = {"padding": "VALID", "stride_h": 1, "stride_w": 1, "fused_activation_function": "RELU",
               "dilation_h_factor": 1, "dilation_w_factor": 1}  # fmt: skip
    conformance.check(
        "CONV_2D", [x, draw.weights((5, *taps, 6), 0, True), draw.bias(5)], [y], options
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_depthwise_conv_2d(seed: int) -> None:
    draw = Draw(1000 + seed)
    options, kernel, size, out = window(draw)
    channels, multiplier = draw.one([1, 2, 3, 4, 5, 8, 9]), draw.one([1, 1, 2, 3, 4])
    total = channels * multiplier
    x = TensorSpec("x", (1, *size, channels), "int8", 0.05, draw.zero())
    w = draw.weights((1, *kernel, total), 3, draw.one([True, True, False]))
    operands = [x, w] + ([draw.bias(total)] if draw.one([True, True, False]) else [])
    y = draw.output((1, *out, total), kernel[0] * kernel[1])
    options["depth_multiplier"] = multiplier
    conformance.check("DEPTHWISE_CONV_2D", operands, [y], options, samples=4, seed=seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_fully_connected(seed: int) -> None:
    draw = Draw(2000 + seed)
    batch, inner, outer = draw.size(1, 3), draw.size(1, 40), draw.size(1, 13)
    x = TensorSpec("x", (batch, inner), "int8", 0.05, draw.zero())
    w = draw.weights((outer, inner), 0, draw.one([True, False]))
    operands = [x, w] + ([draw.bias(outer)] if draw.one([True, True, False]) else [])
    options = {
        "fused_activation_function": draw.one(ACTIVATIONS),
        "keep_num_dims": draw.one([True, False]),
    }
    y = draw.output((batch, outer), inner)
    conformance.check("FULLY_CONNECTED", operands, [y], options, samples=4, seed=seed)


@pytest.mark.parametrize("op", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
@pytest.mark.parametrize("seed", SEEDS)
def test_pools(seed: int, op: str) -> None:
    draw = Draw(3000 + seed)
    options, kernel, size, out = window(draw)
    del options["dilation_h_factor"], options["dilation_w_factor"]
    # Pools have no dilation: draw the output's size anew.
    stride, padding = options["stride_h"], options["padding"]
    out = (
        out_size(size[0], kernel[0], stride, 1, padding),
        out_size(size[1], kernel[1], stride, 1, padding),
    )
    options |= {"filter_height": kernel[0], "filter_width": kernel[1]}
    channels, zero = draw.size(1, 9), draw.zero()
    x = TensorSpec("x", (1, *size, channels), "int8", 0.05, zero)
    y = TensorSpec("y", (1, *out, channels), "int8", 0.05, zero)
    conformance.check(op, [x], [y], options, samples=6, seed=seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_mean(seed: int) -> None:
    draw = Draw(4000 + seed)
    shape = (1, draw.size(1, 9), draw.size(1, 9), draw.size(1, 9))
    axes = draw.one([[1, 2], [1, 2], [2, 1], [3], [1], [2], [1, 2, 3]])
    keep = draw.one([True, False])
    out = tuple(1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes)
    scale, zero = draw.one([(0.05, 3), (0.05, 3), (0.031, -20), (0.12, 100)])
    x = TensorSpec("x", shape, "int8", 0.05, 3)
    a = TensorSpec("axes", (len(axes),), "int32", data=np.array(axes, np.int32))
    y = TensorSpec("y", out, "int8", scale, zero)
    conformance.check("MEAN", [x, a], [y], {"keep_dims": keep}, samples=6, seed=seed)


@pytest.mark.parametrize("op", ["RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"])
@pytest.mark.parametrize("seed", SEEDS)
def test_resize(seed: int, op: str) -> None:
    draw = Draw(5000 + seed)
    size, out, channels = (
        (draw.size(1, 9), draw.size(1, 9)),
        (draw.size(1, 20), draw.size(1, 20)),
        draw.size(1, 5),
    )
    align = draw.one([True, False])
    options = {"align_corners": align, "half_pixel_centers": not align and draw.one([True, False])}
    x = TensorSpec("x", (1, *size, channels), "int8", 0.05, 3)
    s = TensorSpec("size", (2,), "int32", data=np.array(out, np.int32))
    y = TensorSpec("y", (1, *out, channels), "int8", 0.05, 3)
    conformance.check(op, [x, s], [y], options, samples=3, seed=seed)


@pytest.mark.parametrize("block", [1, 2, 3])
def test_space_to_depth(block: int) -> None:
    x = TensorSpec("x", (1, 6, 12, 5), "int8", 0.05, 3)
    y = TensorSpec("y", (1, 6 // block, 12 // block, 5 * block * block), "int8", 0.05, 3)
    conformance.check("SPACE_TO_DEPTH", [x], [y], {"block_size": block})
