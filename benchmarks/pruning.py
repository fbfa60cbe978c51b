"""Structured pruning with training, beside torch-pruning, random channels and narrow networks.

    python -m benchmarks.pruning [digits|mnist|cifar10]... [--rows NAME;...] [--write]

Trains the rows of the data sets named (all of their rows, or those of ``--rows``), keeps what was found in pruning.json,
and prints the table of all that is kept there; ``--write`` puts it into docs/COMPRESSION.md. Every row has the same data, epochs,
optimizer and seeds; the seed whose network is built is the most accurate on validation data, of equals the one of least loss; these data
are no part of training or test.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks import HERE
from benchmarks.__main__ import table
from benchmarks.pruning_nets import Case, Labelled, cifar10, digits, mnist
from benchmarks.sources import as_samples
from edgekit.build import Compiled, build
from edgekit.commands import reopen
from edgekit.compress.torch import Training, evaluate, finetune, narrowed, prune_module
from edgekit.compress.torch.macs import counter
from edgekit.compress.torch.narrow import merit
from edgekit.simulate import Simulator
from edgekit.validate.data import dequantize
from edgekit.validate.score import score

FIGURES, DOCUMENT = HERE / "pruning.json", HERE.parent / "docs" / "COMPRESSION.md"
START, END = "<!-- pruning: written by benchmarks.pruning -->", "<!-- /pruning -->"
CASES: dict[str, Callable[[], Case]] = {"digits": digits, "mnist": mnist, "cifar10": cifar10}
GOALS = {"digits": (0.5, 0.25), "mnist": (0.5, 0.25), "cifar10": (0.505,)}
SEEDS = {"digits": (0, 1, 2), "mnist": (0, 1, 2), "cifar10": (0, 1)}
CALIBRATION = 128


# A way to a smaller network: the case, the share of MACs and the training to a network and its MACs' share.
Way = Callable[[Case, float, Training], tuple[nn.Module, float]]


def base(case: Case, goal: float, training: Training) -> tuple[nn.Module, float]:
    return case.net, 1.0


def ours(**arguments: Any) -> Way:
    def make(case: Case, goal: float, training: Training) -> tuple[nn.Module, float]:
        taught = replace(training, teacher=case.net)
        pruned = prune_module(
            case.net, case.example, macs=goal, data=case.train, validation=case.validation,
            training=taught, seed=training.seed, **arguments,
        )  # fmt: skip
        return pruned.module, pruned.macs / pruned.macs_before

    return make


def control(case: Case, goal: float, training: Training) -> tuple[nn.Module, float]:
    assert case.pretrained is not None
    small = narrowed(case.net, case.example, macs=goal, seed=training.seed)
    whole = replace(training, teacher=case.net, epochs=case.pretrained + training.epochs)
    finetune(small.module, case.train, whole, validation=case.validation)
    return small.module, small.macs / small.macs_before


def torch_pruning(*, everywhere: bool) -> Way:
    """The peer's Taylor importance at once, then the same training, without a teacher as its examples do. One ratio for each
    layer may take half a percent of the MACs more: half of ResNet-20's channels leave 50.55 %, the next step 35.8 %."""

    def make(case: Case, goal: float, training: Training) -> tuple[nn.Module, float]:
        whole = counter(case.net, case.example).total()
        limit = (goal if everywhere else goal + 0.005) * whole
        low, high = 0.0, 0.95
        for _ in range(10):
            ratio = (low + high) / 2
            net = peer(case, ratio, everywhere=everywhere)
            fits = net is None or counter(net, case.example).total() <= limit
            low, high = (low, ratio) if fits else (ratio, high)
        net = peer(case, high, everywhere=everywhere)
        assert net is not None
        finetune(net, case.train, training, validation=case.validation)
        return net, counter(net, case.example).total() / whole

    return make


