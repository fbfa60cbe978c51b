"""Evaluation data: an `.npz` file, checked and brought to the types and shapes of a model's inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.fixed import round_half_away
from edgekit.graph import Layout, Quant, limits

Array = NDArray[Any]


class Tensor(Protocol):
    """What is needed of an input or output; `graph.Value` and `program.Buffer` both have it."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def quant(self) -> Quant | None: ...


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs ready to be fed, and what is known of the right answers.

    arrays: for each tensor, in the model's order, [N, *shape] of the tensor's own type; where
    `sequence` is set, [N, steps, *shape]. y: [N] integer labels or [N, ...] wanted values.
    labels: class names. source: the file's name, or how the inputs were made. originals: the same
    inputs with the source's axes, as float32 where they were given as real values; empty where they
    are `arrays` themselves.
    """

    tensors: tuple[Tensor, ...]
    arrays: tuple[Array, ...]
    sequence: bool = False
    y: Array | None = None
    labels: tuple[str, ...] = ()
    source: str = ""
    originals: tuple[Array, ...] = ()

    def __len__(self) -> int:
        return len(self.arrays[0])

    @property
    def given(self) -> tuple[Array, ...]:
        """What the original model is fed: the source's axes, real values where there are any."""
        return self.originals or self.arrays

    @property
    def inferences(self) -> int:
        """How often the model runs: N, or N * steps."""
        return len(self) * (self.arrays[0].shape[1] if self.sequence else 1)

    def pick(self, which: Array) -> Samples:
        """The samples of these numbers, in this order."""
        y = None if self.y is None else self.y[which]
        return replace(self._each(lambda x: x[which]), y=y)

    def take(self, which: slice) -> Samples:
        """The same with only those of the samples."""
        y = None if self.y is None else self.y[which]
        return replace(self._each(lambda x: x[which]), y=y)

    def prefix(self, sample: int, steps: int) -> Samples:
        """One sample, of a sequence only its first `steps` steps."""
        one = self.take(slice(sample, sample + 1))
        return one._each(lambda x: x[:, :steps]) if self.sequence else one

    def _each(self, part: Callable[[Array], Array]) -> Samples:
        arrays, originals = (tuple(map(part, xs)) for xs in (self.arrays, self.originals))
        return replace(self, arrays=arrays, originals=originals)


def source_order(
    tensors: Sequence[Tensor], arrays: Sequence[Array], layouts: Mapping[str, Layout], lead: int = 1
) -> tuple[Array, ...]:
    """Tensors of a program, behind `lead` sample axes, with the axes their source has."""
    return tuple(
        layouts[tensor.name].source(x, lead) if tensor.name in layouts else x
        for tensor, x in zip(tensors, arrays, strict=True)
    )


def quantize(x: Array, quant: Quant, dtype: str) -> Array:
    """Real values to integers: ``round(x / scale) + zero_point``, clamped to the type.

    Division in float32 and ties away from zero, as TensorFlow Lite's QUANTIZE does it.
    """
    info = np.iinfo(dtype)
    steps = round_half_away(np.asarray(x, np.float32) / np.float32(quant.scale[0]))
    return np.asarray(np.clip(steps + quant.zero_point[0], info.min, info.max), dtype)


def dequantize(q: Array, quant: Quant | None) -> Array:
    """Integers to real values (float64), ``scale * (q - zero_point)``; others only widened."""
    if quant is None or q.dtype.kind == "f":
        return np.asarray(q, np.float64)
    return np.asarray((q.astype(np.float64) - quant.zero_point[0]) * quant.scale[0])


def random_samples(
    tensors: Sequence[Tensor],
    count: int = 16,
    seed: int = 0,
    steps: int | None = None,
    layouts: Mapping[str, Layout] | None = None,
) -> Samples:
    """`count` samples drawn uniformly from each integer type's whole range; float: from [-1, 1).

    `steps` makes each a sequence of so many; `layouts` are the program's. The same arguments give
    the same bytes.
    """
    rng = np.random.default_rng(seed)
    lead = (count,) if steps is None else (count, steps)

    def draw(tensor: Tensor) -> Array:
        size = (*lead, *tensor.shape)
        if tensor.dtype.startswith("float"):
            return rng.uniform(-1, 1, size).astype(tensor.dtype)
        low, high = limits(tensor.dtype)
        return rng.integers(low, high, size, tensor.dtype, endpoint=True)

    arrays = tuple(draw(tensor) for tensor in tensors)
    source = f"{count} random inputs, seed {seed}"
    originals = source_order(tensors, arrays, layouts, len(lead)) if layouts else ()
    return Samples(tuple(tensors), arrays, steps is not None, source=source, originals=originals)


