"""An original in real numbers against its integer form: how far apart, at the outputs and by layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Graph, Layout
from edgekit.validate import metrics
from edgekit.validate.data import Tensor, dequantize
from edgekit.validate.score import finite

Array = NDArray[Any]


def signed(x: Array) -> Array:
    """uint8, which edgekit does not have, as the int8 that stand for the same real values."""
    return x.view(np.int8) ^ np.int8(-128) if x.dtype == np.uint8 else x


def real_values(x: Array, tensor: Tensor) -> Array:
    """The original's or the program's form of a program's tensor, in real units (float64)."""
    return dequantize(signed(x) if tensor.dtype == "int8" else x, tensor.quant)


def output_errors(
    outputs: Sequence[Tensor],
    original: Sequence[Array],
    integers: Sequence[Array],
    *,
    sequence: bool = False,
) -> dict[str, Any]:
    """Additions to a pair's entry: `outputs`, one ``{name, sqnr_db, max_abs_error, max_error_steps,
    agreement_top1}`` each, and the pair's `agreement_top1` by the original's unrounded values.

    Arrays [N, ...] ([N, steps, ...] where `sequence`) in one order of elements. `max_abs_error` is
    in real units, `max_error_steps` in those of the quantized output. Top-1 as in `compare`.
    """
    entries = []
    for tensor, x, y in zip(outputs, original, integers, strict=True):
        theirs, ours = _single(x, tensor), _single(y, tensor).reshape(x.shape)
        count = len(x) * (x.shape[1] if sequence else 1)
        rows, others = theirs.reshape(count, -1), ours.reshape(count, -1)
        error = metrics.max_abs_error(theirs, ours)
        entries.append({
            "name": tensor.name,
            "sqnr_db": finite(metrics.sqnr_db(theirs, ours)),
            "max_abs_error": error,
            "max_error_steps": None if tensor.quant is None else error / tensor.quant.scale[0],
            "agreement_top1": metrics.agreement_top1(rows, others) if rows.shape[1] > 1 else None,
        })  # fmt: skip
    return {"agreement_top1": entries[0]["agreement_top1"], "outputs": entries}


def quantized_names(source: Graph) -> dict[str, str]:
    """Of an imported ONNX graph: a tensor that is only read to be quantized -> its dequantized form.

    Such a pair belongs to the tensor here, and its clamping is often an activation.
    """
    readers, found = source.consumers(), {}
    for name, nodes in readers.items():
        if all(node.op == "QuantizeLinear" for node in nodes):
            for node in readers.get(nodes[0].outputs[0], []):
                if node.op == "DequantizeLinear":
                    found[name] = node.outputs[0]
    return found


def layer_errors(
    trace: Iterable[tuple[str, str, Array]],
    original: Mapping[str, Array],
    tensors: Mapping[str, Tensor],
    layouts: Mapping[str, Layout],
) -> dict[str, Any]:
    """Additions to a pair's entry: `layers`, one ``{name, tensor, sqnr_db, max_abs_error}`` each in
    order of execution and in real units, and `worst_layer`, the one with the lowest ratio.

    trace: (layer, tensor, [N, *shape]) of the program, whose `tensors` and `layouts` are given;
    original: [N, *source shape] by name. What only one side has, or has in another shape, is left
    out: a compiled program fuses some layers and never makes what was between them.
    """
    layers: list[dict[str, Any]] = []
    for name, tensor, array in trace:
        theirs, ours = original.get(tensor), tensors.get(tensor)
        if theirs is None or ours is None or ours.quant is None:
            continue
        if tensor in layouts:
            array = layouts[tensor].source(array)
        if _sizes(array) != _sizes(theirs) or not _comparable(theirs, ours):
            continue
        real, found = _single(theirs, ours), _single(array, ours).reshape(theirs.shape)
        layers.append({
            "name": name,
            "tensor": tensor,
            "sqnr_db": finite(metrics.sqnr_db(real, found)),
            "max_abs_error": metrics.max_abs_error(real, found),
        })  # fmt: skip
    rated = [layer for layer in layers if layer["sqnr_db"] is not None]
    worst = min(rated, key=lambda layer: layer["sqnr_db"], default=None)
    return {"layers": layers, "worst_layer": worst}


def _single(x: Array, tensor: Tensor) -> Array:
    """Real values rounded to float32, so that equal integers are equal here and in the original."""
    return np.asarray(real_values(x, tensor), np.float32)


def _sizes(x: Array) -> tuple[int, ...]:
    return (len(x), *(n for n in x.shape[1:] if n != 1))


def _comparable(x: Array, tensor: Tensor) -> bool:
    return x.dtype.kind == "f" or str(signed(x).dtype) == tensor.dtype
