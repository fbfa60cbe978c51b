"""Damaged copies of a file: flipped bits, extreme integers, splices, zeroed and missing parts."""

from __future__ import annotations

import random
from collections.abc import Iterator

_EXTREMES = [
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x80",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\0",
    b"\1\0\0\0",
]
_STRUCTURE = 6000  # bytes at the ends of a file, where its tables lie rather than its weights


def mutants(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """`count` seeded mutants of `data`, each with 1 to 16 changes of one kind."""
    rng = random.Random(seed)
    for _ in range(count):
        changed = bytearray(data)
        kind = rng.choice(["bit", "byte", "extreme", "splice", "zero", "truncate"])
        for _ in range(rng.choice([1, 1, 2, 4, 16])):
            at = _position(rng, len(changed))
            if kind == "bit":
                changed[at] ^= 1 << rng.randrange(8)
            elif kind == "byte":
                changed[at] = rng.randrange(256)
            elif kind == "extreme":
                changed[at : at + 4] = rng.choice(_EXTREMES)
            elif kind == "splice":
                other = rng.randrange(len(changed))
                changed[at : at + 8] = changed[other : other + 8]
            elif kind == "zero":
                changed[at : at + rng.randrange(1, 64)] = bytes(rng.randrange(1, 64))
            elif len(changed) > 64:
                del changed[max(at, 64) :]
        yield bytes(changed)


def _position(rng: random.Random, size: int) -> int:
    near = min(size, _STRUCTURE)
    return rng.choice([rng.randrange(size), rng.randrange(near), size - 1 - rng.randrange(near)])