def peer(case: Case, ratio: float, *, everywhere: bool) -> nn.Module | None:
    """torch-pruning's result at a ratio of channels, or None where nothing is left. It prunes what this project finds can be pruned
    exactly: on all layers of ResNet-20, whose shortcuts pad channels, its network does not run."""
    import torch_pruning as tp

    from edgekit.compress.torch import couplings

    net = copy.deepcopy(case.net)
    free = {p.layer for c in couplings(net, case.example).found for p in c.side("out", "both")}
    tied = [
        layer
        for name, layer in net.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear) and name not in free
    ]
    pruner = tp.pruner.BasePruner(
        net, case.example, importance=tp.importance.TaylorImportance(), global_pruning=everywhere,
        pruning_ratio=ratio, round_to=4, ignored_layers=tied,
    )  # fmt: skip
    x, y = case.train
    for k in range(0, 512, 64):
        F.cross_entropy(net(x[k : k + 64]), y[k : k + 64]).backward()
    try:
        pruner.step()
        net.zero_grad()
        net(case.example)
    except (RuntimeError, ValueError, ZeroDivisionError):
        return None
    return net


ROWS: dict[str, Way] = {
    "float": base,
    "torch-pruning Taylor, one-shot, each layer": torch_pruning(everywhere=False),
    "torch-pruning Taylor, one-shot, global": torch_pruning(everywhere=True),
    "random, iterative, distilled": ours(importance="random"),
    "Taylor, one-shot, distilled": ours(schedule="one-shot"),
    "Taylor, iterative, distilled": ours(),
    "narrow from scratch, distilled": control,
}


def run(case: Case, make: Way, goal: float, seeds: tuple[int, ...]) -> dict[str, Any]:
    """The scores of every seed, and the chosen network's build."""
    found: list[tuple[tuple[float, float], dict[str, float], float, nn.Module]] = []
    for seed in seeds if make is not base else (0,):
        training = Training(
            epochs=case.epochs, learning_rate=case.rate, augment=case.augment, seed=seed
        )
        net, share = make(case, goal, training)
        scores = {name: evaluate(net, test) for name, test in case.tests.items()}
        found.append((merit(net, case.validation), scores, share, net))
        print(f"  seed {seed}: {share:.3f} {scores} validation {found[-1][0]}", file=sys.stderr)
    best = max(range(len(found)), key=lambda k: found[k][0])
    _, scores, share, net = found[best]
    return {
        "share": share,
        "tests": [f[1] for f in found],
        "validation": [f[0][0] for f in found],
        "chosen": best,
        "build": built(case, net),
    }


def built(case: Case, net: nn.Module) -> dict[str, Any]:
    """The bundle for a Cortex-M4: its accuracy, and what it takes."""
    keys = ("macs", "flash_bytes", "weights_bytes", "arena_bytes", "instructions", "bit_exact")
    with tempfile.TemporaryDirectory() as folder:
        report = build(
            net, example_inputs=case.example, calibration=case.train[0][:CALIBRATION].numpy(),
            target="cortex-m4", output=Path(folder) / "net",
        )  # fmt: skip
        stages = reopen(Path(folder) / "net")[1]
        int8 = {name: accuracy(stages, test) for name, test in case.tests.items()}
    return {key: report[key] for key in keys} | {"int8": int8}


def accuracy(stages: Compiled, test: Labelled) -> float:
    """Of the integer program, on the simulator, whose bytes the C has too."""
    samples = as_samples(stages, test[0].numpy(), test[1].numpy())
    (found,) = Simulator(stages.program).run(samples.arrays)
    out = stages.program.buffers[stages.program.outputs[0]]
    return score("top1", dequantize(found, out.quant).reshape(len(samples), -1), samples)


def wilson(right: float, count: int) -> float:
    """Half the width of the 95 % interval of a share (Wilson 1927)."""
    z = 1.96
    inner = right * (1 - right) / count + z * z / (4 * count * count)
    return z * math.sqrt(inner) / (1 + z * z / count)


HEADS = (
    "data", "row", "MACs", "test, each seed", "mean", "chosen", "half of 95 %", "int8", "flash", "weights",
    "arena", "instructions", "bit-exact",
)  # fmt: skip