def load_samples(
    path: str | Path,
    tensors: Sequence[Tensor],
    *,
    scale: float | None = None,
    offset: float | None = None,
    stateful: bool = False,
    layouts: Mapping[str, Layout] | None = None,
) -> Samples:
    """`samples_of` the arrays of an `.npz` file."""
    options: dict[str, Any] = {"scale": scale, "offset": offset, "stateful": stateful}
    return samples_of(_read(Path(path)), tensors, path, layouts=layouts, **options)


def samples_of(
    data: Mapping[str, Array],
    tensors: Sequence[Tensor],
    path: str | Path,
    *,
    scale: float | None = None,
    offset: float | None = None,
    stateful: bool = False,
    layouts: Mapping[str, Layout] | None = None,
) -> Samples:
    """Take `x` (or one array per input name), and `y` and `labels` where present.

    `path` is where the arrays are from, for messages. `layouts` names the inputs whose axes have
    another order in the data: the source model's.

    Without `scale` and `offset`, an integer array of the input's own type is fed as it is and a
    float array holds real values. With either, real values are ``x * scale + offset`` for every
    type (1 and 0 where not given). Real values for an integer input are quantized with its own
    scale and zero point (`quantize`). `stateful` also takes sequences of frames, [N, frames, ...],
    where an input holds several frames. Arrays have the axes of the source; where `layouts` says that
    edgekit has them in another order, that order is taken too if the sizes tell both apart.
    `originals` keep the source's axes and the real values. Raises EK004.
    """
    layouts = layouts or {}
    arrays, originals, steps = [], [], set()
    for tensor in tensors:
        where = f"{path}, array {tensor.name}"
        if tensor.name in data:
            x = data[tensor.name]
        elif "x" in data and len(tensors) == 1:
            x, where = data["x"], f"{path}, array x"
        else:
            wanted = "x" if len(tensors) == 1 else ", ".join(t.name for t in tensors)
            _refuse(
                "the data file has no array for an input of the model",
                f"{path}, input {tensor.name}",
                f"{', '.join(data) or 'nothing'}, wanted {wanted}",
                "save the inputs under that name: numpy.savez(file, x=...)",
            )
        layout = layouts.get(tensor.name)
        x, sequence = (
            _ordered(x, layout, where) if layout else _shaped(x, tensor.shape, stateful, where)
        )
        steps.add(x.shape[1] if sequence else None)
        originals.append(_given(x, tensor, scale, offset, where))
        x = _typed(originals[-1], tensor, where)
        if layout:
            lead = 1 + sequence
            x = layout.ours(x, lead).reshape(*x.shape[:lead], *tensor.shape)
        arrays.append(x)
    if len(steps) > 1 or len({len(x) for x in arrays}) > 1:
        _refuse(
            "the inputs have different numbers of samples or steps",
            str(path),
            ", ".join(f"{t.name} {list(x.shape)}" for t, x in zip(tensors, arrays, strict=True)),
            "give every input the same leading axes",
        )
    y = _wanted(data.get("y"), len(arrays[0]), str(path))
    labels = tuple(str(name) for name in data["labels"].ravel()) if "labels" in data else ()
    sequence, name = None not in steps, Path(path).name
    return Samples(tuple(tensors), tuple(arrays), sequence, y, labels, name, tuple(originals))


def _refuse(message: str, where: str, found: str, help: str) -> NoReturn:
    raise EdgekitError("EK004", message, where=where, found=found, help=help)


