"""Two places, the same inputs: how far their outputs agree, and the first layer that differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgekit.validate import metrics

Array = NDArray[Any]


class Layer(NamedTuple):
    """One layer's output on both sides: how many of its elements differ."""

    name: str
    tensor: str
    mismatches: int
    elements: int


def compare(
    a: str,
    b: str,
    a_outputs: Sequence[Array],
    b_outputs: Sequence[Array],
    *,
    sequence: bool = False,
) -> dict[str, Any]:
    """The contract's entry for the pair of places named `a` and `b`.

    Outputs: for each model output an array [N, ...] ([N, steps, ...] where `sequence`), of the
    same size in both. `outputs_compared` and `mismatches` count elements; `max_abs_error` is in
    steps for integer outputs; `agreement_top1` is the share (0 to 1) of inferences with the same
    largest element of the first output, None where that has a single element.
    """
    pairs = [(x, y.reshape(x.shape)) for x, y in zip(a_outputs, b_outputs, strict=True)]
    differ = sum(metrics.mismatches(x, y) for x, y in pairs)
    samples = len(a_outputs[0])
    first, second = (x.reshape(samples * (x.shape[1] if sequence else 1), -1) for x in pairs[0])
    return {
        "a": a,
        "b": b,
        "samples": samples,
        "outputs_compared": sum(x.size for x, _ in pairs),
        "mismatches": differ,
        "bit_exact": differ == 0,
        "max_abs_error": max(metrics.max_abs_error(x, y) for x, y in pairs),
        "agreement_top1": metrics.agreement_top1(first, second) if first.shape[1] > 1 else None,
    }


def first_difference(a_outputs: Sequence[Array], b_outputs: Sequence[Array]) -> int | None:
    """The first sample at which any output differs, None where none does."""
    bad = np.zeros(len(a_outputs[0]), bool)
    for x, y in zip(a_outputs, b_outputs, strict=True):
        bad |= (x != y.reshape(x.shape)).reshape(len(x), -1).any(axis=1)
    return int(bad.argmax()) if bad.any() else None


def kept_channels(
    tensors: Mapping[str, Array], kept: Mapping[str, NDArray[np.bool_]]
) -> dict[str, Array]:
    """The tensors without the channels (last axis) that a program removed: `kept` has the mask of
    those that stayed, by tensor; such a tensor comes as [cells, channels]."""
    parts = {
        name: tensors[name].reshape(-1, len(mask))[:, mask]
        for name, mask in kept.items()
        if name in tensors and tensors[name].size % len(mask) == 0
    }
    return {**tensors, **parts}


def compare_layers(
    trace: Iterable[tuple[str, str, Array]], tensors: Mapping[str, Array]
) -> list[Layer]:
    """`trace` (layer, tensor, array; in order of execution) against tensors by name.

    What only one side knows is left out, and so is a tensor of another size or type: a compiled
    program fuses some layers and never makes what was between them.
    """
    layers = []
    for name, tensor, array in trace:
        other = tensors.get(tensor)
        if other is not None and other.dtype == array.dtype and other.size == array.size:
            differ = metrics.mismatches(array.ravel(), other.ravel())
            layers.append(Layer(name, tensor, differ, array.size))
    return layers


def layers_json(layers: Sequence[Layer]) -> dict[str, Any]:
    """``layers_compared`` and ``first_differing_layer`` (None where all are equal)."""
    first = next((layer for layer in layers if layer.mismatches), None)
    return {
        "layers_compared": len(layers),
        "first_differing_layer": None if first is None else dict(first._asdict()),
    }
