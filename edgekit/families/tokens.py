"""The weights of a layer as tokens, of which `coding` makes words: zeros and a value, or a value's place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.families.prefix import Ints

RUNS = (0, 1, 2, 3, 5, 7, 11, 15)  # zeros that a token may have before its value
_GROUPS = (4, 8, 16)  # taps


@dataclass(frozen=True, eq=False)
class Tokens:
    """In the order of the stream: zeros before each value, or its place in its group; the value; the
    channel it is of. group: taps, of which `kept` are written, or 0."""

    run: Ints
    place: Ints
    value: Ints
    channel: Ints
    group: int = 0
    kept: int = 0

    @property
    def place_bits(self) -> int:
        return (self.group - 1).bit_length() if self.group else 0


def tokens(weights: NDArray[np.int8], most: int) -> Tokens:
    """Weights [channels, taps] as values behind at most `most` zeros of the same channel.

    A longer run is cut into tokens of `most` zeros and the value 0; so is what a channel ends with.
    """
    taps = weights.shape[1]
    rows, columns = np.nonzero(np.pad(weights, ((0, 0), (0, 1)), constant_values=1))
    before = np.where(columns > 0, 0, -1)
    same = np.flatnonzero(rows[1:] == rows[:-1]) + 1
    before[:] = -1
    before[same] = columns[same - 1]
    zeros, last = columns - before - 1, columns == taps
    whole, rest = zeros // (most + 1), zeros % (most + 1)
    # The one behind a channel's end stands for its last zeros alone.
    count = whole + np.where(last, rest > 0, 1)
    end = np.cumsum(count) - 1
    run = np.full(int(count.sum()), most, np.int64)
    value = np.zeros(len(run), np.int64)
    ordinary, ragged = ~last, last & (rest > 0)
    run[end[ordinary]] = rest[ordinary]
    value[end[ordinary]] = weights[rows[ordinary], columns[ordinary]]
    run[end[ragged]] = rest[ragged] - 1
    return Tokens(run, np.zeros_like(run), value, np.repeat(rows, count).astype(np.int64))


def grouped(weights: NDArray[np.int8]) -> Iterator[Tokens]:
    """The same as groups of taps in which few are not 0, each written with its place."""
    channels, taps = weights.shape
    for group in _GROUPS:
        if taps % group:
            continue
        groups = weights.reshape(-1, group)
        kept = int((groups != 0).sum(axis=1).max())
        if not 0 < kept <= group // 2:
            continue
        # Those that are not 0 first, in order; where they are fewer, zeros at other places.
        place = np.argsort(groups == 0, axis=1, kind="stable")[:, :kept].astype(np.int64)
        value = np.take_along_axis(groups, place, axis=1).astype(np.int64).reshape(-1)
        owner = np.repeat(np.arange(channels), taps // group * kept)
        yield Tokens(np.zeros_like(value), place.reshape(-1), value, owner, group, kept)
