"""What operators on int16 activations share: their base, sums of 64 bits, cases.

Zero points are 0, weights stay int8. TensorFlow Lite Micro sums in 64 bits and rescales by a multiplier
of 15 bits, unless the bias has 32 bits: then as it does int8. With numbers of our own sums have 32 bits
wherever these are proved to hold them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgekit import fixed
from edgekit.errors import EdgekitError
from edgekit.families import elementwise, weighted
from edgekit.families.window import WindowParams, activation_range
from edgekit.graph import Graph, Node, Quant, Value, limits
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field, load_ops, require

_LARGEST = 2**15
_MOST_SUM = 2**47  # what the rescaling takes


class Wide(Op):
    """Base of those operators. `narrow` does the same on int8: its real function is this one's."""

    element = "s16"
    narrow: ClassVar[type[Op]]
    tolerance: ClassVar[float] = 2.0

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return cls.narrow.shapes(node, graph)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return cls.narrow.real(node, graph, *inputs)


@dataclass(frozen=True)
class WideWindowParams(WindowParams):
    """What convolutions of int16 have beside their window."""

    dilation_h: int = c_field("int32_t", "rows between taps")
    dilation_w: int = c_field("int32_t", "columns between taps")
    wide: int = c_field("int32_t", "1 where sums have 64 bits and multipliers 15")


@dataclass(frozen=True)
class WideWalkParams(Params):
    """Two operands along a walk over the output, and the clamp of its elements."""

    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")
    shape: tuple[int, ...] = c_field("int32_t", "sizes of the walk over the output", 4)
    stride1: tuple[int, ...] = c_field("int32_t", "steps of the first input, 0 repeats", 4)
    stride2: tuple[int, ...] = c_field("int32_t", "steps of the second input, 0 repeats", 4)


def walk_fields(node: Node, graph: Graph) -> dict[str, Any]:
    """The fields of `WideWalkParams`."""
    out = graph.value(node.outputs[0])
    low, high = activation_range(node, out) if "activation" in node.attrs else limits(out.dtype)
    return {"out_min": low, "out_max": high, **asdict(elementwise.broadcast(node, graph))}


def walked(p: Any, a: Array, b: Array) -> tuple[Array, Array]:
    """Both operands, int64, shaped so that numpy repeats them along the walk."""
    return (
        elementwise.operand(a, p.shape, p.stride1),
        elementwise.operand(b, p.shape, p.stride2),
    )


def weighted_consts(layout: str, channels: str) -> tuple[Const, ...]:
    """The constant arrays of a kernel with weights."""
    return (
        Const("weights", "int8_t", layout, weights=True),
        Const("bias", "int64_t", channels),
        Const("multiplier", "int32_t", channels),
        Const("shift", "int8_t", f"{channels}, positive is left; where wide a right shift"),
    )


def sums(
    node: Node, graph: Graph, weights: Array, scales: NDArray[np.float64]
) -> tuple[dict[str, Array], int]:
    """The constants of a kernel with weights, and whether its sums are wide.

    weights: int8 with the output channel first; scales: effective scale per output channel. Raises
    EK302 when a sum or a rescaled sum could overflow, EK303 when a scale cannot be split.
    """
    bias, channels = weighted.bias_of(node, graph), len(weights)
    raw, dtype = np.zeros(channels, np.int64), "int32" if graph.one_rounding else "int64"
    if bias is not None and bias.data is not None:
        dtype = bias.dtype
        require(
            dtype in ("int32", "int64"), "an int32 or int64 bias", node, f"{bias.name} is {dtype}"
        )
        require(bias.elements == channels, "one bias per output channel", node, bias.shape)
        raw = bias.data.reshape(channels).astype(np.int64)
    multiplier, shift = fixed.quantize_multipliers(scales, graph.one_rounding)
    total = np.abs(weights.astype(np.int64)).reshape(channels, -1).sum(axis=1)
    most = total * _LARGEST + np.abs(raw)
    narrow = bool((most << np.maximum(shift.astype(np.int64), 0) <= fixed.INT32_MAX).all())
    if dtype == "int64" or (graph.one_rounding and not narrow):
        multiplier, shift = wide_rescaling(scales, most, f"node {node.name}")
        narrow = False
    elif not narrow:
        _overflow(
            most << np.maximum(shift.astype(np.int64), 0), fixed.INT32_MAX, f"node {node.name}"
        )
    weights = np.ascontiguousarray(weights)
    made = {"weights": weights, "bias": raw, "multiplier": multiplier, "shift": shift}
    return made, int(not narrow)


