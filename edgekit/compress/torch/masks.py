"""Weights that are zero and stay zero: by size, N of M, or in blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from edgekit.compress.torch.tracing import CONVS
from edgekit.errors import EdgekitError


@dataclass(frozen=True)
class Masks:
    """Which weights of `module` are kept: by layer, booleans of the weights' shape.

    `apply` zeroes the others; ``finetune(module, ..., after_step=masks.apply)`` keeps them zero.
    """

    module: nn.Module
    kept: dict[str, Tensor]

    @torch.no_grad()
    def apply(self) -> None:
        for name, kept in self.kept.items():
            # Not a product: minus zero and what is not finite would survive it.
            weight: Any = self.module.get_submodule(name).weight
            weight.masked_fill_(~kept, 0.0)

    @property
    def density(self) -> float:
        """The share of the masked layers' weights that is kept."""
        masks = list(self.kept.values())
        return sum(int(m.sum()) for m in masks) / sum(m.numel() for m in masks)


def mask_module(
    module: nn.Module,
    *,
    pattern: str = "magnitude",
    sparsity: float = 0.5,
    scope: str = "global",
    exclude: Iterable[str] = (),
) -> Masks:
    """Zero the least weights of the dense layers and convolutions of `module`, in place.

    pattern: "magnitude" (single weights), "N:M" as "2:4" (of each M neighbours the N largest stay; `sparsity` says
    nothing then) or "block B" (B neighbours at a time, by their L2 norm). Neighbours are as flash has them: one
    output channel's weights with the input channels innermost; at the end of the channel there may be fewer. scope:
    "global" (one limit, on weights over their layer's root mean square) or "layer". N:M and blocks leave depthwise convolutions alone, whose
    weights lie otherwise.

    Raises EK001 for a pattern or a share that cannot be, and where no layer is left.
    """
    ratio = re.fullmatch(r"([1-9]\d?):([1-9]\d?)", pattern)
    block = re.fullmatch(r"block ([1-9]\d?)", pattern)
    if pattern != "magnitude" and not block and not (ratio and int(ratio[1]) < int(ratio[2])):
        raise _wrong("pattern", f'{pattern!r}, wanted "magnitude", "N:M" with N < M, or "block B"')
    if not 0 < sparsity < 1:
        raise _wrong("sparsity", f"{sparsity!r}, wanted more than 0, less than 1")
    if scope not in ("global", "layer"):
        raise _wrong("scope", f'{scope!r}, wanted "global" or "layer"')
    layers = _layers(module, tuple(exclude), depthwise=pattern == "magnitude")
    if not layers:
        raise _wrong("exclude", "no layer with weights is left")
    if ratio:
        kept = {name: _n_of_m(w, int(ratio[1]), int(ratio[2])) for name, w in layers.items()}
    else:
        size = int(block[1]) if block else 1
        kept = _largest({n: _groups(w, size) for n, w in layers.items()}, sparsity, scope)
    masks = Masks(module, {name: _as_weights(kept[name], w) for name, w in layers.items()})
    masks.apply()
    return masks


def _layers(module: nn.Module, exclude: tuple[str, ...], *, depthwise: bool) -> dict[str, Tensor]:
    """Weights by name, the output channel first and the input channels last: [outputs, ..., inputs]."""
    return {
        name: _innermost(layer.weight.detach())
        for name, layer in module.named_modules()
        if isinstance(layer, (*CONVS, nn.Linear))
        and not any(name == e or name.startswith(f"{e}.") for e in exclude)
        and (depthwise or layer.weight.shape[1] > 1)
    }


def _innermost(weight: Tensor) -> Tensor:
    return weight.movedim(1, -1)


def _groups(weight: Tensor, size: int) -> Tensor:
    """Neighbours of one output channel, filled up with zeros: [outputs, groups, size]."""
    flat = weight.flatten(1)
    short = -flat.shape[1] % size
    return nn.functional.pad(flat, (0, short)).reshape(len(flat), -1, size)


def _n_of_m(weight: Tensor, n: int, m: int) -> Tensor:
    sizes = _groups(weight, m).abs()
    kept = torch.zeros_like(sizes, dtype=torch.bool)
    return kept.scatter_(2, sizes.topk(n, dim=2).indices, True)


def _largest(groups: dict[str, Tensor], sparsity: float, scope: str) -> dict[str, Tensor]:
    """The groups that stay, [outputs, groups, size]: exactly the share is gone, rounded down, the first of equals."""
    norms = {name: g.square().sum(2) for name, g in groups.items()}
    if scope == "layer":
        return {n: _share(v, sparsity).unsqueeze(2).expand_as(groups[n]) for n, v in norms.items()}
    means = {name: norm.mean().clamp_min(1e-30) for name, norm in norms.items()}
    every = torch.cat([(norm / means[name]).flatten() for name, norm in norms.items()])
    kept = torch.split(_share(every, sparsity), [norm.numel() for norm in norms.values()])
    return {
        name: part.reshape(norm.shape).unsqueeze(2).expand_as(groups[name])
        for part, (name, norm) in zip(kept, norms.items(), strict=True)
    }


def _share(scores: Tensor, sparsity: float) -> Tensor:
    order = scores.flatten().argsort(stable=True)
    kept = torch.ones(scores.numel(), dtype=torch.bool)
    kept[order[: int(sparsity * scores.numel())]] = False
    return kept.reshape(scores.shape)


def _as_weights(kept: Tensor, weight: Tensor) -> Tensor:
    """The mask in the order of the layer's own weights."""
    flat = kept.flatten(1)[:, : weight[0].numel()]
    return flat.reshape(weight.shape).movedim(-1, 1).contiguous()


def _wrong(where: str, found: str) -> EdgekitError:
    return EdgekitError(
        "EK001", "weights cannot be masked so", where=where, found=found, help=f"choose another {where}",
    )  # fmt: skip
