"""Prefix codes of bounded length, and streams of bits in 16-bit words, the first bit the highest.

A code is complete: its words of at most `window` bits, each followed by every continuation, are all the
numbers of `window` bits. So a decoder needs no search, one look into a table finds the next symbol.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def lengths(counts: Ints, limit: int) -> Ints:
    """Bits of each symbol's word, at most `limit`, such that the sum over `counts` is the smallest.

    Package-merge (Larmore and Hirschberg 1990): in each of `limit` rounds the cheapest coins and pairs of
    the round before; a symbol's length is how many rounds its coin is bought in. A lone symbol has a
    word of no bits. Raises ValueError where `limit` bits cannot tell the symbols apart.
    """
    n = len(counts)
    if n > 1 << limit:
        raise ValueError(f"{n} symbols in {limit} bits")
    if n == 1:
        return np.zeros(1, np.int64)
    order = np.argsort(counts, kind="stable")
    coins, pairs = np.sort(counts), np.zeros(0, np.int64)
    rounds = []
    for _ in range(limit):
        both = np.concatenate([coins, pairs])
        ranked = np.argsort(both, kind="stable")
        rounds.append(ranked < n)
        costs = both[ranked]
        pairs = costs[: len(costs) // 2 * 2].reshape(-1, 2).sum(axis=1)
    found, taken = np.zeros(n, np.int64), 2 * n - 2
    for is_coin in reversed(rounds):
        bought = int(is_coin[:taken].sum())
        found[:bought] += 1
        taken = 2 * (taken - bought)
    bits = np.empty(n, np.int64)
    bits[order] = found
    return bits


def words(bits: Ints) -> Ints:
    """The canonical words of symbols in order, whose lengths do not fall."""
    made, word, before = np.zeros(len(bits), np.int64), 0, 0
    for i, length in enumerate(bits.tolist()):
        word <<= length - before
        made[i] = word
        word, before = word + 1, length
    return made


def entropy(counts: Ints) -> float:
    """Bits that no code of single symbols is below: ``sum c log2(n / c)``, counts along the last axis."""
    c = counts.astype(np.float64)
    total = c.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(c > 0, c * np.log2(total / c), 0.0)
    return float(terms.sum())


def packed(values: Ints, bits: Ints) -> NDArray[np.uint16]:
    """A stream of numbers, each of so many bits, and a word of zeros behind it: decoders read ahead."""
    ends = np.cumsum(bits)
    total = int(ends[-1]) if len(ends) else 0
    stream = np.zeros(-(-total // 16) * 16 + 16, np.uint8)
    for i in range(int(bits.max(initial=0))):
        there = bits > i
        stream[ends[there] - 1 - i] = values[there] >> i & 1
    return np.packbits(stream).view(">u2").astype(np.uint16)


class Reader:
    """A stream's bits from the first on, as runtime/include/ek_code.h reads them: never more than 16 between
    two calls of `fill`, which keeps at least so many ahead."""

    def __init__(self, stream: NDArray[np.uint16]) -> None:
        self._words = iter(stream.tolist())
        self._bits = self._left = 0

    def fill(self) -> None:
        if self._left < 16:
            self._bits = self._bits << 16 | next(self._words)
            self._left += 16

    def peek(self, n: int) -> int:
        return self._bits >> self._left - n

    def skip(self, n: int) -> None:
        self._left -= n
        self._bits &= (1 << self._left) - 1

    def take(self, n: int) -> int:
        found = self.peek(n)
        self.skip(n)
        return found
