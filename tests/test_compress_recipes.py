"""Recipes and what they decide: how they are read, stored, and made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.compress import Compression, Recipe
from edgekit.compress.compression import load, save
from edgekit.compress.edits import Bypass, Factor
from edgekit.compress.recipe import step_kinds
from edgekit.errors import EdgekitError


@pytest.mark.parametrize(
    ("tables", "found", "help"),
    [
        ([{"kind": "quantise"}], "quantise", "'quantize'"),
        ([{"kind": "quantize", "shceme": "w4a8"}], "shceme", "'scheme'"),
        ([{"kind": "quantize", "scheme": 4}], "4", "a string"),
        ([{"kind": "quantize", "equalize": "yes"}], "'yes'", "true or false"),
        ([{"kind": "quantize", "ranges": "widest"}], "widest", ""),
        ([{"scheme": "w4a8"}], "scheme", "kind"),
        (["quantize"], "quantize", "kind"),
        ("quantize", "quantize", "[[compress.step]]"),
        ({"kind": "quantize"}, "quantize", "[[compress.step]]"),
    ],
)
def test_a_wrong_recipe_is_refused_with_what_was_meant(tables: Any, found: str, help: str) -> None:
    with pytest.raises(EdgekitError) as error:
        Recipe.of(tables)
    assert error.value.code == "EK003"
    assert found in error.value.found
    assert help in error.value.help


@pytest.mark.parametrize(
    "text",
    ["", "[build]\n", "[compress]\n", "[compress]\nstep = 3\n", "[[compress.step]]\n", "compress = 1\n",
     "[compress", "[[compress.step]]\nkind = 'quantize'\n[[compress.step]]\nkind = 'prun'\n"],
)  # fmt: skip
def test_a_file_without_a_recipe_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "edgekit.toml"
    file.write_text(text)
    with pytest.raises(EdgekitError) as error:
        Recipe.read(file)
    assert error.value.code == "EK003"
    assert str(file) in error.value.where


def test_a_recipe_is_its_tables(tmp_path: Path) -> None:
    file = tmp_path / "edgekit.toml"
    file.write_text(
        '[build]\ntarget = "host"\n[[compress.step]]\nkind = "quantize"\nscheme = "w4a8"\n'
    )
    recipe = Recipe.read(file)
    assert recipe == Recipe.of([{"kind": "quantize", "scheme": "w4a8"}])
    assert Recipe.of(recipe.tables()) == recipe


@pytest.mark.parametrize("kind", step_kinds())
def test_every_kind_is_its_table(kind: str) -> None:
    table = {"kind": kind} | ({"macs": 0.5, "exclude": ["a*"]} if kind == "prune" else {})
    recipe = Recipe.of([table])
    assert Recipe.of(json.loads(json.dumps(recipe.tables()))) == recipe


def _compression() -> Compression:
    return Compression(
        (Factor("dense", 3), Bypass("add", 1)),
        {
            "w": np.arange(6, dtype=np.float32).reshape(2, 3),
            "b": np.array([-1, 1], np.int32),
        },
        ({"kind": "quantize", "scheme": "w4a8"},),
        ({"step": "as it came", "flash_bytes": 10},),
    )


def test_what_was_stored_is_read_again_and_equal_in_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    save(first, _compression())
    read = load(first)
    save(second, read)
    assert first.read_bytes() == second.read_bytes()
    assert read.edits == _compression().edits
    assert read.recipe == _compression().recipe
    for name, array in _compression().data.items():
        np.testing.assert_array_equal(read.data[name], array)


@settings(max_examples=50, deadline=None)
@given(at=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_damaged_file_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, at: int, value: int
) -> None:
    file = tmp_path_factory.mktemp("damaged") / "compression.npz"
    save(file, _compression())
    data = bytearray(file.read_bytes())
    data[at % len(data)] = value
    file.write_bytes(data)
    try:
        load(file)
    except EdgekitError as error:
        if error.code != "EK005":
            raise


@pytest.mark.parametrize("length", [0, 1, 100])
def test_a_short_file_is_refused(tmp_path: Path, length: int) -> None:
    file = tmp_path / "compression.npz"
    save(file, _compression())
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(EdgekitError, match="EK005"):
        load(file)


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "compression.npz"
    save(file, Compression(data={"w": np.array([np.nan], np.float32)}))
    with pytest.raises(EdgekitError, match="EK005"):
        load(file)
