"""Small modules whose channels are tied together in the ways that pruning must respect."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def unit(inputs: int, outputs: int, window: int = 3, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, window, padding=window // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Residual(nn.Module):
    """Two sums onto one stream, then a dense head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = unit(2, 8)
        self.inner1, self.outer1 = unit(8, 16), unit(16, 8)
        self.inner2, self.outer2 = unit(8, 12), unit(12, 8)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.outer1(self.inner1(x))
        x = x + self.outer2(self.inner2(x))
        return self.head(x.mean((2, 3)))


class Concat(nn.Module):
    """Two branches side by side, and a head that reads every pixel of every channel."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.mix = unit(2, 8), unit(2, 12, 1), unit(20, 8)
        self.head = nn.Linear(8 * 16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mix(torch.cat([self.left(x), self.right(x)], 1))
        return self.head(x.flatten(1))


class Separable(nn.Module):
    """Depthwise and pointwise, with biases and without norms."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 8, 3, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.pointwise = nn.Conv2d(8, 16, 1)
        self.hidden, self.head = nn.Linear(16, 12), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.depthwise(F.relu(self.stem(x))))
        x = F.hardswish(self.pointwise(x)).mean((2, 3))
        return self.head(torch.sigmoid(self.hidden(x)))


class Grouped(nn.Module):
    """A convolution in two groups."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.grouped, self.last = unit(2, 8), unit(8, 16, groups=2), unit(16, 8, 1)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.last(self.grouped(self.stem(x))).mean((2, 3)))


class Gated(nn.Module):
    """Channels times a gate that was made from all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.last = unit(2, 8), unit(8, 8)
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))
        return self.head(self.last(x * gate).mean((2, 3)))


class Padded(nn.Module):
    """A shortcut that pads channels: channel k of the stem meets channel k + 4."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.inner, self.outer = unit(2, 8), unit(8, 12), unit(12, 16)
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.outer(self.inner(x)) + F.pad(x, (0, 0, 0, 0, 4, 4))
        return self.head(x.mean((2, 3)))


class Normalised(nn.Module):
    """A norm over channels: fewer of them are other numbers, not the same."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.second = nn.Linear(6, 8), nn.LayerNorm(8), nn.Linear(8, 12)
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.second(self.norm(self.first(x)))))


IMAGES = (Residual, Concat, Separable, Grouped, Gated, Padded)


def made(kind: type[nn.Module], seed: int = 0) -> nn.Module:
    """A network with weights, factors and statistics of its own, as after training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = kind()
        for norm in (m for m in net.modules() if isinstance(m, nn.BatchNorm2d)):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, 0, 0.3)
            nn.init.normal_(norm.running_mean, 0, 0.3)
            nn.init.uniform_(norm.running_var, 0.5, 1.5)
    return net.eval()


def example(kind: type[nn.Module]) -> Tensor:
    return torch.zeros((1, 6) if kind is Normalised else (1, 2, 4, 4))


def images(count: int = 96, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Four classes: whether the first channel is bright or dark, and the second."""
    y = torch.arange(count) % 4
    bright = torch.stack([y % 2, y // 2], 1)[:, :, None, None] * 2.0 - 1
    noise = torch.randn(count, 2, 4, 4, generator=torch.Generator().manual_seed(seed))
    return bright * 1.2 + noise, y