def line(key: str, test: str, entry: dict[str, Any]) -> list[str]:
    """One line of the table: accuracies on the test data `test`, and what the chosen network takes."""
    scores, it = [scores[test] for scores in entry["tests"]], entry["build"]
    chosen = scores[entry["chosen"]]
    data, row = key.split(": ", 1)
    return [
        f"{data}, {test}" if test != "test" else data, row, f"{it['macs']:,} ({100 * entry['share']:.1f} %)",
        " ".join(f"{score:.4f}" for score in scores), f"{sum(scores) / len(scores):.4f}", f"{chosen:.4f}",
        f"{wilson(chosen, entry['counts'][test]):.4f}", f"{it['int8'][test]:.4f}",
        f"{it['flash_bytes']:,}", f"{it['weights_bytes']:,}", f"{it['arena_bytes']:,}",
        f"{it['instructions']:,}", "yes" if it["bit_exact"] else "NO",
    ]  # fmt: skip


def lines(figures: dict[str, Any]) -> list[list[str]]:
    return [line(key, test, entry) for key, entry in figures.items() for test in entry["counts"]]


def markdown(figures: dict[str, Any]) -> str:
    rows = [list(HEADS), ["---"] * len(HEADS), *lines(figures)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


OURS, CONTROL = "Taylor, iterative, distilled", "narrow from scratch, distilled"


def returned(figures: dict[str, Any]) -> list[str]:
    """By data and goal, which of pruned and narrow is better on validation data, as `prune_or_control` decides."""
    found = []
    for key, entry in figures.items():
        if f": {OURS}" not in key or (other := key.replace(OURS, CONTROL)) not in figures:
            continue
        pruned, narrow = max(entry["validation"]), max(figures[other]["validation"])
        better = (
            "pruned"
            if pruned > narrow
            else "narrow"
            if narrow > pruned
            else "equal, the loss decides"
        )
        name = key.replace(f": {OURS}", "")
        found.append(
            f"- {name}: pruned {pruned:.4f}, narrow {narrow:.4f} on validation data: {better}"
        )
    return found


def written(figures: dict[str, Any]) -> str:
    return markdown(figures) + "\n\n" + "\n".join(returned(figures))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", metavar="data")
    parser.add_argument("--rows", default=";".join(ROWS), help="separated by ;")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for name in given.data:
        case = CASES[name]()
        for row in given.rows.split(";"):
            if case.pretrained is None and ROWS[row] is control:
                continue  # Nobody knows how long it was trained.
            for goal in GOALS[name] if row != "float" else (1.0,):
                key = f"{name}: {row}" + (f", {goal:.0%}" if row != "float" else "")
                print(key, file=sys.stderr)
                entry = run(case, ROWS[row], goal, SEEDS[name])
                keep(key, entry | {"counts": {n: len(t[1]) for n, t in case.tests.items()}})
    figures = kept()
    print(table(HEADS, lines(figures)), *returned(figures), sep="\n")
    if given.write:
        before, _, rest = DOCUMENT.read_text().partition(START)
        DOCUMENT.write_text(
            f"{before}{START}\n\n{written(figures)}\n\n{END}{rest.partition(END)[2]}"
        )
    return 0


def kept() -> dict[str, Any]:
    """What was found so far, in the order of the rows."""
    figures: dict[str, Any] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    order = {f"{name}: {row}": (a, b) for a, name in enumerate(CASES) for b, row in enumerate(ROWS)}
    return dict(sorted(figures.items(), key=lambda item: order_of(item[0], order)))


def order_of(key: str, order: dict[str, tuple[int, int]]) -> tuple[int, int, float]:
    goal = float(key.rpartition(", ")[2].rstrip("%")) if key.endswith("%") else 100.0
    name = key.rpartition(", ")[0] if key.endswith("%") else key
    return order[name][0], -int(goal), order[name][1]


def keep(key: str, entry: dict[str, Any]) -> None:
    """Add one row to what is kept, which another run may have added to in the meantime."""
    FIGURES.write_text(json.dumps(kept() | {key: entry}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
