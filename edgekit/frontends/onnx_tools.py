"""The one place where what the `onnx` package raises becomes an error of edgekit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from edgekit.errors import EdgekitError

EXPORT_AGAIN = "export the model again and check it with onnx.checker"


@contextmanager
def onnx_errors(code: str, message: str, where: str, help: str = EXPORT_AGAIN) -> Iterator[None]:
    """Whatever the tools raise (their exceptions share no base class) becomes `code`, with the first
    line of the tool's own message. Arithmetic on a model's constants warns nobody."""
    try:
        with np.errstate(all="ignore"):
            yield
    except EdgekitError:
        raise
    except Exception as broken:
        lines = [line.strip() for line in str(broken).splitlines() if line.strip()]
        found = lines[0] if lines else type(broken).__name__
        raise EdgekitError(code, message, where=where, found=found[:300], help=help) from None


@contextmanager
def located(path: Path) -> Iterator[None]:
    """Errors say which file they were found in."""
    try:
        yield
    except EdgekitError as error:
        error.where = f"{path.name}, {error.where}"
        raise
