"""What a quantization decided, and its file: with it the same graph is made without the data.

The file is an `.npz` of plain arrays, equal bytes for equal numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from edgekit.arrays import read_arrays, write_arrays
from edgekit.errors import EdgekitError
from edgekit.graph import Quant
from edgekit.quantize.report import ErrorReport

Array = NDArray[Any]

_FORMAT = 2
_DTYPES = {"int8", "int16", "int32"}


@dataclass(frozen=True, eq=False)
class Quantization:
    """The numbers that a graph did not have.

    quants: by tensor of the prepared graph. data: constants in their new type. factors: per channel
    (last axis) of the tensors that equalisation changed; the source's values are ours times them. wide:
    the layers with int16 activations.
    Not stored: schemes, of every layer that has another than w8a8; notes, what a user should know about the
    calibration, in sentences; ranges, the least and greatest real value of each calibrated tensor; errors, of
    every layer on that data.
    """

    quants: Mapping[str, Quant]
    data: Mapping[str, Array]
    factors: Mapping[str, Array] = field(default_factory=dict)
    wide: frozenset[str] = frozenset()
    schemes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    errors: ErrorReport | None = None


def save(path: Path, quantization: Quantization) -> None:
    """Write the file; the same quantization always gives the same bytes."""
    names = sorted(quantization.quants)
    quants = [quantization.quants[name] for name in names]
    texts = [
        names,
        sorted(quantization.data),
        sorted(quantization.factors),
        sorted(quantization.wide),
    ]
    arrays: dict[str, Array] = {
        "format": np.array([_FORMAT], np.int32),
        "names": np.frombuffer(json.dumps(texts).encode(), np.uint8),
        "count": np.array([len(q.scale) for q in quants], np.int32),
        "axis": np.array([-1 if q.axis is None else q.axis for q in quants], np.int32),
        "bits": np.array([q.bits for q in quants], np.int32),
        "scale": np.array([s for q in quants for s in q.scale], np.float32),
        "zero_point": np.array([z for q in quants for z in q.zero_point], np.int32),
    }
    arrays |= {f"data{i}": quantization.data[name] for i, name in enumerate(texts[1])}
    arrays |= {
        f"factor{i}": np.asarray(quantization.factors[name], np.float32)
        for i, name in enumerate(texts[2])
    }
    write_arrays(path, arrays)


def load(path: Path) -> Quantization:
    """Read the file. Raises EK005 where it is not one, or damaged."""
    try:
        return _parsed(read_arrays(path))
    # zipfile, zlib, struct, json and numpy each have errors of their own for damage.
    except Exception as error:
        damaged(str(path), str(error).splitlines()[0] if str(error) else type(error).__name__)


def damaged(where: str, found: str) -> NoReturn:
    raise EdgekitError(
        "EK005", "the stored quantization does not fit or is damaged", where=where,
        found=f"{found}; wanted the file that the build wrote", help="build the model again",
    )  # fmt: skip


def _parsed(arrays: Mapping[str, Array]) -> Quantization:
    if arrays["format"].tolist() != [_FORMAT]:
        raise ValueError(f"format {arrays['format'].tolist()}")
    names, constants, scaled, wide = json.loads(arrays["names"].tobytes().decode())
    counts, axes, bits = (arrays[key].tolist() for key in ("count", "axis", "bits"))
    scales = arrays["scale"].astype(np.float64)
    zeros = arrays["zero_point"]
    if not (np.isfinite(scales).all() and (scales > 0).all()) or zeros.dtype != np.int32:
        raise ValueError("scales or zero points that are none")
    if not sum(counts) == len(scales) == len(zeros) or min(counts, default=1) < 1:
        raise ValueError("scales that do not fit their tensors")
    quants, at = {}, 0
    for name, count, axis, width in zip(names, counts, axes, bits, strict=True):
        part = slice(at, at + count)
        quants[str(name)] = Quant(
            tuple(scales[part].tolist()),
            tuple(zeros[part].tolist()),
            None if axis < 0 else axis,
            width,
        )
        at += count
    data = {str(name): arrays[f"data{i}"] for i, name in enumerate(constants)}
    if any(str(array.dtype) not in _DTYPES for array in data.values()) or not set(data) <= set(
        quants
    ):
        raise ValueError("constants of another type")
    for name, array in data.items():
        least, most = -(2 ** (quants[name].bits - 1)), 2 ** (quants[name].bits - 1) - 1
        if (
            array.dtype == np.int8
            and array.size
            and not least <= array.min() <= array.max() <= most
        ):
            raise ValueError("constants beyond their bits")
    factors = {str(name): arrays[f"factor{i}"] for i, name in enumerate(scaled)}
    return Quantization(quants, data, factors, frozenset(map(str, wide)))
