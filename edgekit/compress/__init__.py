"""Compression of models: recipes of steps, what they decide, and what that is worth.

``edgekit.compress.compress(model, recipe, ...)`` is the whole; see `edgekit/compress/run.py`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.compress.compression import Compression as Compression
    from edgekit.compress.recipe import Recipe as Recipe
    from edgekit.compress.run import compress as compress
    from edgekit.compress.subject import Subject as Subject
    from edgekit.compress.subject import evaluate as evaluate

_HOME = {
    "Compression": "compression", "Recipe": "recipe", "compress": "run", "Subject": "subject",
    "evaluate": "subject",
}  # fmt: skip
__all__ = ["Compression", "Recipe", "Subject", "compress", "evaluate"]


def __getattr__(name: str) -> object:
    """Imports a part at its first use: the pipeline reads compressions, and recipes use the pipeline."""
    if name not in _HOME:
        raise AttributeError(f"module edgekit.compress has no attribute {name!r}")
    return getattr(importlib.import_module(f"edgekit.compress.{_HOME[name]}"), name)