def _read(path: Path) -> dict[str, Array]:
    """Every array of the file. Nothing is ever unpickled."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in archive.files}
    except FileNotFoundError:
        _refuse("the data file does not exist", str(path), "nothing", "check the path")
    # What a damaged archive raises is not one family: zipfile, zlib, struct and numpy all have
    # their own, and a plain .npy gives an array, which is no context manager.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        _refuse(
            "the data file cannot be read",
            str(path),
            f"{reason}; wanted an .npz of plain numeric arrays",
            "write it with numpy.savez(file, x=...); object arrays are refused",
        )


def _shaped(x: Array, one: tuple[int, ...], stateful: bool, where: str) -> tuple[Array, bool]:
    """x as [N, *one], or as [N, steps, *one] and True; `one` is the shape of an input."""
    shape, wanted = x.shape, math.prod(one)
    frame = [d for d in one if d != 1]
    if len(shape) > 0 and x.size:
        each = x.size // shape[0]
        if each == wanted:
            return x.reshape(shape[0], *one), False
        whole_steps = len(shape) > 2 and math.prod(shape[2:]) == wanted
        frames = stateful and each % wanted == 0 and list(shape[2:]) == frame[1:]
        if whole_steps or frames:
            return x.reshape(shape[0], each // wanted, *one), True
    dims = ", ".join(map(str, one))
    _refuse(
        "an array does not have the shape of the input",
        where,
        f"{list(shape)}, wanted [N, {dims}] or [N, steps, {dims}], N at least 1",
        "the first axis counts samples; resize or reshape the data",
    )


def _ordered(x: Array, layout: Layout, where: str) -> tuple[Array, bool]:
    """x with the source's axes: [N, *layout.shape], or [N, steps, *layout.shape] and True.

    Takes the source's order or edgekit's, axes of size 1 given or not, and flat samples.
    """
    moved = tuple(layout.shape[axis] for axis in layout.perm)
    for lead in (1, 2):
        sizes = _without_ones(x.shape[lead:])
        if x.ndim < lead or 0 in x.shape:
            break
        if sizes in (_without_ones(layout.shape), (math.prod(moved),)):
            return x.reshape(*x.shape[:lead], *layout.shape), lead == 2
        if sizes == _without_ones(moved):
            return layout.source(x, lead), lead == 2
    dims = ", ".join(map(str, layout.shape))
    _refuse(
        "an array does not have the shape of the input",
        where,
        f"{list(x.shape)}, wanted [N, {dims}] or [N, steps, {dims}], N at least 1",
        "the first axis counts samples; give the others in the order that the source model has",
    )


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _given(
    x: Array, tensor: Tensor, scale: float | None, offset: float | None, where: str
) -> Array:
    """Integers of the tensor's own type as they are, everything else as real values in float32. What
    has no scale also takes wider integers whose numbers fit, as ONNX models have them."""
    mapped = scale is not None or offset is not None
    if not mapped and x.dtype.kind in "iub":
        narrow = x.astype(tensor.dtype)
        plain = tensor.quant is None and not tensor.dtype.startswith("float")
        if x.dtype == narrow.dtype or (plain and np.array_equal(narrow, x)):
            return narrow
    if x.dtype.kind not in "iuf" or (x.dtype.kind != "f" and not mapped):
        _refuse(
            "an array does not have the type of the input",
            where,
            f"{x.dtype}, wanted {tensor.dtype}, or real values in a float type",
            "for raw values give --scale and --offset: real value = x * scale + offset",
        )
    real = x.astype(np.float32)
    if mapped:
        real = real * np.float32(1 if scale is None else scale) + np.float32(offset or 0)
    if not np.isfinite(real).all():
        _refuse(
            "an array holds values that are not finite",
            where,
            f"{int((~np.isfinite(real)).sum())} of {real.size} are NaN or infinite",
            "repair or drop those samples",
        )
    return real


def _typed(given: Array, tensor: Tensor, where: str) -> Array:
    """What `_given` returns in the tensor's own type."""
    if given.dtype.kind != "f":
        return given
    if tensor.dtype.startswith("float"):
        return given.astype(tensor.dtype)
    if tensor.quant is None:
        _refuse(
            "real values cannot be fed to an integer input that has no scale",
            where,
            f"real values, wanted {tensor.dtype}",
            f"save the array as {tensor.dtype}",
        )
    return quantize(given, tensor.quant, tensor.dtype)


def _wanted(y: Array | None, count: int, path: str) -> Array | None:
    if y is None:
        return None
    if y.dtype.kind not in "iuf" or y.ndim == 0 or len(y) != count:
        _refuse(
            "y does not hold one label a sample",
            f"{path}, array y",
            f"{y.dtype} {list(y.shape)}, wanted {count} integers",
            "save y as an integer array with one entry for each sample of x",
        )
    return y
