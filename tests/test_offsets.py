"""The offset planner: placements are valid and optimal where it says so; both searches are one."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, shared
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data import data_dir
from edgekit.errors import EdgekitError
from edgekit.plan import canonical, greedy, native
from edgekit.plan.canonical import FOUND, NONE, Instance
from edgekit.plan.offsets import place
from edgekit.plan.problem import (
    Block,
    live_bytes,
    lower_bound,
    peak_of,
    round_up,
    sections,
    split,
    verify,
)
from edgekit.target import load_target
from edgekit.toolchain import find_compiler, locate

sys.path.insert(0, str(ROOT))
from benchmarks.minimalloc import CAPACITY, concatenated, instance, large

STEPS = 12


@st.composite
def block_lists(draw: st.DrawFn, most: int = 14, aligned: bool = True) -> list[Block]:
    blocks = []
    for i in range(draw(st.integers(1, most))):
        start = draw(st.integers(0, STEPS - 1))
        end = draw(st.integers(start + 1, STEPS))
        align = draw(st.sampled_from([1, 1, 4, 6])) if aligned else 1
        blocks.append(Block(f"b{i}", draw(st.integers(1, 40)), start, end, align))
    return blocks


def assert_valid(blocks: list[Block], offset: dict[str, int]) -> None:
    """Pair by pair, knowing nothing of `problem.verify`."""
    assert set(offset) == {b.name for b in blocks}
    assert all(offset[b.name] >= 0 and offset[b.name] % b.align == 0 for b in blocks)
    for a, b in itertools.combinations(blocks, 2):
        if a.start < b.end and b.start < a.end:
            low, high = sorted((a, b), key=lambda x: offset[x.name])
            assert offset[low.name] + low.size <= offset[high.name]


def best_peak(blocks: list[Block]) -> int:
    """The least peak: every placement can be pushed down to one that some order builds upwards."""
    best = sum(b.size + b.align for b in blocks)
    for order in itertools.permutations(blocks):
        top: list[tuple[Block, int]] = []
        for block in order:
            low = max((high for other, high in top if other.meets(block)), default=0)
            top.append((block, round_up(low, block.align) + block.size))
        best = min(best, max(high for _, high in top))
    return best


@settings(deadline=None, max_examples=200)
@given(block_lists())
def test_live_blocks_never_overlap(blocks: list[Block]) -> None:
    found = place(blocks)
    assert_valid(blocks, found.offset)
    assert found.peak == max(found.offset[b.name] + b.size for b in blocks)
    assert found.bound == max(live_bytes(blocks, STEPS))
    assert found.bound <= found.proved <= found.peak


@settings(deadline=None, max_examples=150)
@given(block_lists(most=6))
def test_small_problems_are_solved_to_the_optimum(blocks: list[Block]) -> None:
    found = place(blocks)
    assert found.peak == found.proved == best_peak(blocks)
    assert found.certificate


def test_a_proof_above_the_bound_is_a_certificate() -> None:
    """Only one of the two-byte blocks can be on top; the other one wastes two bytes."""
    blocks = [Block("a", 2, 0, 2, 4), Block("b", 4, 0, 2, 4), Block("c", 2, 0, 2, 4)]
    found = place(blocks)
    assert (found.bound, found.peak, found.gap) == (8, 10, 0)
    assert found.certificate == "exhausted search"
    assert found.nodes > 0


@settings(deadline=None)
@given(st.lists(st.integers(1, 200), min_size=2, max_size=20))
def test_a_chain_of_layers_reaches_the_bound(sizes: list[int]) -> None:
    """Layer i writes tensor i and reads tensor i - 1: two alive at a time, the bound is reachable."""
    blocks = [Block(f"t{i}", size, i, i + 2) for i, size in enumerate(sizes)]
    found = place(blocks)
    assert found.peak == found.bound
    assert found.certificate == "bound reached"


@settings(deadline=None, max_examples=50)
@given(block_lists(), st.randoms(use_true_random=False))
def test_the_placement_repeats(blocks: list[Block], rng: random.Random) -> None:
    found = place(blocks)
    rng.shuffle(blocks)
    assert place(blocks) == found


def test_nothing_and_empty_blocks_need_nothing() -> None:
    assert place([]).peak == 0
    found = place([Block("none", 0, 0, 3), Block("some", 8, 1, 2)])
    assert found.offset == {"none": 0, "some": 0}


@pytest.mark.parametrize(
    ("size", "start", "end", "align"), [(1, 2, 2, 1), (-1, 0, 1, 1), (1, 0, 1, 0)]
)
def test_impossible_blocks_are_refused(size: int, start: int, end: int, align: int) -> None:
    with pytest.raises(ValueError):
        Block("x", size, start, end, align)


def test_a_wrong_placement_is_caught() -> None:
    blocks = [Block("a", 4, 0, 2), Block("b", 4, 1, 3)]
    verify(blocks, {"a": 0, "b": 4})
    for offset in ({"a": 0, "b": 3}, {"a": 0, "b": -4}):
        with pytest.raises(EdgekitError, match="EK402"):
            verify(blocks, offset)


@settings(deadline=None)
@given(block_lists())
def test_sections_keep_the_conflicts(blocks: list[Block]) -> None:
    spans, count = sections(blocks)
    assert all(0 <= first < last <= count for first, last in spans)
    for (a, (s, e)), (b, (t, f)) in itertools.combinations(zip(blocks, spans, strict=True), 2):
        assert a.meets(b) == (s < f and t < e)


@settings(deadline=None, max_examples=50)
@given(block_lists(), block_lists())
def test_parts_between_time_cuts_are_placed_apart(left: list[Block], right: list[Block]) -> None:
    later = [Block(f"r{b.name}", b.size, b.start + STEPS, b.end + STEPS, b.align) for b in right]
    parts = split(left + later)
    assert len(parts) == len(split(left)) + len(split(later))
    for a, b in itertools.combinations(parts, 2):
        assert not any(x.meets(y) for x in a for y in b)
    assert place(left + later).peak == max(place(left).peak, place(later).peak)


def test_a_peak_that_is_enough_ends_the_search() -> None:
    blocks = [Block("a", 2, 0, 2, 4), Block("b", 4, 0, 2, 4), Block("c", 2, 0, 2, 4)]
    found = place(blocks, enough=12)
    assert found.nodes == 0
    assert found.peak <= 12
    assert found.gap == found.peak - found.bound


@settings(deadline=None, max_examples=100)
@given(block_lists(), st.booleans())
def test_greedy_passes_and_the_local_search_are_valid(blocks: list[Block], best: bool) -> None:
    offset = greedy.fit(blocks, best=best)
    assert_valid(blocks, offset)
    climbed = greedy.climb(blocks, offset, lower_bound(blocks), tries=20)
    assert_valid(blocks, climbed)
    assert peak_of(blocks, climbed) <= peak_of(blocks, offset)


def program() -> Path:
    path = native.program()
    if path is None:
        pytest.skip("no compiler on this machine")
    return path


@settings(deadline=None, max_examples=150)
@given(block_lists(), st.integers(-4, 20), st.sampled_from([3, 40, 4000]), st.booleans())
def test_the_twins_visit_the_same_nodes(
    blocks: list[Block], above: int, limit: int, dynamic: bool
) -> None:
    instance, capacity = Instance.of(blocks), lower_bound(blocks) + above
    python = canonical.explore(instance, capacity, limit, dynamic)
    assert native.explore(program(), instance, capacity, limit, dynamic) == python
    if python.status == NONE:
        assert python.next > capacity
    if python.status == FOUND:
        names = [b.name for b in instance.blocks]
        assert_valid(blocks, dict(zip(names, python.offsets, strict=True)))


@pytest.mark.parametrize("kind", ["gcc", "clang", "zig"])
def test_every_compiler_takes_the_search_and_sanitizers_find_nothing(
    kind: str, tmp_path: Path
) -> None:
    host = load_target("host")
    if not any(locate(tool) for tool in host.toolchains if tool.kind == kind):
        pytest.skip(f"{kind} is not installed")
    compiler, source = find_compiler(host, kind), data_dir("runtime") / "tools" / "offsets.c"
    # zig ships no sanitizer's library
    checks = [] if kind == "zig" else ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    objects = compiler.compile([source], tmp_path, flags=checks)
    path = compiler.link(objects, tmp_path / "offsets", flags=checks)
    instance, capacity = Instance.of(hard_blocks()), lower_bound(hard_blocks())
    for above, dynamic in itertools.product((0, 4, 40), (False, True)):
        want = canonical.explore(instance, capacity + above, 2000, dynamic)
        assert native.explore(path, instance, capacity + above, 2000, dynamic) == want


@settings(deadline=None, max_examples=100)
@given(block_lists(most=6), st.booleans())
def test_capacities_deepen_to_the_optimum(blocks: list[Block], dynamic: bool) -> None:
    """From the bound, each next capacity is not above the optimum, and the search ends there."""
    capacity, best = lower_bound(blocks), best_peak(blocks)
    while True:
        outcome = canonical.explore(Instance.of(blocks), capacity, 10**6, dynamic)
        if outcome.status == FOUND:
            break
        assert capacity < outcome.next <= best
        capacity = outcome.next
    assert capacity == best


def hard_blocks() -> list[Block]:
    """Aligned blocks that no placement puts at the bound, which takes some thousand nodes to prove."""
    rng = random.Random(1)
    starts = [rng.randrange(20) for _ in range(16)]
    return [
        Block(f"b{i}", rng.randrange(1, 90), start, start + rng.randrange(1, 12), 4)
        for i, start in enumerate(starts)
    ]


def test_without_a_compiler_the_twin_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = place(hard_blocks())
    assert compiled.certificate == "exhausted search"
    monkeypatch.setattr(native, "program", lambda: None)
    found = place(hard_blocks())
    assert_valid(hard_blocks(), found.offset)
    assert found.nodes > 0
    assert (found.peak, found.proved) == (compiled.peak, compiled.proved)


def test_a_search_that_the_clock_stopped_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    path = program()

    def late(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("offsets", 0)

    monkeypatch.setattr(native, "program", lambda: path)
    monkeypatch.setattr(subprocess, "run", late)
    found = place(hard_blocks())
    assert_valid(hard_blocks(), found.offset)
    assert "stopped by the clock" in found.method


def test_a_search_that_fails_is_an_error() -> None:
    with pytest.raises(EdgekitError, match="EK901"):
        native.explore(Path(sys.executable), Instance.of(hard_blocks()), 1, 1, False)


def test_the_prover_closes_what_the_search_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ortools")
    found = place(hard_blocks(), work=1, prove=True)
    assert_valid(hard_blocks(), found.offset)
    assert found.gap == 0
    assert found.peak == place(hard_blocks()).peak
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    with pytest.raises(EdgekitError, match="EK504"):
        place(hard_blocks(), work=1, prove=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", "ABCDEFGHIJK")
def test_published_instances_are_solved(name: str) -> None:
    shared("minimalloc")
    blocks = instance(name)
    found = place(blocks, enough=CAPACITY)
    assert_valid(blocks, found.offset)
    assert found.peak <= CAPACITY


@pytest.mark.slow
@pytest.mark.parametrize("name", "ACEI")
def test_the_twins_agree_on_published_instances(name: str) -> None:
    shared("minimalloc")
    instance_ = Instance.of(instance(name))
    for dynamic in (False, True):
        python = canonical.explore(instance_, CAPACITY, 600, dynamic)
        assert native.explore(program(), instance_, CAPACITY, 600, dynamic) == python


@pytest.mark.slow
def test_instance_c_is_proved_optimal() -> None:
    shared("minimalloc")
    found = place(instance("C"))
    assert (found.peak, found.certificate) == (1_039_360, "bound reached")


@pytest.mark.slow
def test_instances_one_after_the_other_split_at_the_cuts() -> None:
    shared("minimalloc")
    blocks = concatenated("GHJK")
    found = place(blocks)
    assert_valid(blocks, found.offset)
    assert (found.peak, found.gap) == (CAPACITY, 0)


@pytest.mark.slow
def test_ten_thousand_blocks_are_planned_with_their_gap() -> None:
    found = place(large())
    assert found.gap == found.peak - lower_bound(large()) > 0
    assert found.peak <= 1.1 * found.bound
