"""Random one-operator `.tflite` models: `MODELS` maps an operator to what draws one of them.

Sizes of 1 are as likely as all others together, zero points lie at the ends as often as between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tflite_writer import Array, TensorSpec

Shape = tuple[int, ...]
Affine = tuple[float, int]
Draw = np.random.Generator


@dataclass(frozen=True, eq=False)
class Model:
    """One operator. `data` are arrays [samples, *shape] by input name; random bytes where absent."""

    op: str
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    options: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Array] | None = None


MODELS: dict[str, Callable[[Draw], Model]] = {}
SAMPLES = 6
# Seeds of one test: some always, many where time does not matter.
BLOCKS = [range(20), pytest.param(range(20, 300), marks=pytest.mark.soak)]


def model(*ops: str) -> Callable[[Callable[[str, Draw], Model]], Callable[[str, Draw], Model]]:
    """Registers a function of an operator's name and a generator, for each of `ops`."""

    def register(draw: Callable[[str, Draw], Model]) -> Callable[[str, Draw], Model]:
        for op in ops:
            MODELS[op] = lambda rng, op=op: draw(op, rng)  # type: ignore[misc]
        return draw

    return register


def affine(rng: Draw, low: float = 0.004, high: float = 0.5) -> Affine:
    zero = rng.choice([-128, 127, 0, *rng.integers(-127, 127, 3)])
    return float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high))))), int(zero)


def shape(rng: Draw, low: int = 1, high: int = 4, largest: int = 7) -> Shape:
    rank = int(rng.integers(low, high + 1))
    return tuple(int(rng.choice([1, rng.integers(1, largest + 1)])) for _ in range(rank))


def pick(rng: Draw, *choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]


def numbers(name: str, values: Any) -> TensorSpec:
    """A constant int32 operand."""
    data = np.array(values, np.int32)
    return TensorSpec(name, data.shape, "int32", data=data)


def bytes_of(rng: Draw, spec: TensorSpec, samples: int = SAMPLES) -> Array:
    """Random contents of a tensor; the first two samples are all lowest and all highest."""
    if spec.dtype == "bool":
        return rng.integers(0, 2, (samples, *spec.shape)).astype(bool)
    info = np.iinfo(spec.dtype)
    x = rng.integers(info.min, info.max + 1, (samples, *spec.shape)).astype(spec.dtype)
    x[0], x[1] = info.min, info.max
    return x


def contents(rng: Draw, *specs: TensorSpec) -> dict[str, Array]:
    return {spec.name: bytes_of(rng, spec) for spec in specs if spec.given}


def smaller(rng: Draw, full: Shape) -> Shape:
    """A shape that repeats to `full`: itself, one element, a tail, or some axes of size 1."""
    some = tuple(n if rng.integers(2) else 1 for n in full)
    return pick(rng, full, full, (1,), full[-1:], some)
