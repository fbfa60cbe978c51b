"""The table of docs/COMPRESSION.md is what `benchmarks.pruning` kept, and what it kept meets the bars."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("torch_pruning")
from benchmarks.pruning import CONTROL, DOCUMENT, END, OURS, START, kept, written

# data and goal: how far below the original's accuracy on the test data, in points
BARS = {
    ("digits", "50%"): 0.8,
    ("digits", "25%"): 1.5,
    ("mnist", "50%"): 0.8,
    ("mnist", "25%"): 2.5,
}


def test_the_document_has_what_was_kept() -> None:
    text = DOCUMENT.read_text().partition(START)[2].partition(END)[0]
    assert text.strip() == written(kept())


@pytest.mark.parametrize(("data", "goal"), BARS)
def test_accuracy_lost_by_the_mean_of_the_seeds(data: str, goal: str) -> None:
    figures = kept()
    original = figures[f"{data}: float"]["tests"][0]["test"]
    scores = [scores["test"] for scores in figures[f"{data}: {OURS}, {goal}"]["tests"]]
    assert sum(scores) / len(scores) >= original - BARS[data, goal] / 100
    assert figures[f"{data}: {OURS}, {goal}"]["share"] <= float(goal.rstrip("%")) / 100


def test_a_point_more_than_the_peer_on_cifar10() -> None:
    figures = kept()
    for test in ("jpeg 1000", "ic01 200"):

        def mean(row: str, test: str = test) -> float:
            scores = [s[test] for s in figures[f"cifar10: {row}, 50%"]["tests"]]
            return sum(scores) / len(scores)

        assert mean(OURS) >= mean("torch-pruning Taylor, one-shot, global") + 0.01


def test_what_is_claimed_is_flashed() -> None:
    """Every network of fewer MACs is an exact bundle with fewer bytes and instructions than its original."""
    figures = kept()
    for key, entry in figures.items():
        data, row = key.split(": ", 1)
        if row == "float":
            continue
        before, after = figures[f"{data}: float"]["build"], entry["build"]
        assert after["bit_exact"], key
        if data != "cifar10":  # Of whose original the build has dropped constant channels already.
            assert abs(after["macs"] / before["macs"] - entry["share"]) < 1e-3, key
        for what in ("macs", "flash_bytes", "weights_bytes", "instructions"):
            assert after[what] < before[what], (key, what)
        assert after["arena_bytes"] <= before["arena_bytes"], key
    assert any(CONTROL in key for key in figures)
