"""Parts of a module that share channels, as torch-pruning's dependency graph sees them (Fang et al. 2023)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from edgekit.compress.torch import require
from edgekit.errors import EdgekitError
from edgekit.frontends.torch_module import evaluation, example_tensors, silence

CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@dataclass(frozen=True)
class Part:
    """A layer's share of a coupling.

    side: "out" (it makes the channels), "in" (it reads them) or "both" (it changes each for itself: norms,
    depthwise convolutions). index: positions on that side, [n]; channel: which channel of the coupling each is, [n].
    """

    layer: str
    side: str
    index: Tensor
    channel: Tensor

    def of(self, channels: Collection[int]) -> Tensor:
        """The positions that belong to `channels`."""
        return self.index[torch.isin(self.channel, torch.tensor(sorted(channels)))]


@dataclass(frozen=True)
class Coupling:
    """Channels 0 to `channels` - 1 of the layer `name` and whatever must go with them.

    slots: sets of channels that go together (one of each group of a grouped convolution).
    """

    name: str
    channels: int
    parts: tuple[Part, ...]
    slots: tuple[tuple[int, ...], ...]

    def side(self, *sides: str) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.side in sides)


def inputs_of(module: nn.Module, example_inputs: Any) -> tuple[Tensor, ...]:
    """The inputs as tensors. Raises EK001 for none, and for a module that is not on the CPU."""
    away = {str(p.device) for p in module.parameters() if p.device.type != "cpu"}
    if away:
        raise EdgekitError(
            "EK001", "the module is not on the CPU", where=f"module {type(module).__name__}",
            found=", ".join(sorted(away)), help="module.cpu()",
        )  # fmt: skip
    return example_tensors(torch, example_inputs, type(module).__name__)


def filters(layer: Any, side: str) -> Tensor:
    """The weights of `layer` as a view whose first axis are the channels it makes or reads."""
    first = (side == "in") == isinstance(layer, TRANSPOSED)
    weight: Tensor = layer.weight
    return weight if first or weight.ndim < 2 else weight.transpose(0, 1)


def local(layer: Any, side: str, index: Tensor) -> Tensor:
    """Where channels stand in `filters`: the inputs of a grouped convolution are counted in each group."""
    if side == "in" and getattr(layer, "groups", 1) > 1:
        return torch.remainder(index, layer.in_channels // layer.groups)
    return index


def traced(module: nn.Module, examples: Sequence[Tensor]) -> Any:
    """The dependency graph. Raises EK109 where the module cannot be traced, EK504 without torch-pruning."""
    pruning = require("torch_pruning")
    flags = [(p, p.requires_grad) for p in module.parameters()]
    with silence(), evaluation(module), torch.random.fork_rng(devices=[]):
        try:
            for p, _ in flags:
                p.requires_grad_(True)
            return pruning.DependencyGraph().build_dependency(module, example_inputs=list(examples))
        except Exception as error:
            raise EdgekitError(
                "EK109", "the module cannot be traced for pruning",
                where=f"module {type(module).__name__}",
                found=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300],
                help="check that module(*example_inputs) works and that gradients flow through it",
            ) from error  # fmt: skip
        finally:
            for p, flag in flags:
                p.requires_grad_(flag)


def coupling_of(graph: Any, group: Any, names: dict[nn.Module, str]) -> Coupling | None:
    """A group of the graph by names of layers; None where its first layer has none."""
    parts = []
    root = group[0].dep.target.module
    channels = graph.get_out_channels(root)
    for item in group.items:
        layer = item.dep.target.module
        if layer not in names:
            continue
        roots = torch.tensor([-1 if root is None else root for root in item.root_idxs])
        side = _side(graph, layer, item.dep.handler)
        parts.append(Part(names[layer], side, torch.tensor(item.idxs), roots))
    if root not in names:
        return None
    return Coupling(names[root], channels, tuple(parts), _slots(channels, parts, names))


def _side(graph: Any, layer: nn.Module, handler: Any) -> str:
    makes, reads = graph.is_out_channel_pruning_fn(handler), graph.is_in_channel_pruning_fn(handler)
    depthwise = isinstance(layer, CONVS) and layer.groups == layer.out_channels > 1
    if depthwise or (makes and reads) or not isinstance(layer, (*CONVS, *TRANSPOSED, nn.Linear)):
        return "both"
    return "out" if makes else "in"


def _slots(
    channels: int, parts: Iterable[Part], names: dict[nn.Module, str]
) -> tuple[tuple[int, ...], ...]:
    """One channel of each group where a grouped convolution makes or reads the channels."""
    layers = {name: layer for layer, name in names.items()}
    groups = max(
        (getattr(layers[part.layer], "groups", 1) for part in parts if part.side != "both"),
        default=1,
    )
    each = channels // groups
    return tuple(tuple(range(slot, channels, each)) for slot in range(each))
