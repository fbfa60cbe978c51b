"""Plain arrays in an `.npz` file: equal bytes for equal arrays, and nothing is ever unpickled."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# A damaged file must not claim endless memory; no model that edgekit reads is larger.
_MAX_BYTES = 1 << 30


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write the file; the same arrays in the same order always give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            # A ZipInfo of its own: its date is a fixed one.
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.getvalue())


def read_arrays(path: Path) -> dict[str, Array]:
    """Every array of the file. Raises whatever zipfile, zlib, struct and numpy raise for damage."""
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > _MAX_BYTES:
        raise ValueError(f"{size} bytes of arrays")
    with np.load(path, allow_pickle=False) as archive:
        return {name: np.asarray(archive[name]) for name in archive.files}
