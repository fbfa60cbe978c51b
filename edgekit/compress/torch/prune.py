"""Structured pruning of a live module: channels go until a share of its multiply-accumulates is left."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from edgekit.compress.torch import allocate
from edgekit.compress.torch.coupling import Couplings, couplings, remove
from edgekit.compress.torch.data import Data, Examples, examples
from edgekit.compress.torch.importance import scores
from edgekit.compress.torch.losses import Loss
from edgekit.compress.torch.macs import counter
from edgekit.compress.torch.statistics import output_means, reestimate, sample
from edgekit.compress.torch.tracing import Coupling
from edgekit.compress.torch.training import History, Training, finetune
from edgekit.errors import EdgekitError


@dataclass(frozen=True)
class Method:
    """How channels are chosen.

    importance: see `importance.scores`. multiple: what numbers of channels are rounded down to. scope: "global" (all layers
    compete, by score for each MAC saved) or "layer" (the same share of each). least: the share of a layer's channels that stays.
    exclude: names of layers that keep theirs. samples: how many of the data the scores are measured on. loss: what "taylor"
    is the gradient of (None: see `importance.taylor`).
    """

    importance: str = "taylor"
    multiple: int = 4
    scope: str = "global"
    least: float = 0.25
    exclude: tuple[str, ...] = ()
    samples: int = 1024
    loss: Loss | None = None
    seed: int = 0


@dataclass(frozen=True)
class Pruned:
    """A pruned copy of a module, and what was done.

    macs_before, macs: multiply-accumulates of one inference, counted as ``edgekit inspect`` does.
    channels: by first layer of each coupling, channels before and after. kept: what could not be pruned, and why.
    history: of the training, where there was one.
    """

    module: nn.Module
    macs_before: int
    macs: int
    channels: dict[str, tuple[int, int]]
    kept: dict[str, str]
    history: History | None = None

    def report(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "macs_before": self.macs_before,
            "macs": self.macs,
            "parameters": sum(p.numel() for p in self.module.parameters()),
            "channels": {name: list(pair) for name, pair in self.channels.items()},
            "kept": self.kept,
        }


def prune_module(
    module: nn.Module,
    example_inputs: Any,
    *,
    macs: float = 0.5,
    importance: str = "taylor",
    schedule: str = "iterative",
    steps: int = 4,
    share: float = 0.5,
    multiple: int = 4,
    scope: str = "global",
    least: float = 0.25,
    exclude: Iterable[str] = (),
    data: Data | None = None,
    loss: Loss | None = None,
    samples: int = 1024,
    training: Training | None = None,
    validation: Data | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> Pruned:
    """A copy of `module` with at most `macs` (a share, 0 to 1) of its multiply-accumulates; `module` stays as it is.

    schedule: "one-shot" (everything goes at once, then the training, if any) or "iterative" (in `steps` steps,
    each with scores of its own, in the first `share` of the training's steps; without training, one step after the other).
    data: an `.npz`, (x, y) or a loader, for scores, batch norms, biases and training; loss: for "taylor", that of the training where there is one. Other arguments: `Method`, `finetune`.

    Raises EK001 (arguments, missing data, a target that cannot be reached), EK004 (data), EK109 (a
    module that cannot be traced), EK504 (torch-pruning is not installed).
    """
    loss = loss or (training.loss if training else None)
    method = Method(importance, multiple, scope, least, tuple(exclude), samples, loss, seed)
    _check(method, macs, schedule, steps, share)
    if training is not None and data is None:
        raise EdgekitError(
            "EK001", "training needs data", where="training", found="no data", help="pass data",
        )  # fmt: skip
    taught = training is not None and training.teacher is not None and training.mix > 0
    labels = importance == "taylor" or (training is not None and not taught)
    batch = training.batch if training else 64
    given = None if data is None else examples(data, batch=batch, labels=labels)
    pruner = _Pruner(copy.deepcopy(module), example_inputs, method, given)
    goals = [macs ** ((k + 1) / steps) for k in range(steps)] if schedule == "iterative" else [macs]
    if training is None or schedule == "one-shot":
        for goal in goals:
            pruner.cut(goal)
        history = None
        if training is not None and given is not None:
            history = finetune(
                pruner.module, given, training, validation=validation, progress=progress
            )
        return pruner.result(history)
    assert given is not None
    total = max(1, round(training.epochs * len(given)))
    events = {round(k * share * total / steps): goal for k, goal in enumerate(goals)}
    cuts = {step: (lambda goal=goal: pruner.cut(goal)) for step, goal in events.items()}
    if len(cuts) < steps:
        raise EdgekitError(
            "EK001", "there are more steps of pruning than of training", where="steps",
            found=f"{steps} in {total} steps of training", help="fewer steps, or more epochs",
        )  # fmt: skip
    history = finetune(
        pruner.module, given, training, validation=validation, events=cuts, progress=progress
    )
    return pruner.result(history)


class _Pruner:
    """A module that loses channels step by step; shares of MACs are of what it had at first."""

    def __init__(
        self, module: nn.Module, example_inputs: Any, method: Method, data: Examples | None
    ) -> None:
        self.module, self.examples, self.method, self.data = module, example_inputs, method, data
        self.first = self._couplings()
        self.before = counter(module, example_inputs).total()
        self.widths = {c.name: c.channels for c in self.first.found}
        if not self.first.found:
            reasons = "; ".join(f"{name}: {why}" for name, why in self.first.kept.items())
            raise EdgekitError(
                "EK001", "nothing of this module can be pruned",
                where=f"module {type(module).__name__}", found=reasons[:300] or "no layer whose channels another layer reads",
                help="channels can go between two layers with weights, where all layers between work on each channel alone",
            )  # fmt: skip

    def cut(self, share: float) -> None:
        """Remove channels until at most `share` of the MACs are left."""
        found = self._couplings(checked=self.widths).found
        count = counter(self.module, self.examples, found)
        target = math.floor(share * self.before)
        if count.total() <= target:
            return
        part = None if self.data is None else self.data.some(self.method.samples)
        values = scores(
            self.method.importance, self.module, found,
            data=part, loss=self.method.loss, seed=self.method.seed,
        )  # fmt: skip
        floor = {name: math.ceil(self.method.least * width) for name, width in self.widths.items()}
        entries = allocate.ranked(found, values, multiple=self.method.multiple, least=floor)
        choose = allocate.globally if self.method.scope == "global" else allocate.by_layer
        removed = choose(entries, count, target)
        self._remove(found, removed)

    def _remove(self, found: Iterable[Coupling], removed: allocate.Removed) -> None:
        if self.data is None:
            remove(self.module, self.examples, removed)
            return
        means = output_means(self.module, sample(self.data))
        remove(self.module, self.examples, removed)
        reestimate(self.module, self.data, wanted=_without(means, found, removed))

    def result(self, history: History | None) -> Pruned:
        now = {c.name: c.channels for c in self._couplings(checked=self.widths).found}
        channels = {name: (width, now.get(name, width)) for name, width in self.widths.items()}
        after = counter(self.module, self.examples).total()
        self.module.eval()
        return Pruned(self.module, self.before, after, channels, self.first.kept, history)

    def _couplings(self, checked: Mapping[str, int] | None = None) -> Couplings:
        return couplings(self.module, self.examples, exclude=self.method.exclude, checked=checked)


def _without(
    means: Mapping[str, Tensor], found: Iterable[Coupling], removed: allocate.Removed
) -> dict[str, Tensor]:
    """The means of the output channels that are left."""
    left = {name: list(range(len(mean))) for name, mean in means.items()}
    for coupling in found:
        channels = removed.get(coupling.name, [])
        for part in coupling.side("out", "both"):
            if part.layer in left and channels:
                gone = set(part.of(channels).tolist())
                left[part.layer] = [k for k in left[part.layer] if k not in gone]
    return {name: means[name][kept] for name, kept in left.items()}


def _check(method: Method, macs: float, schedule: str, steps: int, share: float) -> None:
    for key, value, wanted, good in (
        ("macs", macs, "more than 0, less than 1", 0 < macs < 1),
        ("schedule", schedule, '"one-shot" or "iterative"', schedule in ("one-shot", "iterative")),
        ("steps", steps, "at least 1", steps >= 1),
        ("share", share, "more than 0, at most 1", 0 < share <= 1),
        ("multiple", method.multiple, "at least 1", method.multiple >= 1),
        ("scope", method.scope, '"global" or "layer"', method.scope in ("global", "layer")),
        ("least", method.least, "0 to 1", 0 <= method.least <= 1),
        ("samples", method.samples, "at least 1", method.samples >= 1),
    ):
        if not good:
            raise EdgekitError(
                "EK001", "pruning cannot be done so", where=key, found=f"{value!r}, wanted {wanted}",
                help=f"choose another {key}",
            )  # fmt: skip
