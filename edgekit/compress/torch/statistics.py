"""Batch norms and biases put right after channels were removed, without training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from edgekit.compress.torch.data import Data, Examples, examples
from edgekit.compress.torch.tracing import CONVS, TRANSPOSED
from edgekit.frontends.torch_module import evaluation

SAMPLES = 512


def sample(data: Examples, count: int = SAMPLES) -> Tensor:
    """About `count` inputs of `data`: [N, ...]."""
    return torch.cat([x for x, _ in data.some(count).batches()])


@torch.no_grad()
def output_means(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The mean of each output channel of each layer with a bias, by name of the layer."""
    means: dict[str, Tensor] = {}

    def hook(name: str) -> Any:
        def note(layer: nn.Module, _: Any, output: Tensor) -> None:
            means[name] = _mean(layer, output)

        return note

    handles = [layer.register_forward_hook(hook(name)) for name, layer in _biased(module).items()]
    try:
        with evaluation(module):
            module(x)
    finally:
        for handle in handles:
            handle.remove()
    return means


@torch.no_grad()
def reestimate(
    module: nn.Module, data: Data, *, wanted: Mapping[str, Tensor] | None = None
) -> None:
    """Measure the statistics of batch norms anew, and move biases, in place and in one pass over a sample of `data`.

    wanted: the mean of each output channel of layers with a bias, as `output_means` of the unpruned module has
    them without the channels that went; a bias moves by what its layer's mean lacks (Nagel et al. 2019), and
    the layers after it already read what the new bias gives.
    """
    x = sample(examples(data, labels=False))
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    norms = [norm for norm in norms if norm.track_running_stats]
    momenta = [norm.momentum for norm in norms]
    handles = [
        layer.register_forward_hook(_moved(layer, wanted[name]))
        for name, layer in _biased(module).items()
        if wanted and name in wanted
    ]
    try:
        with evaluation(module):
            for norm in norms:
                norm.momentum = 1.0
                norm.train()
            module(x)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for handle in handles:
            handle.remove()


def _biased(module: nn.Module) -> dict[str, nn.Module]:
    return {
        name: layer
        for name, layer in module.named_modules()
        if isinstance(layer, (*CONVS, *TRANSPOSED, nn.Linear)) and layer.bias is not None
    }


def _mean(layer: nn.Module, output: Tensor) -> Tensor:
    axis = output.ndim - 1 if isinstance(layer, nn.Linear) else 1
    return output.movedim(axis, 0).flatten(1).mean(1)


def _moved(layer: Any, wanted: Tensor) -> Any:
    def move(_: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        lack = wanted - _mean(layer, output)
        layer.bias += lack
        if isinstance(layer, nn.Linear):
            return output + lack
        return output + lack.reshape(-1, *[1] * (output.ndim - 2))

    return move
