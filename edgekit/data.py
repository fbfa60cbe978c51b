"""Where the shipped data folders are, `runtime/` and `targets/`; and what is kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_dir(kind: str) -> Path:
    """The folder `kind` ("runtime" or "targets"): inside the wheel, or beside the package in a checkout."""
    packaged = _PACKAGE / "_data" / kind
    return packaged if packaged.is_dir() else _PACKAGE.parent / kind


def cache_dir() -> Path:
    """The folder of this user that may be deleted at any time; it need not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgekit"
