"""Names that a file repeats or lacks."""

from __future__ import annotations


def unique(name: str, taken: dict[str, int]) -> str:
    """`name`, or `name_1`, `name_2` ... where it is taken; `taken` holds the last number of each."""
    candidate = name
    while candidate in taken:
        taken[name] += 1
        candidate = f"{name}_{taken[name]}"
    taken[candidate] = 0
    return candidate