def wide_rescaling(
    scales: Sequence[float] | NDArray[np.float64], most: NDArray[np.int64], where: str
) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """Multipliers of 15 bits and right shifts, by channel. Raises EK302 unless sums up to `most` and
    what they are rescaled to can be held."""
    _overflow(most, _MOST_SUM - 1, where)
    multiplier, right = fixed.reduced(*fixed.quantize_multipliers(scales))
    _overflow(most * multiplier >> right, fixed.INT32_MAX - 1, where)
    return multiplier.astype(np.int32), right.astype(np.int8)


def _overflow(most: NDArray[np.int64], limit: int, where: str) -> None:
    """Raise EK302 where a channel's largest magnitude is beyond the limit."""
    if most.size and int(most.max()) > limit:
        worst = int(most.argmax())
        raise EdgekitError(
            "EK302", "a sum of an int16 layer could overflow", where=f"{where}, output channel {worst}",
            found=f"bound {int(most[worst])}, wanted at most {limit}",
            help="split the layer or reduce the range of its weights and bias",
        )  # fmt: skip


def rescaled(p: Any, consts: Mapping[str, Array], total: fixed.Int) -> NDArray[np.int16]:
    """The outputs for sums, bias included, whose last axis is the output channel."""
    rescale = fixed.requantize_wide if p.wide else fixed.requantize
    return fixed.saturate16(
        rescale(total, consts["multiplier"], consts["shift"]), p.out_min, p.out_max
    )


def product(x: Array, weights: Array) -> fixed.Int:
    """Integer [..., K] @ [channels, K]^T; float64 holds sums of 2^30 products exactly."""
    return np.asarray((x.astype(np.float64) @ weights.T.astype(np.float64)).astype(np.int64))


def cases(op: type[Op], narrow: Sequence[Case] | None = None, finer: float = 256) -> list[Case]:
    """Cases of the operator on int8 (all, or those given) with int16 activations, whose scales are so
    many times smaller; every other bias has 64 bits."""
    if narrow is None:
        assert issubclass(op, Wide)
        narrow = op.narrow.cases()
    return [_case(op, case, finer, long_bias=i % 2 == 1) for i, case in enumerate(narrow)]


def _case(op: type[Op], case: Case, finer: float, *, long_bias: bool) -> Case:
    (node,) = case.graph.nodes
    weights = node.inputs[1] if load_ops()[node.op].channel_axis is not None else ""
    rng = np.random.default_rng(len(case.name))

    def widened(value: Value) -> Value:
        if value.dtype == "int32" and long_bias and value.data is not None:
            return replace(value, dtype="int64", data=value.data.astype(np.int64))
        if value.dtype != "int8" or value.name == weights:
            return value
        quant = Quant((float(np.float32(value.scale / finer)),), (0,))
        data = value.data
        if data is not None:
            data = rng.integers(-(2**15), 2**15, data.shape).astype(np.int16)
        return Value(value.name, value.shape, "int16", quant, data)

    values = {name: widened(value) for name, value in case.graph.values.items()}
    graph = replace(case.graph, values=values, nodes=(replace(node, op=op.name),))
    return Case(case.name, graph)


def with_output(case: Case, scale: float) -> Case:
    """The case with another scale of its output."""
    (name,) = case.graph.outputs
    value = replace(case.graph.value(name), quant=Quant((scale,), (0,)))
    return Case(case.name, replace(case.graph, values={**case.graph.values, name: value}))
