"""Properties of the offset planner: no overlap, the bound is a bound, chains are optimal."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.plan.offsets import Block, live_bytes, place

STEPS = 12


@st.composite
def block_lists(draw: st.DrawFn) -> list[Block]:
    count = draw(st.integers(1, 14))
    blocks = []
    for i in range(count):
        start = draw(st.integers(0, STEPS - 1))
        end = draw(st.integers(start, STEPS - 1))
        blocks.append(Block(f"b{i}", draw(st.integers(1, 64)) * 4, start, end))
    return blocks


@settings(deadline=None, max_examples=200)
@given(block_lists())
def test_live_blocks_never_overlap(blocks: list[Block]) -> None:
    bound = max(live_bytes(blocks, STEPS))
    found = place(blocks, bound)
    for a, b in itertools.combinations(blocks, 2):
        if a.start <= b.end and b.start <= a.end:
            low, high = sorted((a, b), key=lambda x: found.offset[x.name])
            assert found.offset[low.name] + low.size <= found.offset[high.name]
    assert found.peak == max(found.offset[b.name] + b.size for b in blocks)
    assert found.peak >= bound


@settings(deadline=None)
@given(st.lists(st.integers(1, 200), min_size=2, max_size=20))
def test_a_chain_of_layers_reaches_the_bound(sizes: list[int]) -> None:
    """Layer i writes tensor i and reads tensor i - 1: two alive at a time, the bound is reachable."""
    blocks = [Block(f"t{i}", size, i, i + 1) for i, size in enumerate(sizes)]
    bound = max(live_bytes(blocks, len(sizes) + 1))
    assert place(blocks, bound).peak == bound


def test_the_placement_repeats() -> None:
    blocks = [Block(f"b{i}", 4 * (7 * i % 11 + 1), i % 5, i % 5 + i % 3) for i in range(12)]
    assert place(blocks, 0) == place(list(reversed(blocks)), 0)
