"""Rules of the `.pt2` vocabulary: convolutions, pools, norms, resizing."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgekit.frontends.pt2_program import changes_state
from edgekit.frontends.pt2_step import Step


def convolution(s: Step) -> None:
    x, weight, bias = s.tensor("input"), s.tensor("weight"), s.tensor("bias")
    kernel = s.shape(weight)[2:]
    n = len(kernel)
    s.require(
        n > 0 and len(s.shape(x)) == n + 2, "an input with batch and channel axes", s.shape(x)
    )
    dilation = s.ints("dilation", 1, n)
    attrs = {
        "strides": s.ints("stride", 1, n), "dilations": dilation, "kernel_shape": list(kernel),
        "pads": _padding(s, kernel, dilation), "group": int(s.argument("groups", 1)),
    }  # fmt: skip
    op = "Conv"
    if s.argument("transposed", False) or "conv_transpose" in s.call.target:
        op, attrs["output_padding"] = "ConvTranspose", s.ints("output_padding", 0, n)
    s.emit(op, [x, weight, bias] if bias else [x, weight], attrs)


def _padding(s: Step, kernel: tuple[int, ...], dilation: list[int]) -> list[int]:
    """Sizes in front, then behind. "same" puts the odd one behind."""
    mode = s.argument("padding", 0)
    if mode == "valid":
        return [0] * (2 * len(kernel))
    if mode == "same":
        total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return [t // 2 for t in total] + [t - t // 2 for t in total]
    s.require(not isinstance(mode, str), "padding by numbers, valid or same", mode)
    return s.ints("padding", 0, len(kernel)) * 2


def batch_norm(s: Step) -> None:
    mean, variance = s.tensor("running_mean"), s.tensor("running_var")
    if s.argument("training", False) or not mean or not variance:
        raise changes_state(f"node {s.out}", f"{s.call.target} with statistics of the batch")
    channels = s.shape(mean)[0]
    scale = s.tensor("weight") or s.constant("weight", np.ones(channels), "float32")
    bias = s.tensor("bias") or s.constant("bias", np.zeros(channels), "float32")
    s.emit("BatchNormalization", [s.tensor("input"), scale, bias, mean, variance],
           {"epsilon": float(s.argument("eps", 1e-5))})  # fmt: skip


def training_norm(s: Step) -> None:
    raise changes_state(f"node {s.out}", s.call.target)


def layer_norm(s: Step) -> None:
    x, shape = s.tensor("input"), s.argument("normalized_shape")
    s.require(tuple(shape) == s.shape(x)[-len(shape) :], "the sizes of the last axes", shape)
    scale = s.tensor("weight") or s.constant("weight", np.ones(shape), "float32")
    bias = s.tensor("bias")
    operands = [x, scale, bias] if bias else [x, scale]
    attrs = {"axis": -len(shape), "epsilon": float(s.argument("eps", 1e-5))}
    s.emit("LayerNormalization", operands, attrs)


def pool(n: int, op: str) -> Callable[[Step], None]:
    """A rule for a pool over `n` spatial axes."""

    def rule(s: Step) -> None:
        x = s.tensor("self")
        s.require(len(s.shape(x)) == n + 2, "an input with batch and channel axes", s.shape(x))
        s.require(not s.given("divisor_override"), "no divisor_override", s.argument("divisor_override"))  # fmt: skip
        kernel = s.ints("kernel_size", 1, n)
        attrs = {
            "kernel_shape": kernel, "strides": s.ints("stride", kernel, n),
            "pads": s.ints("padding", 0, n) * 2, "ceil_mode": int(s.argument("ceil_mode", False)),
        }  # fmt: skip
        if op == "AveragePool":
            attrs["count_include_pad"] = int(s.argument("count_include_pad", True))
        else:
            attrs["dilations"] = s.ints("dilation", 1, n)
        s.emit(op, [x], attrs)

    return rule


def adaptive_pool(n: int, op: str) -> Callable[[Step], None]:
    """A rule for a pool to a given size; only whole windows of one size have a counterpart."""

    def rule(s: Step) -> None:
        x = s.tensor("self")
        size, out = s.shape(x)[2:], s.out_shape[2:]
        s.require(len(size) == n, "an input with batch and channel axes", s.shape(x))
        if math.prod(out) == 1:
            s.emit(f"Global{op}", [x])
        elif out == size:
            s.identity(x)
        else:
            whole = all(a % b == 0 for a, b in zip(size, out, strict=True))
            s.require(whole, "an output size that divides the input's", (size, out))
            kernel = [a // b for a, b in zip(size, out, strict=True)]
            s.emit(op, [x], {"kernel_shape": kernel, "strides": kernel})

    return rule


def resize(mode: str) -> Callable[[Step], None]:
    """A rule for upsampling by whole factors, or to a size."""

    def rule(s: Step) -> None:
        x = s.tensor("self") or s.tensor("input")
        factors = s.argument("scale_factors") or []
        given = [s.argument(name) for name in ("scales", "scales_h", "scales_w") if s.given(name)]
        for scale, size, out in zip(
            factors or given, s.shape(x)[2:], s.out_shape[2:], strict=False
        ):
            s.require(size * scale == out, "factors that give whole sizes", (scale, size))
        sizes = s.integers("sizes", s.out_shape)
        if mode == "nearest":
            attrs = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        else:
            corners = s.argument("align_corners", False)
            attrs = {"coordinate_transformation_mode": "align_corners" if corners else "half_pixel"}
        s.emit("Resize", [x, "", "", sizes], {"mode": mode, **attrs})

    return rule
