"""Which channels of a module can only be removed together, and their removal.

What the dependency graph says is not believed: on a copy, a removal must give exactly what zeros in
the same places give, or the coupling is kept whole.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from edgekit.compress.torch.tracing import (
    Coupling,
    coupling_of,
    filters,
    inputs_of,
    local,
    traced,
)
from edgekit.errors import EdgekitError
from edgekit.frontends.torch_module import evaluation


@dataclass(frozen=True)
class Couplings:
    """What can be pruned, and why the rest cannot: by name of the first layer."""

    found: tuple[Coupling, ...]
    kept: dict[str, str]


def couplings(
    module: nn.Module,
    example_inputs: Any,
    *,
    exclude: Iterable[str] = (),
    checked: Collection[str] | None = None,
) -> Couplings:
    """The couplings of `module`, in the order of its layers.

    exclude: names of layers whose channels stay; a prefix stands for all below it. checked: names of
    couplings that were found correct before. Raises EK109 where the module cannot be traced, EK504 without torch-pruning.
    """
    examples = inputs_of(module, example_inputs)
    graph = traced(module, examples)
    names = {layer: name for name, layer in module.named_modules()}
    left_out = tuple(exclude)
    for name in left_out:
        if not any(_within(layer, (name,)) for layer in names.values()):
            raise EdgekitError(
                "EK001", "there is no such layer", where="exclude", found=repr(name),
                help="names as in module.named_modules()",
            )  # fmt: skip
    found, kept = [], {}
    for group in graph.get_all_groups():
        coupling = coupling_of(graph, group, names)
        if coupling is None or not coupling.side("in") or coupling.channels < 2:
            continue
        makers = [part.layer for part in coupling.side("out", "both")]
        if any(_within(layer, left_out) for layer in makers):
            kept[coupling.name] = "excluded"
        elif len(coupling.slots) < 2:
            kept[coupling.name] = "a grouped convolution ties all of its channels together"
        elif checked is None and (why := _wrong(module, coupling, examples)):
            kept[coupling.name] = why
        elif checked is None or coupling.name in checked:
            found.append(coupling)
    return Couplings(tuple(found), kept)


def remove(module: nn.Module, example_inputs: Any, removed: Mapping[str, Collection[int]]) -> None:
    """Take channels out of `module`, in place: by name of the coupling, which of its channels."""
    graph = traced(module, inputs_of(module, example_inputs))
    frozen = [name for name, p in module.named_parameters() if not p.requires_grad]
    for name, channels in removed.items():
        if channels:
            layer = module.get_submodule(name)
            prune = graph.get_pruner_of_module(layer).prune_out_channels
            graph.get_pruning_group(layer, prune, sorted(channels)).prune(record_history=False)
    for name, parameter in module.named_parameters():
        parameter.grad = None
        parameter.requires_grad_(name not in frozen)


@torch.no_grad()
def zero(module: nn.Module, coupling: Coupling, channels: Collection[int]) -> None:
    """Zeros, in place, wherever a layer makes or reads one of `channels`."""
    for part in coupling.parts:
        layer: Any = module.get_submodule(part.layer)
        rows = local(layer, part.side, part.of(channels))
        if getattr(layer, "weight", None) is not None:
            filters(layer, part.side)[rows] = 0
        if part.side != "in" and isinstance(getattr(layer, "bias", None), Tensor):
            layer.bias[rows] = 0


def _wrong(module: nn.Module, coupling: Coupling, examples: Sequence[Tensor]) -> str:
    """Why removing channels of `coupling` is not the same as zeros in their places; "" if it is."""
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(coupling.slots), generator=generator)
    some = order[: max(len(coupling.slots) // 2, 1)].tolist()
    channels = [c for slot in some for c in coupling.slots[slot]]
    inputs = [
        torch.randn(x.shape, generator=generator) if x.is_floating_point() else x for x in examples
    ]
    # Neither torch-pruning nor the module's own code says what it raises for a shape that does not fit.
    try:
        small, masked = copy.deepcopy(module), copy.deepcopy(module)
        remove(small, examples, {coupling.name: channels})
        zero(masked, coupling, channels)
        with torch.no_grad(), evaluation(small), evaluation(masked):
            found, wanted = _tensors(small(*inputs)), _tensors(masked(*inputs))
    except Exception as error:
        return f"removal fails: {type(error).__name__}: {error}".split("\n")[0][:200]
    for a, b in zip(found, wanted, strict=True):
        if a.shape != b.shape:
            return "an output of the network has these channels"
        if not torch.allclose(a, b, rtol=1e-3, atol=1e-4 * (float(b.abs().max()) + 1e-6)):
            return "removal changes other channels: the layers between do not keep their order"
    return ""


def _within(layer: str, names: Iterable[str]) -> bool:
    return any(layer == name or layer.startswith(f"{name}.") for name in names)


def _tensors(outputs: Any) -> list[Tensor]:
    if isinstance(outputs, Tensor):
        return [outputs]
    values = outputs.values() if isinstance(outputs, dict) else outputs
    return [tensor for value in values for tensor in _tensors(value)]
