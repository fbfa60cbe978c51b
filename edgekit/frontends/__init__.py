"""Model files to imported graphs: what a file is, is told by its content."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.frontends.limits import MAX_FILE_BYTES
from edgekit.frontends.protobuf import is_onnx
from edgekit.graph import Graph

# Leading bytes of files that people try, and what to do with each.
_KNOWN = (
    (b"\x89HDF\r\n\x1a\n", 0, "a Keras HDF5 file"),
    (b"\x08", 0, "perhaps a TensorFlow protobuf, or an ONNX file without a graph"),
    (b"{", 0, "text"),
)


def _tflite(data: bytes, path: Path, dims: Mapping[str, int]) -> Graph:
    from edgekit.frontends import tflite

    if dims:
        raise EdgekitError(
            "EK001", "a dimension cannot be bound", where="--dim " + ", ".join(dims),
            found="a .tflite file, which has no symbolic dimensions", help="leave --dim out",
        )  # fmt: skip
    return tflite.load(data, path.name)


def _onnx(data: bytes, path: Path, dims: Mapping[str, int]) -> Graph:
    from edgekit.frontends import onnx

    return onnx.load(data, path, dims)


def _pt2(data: bytes, path: Path, dims: Mapping[str, int]) -> Graph:
    from edgekit.frontends import pt2

    return pt2.load(data, path, dims)


def _pickle(data: bytes, path: Path, dims: Mapping[str, int]) -> Graph:
    from edgekit.frontends import torch_files

    raise torch_files.pickled(path.name)


# What tells a format by its content, and its importer, which loads what it needs itself.
_FORMATS: tuple[
    tuple[Callable[[bytes], bool], Callable[[bytes, Path, Mapping[str, int]], Graph]], ...
] = (
    (lambda data: data[4:8] == b"TFL3", _tflite),
    (lambda data: data[:4] in (b"PK\x03\x04", b"PK\x05\x06"), _pt2),
    (lambda data: data[:1] == b"\x80", _pickle),
    (is_onnx, _onnx),
)


def load_model(path: Path, dims: Mapping[str, int] | None = None) -> Graph:
    """Read a model file; `dims` binds symbolic dimensions of its inputs (the batch is 1 unless bound).

    Raises EK001 (cannot be read; a dimension that the inputs do not have), EK102 (other kind), EK103
    (too large) and what the format's own importer raises.
    """
    data = _read(path)
    for is_format, importer in _FORMATS:
        if is_format(data):
            return importer(data, path, dims or {})
    looks = [text for magic, at, text in _KNOWN if data[at:].startswith(magic)]
    raise EdgekitError(
        "EK102",
        "this is not a model file that edgekit reads",
        where=str(path),
        found=(looks or ["an unknown format"])[0] + ", wanted a .tflite, .onnx or .pt2 file",
        help="export the model with torch.export.save, to ONNX, or convert it to .tflite",
    )


@contextlib.contextmanager
def model_file(model: Any, example_inputs: Any = None) -> Iterator[Path]:
    """The file of a model given by its path, or a `.pt2` of a live module while the block lasts."""
    if isinstance(model, str | Path):
        yield Path(model)
        return
    from edgekit.frontends.torch_module import export_module

    with tempfile.TemporaryDirectory() as folder:
        yield export_module(model, example_inputs, Path(folder))


def self_contained(path: Path) -> bytes:
    """The model as the bytes of one file, its external data inside. Raises what `load_model` raises
    for a file that cannot be read and for external data."""
    data = _read(path)
    if not is_onnx(data):
        return data
    from edgekit.frontends import onnx_external

    return onnx_external.self_contained(data, path)


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise EdgekitError(
                "EK103", "the model file is too large", where=str(path),
                found=f"{size} bytes, wanted at most {MAX_FILE_BYTES}",
                help="edgekit is for models that fit a microcontroller or a small board",
            )  # fmt: skip
        return path.read_bytes()
    except (OSError, ValueError) as broken:
        reason = broken.strerror if isinstance(broken, OSError) else str(broken)
        raise EdgekitError(
            "EK001", "the model file cannot be read", where=str(path), found=str(reason),
            help="pass the path of a model file",
        ) from None  # fmt: skip
