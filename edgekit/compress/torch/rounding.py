"""Rounding with a gradient: the numbers of a forward pass are exact, its backward pass leaves rounding out.

A tensor x with scale s becomes s * q. To x the gradient passes where x lies within the numbers' range and stops
where it is cut; to s goes what the range gains or loses by it, q - x / s within and the end of the range
outside (learned step size quantization: Esser et al., 2020, https://arxiv.org/abs/1902.08153).
"""

from __future__ import annotations

import torch
from torch import Tensor


def straight_through(x: Tensor, scale: Tensor, steps: Tensor, low: float, high: float) -> Tensor:
    """``scale * steps`` with the gradients of x, clamped to [low, high] steps.

    steps: whole numbers that stand for x, zero point taken off; they need not be x's own rounding, so that
    integer arithmetic decides and x is what it approximates.
    """
    inside = (x / scale).clamp(low, high)
    return scale * (inside + (steps - inside).detach())


def rounded(x: Tensor, scale: Tensor, low: float, high: float) -> tuple[Tensor, Tensor]:
    """x in whole steps of `scale`, clamped, with gradients; and the steps."""
    with torch.no_grad():
        steps = torch.round(x / scale).clamp(low, high)
    return straight_through(x, scale, steps, low, high), steps
