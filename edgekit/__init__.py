"""edgekit: from a trained model to integer-only C, proved byte for byte.

``edgekit.build(model, target=...)`` is the whole pipeline; see `edgekit/build.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.build import build as build

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Imports the pipeline at its first use, so that `edgekit --help` need not wait for numpy."""
    if name != "build":
        raise AttributeError(f"module edgekit has no attribute {name!r}")
    import importlib

    return importlib.import_module("edgekit.build")
