"""The options of TensorFlow Lite's custom operators: a map of whole numbers in FlexBuffers' format.

Only what such options hold is read; everything else is None, and so is what leaves the buffer.
"""

from __future__ import annotations

from collections.abc import Iterator

_INT, _UINT, _INDIRECT_INT, _INDIRECT_UINT, _MAP, _BOOL = 1, 2, 6, 7, 9, 26
_LONGEST_KEY, _MOST_KEYS = 128, 256


def numbers(data: bytes) -> dict[str, int] | None:
    """The map at the root of a buffer, of which only whole numbers and booleans are kept; None for what
    is no map, or a damaged one."""
    try:
        return dict(_entries(data))
    except (IndexError, ValueError, UnicodeDecodeError):
        return None


def _entries(data: bytes) -> Iterator[tuple[str, int]]:
    width, kind = data[-1], data[-2]
    if kind >> 2 != _MAP:
        raise ValueError("no map")
    at = _reference(data, len(data) - 2 - width, width)
    width = 1 << (kind & 3)
    count = _unsigned(data, at - width, width)
    keys, key_width = (
        _reference(data, at - 3 * width, width),
        _unsigned(data, at - 2 * width, width),
    )
    if count > _MOST_KEYS:
        raise ValueError("too many keys")
    for i in range(count):
        key = _text(data, _reference(data, keys + i * key_width, key_width))
        value = _number(data, at + i * width, width, data[at + count * width + i])
        if value is not None:
            yield key, value


def _number(data: bytes, at: int, width: int, kind: int) -> int | None:
    if kind >> 2 in (_INDIRECT_INT, _INDIRECT_UINT):
        at, width = _reference(data, at, width), 1 << (kind & 3)
    if kind >> 2 in (_INT, _INDIRECT_INT):
        return int.from_bytes(_span(data, at, width), "little", signed=True)
    if kind >> 2 in (_UINT, _INDIRECT_UINT, _BOOL):
        return _unsigned(data, at, width)
    return None


def _text(data: bytes, at: int) -> str:
    end = data.index(0, at, at + _LONGEST_KEY)
    return data[at:end].decode()


def _reference(data: bytes, at: int, width: int) -> int:
    """Where an offset, which counts backwards from its own place, leads."""
    target = at - _unsigned(data, at, width)
    if target < 0:
        raise IndexError("before the buffer")
    return target


def _unsigned(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(_span(data, at, width), "little")


def _span(data: bytes, at: int, width: int) -> bytes:
    if at < 0 or width not in (1, 2, 4, 8) or at + width > len(data):
        raise IndexError("outside the buffer")
    return data[at : at + width]
