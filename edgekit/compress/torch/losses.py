"""What a module answers, how wrong that is, and how far from a teacher's answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgekit.compress.torch.data import Data, examples
from edgekit.errors import EdgekitError
from edgekit.frontends.torch_module import evaluation

Loss: TypeAlias = Callable[[Any, Any], Tensor]


def answered(module: nn.Module, x: Tensor) -> Any:
    """``module(x)``. Raises EK004 where the module refuses the inputs, in whatever words it has."""
    try:
        return module(x)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise EdgekitError(
            "EK004", "the module does not take these inputs", where=f"module {type(module).__name__}",
            found=f"{list(x.shape)}: {str(error).splitlines()[0] if str(error) else error!r}"[:300],
            help="inputs have the batch axis first, and otherwise the shape of example_inputs",
        ) from error  # fmt: skip


def loss_of(outputs: Any, y: Tensor, loss: Loss) -> Tensor:
    """``loss(outputs, y)``. Raises EK004 where the targets do not fit the outputs."""
    try:
        return loss(outputs, y)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise EdgekitError(
            "EK004", "the targets do not fit the outputs", where="data",
            found=str(error).split("\n")[0][:300] or repr(error),
            help="classes 0 to outputs - 1 for cross entropy; what your loss takes otherwise",
        ) from error  # fmt: skip


def distance(outputs: Tensor, wanted: Tensor, *, match: str, temperature: float) -> Tensor:
    """How far the student's outputs are from the teacher's: see `finetune.Training`."""
    if match == "mse":
        return F.mse_loss(outputs, wanted)
    t = temperature
    student, teacher = F.log_softmax(outputs / t, -1), F.log_softmax(wanted / t, -1)
    return t * t * F.kl_div(student, teacher, log_target=True, reduction="batchmean")


def evaluate(module: nn.Module, data: Data, loss: Loss | None = None) -> float:
    """The share of right answers, or minus the mean of the user's `loss`: more is better."""
    total, count = 0.0, 0
    with torch.no_grad(), evaluation(module):
        for x, y in examples(data, batch=256).batches():
            outputs = answered(module, x)
            if loss is not None or y is None or y.is_floating_point():
                total -= float(loss_of(outputs, x if y is None else y, loss or F.mse_loss)) * len(x)
            else:
                total += int((outputs.argmax(-1) == y).sum())
            count += len(x)
    return total / count
