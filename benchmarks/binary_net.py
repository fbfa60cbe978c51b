"""A small network of binary layers, trained on scikit-learn's digits with straight-through estimators.

The split is that of the compression benchmark: 1,347 training images, the last 450 for testing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from edgekit.op import Array

_EPOCHS, _BATCH, _RATE = 24, 64, 3e-3


class Sign(torch.autograd.Function):
    """1 from 0 on, else -1; its gradient is that of a clamp to -1..1."""

    @staticmethod
    def forward(context: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:  # type: ignore[override]
        context.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(context: torch.autograd.function.FunctionCtx, grad: Tensor) -> Tensor:  # type: ignore[override]
        (x,) = context.saved_tensors  # type: ignore[attr-defined]
        return grad * (x.abs() <= 1)


def sign(x: Tensor) -> Tensor:
    made: Tensor = Sign.apply(x)  # type: ignore[no-untyped-call]
    return made


class BinaryConv(nn.Conv2d):
    """Weights of one magnitude a channel: the mean of what is trained."""

    def forward(self, x: Tensor) -> Tensor:
        size = self.weight.abs().mean((1, 2, 3), keepdim=True)
        return functional.conv2d(x, sign(self.weight) * size, None, self.stride, self.padding)


class BinaryDense(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, sign(self.weight) * self.weight.abs().mean(1, keepdim=True))


class Net(nn.Module):
    """The first and the last layer are not binary, as usual."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm1 = nn.Conv2d(1, 64, 3, padding=1), nn.BatchNorm2d(64)
        self.conv2, self.norm2 = BinaryConv(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64)
        self.conv3, self.norm3 = BinaryConv(64, 128, 3, padding=1, bias=False), nn.BatchNorm2d(128)
        self.dense, self.norm4 = BinaryDense(512, 128, bias=False), nn.BatchNorm1d(128)
        self.head = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = sign(self.norm1(self.stem(x)))
        x = sign(self.norm2(functional.max_pool2d(self.conv2(x), 2)))
        x = sign(self.norm3(functional.max_pool2d(self.conv3(x), 2)))
        x = sign(self.norm4(self.dense(x.flatten(1))))
        made: Tensor = self.head(x)
        return made


@dataclass(frozen=True)
class Digits:
    """Images [N, 1, 8, 8] float32, and labels of both parts."""

    train: Array
    train_labels: Array
    test: Array
    labels: Array

    @property
    def example(self) -> Tensor:
        return torch.from_numpy(self.train[:1])


def digits() -> Digits:
    found = load_digits()
    x = ((found.images / 16 - 0.305) / 0.376).astype(np.float32)[:, None]
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], found.target[order]
    return Digits(x[:1347], y[:1347], x[-450:], y[-450:])


def trained() -> Net:
    """About a minute on one core; the same weights in every run."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    data, net = digits(), Net()
    x, y = torch.from_numpy(data.train), torch.from_numpy(data.train_labels)
    steps = _EPOCHS * (len(x) // _BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    for _ in range(_EPOCHS):
        order = torch.randperm(len(x))
        for at in range(len(x) // _BATCH):
            some = order[at * _BATCH : (at + 1) * _BATCH]
            optimizer.zero_grad()
            functional.cross_entropy(net(x[some]), y[some]).backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def float_labels(net: Net, x: Array) -> Array:
    with torch.no_grad():
        return net(torch.from_numpy(x)).argmax(1).numpy()
