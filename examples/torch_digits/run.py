"""Train a small network on scikit-learn's digits, then build it for two boards and check it there.

    python examples/torch_digits/run.py

One process from training to verified C: a PyTorch module goes into `edgekit.build` as it is.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

import edgekit
from edgekit import commands
from edgekit.screens import build_screen

TARGETS = ("stm32f446", "rpi4")
TRAINED_ON = 1347  # of 1797 images; the others are the test set
EPOCHS, BATCH = 40, 64
OUTPUT = Path("build") / "torch_digits"


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images [1797, 1, 8, 8] float32 in -1..1 and labels, shuffled with a fixed seed."""
    raw = load_digits()
    order = np.random.default_rng(0).permutation(len(raw.target))
    images = (raw.images[order, None] / 8.0 - 1.0).astype(np.float32)
    return images, raw.target[order]


def block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """A depthwise and a pointwise convolution, each with batch normalization and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        block(16, 32, stride=1),
        block(32, 48, stride=2),
        block(48, 64, stride=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


def train(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
    """AdamW with a one-cycle learning rate."""
    steps = -(-len(x) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, EPOCHS * steps)
    model.train()
    for _ in range(EPOCHS):
        for indices in torch.randperm(len(x)).split(BATCH):
            loss = nn.functional.cross_entropy(model(x[indices]), y[indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # batches of 64 small images are not worth the waiting of threads
    images, labels = digits()
    train_x, test_x = images[:TRAINED_ON], images[TRAINED_ON:]
    test_y = labels[TRAINED_ON:]
    model = network()
    start = time.monotonic()
    train(model, torch.from_numpy(train_x), torch.from_numpy(labels[:TRAINED_ON]))
    with torch.no_grad():
        guess = model(torch.from_numpy(test_x)).argmax(1).numpy()
    print(
        f"trained in {time.monotonic() - start:.0f} s, float accuracy {(guess == test_y).mean():.4f}\n"
    )

    OUTPUT.mkdir(parents=True, exist_ok=True)
    test_set = OUTPUT / "test.npz"
    np.savez(test_set, x=test_x, y=test_y)
    for target in TARGETS:
        bundle = OUTPUT / target
        report = edgekit.build(
            model,
            example_inputs=(torch.zeros(1, 1, 8, 8),),
            calibration=train_x[:256],
            target=target,
            name="digits",
            output=bundle,
        )
        print(build_screen(report))
        checked = commands.validate(bundle, data=test_set, place="emulator")
        print(
            f"accuracy float {checked['reference_accuracy']:.4f}, "
            f"integer on the emulated core {checked['accuracy']:.4f}, "
            f"{checked['mismatches']} bytes differ from the simulator\nwrote   {bundle}\n"
        )


if __name__ == "__main__":
    main()
