"""Labelled data in two halves: one that trials are judged by, one that judges what was chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit.errors import EdgekitError


def halves(data: Path, folder: Path, seed: int) -> tuple[Path, Path]:
    """``select.npz`` and ``test.npz`` in `folder`: every other sample of each class in a seeded order.

    Arrays with another number of rows than `y` are in both. Raises EK004 where there are no labels.
    """
    try:
        with np.load(data, allow_pickle=False) as archive:
            arrays = dict(archive)
    except (OSError, ValueError, EOFError) as broken:
        raise EdgekitError(
            "EK004", "the data file cannot be read", where=str(data), found=str(broken),
            help="give an .npz with x and y",
        ) from None  # fmt: skip
    y = arrays.get("y")
    if y is None or y.ndim != 1 or len(y) < 4:
        raise EdgekitError(
            "EK004", "data without labels cannot be halved", where=str(data),
            found="no y" if y is None else f"y {list(y.shape)}",
            help="give labels y, or --select with data of its own",
        )  # fmt: skip
    order = np.random.default_rng(seed).permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    found = []
    for name, part in (("select", order[::2]), ("test", order[1::2])):
        rows = np.sort(part)
        path = folder / f"{name}.npz"
        np.savez(
            path,
            allow_pickle=False,
            **{k: a[rows] if a.ndim and len(a) == len(y) else a for k, a in arrays.items()},
        )
        found.append(path)
    return found[0], found[1]
