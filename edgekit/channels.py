"""What is known of a tensor's channels, the indices of its last axis: ranges, and which nobody needs.

Operators answer three questions about them (`Op.bounds`, `Op.spare`, `Op.without`); the rewrite
`rewrite/constant_channels.py` asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgekit import fixed
from edgekit.graph import Value

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Bounds:
    """Smallest and largest value that each channel can take: int64 arrays of one shape, inclusive."""

    low: fixed.Int
    high: fixed.Int

    @property
    def constant(self) -> Mask:
        return np.asarray(self.low == self.high)

    def hull(self, other: Bounds | int) -> Bounds:
        """What may be here or in `other`."""
        low, high = (other, other) if isinstance(other, int) else (other.low, other.high)
        return Bounds(np.minimum(self.low, low), np.maximum(self.high, high))

    def clip(self, low: int, high: int) -> Bounds:
        return Bounds(np.clip(self.low, low, high), np.clip(self.high, low, high))

    def any_of(self, count: int) -> Bounds:
        """`count` channels, each of which may be any channel of these."""
        low, high = self.low.min(), self.high.max()
        return Bounds(np.full(count, low), np.full(count, high))

    def regroup(self, count: int) -> Bounds:
        """The same elements in the same order, with a last axis of `count`."""
        own = len(self.low)
        if count % own == 0:
            return Bounds(np.tile(self.low, count // own), np.tile(self.high, count // own))
        if own % count == 0:
            shape = (-1, count)
            return Bounds(self.low.reshape(shape).min(axis=0), self.high.reshape(shape).max(axis=0))
        return self.any_of(count)


class Spare(NamedTuple):
    """Per run-time operand and per output of a node: the channels to do without, bool [channels]."""

    inputs: list[Mask]
    outputs: list[Mask]

    def none(self) -> Spare:
        """No channel of any of them."""
        return Spare(*([np.zeros_like(mask) for mask in masks] for masks in self))

    def tied(self) -> Spare:
        """Channels that go together, where channel c of each operand stands beside channel c of
        every other; of an operand with n times as many, channels c, c + C, c + 2C, ... do."""
        masks = [*self.inputs, *self.outputs]
        count = min(len(mask) for mask in masks)
        if any(len(mask) % count for mask in masks):
            return self.none()
        common = np.logical_and.reduce([regroup(mask, count) for mask in masks])
        return Spare(*([regroup(common, len(mask)) for mask in operands] for operands in self))


def regroup(mask: Mask, count: int) -> Mask:
    """A mask over the last axis for the same elements with a last axis of `count`: a channel there
    is set where everything it holds is set here."""
    if count % len(mask) == 0:
        return np.tile(mask, count // len(mask))
    if len(mask) % count == 0:
        return np.asarray(mask.reshape(-1, count).all(axis=0))
    return np.zeros(count, bool)


def channels(value: Value) -> int:
    """Size of the last axis; a scalar is one channel."""
    return value.shape[-1] if value.shape else 1


def type_bounds(value: Value) -> Bounds:
    """Everything that the value's type can hold; a constant's own values."""
    count = channels(value)
    if value.data is not None and value.data.dtype.kind in "iu" and value.elements:
        data = value.data.reshape(-1, count).astype(np.int64)
        return Bounds(data.min(axis=0), data.max(axis=0))
    info = np.iinfo(value.dtype if "int" in value.dtype else "int32")
    # Of uint64 the upper half is left out: such channels are never removed, nor their readers' bounds drawn from it.
    high = min(int(info.max), int(np.iinfo(np.int64).max))
    return Bounds(np.full(count, info.min, np.int64), np.full(count, high, np.int64))


def dot_bounds(weights: NDArray[Any], x: Bounds) -> Bounds:
    """``sum over k of weights[o, k] * x[k]``; weights [O, K], x [K]."""
    up, down = np.maximum(weights, 0).astype(np.int64), np.minimum(weights, 0).astype(np.int64)
    return Bounds(up @ x.low + down @ x.high, up @ x.high + down @ x.low)


def output_bounds(total: Bounds, consts: Mapping[str, NDArray[Any]], p: Any) -> Bounds:
    """Outputs of a layer with weights for its sums without the bias. Rescaling never turns a
    larger sum into a smaller output, so that the ends of a range give the ends."""

    def rescale(end: fixed.Int) -> fixed.Int:
        scaled = fixed.requantize(end + consts["bias"], consts["multiplier"], consts["shift"])
        return np.asarray(np.clip(scaled + p.output_zero, p.out_min, p.out_max))

    return Bounds(rescale(total.low), rescale(total.high))


def foldable(weights: NDArray[Any], x: Bounds) -> Mask:
    """Which terms ``weights[:, k] * x[k]`` are known numbers: the input or all its weights are."""
    return np.asarray(x.constant | ~weights.any(axis=0))


def folded_bias(
    bias: NDArray[Any], weights: NDArray[Any], x: Bounds, spare: Mask
) -> NDArray[np.int32]:
    """The bias with the terms of the `spare` inputs in it, which `foldable` allows.

    Within int32, as the proof of the accumulators counts each term at its largest.
    """
    known = weights[:, spare].astype(np.int64) @ x.low[spare]
    return np.asarray(bias + known, np.int32)


def kept(array: NDArray[Any], spare: Mask) -> NDArray[Any]:
    """A constant over channels (last axis) without the spare ones."""
    return np.ascontiguousarray(array[..., ~spare])


def without_outputs(consts: Mapping[str, NDArray[Any]], spare: Mask) -> dict[str, NDArray[Any]]:
    """Bias, multiplier and shift of the output channels that stay."""
    return {name: kept(consts[name], spare) for name in ("bias", "multiplier", "shift")}


def narrowed(value: Value, spare: Mask) -> Value:
    """The value without the spare channels."""
    shape = (*value.shape[:-1], int((~spare).sum()))
    data = None if value.data is None else kept(value.data, spare)
    return Value(value.name, shape, value.dtype, value.quant, data)
