"""Models score on real data what their README says: the recorded scores, and some of them anew."""

from __future__ import annotations

import sys

import pytest
from conftest import ROOT, shared

sys.path.insert(0, str(ROOT))

from benchmarks.scores import BY_KEY, DOCUMENT, TASKS, Score, document, recorded, scored

# What takes a CPU longer than a few seconds is only recorded.
QUICK = ["sww", "micro_speech", "vad", "alexa", "ecg5000", "ecg5000 float"]
LARGER = ["coral uint8", "person detection", "mnist_lstm, reset"]


def holds(key: str, score: Score) -> None:
    """Near the reference kernels and the README; what is not quantized here has their very bytes."""
    task = BY_KEY[key]
    allowed = task.allowed(score.samples) + 1e-9
    assert abs(score.integer - score.reference) <= allowed
    assert task.distance(score.integer) <= allowed
    assert task.distance(score.reference) <= allowed
    assert score.differ == (-1 if task.kind == "float" else 0)


@pytest.mark.parametrize("key", BY_KEY)
def test_recorded_scores_are_near_the_readme(key: str) -> None:
    holds(key, recorded()[key])


def test_the_document_says_what_was_recorded() -> None:
    scores = recorded()
    assert list(scores) == [task.key for task in TASKS]
    assert DOCUMENT.read_text() == document(scores)


@pytest.mark.slow
@pytest.mark.parametrize("key", [*QUICK, *LARGER])
def test_scores_anew(key: str) -> None:
    shared("models")
    score = scored(key)
    holds(key, score)
    assert score == recorded()[key]
