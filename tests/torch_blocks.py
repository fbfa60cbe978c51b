"""Small networks of the blocks that torchvision and audio models are made of, with random weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F


def conv(i: int, o: int, kernel: int = 3, stride: int = 1, groups: int = 1, act: type[nn.Module] | None = nn.ReLU6) -> nn.Sequential:  # fmt: skip
    parts = [
        nn.Conv2d(i, o, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(o),
    ]
    return nn.Sequential(*parts, *([act()] if act else []))


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, inner, 1), nn.Conv2d(inner, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate = self.up(F.relu(self.down(F.adaptive_avg_pool2d(x, 1))))
        return x * F.hardsigmoid(gate)


class InvertedResidual(nn.Module):
    """MobileNet's block; EfficientNet-lite's with a window of 5."""

    def __init__(self, i: int, o: int, stride: int, kernel: int = 3, act: type[nn.Module] = nn.ReLU6, excite: bool = False) -> None:  # fmt: skip
        super().__init__()
        wide = 3 * i
        self.body = nn.Sequential(
            conv(i, wide, 1, act=act),
            conv(wide, wide, kernel, stride, wide, act),
            SqueezeExcite(wide, 4) if excite else nn.Identity(),
            conv(wide, o, 1, act=None),
        )
        self.same = stride == 1 and i == o

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.same else self.body(x)


class BasicBlock(nn.Module):
    """ResNet's."""

    def __init__(self, i: int, o: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = conv(i, o, 3, stride, act=nn.ReLU), conv(o, o, act=None)
        self.shortcut = conv(i, o, 1, stride, act=None) if stride > 1 or i != o else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.second(self.first(x)) + self.shortcut(x))


class Fire(nn.Module):
    """SqueezeNet's."""

    def __init__(self, i: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(i, squeeze, 1)
        self.one, self.three = (
            nn.Conv2d(squeeze, expand, 1),
            nn.Conv2d(squeeze, expand, 3, padding=1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.squeeze(x))
        return torch.cat((F.relu(self.one(x)), F.relu(self.three(x))), 1)


def classifier(*body: nn.Module, channels: int, act: type[nn.Module] | None = None) -> nn.Module:
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), *([nn.Linear(channels, channels), act()] if act else [])]  # fmt: skip
    return nn.Sequential(*body, *head, nn.Linear(channels, 5))


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([conv(2, 6, act=nn.ReLU), conv(6, 8, act=nn.ReLU)])
        self.bottom = conv(8, 10, act=nn.ReLU)
        self.up = nn.ModuleList([nn.ConvTranspose2d(10, 8, 2, 2), nn.Upsample(scale_factor=2)])
        self.join = nn.ModuleList([conv(16, 8, act=nn.ReLU), conv(14, 6, act=nn.ReLU)])
        self.out = nn.Conv2d(6, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = []
        for layer in self.down:
            x = layer(x)
            kept.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat((up(x), kept.pop()), 1))
        return self.out(x)


class TemporalBlock(nn.Module):
    """A TCN's: causal convolutions with growing dilation around a shortcut."""

    def __init__(self, i: int, o: int, dilation: int) -> None:
        super().__init__()
        self.reach = 2 * dilation
        self.first = nn.Conv1d(i, o, 3, dilation=dilation)
        self.second = nn.Conv1d(o, o, 3, dilation=dilation)
        self.shortcut = nn.Conv1d(i, o, 1) if i != o else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.first(F.pad(x, (self.reach, 0))))
        y = F.relu(self.second(F.pad(y, (self.reach, 0))))
        return F.relu(y + self.shortcut(x))


class Crnn(nn.Module):
    """Convolutions over a spectrogram, recurrent layers over time, a label a step."""

    def __init__(self, recurrent: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.front = nn.Sequential(
            conv(1, 6, act=nn.ReLU), nn.MaxPool2d((1, 2)), conv(6, 8, act=nn.ReLU)
        )
        self.recurrent = recurrent(8 * 4, 10, bidirectional=True, batch_first=True)
        self.out = nn.Linear(20, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.front(x)
        x = x.permute(0, 2, 1, 3).flatten(2)
        return self.out(self.recurrent(x)[0])


class Transformer(nn.Module):
    """Frames, positions, two encoder layers, a mean over time."""

    def __init__(self, width: int = 16, steps: int = 10) -> None:
        super().__init__()
        self.enter = nn.Linear(6, width)
        self.places = nn.Parameter(torch.randn(steps, width) * 0.3)
        layer = nn.TransformerEncoderLayer(width, 2, 32, activation="gelu", batch_first=True, norm_first=True)  # fmt: skip
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(width, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.encoder(self.enter(x) + self.places).mean(1))


Image = (3, 16, 16)
BLOCKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mobilenet v2": (lambda: classifier(
        conv(3, 8, stride=2), InvertedResidual(8, 8, 1), InvertedResidual(8, 12, 2), InvertedResidual(12, 12, 1),
        channels=12), Image),
    "mobilenet v3": (lambda: classifier(
        conv(3, 8, stride=2, act=nn.Hardswish), InvertedResidual(8, 8, 1, excite=True, act=nn.ReLU),
        InvertedResidual(8, 12, 2, 5, nn.Hardswish, excite=True), channels=12, act=nn.Hardswish), Image),
    "resnet": (lambda: classifier(
        conv(3, 8, act=nn.ReLU), nn.MaxPool2d(3, 2, 1), BasicBlock(8, 8, 1), BasicBlock(8, 12, 2), channels=12), Image),
    "squeezenet": (lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), Fire(8, 4, 8), Fire(16, 4, 8),
        nn.Dropout(0.5), nn.Conv2d(16, 5, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), Image),
    "efficientnet lite": (lambda: classifier(
        conv(3, 8, stride=2), InvertedResidual(8, 8, 1), InvertedResidual(8, 12, 2, 5), InvertedResidual(12, 12, 1, 5),
        conv(12, 16, 1), channels=16), Image),
    "u-net": (UNet, (2, 12, 12)),
    "tcn": (lambda: nn.Sequential(
        TemporalBlock(6, 8, 1), TemporalBlock(8, 8, 2), TemporalBlock(8, 10, 4), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        nn.Linear(10, 5)), (6, 24)),
    "crnn, lstm": (lambda: Crnn(nn.LSTM), (1, 9, 8)),
    "crnn, gru": (lambda: Crnn(nn.GRU), (1, 9, 8)),
    "transformer": (Transformer, (10, 6)),
}  # fmt: skip


def block(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """A network in evaluation mode whose batch norms have seen data, and the shape of one sample."""
    make, shape = BLOCKS[name]
    torch.set_num_threads(1)
    torch.manual_seed(len(name))
    module = make()
    module.train()
    with torch.no_grad():
        for _ in range(6):
            module(torch.randn(16, *shape))
    return module.eval(), shape
