"""Training in real numbers: what is left after other steps learns from the labels and from the original."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edgekit.compress.step import Context, State, Step, held_back
from edgekit.compress.torch import require
from edgekit.graph import Graph
from edgekit.validate.data import Samples


@dataclass(frozen=True)
class Finetune(Step):
    """epochs: passes over the training data. learning_rate: the highest of a one-cycle schedule. batch:
    samples of a step. mix: the part of the loss that the model as it came teaches, at `temperature`; the
    labels teach the rest, and nothing where there are none. patience: epochs without a better score on
    `validation`, the share of the data that is held back, after which it stops; 0 trains to the end.
    Without training data the calibration data serve, unlabelled. What is zero stays zero.
    """

    kind: ClassVar[str] = "finetune"
    epochs: float = 8.0
    learning_rate: float = 3e-3
    batch: int = 64
    temperature: float = 4.0
    mix: float = 0.7
    patience: int = 0
    validation: float = 0.0

    def __post_init__(self) -> None:
        checked_training(self)

    def run(self, state: State, context: Context) -> State:
        require("torch")
        from edgekit.compress.torch.quantization_aware import finetune_graph

        train, held = training_data(self, context)
        trained, history = finetune_graph(
            state.graph, train, training_of(self, context), teacher=teacher_of(state, context), validation=held,
            progress=False,
        )  # fmt: skip
        after = state.with_data(changed_constants(state.graph, trained))
        return after.noting(f"{self.kind}: {train.inferences} samples, {said(history)}")

    def control(self) -> None:
        """The control goes without training."""


def checked_training(step: Any) -> None:
    """Raises EK003 for values that no training can have."""
    for key, good, wanted in (
        ("epochs", 0 < step.epochs <= 10000, "more than 0, at most 10000"),
        ("learning_rate", 0 < step.learning_rate <= 10, "more than 0, at most 10"),
        ("batch", 2 <= step.batch <= 65536, "2 to 65536"),
        ("temperature", step.temperature > 0, "more than 0"),
        ("mix", 0 <= step.mix <= 1, "0 to 1"),
        ("patience", step.patience >= 0, "0 or more"),
        ("validation", 0 <= step.validation < 1, "a share from 0, below 1"),
    ):
        if not good:
            step.wrong(key, wanted)
    if step.patience and not step.validation:
        step.wrong("patience", "0 where nothing is held back by `validation`")


def training_data(step: Any, context: Context) -> tuple[Samples, Samples | None]:
    """What to train on, and what is held back."""
    samples = context.train or context.need_calibration(step.kind)
    return held_back(samples, step.validation, context.seed)


def training_of(step: Any, context: Context) -> Any:
    """The step's keys as the trainer takes them."""
    from edgekit.compress.torch.training import Training

    return Training(
        epochs=step.epochs, learning_rate=step.learning_rate, batch=step.batch, temperature=step.temperature,
        mix=step.mix, patience=step.patience or None, seed=context.seed,
    )  # fmt: skip


def teacher_of(state: State, context: Context) -> Graph:
    """The model as it came."""
    return context.original or state.graph


def changed_constants(before: Graph, after: Graph) -> dict[str, Any]:
    """The real constants of a graph that training has changed."""
    return {
        name: value.data
        for name, value in after.values.items()
        if value.data is not None and value.data is not before.values[name].data
    }


def said(history: Any) -> str:
    """How a training went, in words."""
    ends = (
        f"loss {history.losses[0]:.4f} to {history.losses[-1]:.4f}"
        if history.losses
        else "no epoch"
    )
    best = "" if history.best is None else f", best epoch {history.best + 1}"
    return ends + best + (", stopped early" if history.stopped else "")
