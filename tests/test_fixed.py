"""One arithmetic, written four times: exact rule, numpy, C on this machine, C in emulated cores."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import vectors
from hypothesis import given
from hypothesis import strategies as st
from vectors import FUNCTIONS, LONG, Vectors

from edgekit import fixed
from edgekit.data import data_dir
from edgekit.errors import EdgekitError
from edgekit.families import spectral
from edgekit.target import load_target
from edgekit.toolchain import find_compiler

GOLDEN = Path(__file__).parent / "golden" / "requantize.txt"
CORES = ["cortex-m0plus", "cortex-m4", "rpi4", "riscv32imc"]


@functools.cache
def case(name: str) -> tuple[Vectors, Vectors]:
    """The directed vectors of a primitive and what the exact rule says of them."""
    triples = vectors.directed(name)
    return triples, vectors.exact(name, triples)


def in_numpy(name: str, v: Vectors) -> Vectors:
    x, multiplier, shift = v.T
    if name == "multiply_high":
        return fixed.multiply_high(x, multiplier)
    if name == "rounding_shift":
        return fixed.rounding_shift(x, -shift)
    if name == "requantize_wide":
        return fixed.requantize_wide(x << np.where(-shift > LONG, 12, 0), multiplier, -shift)
    if name == "high_product":
        return spectral.high_product(x, multiplier)
    return fixed.requantize(x, multiplier, shift)


def test_vectors_reach_every_int8_boundary_at_every_shift() -> None:
    triples, results = case("requantize")
    assert len(triples) > 100_000
    for shift in range(-23, 1):
        assert set(results[triples[:, 2] == shift].tolist()) >= set(range(-128, 128)), shift


@pytest.mark.parametrize("name", FUNCTIONS)
def test_numpy_follows_the_rule(name: str) -> None:
    triples, expected = case(name)
    np.testing.assert_array_equal(in_numpy(name, triples), expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_c_follows_the_rule(name: str, tmp_path: Path) -> None:
    triples, expected = case(name)
    np.testing.assert_array_equal(vectors.run_host(name, triples, tmp_path), expected)


@pytest.mark.parametrize("core", CORES)
def test_emulated_cores_follow_the_rule(core: str, tmp_path: Path) -> None:
    for package in ("unicorn", "elftools"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    target = load_target(core)
    try:
        elf = vectors.link(find_compiler(target), tmp_path)
    except EdgekitError as error:
        if error.code != "EK501":
            raise
        pytest.skip(str(error))
    for name in FUNCTIONS:
        triples, expected = case(name)
        got = vectors.run_emulated(elf, target.emulator.unicorn, name, triples)
        np.testing.assert_array_equal(got, expected, f"{name} on {core}")


def test_golden_vectors() -> None:
    rows = np.loadtxt(GOLDEN, np.int64)
    assert len(rows) > 300
    np.testing.assert_array_equal(vectors.exact("requantize", rows[:, :3]), rows[:, 3])
    np.testing.assert_array_equal(in_numpy("requantize", rows[:, :3]), rows[:, 3])


INT32S = st.integers(-(2**31), 2**31 - 1)


@given(INT32S, st.integers(0, 2**31 - 1), st.integers(-31, 0))
def test_numpy_follows_the_rule_on_any_number(x: int, multiplier: int, shift: int) -> None:
    triple = np.array([[x, multiplier, shift]], np.int64)
    for name in FUNCTIONS[:3]:
        assert in_numpy(name, triple) == vectors.exact(name, triple)


# What a wrong implementation might do; each must fail on the directed vectors.
def floor_shift(x: Vectors, right: Vectors) -> Vectors:
    return x >> right


def ties_up(x: Vectors, right: Vectors) -> Vectors:
    return (x + (np.int64(1) << right >> 1)) >> right


def ties_to_zero(x: Vectors, right: Vectors) -> Vectors:
    half = np.int64(1) << right >> 1
    return (x + half - ((x > 0) & (right > 0))) >> right


def ties_to_even(x: Vectors, right: Vectors) -> Vectors:
    return np.rint(x / 2.0**right).astype(np.int64)


@pytest.mark.parametrize("mutant", [floor_shift, ties_up, ties_to_zero, ties_to_even])
def test_wrong_ties_are_caught(mutant: Callable[[Vectors, Vectors], Vectors]) -> None:
    triples, expected = case("rounding_shift")
    assert (mutant(triples[:, 0], -triples[:, 2]) != expected).any()
    triples, expected = case("requantize")
    x, multiplier, shift = triples.T
    high = fixed.multiply_high(x << np.maximum(shift, 0), multiplier)
    wrong = mutant(high, np.maximum(-shift, 0)) != expected
    # Wherever there is a right shift, not in a corner of the vectors.
    assert all(wrong[shift == s].any() for s in range(-23, 0))


def test_wrong_ties_of_wide_sums_are_caught() -> None:
    triples, expected = case("requantize_wide")
    x, multiplier, shift = triples.T
    product = (x << np.where(-shift > LONG, 12, 0)) * multiplier
    for mutant in (floor_shift, ties_to_zero):
        assert (mutant(product, -shift) != expected).any(), mutant.__name__
    assert (fixed.rounding_shift(product, -shift) != expected).any(), "ties away from zero"


def test_single_rounding_is_caught() -> None:
    triples, expected = case("requantize")
    x, multiplier, shift = triples.T
    total = 31 - shift
    single = (x * multiplier + (np.int64(1) << (total - 1))) >> total
    assert (single != expected).any()


HEADER_MUTANTS = {
    "ties of negative values": ("v + (v >> 31)", "v"),
    "no rounding of the shift": ("(-shift - 1)) + 1) >> 1", "(-shift - 1))) >> 1"),
    "no rounding of the product": (" + 0x40000000", ""),
    "product one bit short": ("+ 0x40000000) >> 31", "+ 0x40000000) >> 32"),
    "left shift forgotten": ("(uint32_t)x << shift", "(uint32_t)x"),
}


@pytest.mark.parametrize("mutant", HEADER_MUTANTS)
def test_mutants_of_the_header_are_caught(mutant: str, tmp_path: Path) -> None:
    before, after = HEADER_MUTANTS[mutant]
    for header in (data_dir("runtime") / "include").glob("ek_*.h"):
        text = header.read_text()
        if header.name == "ek_fixed.h":
            assert text.count(before) == 1, "the header changed: adapt the mutant"
            text = text.replace(before, after)
        (tmp_path / header.name).write_text(text)
    triples, expected = case("requantize")
    got = vectors.run_host("requantize", triples, tmp_path, include=tmp_path)
    assert (got != expected).any()


def test_specification_has_the_version_of_the_headers() -> None:
    runtime = data_dir("runtime")
    version = re.search(r"#define EK_ABI (\d+)", (runtime / "include/ek_version.h").read_text())
    assert version is not None
    assert f"**Version {version[1]}**" in (runtime / "SPEC.md").read_text()
    assert f"version {version[1]}\n" in GOLDEN.read_text()
