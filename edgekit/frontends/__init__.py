"""Model files to imported graphs: what a file is, is told by its content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.frontends import pt2, tflite, torch_files
from edgekit.graph import Graph

MAX_FILE_BYTES = 512 << 20
# Leading bytes of files that people try, and what to do with each.
_KNOWN = (
    (b"\x89HDF\r\n\x1a\n", 0, "a Keras HDF5 file"),
    (b"\x08", 0, "perhaps an ONNX or TensorFlow protobuf"),
    (b"{", 0, "text"),
)


def load_model(path: Path, dims: Mapping[str, int] | None = None) -> Graph:
    """Read a model file; `dims` gives symbolic dimensions their sizes.

    Raises EK001 (cannot be read), EK102 (other kind), EK103 (too large) and what the format's own
    importer raises.
    """
    data = _read(path)
    if data[4:8] == b"TFL3":
        return tflite.load(data, path.name)
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return pt2.load(data, path, dims or {})
    if data[:1] == b"\x80":
        raise torch_files.pickled(path.name)
    looks = [text for magic, at, text in _KNOWN if data[at:].startswith(magic)]
    raise EdgekitError(
        "EK102",
        "this is not a .tflite file",
        where=str(path),
        found=(looks or ["an unknown format"])[0] + ", wanted a TensorFlow Lite flatbuffer (TFL3)",
        help="convert the model to a fully int8 .tflite file",
    )


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
