"""Fine-tuning with knowledge distillation, early stopping, and seeds that repeat exactly."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgekit.compress.torch.data import Augment, Data, Examples, examples
from edgekit.compress.torch.losses import Loss, answered, distance, evaluate, loss_of
from edgekit.errors import EdgekitError
from edgekit.frontends.torch_module import evaluation
from edgekit.progress import LayerBar


@dataclass(frozen=True)
class Training:
    """How a module is trained.

    epochs: passes over the data, which may be a fraction. optimizer: makes one for the parameters it is
    given (None: AdamW with `learning_rate`, the highest of a one-cycle schedule, and `weight_decay`).
    loss: of (outputs, targets), a scalar tensor (None: cross entropy). teacher: distilled from where there is one;
    the loss is then ``(1 - mix) * loss + mix * T^2 * KL(teacher / T || student / T)`` with T = `temperature` (Hinton
    et al. 2015), or, with match="mse", ``mix`` times the mean squared difference of both outputs. augment: changes a batch of inputs with
    the given generator. patience: epochs without a better validation score before it stops.
    clip: the longest gradient.
    """

    epochs: float = 8
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    batch: int = 64
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer] | None = None
    loss: Loss | None = None
    teacher: nn.Module | None = None
    temperature: float = 4.0
    mix: float = 0.7
    match: str = "kl"
    augment: Augment | None = None
    patience: int | None = None
    clip: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for key, wanted, good in (
            ("epochs", "more than 0", self.epochs > 0),
            ("learning_rate", "more than 0", self.learning_rate > 0),
            ("batch", "at least 2", self.batch >= 2),
            ("temperature", "more than 0", self.temperature > 0),
            ("mix", "0 to 1", 0 <= self.mix <= 1),
            ("match", '"kl" or "mse"', self.match in ("kl", "mse")),
            ("patience", "at least 1, or None", self.patience is None or self.patience >= 1),
        ):
            if not good:
                raise EdgekitError(
                    "EK001", "training cannot be done so", where=key,
                    found=f"{getattr(self, key)!r}, wanted {wanted}", help=f"choose another {key}",
                )  # fmt: skip


@dataclass
class History:
    """What happened, by epoch: mean training loss, validation score (accuracy, or minus the user's loss; of
    the epochs after the last event),
    the epoch whose weights were kept (None: the last, as there was no validation), and whether patience ended it."""

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best: int | None = None
    stopped: bool = False
    steps: int = 0


def finetune(
    module: nn.Module,
    data: Data,
    training: Training = Training(),
    *,
    validation: Data | None = None,
    events: Mapping[int, Callable[[], None]] | None = None,
    after_step: Callable[[], None] | None = None,
    progress: bool | None = None,
) -> History:
    """Train `module` in place; with `validation` the best epoch's weights are what it ends with.

    events: by step (0 is before the first), what is done to the module before that step; it may change shapes.
    after_step: called after each step of the optimizer (masks). progress: a bar on standard error (None: on a terminal).
    The same arguments and seed give the same weights on one machine and number of threads. Raises EK001, EK004.
    """
    alone = training.teacher is not None and training.mix > 0
    given = examples(data, batch=training.batch, labels=not alone)
    judged = None if validation is None else examples(validation, batch=256, where="validation")
    run = _Run(module, given, training, dict(events or {}), after_step)
    shown = sys.stderr.isatty() if progress is None else progress
    bar = LayerBar() if shown else None
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(training.seed)
            return run.epochs(judged, bar)
    finally:
        if bar:
            bar.close()
        module.eval()


class _Run:
    """One training: the optimizer is made anew when an event has changed the parameters."""

    def __init__(
        self,
        module: nn.Module,
        data: Examples,
        training: Training,
        events: dict[int, Callable[[], None]],
        after_step: Callable[[], None] | None,
    ) -> None:
        self.module, self.data, self.training = module, data, training
        self.events, self.after_step = events, after_step
        self.each = len(data)
        self.total = max(1, round(training.epochs * self.each))
        self.optimizer = self._optimizer()
        self.step = 0
        self.waited = 0
        self.history = History()

    def epochs(self, validation: Examples | None, bar: LayerBar | None) -> History:
        order = torch.Generator().manual_seed(self.training.seed)
        best: dict[str, Tensor] | None = None
        while self.step < self.total:
            self._epoch(order, bar)
            last = max(self.events, default=0)
            if validation is None or (self.step <= last and self.step < self.total):
                continue
            score = evaluate(self.module, validation, self.training.loss)
            before = max(self.history.scores, default=-math.inf)
            self.history.scores.append(score)
            self.waited = 0 if score > before else self.waited + 1
            # Of equals the later one: its learning rate was lower.
            if score >= before:
                best = copy.deepcopy(self.module.state_dict())
                self.history.best = len(self.history.losses) - 1
            if self.training.patience is not None and self.waited >= self.training.patience:
                self.history.stopped = self.step < self.total
                break
        if best is not None:
            self.module.load_state_dict(best)
        self.history.steps = self.step
        return self.history

    def _epoch(self, order: torch.Generator, bar: LayerBar | None) -> None:
        total, count = 0.0, 0
        self.module.train()
        for x, y in self.data.batches(order, self.training.augment):
            if self.step == self.total:
                break
            if self.step in self.events:
                self.events[self.step]()
                self.optimizer = self._optimizer()
                self.module.train()
            total, count = total + self._step(x, y), count + 1
            if bar:
                epoch = len(self.history.losses) + 1
                bar(f"epoch {epoch}, loss {total / count:.4f}", self.step, self.total)
        if not count:
            raise EdgekitError(
                "EK004", "there are no training data", where="data", found="no batches",
                help="check what the data loader yields; one that was used up yields nothing again",
            )  # fmt: skip
        self.history.losses.append(total / count)

    def _step(self, x: Tensor, y: Tensor | None) -> float:
        if self.training.optimizer is None:
            rate = self.training.learning_rate * one_cycle(self.step, self.total)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
        loss = _loss(self.module, x, y, self.training)
        if not torch.isfinite(loss):
            raise EdgekitError(
                "EK001", "training diverged", where="learning_rate",
                found=f"a loss of {loss.item()} in step {self.step}", help="a lower rate, or clip=1.0",
            )  # fmt: skip
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.training.clip is not None:
            nn.utils.clip_grad_norm_(self.module.parameters(), self.training.clip)
        self.optimizer.step()
        if self.after_step:
            self.after_step()
        self.step += 1
        return loss.item()

    def _optimizer(self) -> torch.optim.Optimizer:
        trained = [p for p in self.module.parameters() if p.requires_grad]
        if self.training.optimizer is not None:
            return self.training.optimizer(trained)
        return torch.optim.AdamW(
            trained, lr=self.training.learning_rate, weight_decay=self.training.weight_decay
        )


def one_cycle(step: int, total: int, warm: float = 0.3) -> float:
    """The share of the highest learning rate at `step`: half a cosine up from 1/25 during the first `warm`
    of the steps, half a cosine down to nearly nothing after it (Smith and Topin 2018)."""
    top = max(warm * total, 1.0)
    if step < top:
        return 1 - (1 - 1 / 25) * (1 + math.cos(math.pi * step / top)) / 2
    left = (step - top) / max(total - top, 1.0)
    return 1e-5 + (1 - 1e-5) * (1 + math.cos(math.pi * left)) / 2


def _loss(module: nn.Module, x: Tensor, y: Tensor | None, training: Training) -> Tensor:
    outputs = answered(module, x)
    if y is None and training.teacher is None:
        raise EdgekitError(
            "EK001", "labels are wanted", where="data", found="inputs alone and no teacher",
            help="pass labels, or a teacher with mix=1",
        )  # fmt: skip
    parts = []
    if y is not None and (training.teacher is None or training.mix < 1):
        share = 1 if training.teacher is None else 1 - training.mix
        parts.append(share * loss_of(outputs, y, training.loss or F.cross_entropy))
    if training.teacher is not None and training.mix > 0:
        with torch.no_grad(), evaluation(training.teacher):
            wanted = training.teacher(x)
        parts.append(
            training.mix
            * distance(outputs, wanted, match=training.match, temperature=training.temperature)
        )
    return torch.stack(parts).sum()
