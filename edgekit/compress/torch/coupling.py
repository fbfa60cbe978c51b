"""Which channels of a module can only be removed together, and their removal.

torch-pruning's dependency graph finds them (Fang et al. 2023); it is not believed: on a copy, a
removal must give exactly what zeros in the same places give, or the coupling is kept whole.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    graph = _graph(module, examples)
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
        coupling = _coupling(graph, group, names)
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


def inputs_of(module: nn.Module, example_inputs: Any) -> tuple[Tensor, ...]:
    """The inputs as tensors. Raises EK001 for none, and for a module that is not on the CPU."""
    away = {str(p.device) for p in module.parameters() if p.device.type != "cpu"}
    if away:
        raise EdgekitError(
            "EK001", "the module is not on the CPU", where=f"module {type(module).__name__}",
            found=", ".join(sorted(away)), help="module.cpu()",
        )  # fmt: skip
    return example_tensors(torch, example_inputs, type(module).__name__)


def remove(module: nn.Module, example_inputs: Any, removed: Mapping[str, Collection[int]]) -> None:
    """Take channels out of `module`, in place: by name of the coupling, which of its channels."""
    graph = _graph(module, inputs_of(module, example_inputs))
    frozen = [name for name, p in module.named_parameters() if not p.requires_grad]
    for name, channels in removed.items():
        if channels:
            layer = module.get_submodule(name)
            prune = graph.get_pruner_of_module(layer).prune_out_channels
            graph.get_pruning_group(layer, prune, sorted(channels)).prune(record_history=False)
    for name, parameter in module.named_parameters():
        parameter.grad = None
        parameter.requires_grad_(name not in frozen)


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


def _graph(module: nn.Module, examples: Sequence[Tensor]) -> Any:
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


def _coupling(graph: Any, group: Any, names: dict[nn.Module, str]) -> Coupling | None:
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


def _within(layer: str, names: Iterable[str]) -> bool:
    return any(layer == name or layer.startswith(f"{name}.") for name in names)


def _tensors(outputs: Any) -> list[Tensor]:
    if isinstance(outputs, Tensor):
        return [outputs]
    values = outputs.values() if isinstance(outputs, dict) else outputs
    return [tensor for value in values for tensor in _tensors(value)]
