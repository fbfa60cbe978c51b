"""How flash holds the int8 numbers of a layer in fewer bytes: the format, and its choice. Lossless.

A layer is `channels` rows of `taps` weights, one stream of bits. It is made of tokens: a word of a prefix
code, which says how many zeros come first and then which value, and `low` bits of that value as they are.
With a group of taps each token begins with its value's place among these, and all others are 0.
What is a format elsewhere is a code of its own here: words of equal length are indices into a book, a
word of one bit for zero is a mask in front of values, a group with few values is N:M. So one decoder
(runtime/include/ek_code.h) serves all of them, and what is cheapest is found by counting.

A code is a list of symbols, shortest word first: value in the low byte, four bits of its word's length, four of
its zeros. A decoder lays them out in a table of 2^window entries; every `span` channels have a code
of their own, which ends where its table is full.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgekit.families import prefix
from edgekit.families.prefix import Ints
from edgekit.families.tokens import RUNS, Tokens, grouped, tokens

Weights = NDArray[np.int8]
Words = NDArray[np.uint16]

MOST_WINDOW = 7  # bits: a table of 256 bytes
_TOKEN_BITS = 16  # at most, so that a decoder fills up once a token
_EXACT = 6  # candidates, by their entropies, that are coded to be compared


@dataclass(frozen=True)
class Format:
    """What a decoder has to know. group: taps that share their places, 0 where none do, of which `kept`
    are written; span: channels that share a code."""

    window: int
    low: int = 0
    group: int = 0
    kept: int = 0
    span: int = 1

    @property
    def place_bits(self) -> int:
        return (self.group - 1).bit_length() if self.group else 0


@dataclass(frozen=True, eq=False)
class Coded:
    """A layer as flash holds it: its codes one after the other, its stream, and how many tokens that has."""

    format: Format
    code: Words
    stream: Words
    tokens: int

    @property
    def nbytes(self) -> int:
        return self.code.nbytes + self.stream.nbytes

    @property
    def name(self) -> str:
        """What it amounts to, in the usual words."""
        length, run = self.code >> 8 & 15, self.code >> 12
        value, low = self.code.astype(np.uint8).view(np.int8), self.format.low
        if self.format.group:
            return f"{self.format.kept}:{self.format.group}"
        books = "" if len(self.code) == _entries(self.format, self.code) else " in books"
        if not run.any() and not low:
            if (length == length[0]).all():
                return f"{int(length[0])}-bit indices{books}"
            others = length[value != 0]
            if (length[value == 0] == 1).all() and len(others) and (others == others[0]).all():
                return f"mask and {int(others[0]) - 1}-bit indices{books}"
        more = [f"runs of {int(run.max())}"] if run.any() else []
        more += [f"{low} low bits"] if low else []
        return ", ".join(["prefix code", *more]) + books


def _entries(fmt: Format, code: Words) -> int:
    """Symbols of the first code."""
    filled = np.cumsum(1 << (fmt.window - (code >> 8 & 15).astype(np.int64)))
    return int(np.searchsorted(filled, 1 << fmt.window)) + 1


def best_bytes(weights: Weights) -> tuple[str, int]:
    """The smallest storage of weights [channels, taps]: its name, and the bytes of stream and codes."""
    flat = weights.reshape(len(weights), -1)
    ways = [("plain", flat.size)]
    if flat.size and flat.min() >= -8 and flat.max() <= 7:
        ways.append(("nibbles", -(-len(flat) // 2) * flat.shape[1]))
    if flat.size:
        coded = best(flat)
        ways.append((coded.name, coded.nbytes))
    return min(ways, key=lambda way: way[1])


def best(weights: Weights) -> Coded:
    """The code of the fewest bytes for weights [channels, taps], neither of them 0."""
    return _best(weights.shape, np.ascontiguousarray(weights, np.int8).tobytes())


@lru_cache(maxsize=256)
def _best(shape: tuple[int, int], data: bytes) -> Coded:
    weights = np.frombuffer(data, np.int8).reshape(shape)
    possible = (c for c in _candidates(weights) if np.isfinite(c[0]))
    rough = sorted(possible, key=lambda c: c[0])[:_EXACT]
    return min((encoded(t, low, span) for _, t, low, span in rough), key=lambda c: c.nbytes)


def _candidates(weights: Weights) -> Iterator[tuple[float, Tokens, int, int]]:
    """Ways to code: bits by entropy, tokens, low bits, channels a code."""
    channels = len(weights)
    ways = [tokens(weights, run) for run in (RUNS if (weights == 0).any() else RUNS[:1])]
    ways += grouped(weights)
    for way in ways:
        for low in range(6):
            yield _rough_bits(way, low, channels), way, low, channels
    for span in (1, 2, 4, 8, 16):
        if span < channels:
            yield _rough_bits(ways[0], 0, span), ways[0], 0, span


def _rough_bits(way: Tokens, low: int, span: int) -> float:
    counts = np.bincount(_symbols(way, low) + (way.channel // span << 12))
    counts = np.pad(counts, (0, -len(counts) % 4096)).reshape(-1, 4096)
    used = (counts > 0).sum(axis=1)
    if used.max() > 1 << MOST_WINDOW:
        return np.inf  # more symbols than words
    bits = prefix.entropy(counts) + 16 * int(used.sum())
    return bits + len(way.value) * (low + way.place_bits)


def _symbols(way: Tokens, low: int) -> Ints:
    """Zeros and value of each token as one number of 12 bits, the value without its low bits."""
    return way.run << 8 | (way.value >> low << low & 0xFF)


def encoded(way: Tokens, low: int, span: int) -> Coded:
    """Tokens as a stream. low: bits of a value that no word says; span: channels that share a code."""
    keys, owner = _symbols(way, low), way.channel // span
    most = min(MOST_WINDOW, _TOKEN_BITS - low - way.place_bits)
    codes, word, bits = [], np.zeros_like(keys), np.zeros_like(keys)
    for k in range(int(owner.max()) + 1):
        mine = owner == k
        used, index, counts = np.unique(keys[mine], return_inverse=True, return_counts=True)
        length = _short(counts.astype(np.int64), most)
        order = np.lexsort((used, length))
        made = np.zeros_like(used)
        made[order] = prefix.words(length[order])
        word[mine], bits[mine] = made[index.reshape(-1)], length[index.reshape(-1)]
        codes.append((used >> 8 << 12 | length << 8 | used & 0xFF)[order])
    fields = [(way.place, np.full_like(bits, way.place_bits)), (word, bits),
              (way.value & ((1 << low) - 1), np.full_like(bits, low))]  # fmt: skip
    values = np.stack([v for v, _ in fields], axis=1).reshape(-1)
    widths = np.stack([b for _, b in fields], axis=1).reshape(-1)
    stream = prefix.packed(values, widths)
    fmt = Format(max(1, int(bits.max())), low, way.group, way.kept, span)
    return Coded(fmt, np.concatenate(codes).astype(np.uint16), stream, len(keys))


def _short(counts: Ints, most: int) -> Ints:
    """Lengths of words; a table of half the size where it costs less than a 200th of the bits."""
    made = prefix.lengths(counts, most)
    bits = int(counts @ made)
    for limit in range(most - 1, 0, -1):
        if len(counts) > 1 << limit:
            break
        smaller = prefix.lengths(counts, limit)
        if int(counts @ smaller) > bits + bits // 200:
            break
        made = smaller
    return made
