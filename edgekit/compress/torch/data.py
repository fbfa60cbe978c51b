"""Training data: an `.npz`, a pair of arrays, or anything that yields batches."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Generator, Tensor

from edgekit.errors import EdgekitError

Augment: TypeAlias = Callable[[Tensor, Generator], Tensor]
# an .npz with `x` and `y`, (x, y), x alone, or a DataLoader of (x, y) batches
Data: TypeAlias = Any


class Examples:
    """Batches of (x, y), in an order that a seed decides.

    x: float32 inputs with the batch axis first; y: labels (int64) or real targets (float32), or None
    where there are none. `loader`: the user's own batches, taken as they come.
    """

    def __init__(
        self, x: Tensor | None, y: Tensor | None, loader: Iterable[Any] | None, batch: int
    ) -> None:
        self.x, self.y, self.loader, self.batch = x, y, loader, batch

    def some(self, count: int) -> Examples:
        """About `count` samples: of arrays evenly many from everywhere, as files are often sorted by class; of a
        loader its first batches."""
        if self.x is not None:
            picked = torch.linspace(0, len(self.x) - 1, min(count, len(self.x))).long()
            return Examples(
                self.x[picked], None if self.y is None else self.y[picked], None, self.batch
            )
        taken: list[Any] = []
        for batch in self.batches():
            taken.append(batch)
            if sum(len(x) for x, _ in taken) >= count:
                break
        return Examples(None, None, taken, self.batch)

    def __len__(self) -> int:
        """Batches of one epoch."""
        if self.x is None:
            return sum(1 for _ in self.batches()) if not hasattr(self.loader, "__len__") else len(self.loader)  # type: ignore[arg-type]  # fmt: skip
        full, rest = divmod(len(self.x), self.batch)
        # Batch norm cannot train on one sample.
        return max(full + (rest > 1), 1)

    def batches(
        self, generator: Generator | None = None, augment: Augment | None = None
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """One epoch; shuffled by `generator` where one is given, else in order."""
        if self.x is None:
            for found in self.loader or ():
                x, y = found if isinstance(found, tuple | list) else (found, None)
                yield _inputs(x), None if y is None else _targets(y)
            return
        order = torch.arange(len(self.x))
        if generator is not None:
            order = torch.randperm(len(self.x), generator=generator)
        for part in torch.split(order, self.batch)[: len(self)]:
            x = self.x[part]
            if augment is not None:
                x = augment(x, generator or Generator())
            yield x, None if self.y is None else self.y[part]


def examples(data: Data, *, batch: int = 64, labels: bool = True, where: str = "data") -> Examples:
    """`data` as batches. Raises EK004 for a file or arrays that are not what is wanted, EK001 for none."""
    if isinstance(data, Examples):
        return data
    if isinstance(data, str | Path):
        data = _read(Path(data), where)
    if isinstance(data, tuple) and len(data) == 2:
        x, y = _inputs(data[0]), _targets(data[1])
        if not len(x) or len(x) != len(y):
            raise EdgekitError(
                "EK004", "inputs and labels do not fit each other", where=where,
                found=f"{len(x)} inputs, {len(y)} labels", help="one label for each input, at least one of them",
            )  # fmt: skip
        return Examples(x, y, None, batch)
    if isinstance(data, np.ndarray | Tensor):
        if labels:
            raise EdgekitError(
                "EK001", "labels are wanted", where=where, found="inputs alone",
                help="pass (x, y), or an .npz with `x` and `y`",
            )  # fmt: skip
        return Examples(_inputs(data), None, None, batch)
    if isinstance(data, Iterable) and iter(data) is not data:
        return Examples(None, None, data, batch)
    raise EdgekitError(
        "EK001", "this is no training data", where=where, found=f"a {type(data).__name__}",
        help="pass an .npz with `x` and `y`, a pair (x, y), or a DataLoader of such pairs",
    )  # fmt: skip


def _read(path: Path, where: str) -> tuple[Any, Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [key for key in ("x", "y") if key not in file]
            if not missing:
                return file["x"], file["y"]
            found = f"{', '.join(file.files)}; no `{missing[0]}`"
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, TypeError, AttributeError) as error:
        found = f"{type(error).__name__}: {error}"[:200]
    raise EdgekitError(
        "EK004", "training data cannot be read", where=f"{where}: {path}", found=found,
        help="an .npz with `x` (inputs, batch axis first) and `y` (labels)",
    )  # fmt: skip


def _inputs(x: Any) -> Tensor:
    return torch.as_tensor(x).to(torch.float32)


def _targets(y: Any) -> Tensor:
    tensor = torch.as_tensor(y)
    return tensor.to(torch.float32 if tensor.is_floating_point() else torch.int64)
