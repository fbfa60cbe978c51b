"""Coded weights: nothing is lost, the choice is the smallest, and formats are found for what they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgekit.families import coding, prefix
from edgekit.families.coding import best, best_bytes, encoded
from edgekit.families.decoding import decoded
from edgekit.families.tokens import RUNS, grouped, tokens

_ALPHABETS = st.sampled_from(
    [[0], [7], [-128, 127], [0, 1], [-3, 0, 0, 0, 0, 5], list(range(-4, 4)), list(range(-128, 128)),
     [0] * 12 + list(range(-90, 100, 13))]
)  # fmt: skip


@st.composite
def layers(draw: st.DrawFn) -> np.ndarray:
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 40)))
    values = draw(_ALPHABETS)
    return draw(arrays(np.int8, shape, elements=st.sampled_from(values)))


def _read(coded: coding.Coded, shape: tuple[int, int]) -> np.ndarray:
    return decoded(coded.format, coded.code, coded.stream, *shape)


@settings(max_examples=80, deadline=None)
@given(layers())
def test_decoding_gives_back_every_weight(weights: np.ndarray) -> None:
    coded = best(weights)
    np.testing.assert_array_equal(_read(coded, weights.shape), weights)
    assert coded.format.window + coded.format.low + coded.format.place_bits <= 16


@settings(max_examples=60, deadline=None)
@given(layers(), st.sampled_from(RUNS), st.integers(0, 5), st.integers(1, 9))
def test_every_format_gives_back_every_weight(
    weights: np.ndarray, run: int, low: int, span: int
) -> None:
    for way in [tokens(weights, run), *grouped(weights)]:
        try:
            coded = encoded(way, low, min(span, len(weights)))
        except ValueError:  # more symbols than words of eight bits
            continue
        np.testing.assert_array_equal(_read(coded, weights.shape), weights)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=2, max_size=40), st.integers(6, 9))
def test_codes_are_complete_and_within_a_bit_of_the_entropy(counts: list[int], limit: int) -> None:
    c = np.array(counts)
    bits = prefix.lengths(c, limit)
    assert bits.max() <= limit
    assert (0.5 ** bits.astype(float)).sum() == 1
    free = prefix.lengths(c, 40)
    assert prefix.entropy(c) <= c @ free + 1e-6
    assert c @ free <= prefix.entropy(c) + c.sum()
    assert c @ free <= c @ bits


def test_a_code_of_too_few_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="5 symbols in 2 bits"):
        prefix.lengths(np.ones(5, np.int64), 2)


def _random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_usual_formats_are_found_by_their_bytes() -> None:
    rng = _random()
    even = rng.choice([-50, 3, 20, 71], (32, 64)).astype(np.int8)
    name, size = best_bytes(even)
    assert name == "2-bit indices"
    assert size <= 32 * 64 // 4 + 16

    mask = np.where(rng.random((32, 64)) < 0.5, 0, rng.choice([-9, 9], (32, 64))).astype(np.int8)
    name, size = best_bytes(mask)
    assert name == "mask and 1-bit indices"
    assert size <= 1.5 * 32 * 64 / 8 + 32

    one_of_four = np.zeros((32 * 16, 4), np.int8)
    one_of_four[np.arange(512), rng.integers(0, 4, 512)] = rng.choice([-9, -1, 9, 30], 512)
    name, size = best_bytes(one_of_four.reshape(32, 64))
    assert name == "1:4"
    assert size <= 32 * 64 // 8 + 16

    books = np.stack([rng.choice(rng.permutation(200)[:4] - 100, 256) for _ in range(32)])
    name, size = best_bytes(books.astype(np.int8))
    assert name == "2-bit indices in books"
    assert size <= 32 * (64 + 8) + 4


def test_noise_stays_as_it_is_and_four_bits_are_nibbles_at_most() -> None:
    noise = _random().integers(-128, 128, (16, 64)).astype(np.int8)
    assert best_bytes(noise) == ("plain", noise.size)
    assert best_bytes(noise >> 4)[1] <= noise.size // 2


def test_sparse_weights_come_close_to_their_entropy() -> None:
    """Runs of zeros do what no code of single weights can: less than a bit for each."""
    rng = _random()
    w = np.where(rng.random((128, 256)) < 0.85, 0, rng.integers(-3, 4, (128, 256))).astype(np.int8)
    bits = prefix.entropy(np.unique(w, return_counts=True)[1])
    assert 8 * best_bytes(w)[1] < 1.08 * bits < 0.95 * w.size
