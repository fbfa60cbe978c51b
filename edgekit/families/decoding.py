"""Weights from a stream of bits, as the kernels read them (runtime/include/ek_code.h): what the simulator runs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from edgekit.families.coding import Format, Weights
from edgekit.families.prefix import Reader


def decoded(fmt: Format, code: Any, stream: Any, channels: int, taps: int) -> Weights:
    """The weights [channels, taps] of a layer, from what flash holds."""
    key = np.asarray(code, np.uint16).tobytes(), np.asarray(stream, np.uint16).tobytes()
    return _decoded(fmt, *key, channels, taps)


@lru_cache(maxsize=256)
def _decoded(fmt: Format, code: bytes, stream: bytes, channels: int, taps: int) -> Weights:
    symbols, made = (
        iter(np.frombuffer(code, np.uint16).tolist()),
        np.zeros((channels, taps), np.int8),
    )
    reader = Reader(np.frombuffer(stream, np.uint16))
    table: list[int] = []
    for c in range(channels):
        if c % fmt.span == 0:
            table = _table(symbols, fmt.window)
        row, at = np.zeros(taps, np.int64), 0
        for base in range(0, taps, fmt.group) if fmt.group else ():
            for _ in range(fmt.kept):
                reader.fill()
                place = reader.take(fmt.place_bits)
                row[base + place] = _value(reader, table, fmt)[1]
        while at < taps and not fmt.group:
            reader.fill()
            zeros, value = _value(reader, table, fmt)
            row[at + zeros] = value
            at += zeros + 1
        made[c] = row.astype(np.uint8).view(np.int8)
    made.setflags(write=False)
    return made


def _table(symbols: Iterator[int], window: int) -> list[int]:
    """The next code as a table by the next `window` bits of a stream."""
    table: list[int] = []
    while len(table) < 1 << window:
        symbol = next(symbols)
        table += [symbol] * (1 << window - (symbol >> 8 & 15))
    return table


def _value(reader: Reader, table: list[int], fmt: Format) -> tuple[int, int]:
    """The zeros and the value of a token, as a byte."""
    symbol = table[reader.peek(fmt.window)]
    reader.skip(symbol >> 8 & 15)
    return symbol >> 12, symbol & 0xFF | reader.take(fmt.low)
