"""Live `torch.nn.Module`s: exported to a `.pt2`, which is then read like any other file."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError


def is_module(model: object) -> bool:
    """Whether `model` is a `torch.nn.Module`; does not import torch."""
    return any(
        kind.__module__ == "torch.nn.modules.module" and kind.__name__ == "Module"
        for kind in type(model).__mro__
    )


def export_module(module: Any, example_inputs: Any, folder: Path) -> Path:
    """Write `module` in evaluation mode to a `.pt2` in `folder` and return its path.

    `example_inputs`: one array or tensor, or a sequence of them, one per argument of `forward`,
    with the batch axis (size 1). Only their shapes and types go into the file: the samples stored
    there are zeros. The module's training flags are as before afterwards.

    Raises EK504 (torch is not installed), EK001 (no module, or no inputs), EK109 (torch.export
    gives up).
    """
    torch = _torch()
    if not isinstance(module, torch.nn.Module):
        raise EdgekitError(
            "EK001", "this is not a model", where="build", found=f"a {type(module).__name__}, wanted a path or a torch.nn.Module",
            help="pass the path of a model file, or a live module with example_inputs",
        )  # fmt: skip
    name = type(module).__name__
    examples = example_tensors(torch, example_inputs, name)
    path = folder / f"{name.lower()}.pt2"
    with evaluation(module), silence():
        # torch's exporter, and the module's own code under it, raise whatever they like.
        try:
            program = torch.export.export(module, examples)
            program.example_inputs = (tuple(map(torch.zeros_like, examples)), {})
            torch.export.save(program, path)
        except Exception as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            raise EdgekitError(
                "EK109", "torch.export cannot export the module", where=f"module {name}",
                found=f"{type(error).__name__}: {lines[0] if lines else 'no message'}"[:300],
                help="check that module(*example_inputs) works; torch.export.export(module, example_inputs) tells more",
            ) from error  # fmt: skip
    return path


def _torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise EdgekitError(
            "EK504", "PyTorch is not installed", where="torch", found=str(error),
            help='pip install "edgekit[torch]"',
        ) from None  # fmt: skip


def example_tensors(torch: Any, given: Any, name: str) -> tuple[Any, ...]:
    """The inputs as tensors, each with its own data."""
    alone = not isinstance(given, Sequence) and given is not None
    try:
        tensors = tuple(
            torch.as_tensor(x).detach().clone() for x in ([given] if alone else given or ())
        )
    except (TypeError, ValueError, RuntimeError) as error:
        tensors, found = (), str(error)
    else:
        found = "none"
    if not tensors:
        raise EdgekitError(
            "EK001", "a live module needs example inputs", where=f"module {name}",
            found=f"{found[:200]}, wanted one array per argument of forward",
            help="edgekit.build(model, example_inputs=(x,), ...) with x of the shape of one sample, batch axis included",
        )  # fmt: skip
    return tensors


@contextmanager
def evaluation(module: Any) -> Iterator[None]:
    """Evaluation mode, and each part's own mode again afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextmanager
def silence() -> Iterator[None]:
    """No log and no warnings: torch writes tracebacks there before it raises what is reported anyway, and
    warns of its own recurrent layers."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
