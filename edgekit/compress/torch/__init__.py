"""Compression of live torch modules: pruning, fine-tuning with distillation, and the narrow control.

torch is imported when the first name is used, not before; without it that use raises EK504.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.compress.torch.coupling import couplings as couplings
    from edgekit.compress.torch.data import Examples as Examples
    from edgekit.compress.torch.losses import evaluate as evaluate
    from edgekit.compress.torch.macs import exported_macs as exported_macs
    from edgekit.compress.torch.masks import mask_module as mask_module
    from edgekit.compress.torch.narrow import narrowed as narrowed
    from edgekit.compress.torch.narrow import prune_or_control as prune_or_control
    from edgekit.compress.torch.prune import Pruned as Pruned
    from edgekit.compress.torch.prune import prune_module as prune_module
    from edgekit.compress.torch.quantization_aware import Trained as Trained
    from edgekit.compress.torch.quantization_aware import finetune_graph as finetune_graph
    from edgekit.compress.torch.quantization_aware import graph_of as graph_of
    from edgekit.compress.torch.quantization_aware import qat as qat
    from edgekit.compress.torch.statistics import reestimate as reestimate
    from edgekit.compress.torch.tracing import Coupling as Coupling
    from edgekit.compress.torch.training import History as History
    from edgekit.compress.torch.training import Training as Training
    from edgekit.compress.torch.training import finetune as finetune

# public name -> the module of this package that has it
_HOMES = {
    "Coupling": "tracing",
    "couplings": "coupling",
    "Examples": "data",
    "History": "training",
    "Training": "training",
    "evaluate": "losses",
    "finetune": "training",
    "exported_macs": "macs",
    "mask_module": "masks",
    "narrowed": "narrow",
    "prune_or_control": "narrow",
    "Pruned": "prune",
    "Trained": "quantization_aware",
    "finetune_graph": "quantization_aware",
    "graph_of": "quantization_aware",
    "qat": "quantization_aware",
    "prune_module": "prune",
    "reestimate": "statistics",
}

# package -> what installs it
_EXTRAS = {"torch": "edgekit[torch]", "torch_pruning": "edgekit[prune]"}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require("torch")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def require(package: str) -> Any:
    """The optional package; EK504 with the line that installs it where it is missing."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise EdgekitError(
            "EK504", "an optional package is not installed", where=package, found=str(error),
            help=f'pip install "{_EXTRAS[package]}"',
        ) from None  # fmt: skip
