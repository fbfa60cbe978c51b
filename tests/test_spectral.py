"""The functions of spectra against numpy's own, at their ends and at random."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgekit.families import spectral
from edgekit.preprocess.mel import mel_filters

FULL = 2**30


def signals(n: int) -> np.ndarray:
    """Random, constant, alternating, pure and square, at the largest amplitude."""
    rng, k = np.random.default_rng(n), np.arange(n)
    turns = [
        np.cos(2 * np.pi * f * k / n + p) for f in (1, 3, n // 4, n // 2 - 1) for p in (0, 0.7, 1.6)
    ]
    rows = [
        *rng.integers(-FULL, FULL + 1, (8, n)),
        np.full(n, FULL),
        np.full(n, -FULL),
        np.where(k % 2, FULL, -FULL),
    ]
    rows += [np.rint(FULL * x) for x in turns] + [np.where(x > 0, FULL, -FULL) for x in turns]
    return np.array(rows, np.int64)


@pytest.mark.parametrize("n", [8, 16, 128, 512, 4096])
def test_spectrum_is_within_a_bit_a_pass_of_the_real_one(n: int) -> None:
    x = signals(n)
    re, im = spectral.spectrum(x, 0, n // 2 + 1)
    real = np.fft.rfft(x) / n
    assert np.abs(re - real.real).max() <= math.log2(n)
    assert np.abs(im - real.imag).max() <= math.log2(n)
    assert max(np.abs(re).max(), np.abs(im).max()) <= FULL + math.log2(n)
    part = spectral.spectrum(x, 1, 3)
    np.testing.assert_array_equal(part, (re[:, 1:4], im[:, 1:4]))


def test_no_pass_of_the_transform_leaves_int32(monkeypatch: pytest.MonkeyPatch) -> None:
    largest = 0
    whole = spectral._transform

    def watched(*arguments: object) -> object:
        nonlocal largest
        parts = whole(*arguments)  # type: ignore[arg-type]
        largest = max(largest, *(int(np.abs(part).max()) for part in parts))
        return parts

    monkeypatch.setattr(spectral, "_transform", watched)
    spectral.spectrum(np.sign(signals(64)) * FULL, 0, 33)
    assert FULL < largest < 2**31


def test_root_is_the_largest_that_fits() -> None:
    rng = np.random.default_rng(0)
    whole = np.concatenate([np.arange(70000), np.arange(2**16 - 9, 2**16) ** 2, [2**32 - 1]])
    assert [int(x) for x in spectral.root(whole)] == [math.isqrt(int(x)) for x in whole]
    large = np.concatenate([rng.integers(2**32, 2**62, 2000), 2 ** np.arange(32, 62), [2**62 - 1]])
    for x, r in zip(large.tolist(), spectral.root(large).tolist(), strict=True):
        assert r <= math.isqrt(x) < r + max(1, math.isqrt(x) >> 15) + 1


def test_log2_is_exact_to_the_interpolation() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([np.arange(1, 70000), rng.integers(1, 2**32, 70000), [2**32 - 1]])
    logs = spectral.log2(x, spectral.log_table())
    assert np.abs(logs / 2**24 - np.log2(x)).max() < 3e-5
    ordered = np.sort(x)
    assert (np.diff(spectral.log2(ordered, spectral.log_table())) >= 0).all()


def test_mel_filters_share_each_bin_between_neighbours() -> None:
    filters = mel_filters(40, 257, 16000, 20, 4000)
    inside = filters[3:120].sum(axis=1)
    assert filters.min() >= 0
    assert filters.max() <= 1
    np.testing.assert_allclose(inside[(filters[3:120] > 0).sum(axis=1) == 2], 1)
    assert not filters[0].any()
    assert not filters[129:].any()
