"""How much a network loses with a channel: scores of the channels of a coupling, more is more important."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgekit.compress.torch.data import Examples
from edgekit.compress.torch.losses import Loss, answered, loss_of
from edgekit.compress.torch.tracing import Coupling, Part, filters, local
from edgekit.errors import EdgekitError
from edgekit.frontends.torch_module import evaluation

TEMPERATURE = 4.0

Scores = dict[str, Tensor]
# (coupling, the part that reads it, what it reads)
Readings = list[tuple[Coupling, Part, Tensor]]


def weight_norm(module: nn.Module, found: Sequence[Coupling], power: int) -> Scores:
    """The mean of the L1 (power 1) or L2 (2) norms of the filters that make a channel and of the weights that read
    it, each over its layer's mean, so that layers compare (Li et al. 2017, with all coupled layers)."""

    def of(coupling: Coupling) -> Tensor:
        norms = [
            _relative(_channels(coupling, part, _norms(module, part, power)))
            for part in coupling.parts
            if _has_filters(module.get_submodule(part.layer))
        ]
        return torch.stack(norms).mean(0)

    return {coupling.name: of(coupling) for coupling in found}


def batch_norm_scale(module: nn.Module, found: Sequence[Coupling]) -> Scores:
    """The mean size of a channel's factors in the batch norms of its coupling (Liu et al. 2017).

    Raises EK001 where a coupling has none.
    """
    scores = {}
    for coupling in found:
        sizes = [
            _channels(coupling, part, layer.weight.detach().abs()[part.index])
            for part in coupling.side("both")
            if isinstance(
                layer := module.get_submodule(part.layer), nn.modules.batchnorm._BatchNorm
            )
            and layer.affine
        ]
        if not sizes:
            raise EdgekitError(
                "EK001", "this importance needs batch norms", where=f"layer {coupling.name}",
                found="no batch norm on its channels", help='importance="taylor", "l2" or "activation"',
            )  # fmt: skip
        scores[coupling.name] = torch.stack(sizes).mean(0)
    return scores


def random_scores(found: Sequence[Coupling], seed: int) -> Scores:
    """The control: no knowledge at all."""
    generator = torch.Generator().manual_seed(seed)
    return {c.name: torch.rand(c.channels, generator=generator) for c in found}


def taylor(
    module: nn.Module, found: Sequence[Coupling], data: Examples, loss: Loss | None
) -> Scores:
    """The mean size of a channel's first-order share of each sample's loss.

    A channel that goes is read as zero by every layer that reads it: to first order this changes sample n's
    loss by minus the sum of gradient times activation over all of these readings (Molchanov et al. 2017). Sizes,
    not squares: what channels of one layer lose together is at most the sum of the sizes, while squares call a layer of
    many small equal channels free. `loss` must be a mean over samples; None is the cross entropy of outputs
    over `TEMPERATURE`, which has a gradient where the network is certain and right.
    """
    totals = {c.name: torch.zeros(c.channels) for c in found}
    count = 0
    with _readings(module, found) as readings, evaluation(module):
        for x, y in data.batches():
            readings.clear()
            outputs = answered(module, x)
            # Times the number of samples: each keeps the gradient of its own loss.
            value = _loss(outputs, x, y, loss) * len(x)
            grads = torch.autograd.grad(value, [a for *_, a in readings], allow_unused=True)
            shares = {c.name: torch.zeros(len(x), c.channels) for c in found}
            for (coupling, part, a), grad in zip(readings, grads, strict=True):
                if grad is not None:
                    columns = _columns(module, part, (grad * a).detach())
                    shares[coupling.name] += _channels(coupling, part, columns)
            for name, share in shares.items():
                totals[name] += share.abs().sum(0)
            count += len(x)
    return {name: total / max(count, 1) for name, total in totals.items()}


def activation(module: nn.Module, found: Sequence[Coupling], data: Examples) -> Scores:
    """What a channel brings into the layers that read it: the mean square of its activations times the square of the
    weights on it, over the mean of the layer's channels; needs no labels."""
    totals: dict[tuple[str, str], Tensor] = {}
    with torch.no_grad(), _readings(module, found) as readings, evaluation(module):
        for x, _ in data.batches():
            readings.clear()
            answered(module, x)
            for coupling, part, a in readings:
                columns = _columns(module, part, a.square()).sum(0)
                key = coupling.name, part.layer
                totals[key] = totals[key] + columns if key in totals else columns
    scores = {c.name: torch.zeros(c.channels) for c in found}
    for coupling in found:
        for part in coupling.side("in"):
            if (coupling.name, part.layer) in totals:
                energy = totals[coupling.name, part.layer] * _norms(module, part, 2).square()
                scores[coupling.name] += _relative(_channels(coupling, part, energy))
    return scores


