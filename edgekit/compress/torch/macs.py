"""Multiply-accumulates of a module as edgekit counts them: those of layers that have weights.

Batch norms count as folded into the layer before; one that a build cannot fold (behind a grouped
convolution) has one for each element, which `exported_macs` sees and a `Counter` does not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edgekit.compress.torch.tracing import CONVS, TRANSPOSED, Coupling, inputs_of
from edgekit.frontends.torch_module import evaluation, export_module


@dataclass
class Layer:
    """A layer with weights: `places` are its positions times taps, summed over all of its calls for one
    sample; inputs and outputs are its channels."""

    inputs: int
    outputs: int
    groups: int
    depthwise: bool
    places: int = 0

    def macs(self, fewer_in: int = 0, fewer_out: int = 0) -> int:
        """With so many channels less on either side; a depthwise convolution loses groups with them."""
        outputs = self.outputs - fewer_out
        each = 1 if self.depthwise else (self.inputs - fewer_in) // self.groups
        return self.places * outputs * each


@dataclass
class Counter:
    """The layers of a module by name, and what is left when channels of couplings go."""

    layers: dict[str, Layer]
    couplings: dict[str, Coupling] = field(default_factory=dict)

    def total(self, removed: Mapping[str, Collection[int]] = {}) -> int:
        """MACs of one inference without the `removed` channels, which are given by name of their coupling."""
        fewer: dict[str, list[int]] = {}
        for name, channels in removed.items():
            if channels:
                self._less(self.couplings[name], channels, fewer)
        return sum(layer.macs(*fewer.get(name, (0, 0))) for name, layer in self.layers.items())

    def _less(
        self, coupling: Coupling, channels: Collection[int], fewer: dict[str, list[int]]
    ) -> None:
        for part in coupling.parts:
            if part.layer in self.layers:
                gone = fewer.setdefault(part.layer, [0, 0])
                gone[0 if part.side == "in" else 1] += len(part.of(channels))


def counter(module: nn.Module, example_inputs: Any, couplings: Iterable[Coupling] = ()) -> Counter:
    """Run `module` once and note where each layer is used."""
    inputs = inputs_of(module, example_inputs)
    layers = {
        name: _layer(layer)
        for name, layer in module.named_modules()
        if isinstance(layer, (*CONVS, *TRANSPOSED, nn.Linear))
    }
    handles = [
        module.get_submodule(name).register_forward_hook(_note(layer, len(inputs[0])))
        for name, layer in layers.items()
    ]
    try:
        with torch.no_grad(), evaluation(module):
            module(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return Counter(layers, {coupling.name: coupling for coupling in couplings})


def exported_macs(module: nn.Module, example_inputs: Any) -> int:
    """MACs of the exported module, as ``edgekit inspect`` reports them. Raises as a build of it does."""
    from edgekit.commands import inspect

    with tempfile.TemporaryDirectory() as folder:
        report = inspect(export_module(module, example_inputs, Path(folder)))
    return int(report["macs"])


def _layer(layer: Any) -> Layer:
    if isinstance(layer, nn.Linear):
        return Layer(layer.in_features, layer.out_features, 1, False)
    depthwise = layer.groups == layer.out_channels == layer.in_channels > 1
    return Layer(layer.in_channels, layer.out_channels, layer.groups, depthwise)


def _note(layer: Layer, batch: int) -> Any:
    def hook(module: Any, inputs: Any, outputs: Any) -> None:
        # A transposed convolution spreads each input over its taps, the others gather taps for each output.
        counted = inputs[0] if isinstance(module, TRANSPOSED) else outputs
        channels = layer.inputs if isinstance(module, TRANSPOSED) else layer.outputs
        taps = module.weight[0, 0].numel() if module.weight.ndim > 2 else 1
        layer.places += counted.numel() // (batch * channels) * taps

    return hook
