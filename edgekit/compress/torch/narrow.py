"""The control of pruning: the same architecture with fewer channels, trained from scratch."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from edgekit.compress.torch import allocate
from edgekit.compress.torch.coupling import couplings, remove
from edgekit.compress.torch.data import Data
from edgekit.compress.torch.losses import Loss, evaluate
from edgekit.compress.torch.macs import counter
from edgekit.compress.torch.prune import Pruned, prune_module
from edgekit.compress.torch.training import Training, finetune
from edgekit.errors import EdgekitError


def narrowed(
    module: nn.Module,
    example_inputs: Any,
    *,
    macs: float,
    multiple: int = 4,
    exclude: Iterable[str] = (),
    seed: int = 0,
) -> Pruned:
    """An untrained copy of `module`, each layer with the same share of its channels, so that at most `macs` (a share,
    0 to 1) of its multiply-accumulates are left.

    Weights are those that the layers' own `reset_parameters` draws; a module without it keeps its parameters.
    Raises as `prune_module`.
    """
    if not 0 < macs < 1:
        raise EdgekitError(
            "EK001", "a network cannot be narrowed so", where="macs",
            found=f"{macs!r}, wanted more than 0, less than 1", help="choose another macs",
        )  # fmt: skip
    small = copy.deepcopy(module)
    cut = couplings(small, example_inputs, exclude=exclude)
    count = counter(small, example_inputs, cut.found)
    before = count.total()
    scores = {c.name: torch.zeros(c.channels) for c in cut.found}
    entries = allocate.ranked(cut.found, scores, multiple=multiple, least=dict.fromkeys(scores, 1))
    removed = allocate.by_layer(entries, count, math.floor(macs * before))
    remove(small, example_inputs, removed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for part in small.modules():
            reset: Any = getattr(part, "reset_parameters", None)
            if callable(reset):
                reset()
    after = counter(small, example_inputs).total()
    channels = {c.name: (c.channels, c.channels - len(removed[c.name])) for c in cut.found}
    return Pruned(small.eval(), before, after, channels, cut.kept)


@dataclass(frozen=True)
class Trial:
    """One trained network: "pruned" or "control", its seed, its `merit` on the validation data, and itself."""

    kind: str
    seed: int
    score: tuple[float, float]
    pruned: Pruned


@dataclass(frozen=True)
class Choice:
    """All trials in the order they were made, and the best of them on the validation data."""

    trials: tuple[Trial, ...]
    best: Trial

    @property
    def module(self) -> nn.Module:
        return self.best.pruned.module

    def best_of(self, kind: str) -> Trial:
        return _best([trial for trial in self.trials if trial.kind == kind])

    def report(self) -> dict[str, Any]:
        """The same as JSON."""
        trials = [
            {"kind": t.kind, "seed": t.seed, "validation": t.score[0]} | t.pruned.report()
            for t in self.trials
        ]
        return {"chosen": self.best.kind, "seed": self.best.seed, "trials": trials}


def prune_or_control(
    module: nn.Module,
    example_inputs: Any,
    *,
    macs: float,
    data: Data,
    validation: Data,
    training: Training,
    pretrained: float,
    multiple: int = 4,
    exclude: Iterable[str] = (),
    seeds: Sequence[int] = (0,),
    progress: bool | None = None,
    **pruning: Any,
) -> Choice:
    """Prune and fine-tune `module`, train its narrow control, and return what is better on `validation`.

    Both learn from `module` as teacher unless `training` names another. The control trains for `pretrained` (the epochs that made
    `module`) and ``training.epochs`` together. Of equals the pruned one is taken. `validation` must be no part of `data` nor of any test.
    pruning: further arguments of `prune_module`.
    """
    layers = tuple(exclude)
    training = training if training.teacher else replace(training, teacher=module)
    trials = []
    for seed in seeds:
        own = replace(training, seed=seed)
        pruned = prune_module(
            module, example_inputs, macs=macs, data=data, validation=validation, training=own,
            multiple=multiple, exclude=layers, seed=seed, progress=progress, **pruning,
        )  # fmt: skip
        trials.append(Trial("pruned", seed, merit(pruned.module, validation, own.loss), pruned))
    for seed in seeds:
        whole = replace(training, seed=seed, epochs=pretrained + training.epochs)
        small = narrowed(
            module, example_inputs, macs=macs, multiple=multiple, exclude=layers, seed=seed
        )
        history = finetune(small.module, data, whole, validation=validation, progress=progress)
        score = merit(small.module, validation, whole.loss)
        trials.append(Trial("control", seed, score, replace(small, history=history)))
    return Choice(tuple(trials), _best(trials))


def merit(module: nn.Module, validation: Data, loss: Loss | None = None) -> tuple[float, float]:
    """What networks are compared by: the score of `evaluate`, and of equal accuracies, which few samples often give,
    minus the mean cross entropy."""
    score = evaluate(module, validation, loss)
    return score, score if score < 0 or loss else evaluate(module, validation, F.cross_entropy)


def _best(trials: Sequence[Trial]) -> Trial:
    return max(trials, key=lambda trial: trial.score)
