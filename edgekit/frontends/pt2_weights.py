"""Weights and constants of a `.pt2` archive: raw bytes, and where in them each tensor lies.

Several tensors may share one payload (tied weights, slices of one storage), each with its own
offset and strides in elements.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.frontends.json_reader import EXPORT_AGAIN, Item
from edgekit.frontends.limits import MAX_AXES
from edgekit.frontends.pt2_archive import Archive
from edgekit.frontends.torch_files import MAKE_PT2

# Codes of torch's serialized scalar types; bfloat16 is the upper half of a float32.
_STORED = {
    1: "u1", 2: "i1", 3: "i2", 4: "i4", 5: "i8", 6: "f2", 7: "f4", 8: "f8", 12: "?", 13: "u2",
}  # fmt: skip
_BFLOAT16 = 13
_STRIDED = 7  # code of the dense layout
_FOLDERS = (("data/weights", "weights"), ("data/constants", "constants"))


@dataclass(frozen=True, eq=False)
class Payload:
    """One stored tensor. `name` is its qualified name in the module, e.g. ``features.0.weight``."""

    archive: Archive
    folder: str
    name: str
    entry: Item

    def load(self) -> NDArray[Any]:
        """The tensor, contiguous, in its stored type (bfloat16 as float32).

        Raises EK101 (damaged), EK103 (too large), EK105 (outside its payload), EK202 (pickled, sparse, or a type
        without support), EK304 (NaN or infinite numbers).
        """
        if self.entry["use_pickle"].boolean():
            raise self._fail("EK202", "a weight is stored as a pickle", "use_pickle: true, wanted raw bytes",
                             f"replace tensor subclasses by plain tensors, then export again:\n{MAKE_PT2}")  # fmt: skip
        meta = self.entry["tensor_meta"]
        code, layout = meta["dtype"].integer(), meta["layout"].integer()
        if code not in _STORED or layout != _STRIDED:
            raise self._fail("EK202", "a weight of this type has no support", f"type code {code}, layout {layout}",
                             "export the model with dense float32 weights (model.float())")  # fmt: skip
        sizes, strides = (self._integers(meta[key]) for key in ("sizes", "strides"))
        data = self._strided(code, sizes, strides, meta["storage_offset"]["as_int"].integer())
        if code == _BFLOAT16:
            data = (data.astype(np.uint32) << 16).view(np.float32)
        if data.dtype.kind == "f" and not (np.isfinite(data) | np.isneginf(data)).all():
            # Minus infinity may be an attention mask; where it is not, quantization refuses it.
            bad = data[~np.isfinite(data)]
            raise self._fail("EK304", "a weight is not a finite number", f"{bad.size} of {data.size} numbers, the first is {bad[0]}",
                             "train or load the model again; NaN weights come from a diverged training")  # fmt: skip
        return data

    def _integers(self, item: Item) -> list[int]:
        return [each["as_int"].integer() for each in item.items()]

    def _strided(
        self, code: int, sizes: Sequence[int], strides: Sequence[int], offset: int
    ) -> NDArray[Any]:
        kind = np.dtype(self.archive.byte_order() + _STORED[code])
        fits = len(sizes) == len(strides) <= MAX_AXES and all(
            n >= 0 for n in (*sizes, *strides, offset)
        )
        if not fits:
            raise self._fail("EK105", "a weight has an impossible shape",
                             f"sizes {list(sizes)}, strides {list(strides)}, offset {offset}")  # fmt: skip
        self.archive.claim(math.prod(sizes) * kind.itemsize, self.name)
        raw = self.archive.read(f"{self.folder}/{self.entry['path_name'].text()}")
        last = offset + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
        wanted = 0 if 0 in sizes else (last + 1) * kind.itemsize
        if wanted > len(raw) or len(raw) % kind.itemsize:
            raise self._fail("EK105", "a weight lies outside its stored bytes", f"{len(raw)} bytes, wanted {wanted}")  # fmt: skip
        steps = [step * kind.itemsize for step in strides]
        storage = np.frombuffer(raw, kind)[offset if wanted else 0 :]
        view = as_strided(storage, sizes, steps, writeable=False)
        return np.ascontiguousarray(view, kind.newbyteorder("=")).reshape(sizes)

    def _fail(self, code: str, message: str, found: str, help: str = EXPORT_AGAIN) -> EdgekitError:
        return EdgekitError(
            code, message, where=f"{self.archive.file}, {self.name}", found=found, help=help
        )


def payloads(archive: Archive) -> dict[str, Payload]:
    """Qualified name -> stored tensor. Raises EK101 where the configuration is damaged."""
    return {
        name: Payload(archive, folder, name, entry)
        for folder, kind in _FOLDERS
        for name, entry in archive.json(f"{folder}/{archive.model}_{kind}_config.json")["config"].members()
    }  # fmt: skip
