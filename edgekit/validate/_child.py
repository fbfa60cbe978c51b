"""Runs the original model in this process; `edgekit.validate.reference` starts it as a child.

    python -m edgekit.validate._child ENGINE MODEL REQUEST.npz ANSWER.npz

Request: `input_<i>` [N, steps, *shape], `intermediates` 0 or 1, `dims` (JSON, sizes of symbolic
dimensions), and `scale_<i>` and `zero_point_<i>` where integers stand for real values.
Answer: `output_<i>` [N, steps, *shape]; with intermediates `names`, and `tensor_<i>` [N, *shape] for
each of them, of every sample's last inference.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Quant
from edgekit.validate.data import dequantize, quantize
from edgekit.validate.engines import Engine, open_engine

Array = NDArray[Any]


def fed(request: Mapping[str, Array], inputs: Sequence[Mapping[str, Any]]) -> list[Array]:
    """Every input as [N, steps, *shape] in the original's type: integers for a float input become
    the real values they stand for, and the other way round."""
    arrays = []
    for i, details in enumerate(inputs):
        given, wanted = request[f"input_{i}"], np.dtype(details["dtype"])
        x = _typed(given, wanted, request.get(f"scale_{i}"), request.get(f"zero_point_{i}"))
        if x is None:
            raise TypeError(f"input {i} is {wanted} in the original, fed {given.dtype}")
        arrays.append(_shaped(x, details["shape"], i))
    return arrays


def _typed(
    x: Array, wanted: np.dtype[Any], scale: Array | None, zero_point: Array | None
) -> Array | None:
    """x in the wanted type; None where there is no sound way. `zero_point` is of the program's type."""
    if x.dtype == wanted:
        return x
    if wanted.kind == x.dtype.kind == "f":
        return x.astype(wanted)
    if scale is None or zero_point is None:
        return None
    quant = Quant((float(scale),), (int(zero_point),))
    if wanted.kind == "f":
        return dequantize(x, quant).astype(wanted)
    if x.dtype.kind == "f":
        x = quantize(x, quant, str(zero_point.dtype))
    if wanted == np.uint8 and x.dtype == np.int8:
        return x.view(np.uint8) ^ np.uint8(0x80)  # the same real values, 128 steps further up
    return x if x.dtype == wanted else None


def _shaped(x: Array, shape: Sequence[int | None], i: int) -> Array:
    """x as [N, steps, *shape]; where the original leaves sizes open, x has its own."""
    if None not in shape:
        return x.reshape(*x.shape[:2], *(int(d) for d in shape if d is not None))
    if len(shape) != x.ndim - 2:
        raise TypeError(f"input {i} has {len(shape)} axes in the original, fed {x.ndim - 2}")
    return x


def answer(engine: Engine, request: Mapping[str, Array]) -> dict[str, Any]:
    arrays = fed(request, engine.inputs())
    rows, kept = [], []
    for sample in range(len(arrays[0])):
        engine.reset()
        steps = [
            engine.run([x[sample, step] for x in arrays]) for step in range(arrays[0].shape[1])
        ]
        rows.append([np.stack(column) for column in zip(*steps, strict=True)])
        if request["intermediates"]:
            kept.append({str(key): np.array(data) for key, data in engine.tensors()})
    result: dict[str, Any] = {
        f"output_{i}": np.stack(column) for i, column in enumerate(zip(*rows, strict=True))
    }
    if kept:
        # Names are data: as members of an archive they could be any path.
        result["names"] = np.array(list(kept[0]), np.str_)
        for i, name in enumerate(kept[0]):
            result[f"tensor_{i}"] = np.stack([tensors[name] for tensors in kept])
    return result


def main(engine: str, model: str, request_path: str, answer_path: str) -> int:
    with np.load(request_path, allow_pickle=False) as archive:
        request = dict(archive)
    try:
        dims = json.loads(str(request["dims"]))
        opened = open_engine(engine, model, bool(request["intermediates"]), dims)
        result = answer(opened, request)
    except Exception as error:  # the engines raise whatever they like; the parent reports it
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    np.savez(answer_path, **result)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
