"""Weights in files beside an ONNX model: read only from the model's own folder, and only real files.

A location is judged before anything is opened. Nothing that it names may lie elsewhere by way of an
absolute path, `..`, a symbolic or a hard link.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

from onnx import ModelProto, TensorProto

from edgekit.errors import EdgekitError
from edgekit.frontends.limits import MAX_FILE_BYTES
from edgekit.frontends.onnx_checks import parse
from edgekit.frontends.onnx_tensors import check_axes, dtype_of, node_tensors, tensors
from edgekit.frontends.onnx_tools import located

_KEYS = ("location", "offset", "length", "checksum", "basepath")
_FLOAT16 = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
_ITEM_BYTES = {"float32": 4, "int8": 1, "uint8": 1, "bool": 1, "int16": 2, "int32": 4, "int64": 8}


def embed(model: ModelProto, folder: Path) -> bool:
    """Put the data of every external tensor into `model`; False where there is none.

    Raises EK108 for a location outside `folder` or a range outside its file, EK103 beyond
    `MAX_FILE_BYTES` in all.
    """
    total = 0
    found = list(tensors(model.graph))
    for function in model.functions:
        found += node_tensors(function.node)
    external = [(t, at) for t, at in found if t.data_location == TensorProto.EXTERNAL]
    for tensor, where in external:
        total += _bytes(tensor, where)
        if total > MAX_FILE_BYTES:
            raise EdgekitError(
                "EK103", "the model's weights are too large", where=where,
                found=f"{total} bytes of external data up to here, wanted at most {MAX_FILE_BYTES}",
                help="edgekit is for models that fit a microcontroller or a small board",
            )  # fmt: skip
        data = _read(tensor, folder, where)
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
        tensor.raw_data = data
    return bool(external)


def self_contained(data: bytes, path: Path) -> bytes:
    """The bytes of one file that holds the whole model: `data`, the content of `path`, as it is
    where no weight lies outside. Raises EK101 and what `embed` raises."""
    with located(path):
        model = parse(data)
        return model.SerializeToString(deterministic=True) if embed(model, path.parent) else data


def _bytes(tensor: TensorProto, where: str) -> int:
    """The size that type and shape give."""
    dtype = dtype_of(tensor.data_type, where)
    check_axes(tuple(tensor.dims), where)
    item = 8 if tensor.data_type == TensorProto.DOUBLE else _ITEM_BYTES[dtype]
    item = 2 if tensor.data_type in _FLOAT16 else item
    for size in tensor.dims:
        item *= size
    return item


def _fail(where: str, found: str) -> EdgekitError:
    return EdgekitError(
        "EK108", "the model refers to weights that must not be read", where=where, found=found,
        help="keep the data file in the model's own folder as a plain file, or export one single file",
    )  # fmt: skip


def _read(tensor: TensorProto, folder: Path, where: str) -> bytes:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    if len(entries) != len(tensor.external_data) or not set(entries) <= set(_KEYS):
        keys = [entry.key for entry in tensor.external_data]
        raise _fail(where, f"keys {keys}, wanted location, offset and length once each")
    location = entries.get("location", "")
    file = _file(folder, location, where)
    offset, wanted = _number(entries, "offset", where), _bytes(tensor, where)
    try:
        # Against a file that is replaced after it was judged: what was opened is judged again.
        handle = os.open(
            file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        )
        with open(handle, "rb") as opened:
            _plain(os.fstat(handle), location, where)
            size = os.fstat(handle).st_size
            length = _number(entries, "length", where, size - offset)
            if offset + length > size or length < 0:
                raise _fail(
                    where, f"bytes {offset} to {offset + length} of {location}, which has {size}"
                )
            if length != wanted:
                raise _fail(where, f"{length} bytes, wanted {wanted} for {list(tensor.dims)}")
            opened.seek(offset)
            data = opened.read(length)
    except OSError as broken:
        raise _fail(where, f"{location!r} cannot be read: {broken.strerror}") from None
    if len(data) != length:
        raise _fail(where, f"{location!r} changed while it was read")
    return data


def _file(folder: Path, location: str, where: str) -> Path:
    """The file that a location names, every step of the way looked at without following links."""
    parts = PurePosixPath(location).parts
    windows = PureWindowsPath(location)
    outside = location.startswith("/") or windows.drive or windows.root or "\\" in location
    if not parts or outside or ".." in parts or "\0" in location:
        raise _fail(where, f"{location!r}, wanted a relative path without '..'")
    file = folder
    for part in parts:
        file = file / part
        try:
            found = file.lstat()
        except (OSError, ValueError) as broken:
            reason = broken.strerror if isinstance(broken, OSError) else str(broken)
            raise _fail(where, f"{location!r} cannot be read: {reason}") from None
        if stat.S_ISLNK(found.st_mode):
            raise _fail(where, f"{location!r} goes through the symbolic link {part!r}")
    _plain(found, location, where)
    return file


def _plain(found: os.stat_result, location: str, where: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _fail(where, f"{location!r} is not a plain file")
    if found.st_nlink > 1:
        raise _fail(where, f"{location!r} is a hard link, one of {found.st_nlink} names of a file")


def _number(entries: dict[str, str], key: str, where: str, default: int = 0) -> int:
    text = entries.get(key)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise _fail(where, f"{key} {text!r}, wanted a number of bytes")
    return int(text)