def scores(
    kind: str,
    module: nn.Module,
    found: Sequence[Coupling],
    *,
    data: Examples | None,
    loss: Loss | None,
    seed: int,
) -> Scores:
    """By name of the coupling, one score for each of its channels.

    kind: "l1", "l2", "bn", "taylor", "activation" or "random". Raises EK001 for another one, and without data where it needs some.
    """
    if kind in ("taylor", "activation") and data is None:
        raise EdgekitError(
            "EK001", "this importance needs data", where="importance", found=f'"{kind}" without data',
            help='pass data, or importance="l2"',
        )  # fmt: skip
    makers: dict[str, Callable[[], Scores]] = {
        "l1": lambda: weight_norm(module, found, 1),
        "l2": lambda: weight_norm(module, found, 2),
        "bn": lambda: batch_norm_scale(module, found),
        "random": lambda: random_scores(found, seed),
        "taylor": lambda: taylor(module, found, data, loss),  # type: ignore[arg-type]
        "activation": lambda: activation(module, found, data),  # type: ignore[arg-type]
    }
    if kind not in makers:
        raise EdgekitError(
            "EK001", "there is no such importance", where="importance",
            found=f"{kind!r}, wanted {', '.join(makers)}", help='importance="taylor"',
        )  # fmt: skip
    return makers[kind]()


def _loss(outputs: Any, x: Tensor, y: Tensor | None, loss: Loss | None) -> Tensor:
    if y is None:
        raise EdgekitError(
            "EK001", "this importance needs labels", where="data", found="inputs alone",
            help='pass (x, y), or importance="activation"',
        )  # fmt: skip
    return loss_of(outputs, y, loss or _softened)


def _softened(outputs: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(outputs / TEMPERATURE, y)


def _has_filters(layer: Any) -> bool:
    return getattr(layer, "weight", None) is not None and layer.weight.ndim > 1


@contextmanager
def _readings(module: nn.Module, found: Sequence[Coupling]) -> Iterator[Readings]:
    """While this is open, what each layer reads of a coupling is appended to a list, as a copy of its own, so
    that its gradient is that of this one reading."""
    readings: Readings = []
    readers: dict[str, list[tuple[Coupling, Part]]] = {}
    for coupling in found:
        for part in coupling.side("in"):
            readers.setdefault(part.layer, []).append((coupling, part))

    def hook(name: str) -> Callable[..., Any]:
        def read(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            own = inputs[0].clone()
            if torch.is_grad_enabled() and not own.requires_grad:
                own.requires_grad_(True)
            readings.extend((coupling, part, own) for coupling, part in readers[name])
            return (own, *inputs[1:])

        return read

    handles = [module.get_submodule(n).register_forward_pre_hook(hook(n)) for n in readers]
    try:
        yield readings
    finally:
        for handle in handles:
            handle.remove()


def _columns(module: nn.Module, part: Part, read: Tensor) -> Tensor:
    """What stands on the part's channels of `read`, summed over all places: [N, n]."""
    last = isinstance(module.get_submodule(part.layer), nn.Linear)
    first = read.movedim(-1, 1) if last else read
    return first.flatten(2).sum(2)[:, part.index] if first.ndim > 2 else first[:, part.index]


def _channels(coupling: Coupling, part: Part, columns: Tensor) -> Tensor:
    """Figures of a part's positions, [..., n], summed by channel of the coupling, [..., channels]."""
    total = torch.zeros(*columns.shape[:-1], coupling.channels)
    return total.index_add_(-1, part.channel, columns)


def _norms(module: nn.Module, part: Part, power: int) -> Tensor:
    """The norm of the weights at each position of a part: [n]."""
    layer = module.get_submodule(part.layer)
    flat = filters(layer, part.side).detach().flatten(1)
    norms: Tensor = torch.linalg.vector_norm(flat, ord=power, dim=1)
    return norms[local(layer, part.side, part.index)]


def _relative(scores: Tensor) -> Tensor:
    return scores / scores.mean().clamp_min(torch.finfo(scores.dtype).tiny)
