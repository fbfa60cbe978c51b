"""Groups of rows: which distances are forbidden, whole placements, and one search written twice."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data import data_dir
from edgekit.plan import native
from edgekit.plan.conflicts import Conflicts, fit, peak_of
from edgekit.plan.ejection import eject
from edgekit.plan.groups import Group, group, live_bytes
from edgekit.plan.placement import place_groups
from edgekit.target import load_target
from edgekit.toolchain import find_compiler, locate

END = 12


@st.composite
def grouped(draw: st.DrawFn, most: int = 9) -> list[Group]:
    """Groups of one to four parts, side by side or apart, with lives anywhere in 0..END."""
    found = []
    for number in range(draw(st.integers(1, most))):
        at, parts = 0, []
        for _ in range(draw(st.integers(1, 4))):
            size, start = draw(st.integers(1, 9)), draw(st.integers(0, END))
            parts.append((at, size, start, draw(st.integers(start, END))))
            at += size + draw(st.sampled_from([0, 0, 3]))
        found.append(group((f"g{number}", 0), parts, draw(st.sampled_from([1, 4]))))
    return found


def painted(g: Group, at: int, width: int) -> np.ndarray:
    """Which bytes at which times a group takes: [time, byte]."""
    taken = np.zeros((END + 1, width), bool)
    for low, size, start, end in zip(g.at + at, g.size, g.start, g.end, strict=True):
        taken[start : end + 1, low : low + size] = True
    return taken


@settings(deadline=None)
@given(grouped(2))
def test_forbidden_distances_are_those_at_which_bytes_are_shared(groups: list[Group]) -> None:
    conflicts, width = Conflicts(groups), 200
    for i, j in itertools.permutations(range(len(groups)), 2):
        others, low, high = conflicts.of[i]
        for distance in range(-60, 61):
            fixed, moved = painted(groups[j], 80, width), painted(groups[i], 80 + distance, width)
            said = bool(((low < distance) & (distance < high))[others == j].any())
            assert said == bool((fixed & moved).any())


@settings(deadline=None, max_examples=60)
@given(grouped())
def test_no_byte_is_taken_twice(groups: list[Group]) -> None:
    live = live_bytes(groups, END)
    placed = place_groups(groups, live)
    taken = np.zeros((END + 1, placed.peak), int)
    for g in groups:
        assert placed.offset[g.key] % g.align == 0
        taken += painted(g, placed.offset[g.key], placed.peak)
    assert taken.max() == 1
    assert placed.peak >= live.max()


@settings(deadline=None, max_examples=40)
@given(grouped(4))
def test_what_is_proved_is_true(groups: list[Group]) -> None:
    """Every placement of up to four groups below the proved peak has a clash."""
    placed = place_groups(groups, live_bytes(groups, END))
    below = min(placed.proved, placed.peak) - 1
    spots = [range(0, max(0, below - g.extent + 1), g.align) for g in groups]
    conflicts = Conflicts(groups)
    for offsets in itertools.islice(itertools.product(*spots), 500):
        assert clashes(conflicts, np.array(offsets))


def clashes(conflicts: Conflicts, offset: np.ndarray) -> bool:
    return any(
        bool(((low < offset[i] - offset[j]) & (offset[i] - offset[j] < high)).any())
        for i, (j, low, high) in enumerate(conflicts.of)
    )


WIDTH, LONG = 256, 40


def crowd(seed: int) -> list[Group]:
    """Groups cut from a full rectangle of WIDTH bytes and LONG times: they fit into it without a gap."""
    rng = np.random.default_rng(seed)
    found: list[Group] = []

    def cut(low: int, high: int, start: int, end: int, depth: int) -> None:
        if depth and rng.random() < 0.5 and high - low > 8:
            middle = low + 4 * int(rng.integers(1, (high - low) // 4))
            cut(low, middle, start, end, depth - 1)
            cut(middle, high, start, end, depth - 1)
        elif depth and end - start > 1:
            middle = int(rng.integers(start, end))
            cut(low, high, start, middle, depth - 1)
            cut(low, high, middle + 1, end, depth - 1)
        else:
            found.append(group((f"g{len(found)}", 0), [(0, high - low, start, end)], 4))

    cut(0, WIDTH, 0, LONG, 6)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_the_compiled_search_makes_the_moves_of_its_twin(seed: int) -> None:
    path = native.ejector()
    if path is None:
        pytest.skip("no compiler")
    groups = crowd(seed)
    conflicts = Conflicts(groups)
    order = sorted(range(len(groups)), key=lambda i: groups[i].key)
    for capacity in (WIDTH, WIDTH + 8):
        start = fit(conflicts, order, {0}, capacity)
        mine, made = eject(conflicts, start, capacity, 300, range(seed, seed + 2))
        its, its_made = native.eject(path, conflicts, start, capacity, 300, range(seed, seed + 2))
        assert made == its_made
        assert (mine is None) == (its is None)
        if mine is not None and its is not None:
            np.testing.assert_array_equal(mine, its)
            assert peak_of(groups, mine) <= capacity
            assert not clashes(conflicts, mine)


@pytest.mark.parametrize("seed", [0, 2, 3, 6])
def test_ejection_finds_full_packings_that_greedy_orders_miss(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = crowd(seed)
    live = live_bytes(groups, LONG)
    placed = place_groups(groups, live)
    assert placed.method.startswith("rows by ejection")
    assert placed.peak == placed.proved == WIDTH
    monkeypatch.setattr(native, "ejector", lambda: None)
    alone = place_groups(groups, live)
    assert WIDTH <= alone.peak <= WIDTH * 1.1


@pytest.mark.parametrize("kind", ["gcc", "clang", "zig"])
def test_every_compiler_takes_the_search_and_sanitizers_find_nothing(
    kind: str, tmp_path: Path
) -> None:
    host = load_target("host")
    if not any(locate(tool) for tool in host.toolchains if tool.kind == kind):
        pytest.skip(f"{kind} is not installed")
    compiler, source = find_compiler(host, kind), data_dir("runtime") / "tools" / "ejection.c"
    # zig ships no sanitizer's library
    checks = [] if kind == "zig" else ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    objects = compiler.compile([source], tmp_path, flags=checks)
    path = compiler.link(objects, tmp_path / "ejection", flags=checks)
    conflicts = Conflicts(crowd(3))
    start = fit(conflicts, range(len(conflicts.groups)), (), WIDTH)
    want, made = eject(conflicts, start, WIDTH, 400, range(3))
    got, its_made = native.eject(path, conflicts, start, WIDTH, 400, range(3))
    assert made == its_made
    np.testing.assert_array_equal(got if got is not None else [], want if want is not None else [])
