"""Metrics against values worked by hand, and against the properties that define them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.validate import metrics


def test_mismatches_and_max_abs_error_by_hand() -> None:
    a = np.array([[-128, 0], [127, 5]], np.int8)
    b = np.array([[127, 0], [127, 6]], np.int8)
    assert metrics.mismatches(a, b) == 2
    assert metrics.max_abs_error(a, b) == 255, "int8 differences must not wrap"
    assert metrics.max_abs_error(a[:0], b[:0]) == 0


def test_top1_takes_the_first_of_equals() -> None:
    outputs = np.array([[[1, 7, 7]], [[3, 2, 1]]], np.int8)
    np.testing.assert_array_equal(metrics.top1(outputs), [1, 0])
    assert metrics.accuracy(outputs, [1, 2]) == 0.5
    assert metrics.agreement_top1(outputs, outputs[::-1]) == 0


def test_auc_by_hand() -> None:
    # Pairs (positive, negative): 0.8 beats 0.3 and 0.5; 0.5 beats 0.3 and ties with 0.5.
    assert metrics.auc([0.3, 0.5, 0.5, 0.8], [0, 0, 1, 1]) == 3.5 / 4
    assert metrics.auc([0, 1], [0, 1]) == 1
    assert metrics.auc([1, 0], [0, 1]) == 0
    assert math.isnan(metrics.auc([1, 2], [1, 1]))


labelled = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({y for _, y in rows}) == 2
)


@given(labelled)
def test_auc_is_the_share_of_ordered_pairs(rows: list[tuple[int, bool]]) -> None:
    positive = [s for s, y in rows if y]
    negative = [s for s, y in rows if not y]
    won = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    scores, y = zip(*rows, strict=True)
    assert metrics.auc(scores, y) == pytest.approx(won / len(positive) / len(negative))


@given(labelled)
def test_auc_turns_round_with_the_scores(rows: list[tuple[int, bool]]) -> None:
    scores, y = (np.array(column) for column in zip(*rows, strict=True))
    assert metrics.auc(scores, y) == pytest.approx(1 - metrics.auc(-scores, y))
    assert metrics.auc(3 * scores + 1, y) == metrics.auc(scores, y)


def test_mse_and_mae_by_hand() -> None:
    assert metrics.mse([1, 2, 3], [1, 4, 0]) == pytest.approx(13 / 3)
    assert metrics.mae([1, 2, 3], [1, 4, 0]) == pytest.approx(5 / 3)
    assert metrics.mse(np.array([-128], np.int8), np.array([127], np.int8)) == 255**2


def test_sqnr_by_hand() -> None:
    # Signal 3^2 + 4^2 = 25, noise 0.5^2 = 0.25: a ratio of 100.
    assert metrics.sqnr_db([3, 4], [3, 4.5]) == pytest.approx(20)
    assert metrics.sqnr_db([3, 4], [3, 4]) == math.inf
    assert metrics.sqnr_db([0, 0], [1, 0]) == -math.inf


def test_sqnr_of_a_uniform_quantizer_gains_six_decibels_a_bit() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, 100_000)
    gains = [metrics.sqnr_db(x, np.round(x * 2**bits) / 2**bits) for bits in (6, 7, 8)]
    np.testing.assert_allclose(np.diff(gains), 20 * math.log10(2), atol=0.1)
