"""Training in the integers of the finished program."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from edgekit.compress.step import Context, State, Step
from edgekit.compress.steps.finetune import (
    checked_training,
    said,
    teacher_of,
    training_data,
    training_of,
)
from edgekit.compress.torch import require


@dataclass(frozen=True)
class Qat(Step):
    """scheme: the bits of weights and activations that it trains for, "" for those of the `quantize` steps
    before. The other keys are those of `finetune`. It decides the numbers, so that it is the last step.
    """

    kind: ClassVar[str] = "qat"
    scheme: str = ""
    epochs: float = 8.0
    learning_rate: float = 3e-4
    batch: int = 64
    temperature: float = 4.0
    mix: float = 0.7
    patience: int = 0
    validation: float = 0.0

    def __post_init__(self) -> None:
        checked_training(self)

    def run(self, state: State, context: Context) -> State:
        require("torch")
        from edgekit.compress.torch.quantization_aware import qat

        settings = state.settings
        if self.scheme:
            settings = dataclasses.replace(settings, scheme=self.scheme)
        train, held = training_data(self, context)
        trained = qat(
            state.graph, train, training_of(self, context), calibration=context.need_calibration(self.kind),
            settings=settings, teacher=teacher_of(state, context), validation=held, progress=False,
        )  # fmt: skip
        after = dataclasses.replace(state, settings=settings, decided=trained.quantization)
        return after.noting(f"{self.kind}: {train.inferences} samples, {said(trained.history)}")

    def control(self) -> Step | None:
        """The same bits, chosen without training."""
        from edgekit.compress.steps.quantize import Quantize

        return Quantize({"scheme": self.scheme}) if self.scheme else None
