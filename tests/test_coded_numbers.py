"""Numbers for coded weights: code books, rates, and a scheme for each layer within a number of bytes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx_writer
import pytest
from click.testing import CliRunner
from conftest import shared
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import cli, commands
from edgekit.build import Options, compile_program
from edgekit.compress.recipe import Recipe
from edgekit.errors import EdgekitError
from edgekit.families.coding import best_bytes
from edgekit.program import Program
from edgekit.quantize import Calibration, Settings
from edgekit.quantize.clusters import book, in_book
from edgekit.quantize.mixed import alike, cheapest, total
from edgekit.quantize.rate import at_rate, entropy
from edgekit.quantize.rounded import living, rounded
from edgekit.quantize.sweep import Sweep, output_error
from edgekit.quantize.ways import Way

Array = np.ndarray[Any, Any]
NUMBERS = np.arange(-127, 128)


def layer(seed: int = 0, channels: int = 24, taps: int = 40) -> tuple[Array, Array]:
    """Weights with heavy tails, and the moments of windows whose taps are correlated."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(400, 6)) @ rng.normal(size=(6, taps)) + 0.2 * rng.normal(size=(400, taps))
    return rng.standard_t(4, size=(channels, taps)), (x.T @ x)[None]


def error(weights: Array, levels: Array, scale: Array, moments: Array | None) -> float:
    return float(output_error(weights - levels * scale[:, None], moments).sum())


@given(
    st.dictionaries(st.integers(-9, 9), st.integers(1, 50), min_size=1, max_size=7),
    st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_a_book_is_the_best_of_all(counts: dict[int, int], size: int) -> None:
    cost = np.zeros(255)
    for number, count in counts.items():
        cost[number + 127] = count

    def distance(values: Any) -> float:
        return float((cost * (np.subtract.outer(NUMBERS, values) ** 2).min(axis=1)).sum())

    found = book(cost, size)
    ways = itertools.combinations(range(min(counts), max(counts) + 1), size - 1)
    best = min((distance(np.array([0, *way])) for way in ways), default=distance(found.astype(int)))
    assert 0 in found
    assert len(found) <= size
    assert distance(found.astype(int)) <= best + 1e-9


@pytest.mark.parametrize("bits", range(1, 8))
def test_a_book_has_so_many_numbers_and_zero(bits: int) -> None:
    weights, moments = layer()
    levels, scale = in_book(weights, moments, bits)
    assert len(np.unique(levels)) <= 2**bits
    assert levels.dtype == np.int8
    # Zero is in the book whether or not a weight takes it: with one more weight there is no value more.
    grown = np.append(np.unique(levels), 0)
    assert len(np.unique(grown)) <= 2**bits
    assert (scale > 0).all()


def test_rounding_onto_a_book_is_no_worse_than_the_nearest_of_it() -> None:
    weights, moments = layer(1)
    levels, scale = in_book(weights, moments, 3)
    values = np.unique(np.append(levels, 0)).astype(float)
    nearest = values[np.abs(weights[:, :, None] / scale[:, None, None] - values).argmin(axis=2)]
    assert error(weights, levels, scale, moments) < error(weights, nearest, scale, moments)


@pytest.mark.parametrize("bits", [0.5, 1.0, 2.0, 3.0, 4.5, 6.0])
def test_a_rate_is_met(bits: float) -> None:
    weights, moments = layer(2, 48, 64)
    levels, _ = at_rate(weights, moments, bits)
    assert entropy(levels) == pytest.approx(bits, abs=0.06)


def test_fewer_bits_take_fewer_bytes_and_lose_more() -> None:
    weights, moments = layer(3, 48, 64)
    found = [at_rate(weights, moments, bits) for bits in (1, 2, 3, 4, 5)]
    sizes = [best_bytes(levels)[1] for levels, _ in found]
    errors = [error(weights, levels, scale, moments) for levels, scale in found]
    assert sizes == sorted(sizes)
    assert errors == sorted(errors)[::-1]


def test_a_price_on_bits_beats_plain_rounding_of_the_same_rate() -> None:
    weights, moments = layer(4, 48, 64)
    priced, plain = (at_rate(weights, moments, 2.0, **kind) for kind in ({}, {"trade": 0.0}))  # type: ignore[arg-type]
    assert entropy(priced[0]) <= entropy(plain[0]) + 0.02
    assert error(weights, *priced, moments) < error(weights, *plain, moments)


def test_without_a_price_rounding_is_that_of_the_sweep() -> None:
    """And without correlations that of the nearest level."""
    weights, _ = layer(5)
    scale = np.abs(weights).max(axis=1) / 127
    sweep = Sweep.of(None, weights.shape[1])
    levels = sweep.rounded(weights, scale, lambda x, price: np.rint(x))
    np.testing.assert_array_equal(levels, np.rint(weights / scale[:, None]))


@pytest.mark.parametrize("scheme", ["c3a8", "e2a8", "w4a8", "w8a8"])
def test_channels_of_zeros_stay_zeros_and_all_repeats(scheme: str) -> None:
    weights, moments = layer(6)
    weights[[2, 5]] = 0
    first, second = (rounded(weights, moments, scheme) for _ in range(2))
    np.testing.assert_array_equal(first.levels, second.levels)
    np.testing.assert_array_equal(first.scale, second.scale)
    assert not first.levels[[2, 5]].any()
    empty = rounded(np.zeros((3, 8)), None, scheme)
    assert not empty.levels.any()


def test_groups_have_windows_of_their_own() -> None:
    """Of a depthwise layer each channel has its own moments, those that are never used included."""
    rng = np.random.default_rng(7)
    weights = rng.normal(size=(8, 9))
    moments = np.stack([np.eye(9) * s for s in (0, 1, 1, 1, 100, 1, 1, 1)])
    levels, scale = at_rate(weights, moments, 3)
    steps = scale / np.sqrt(np.sqrt((weights**2).mean(axis=1)))
    assert steps[4] < steps[1], "what is used more is rounded finer"
    assert np.isfinite(scale).all()
    assert levels.shape == weights.shape


TABLE = {
    "a": [Way("w8a8", 100, 0.0), Way("w4a8", 50, 1.0), Way("w2a8", 25, 9.0)],
    "b": [Way("w8a8", 100, 0.0), Way("w4a8", 50, 0.1), Way("w2a8", 25, 0.2)],
}  # fmt: skip


@pytest.mark.parametrize("budget", [50, 75, 100, 125, 150, 175, 200])
def test_the_choice_is_the_best_that_fits(budget: int) -> None:
    found = cheapest(TABLE, budget)
    ways = [w for w in itertools.product(*TABLE.values()) if sum(x.nbytes for x in w) <= budget]
    assert total(found) <= budget
    assert sum(w.loss for w in found.values()) == min(sum(w.loss for w in way) for way in ways)
    assert len({w.scheme for w in alike(TABLE, budget).values()}) == 1


def test_a_budget_that_nothing_meets_is_refused() -> None:
    with pytest.raises(EdgekitError) as refused:
        cheapest(TABLE, 49)
    assert refused.value.code == "EK001"
    assert "50" in refused.value.found


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A float network (convolution, dense layer) and calibration data."""
    folder = tmp_path_factory.mktemp("coded")
    (folder / "net.onnx").write_bytes(onnx_writer.classifier().SerializeToString())
    x = np.random.default_rng(4).normal(size=(40, 1, 6, 6)).astype(np.float32)
    np.savez(folder / "data.npz", x=x, y=np.arange(40) % 3)
    return folder / "net.onnx", folder / "data.npz"


def program(classifier: tuple[Path, Path], **choices: Any) -> Program:
    model, data = classifier
    options = Options("m", quantization=Settings(**choices))
    return compile_program(model, options, numbers=Calibration(data)).program


def weights_of(made: Program) -> dict[str, Array]:
    return {s.op.name.split("_w4")[0]: s.consts["weights"] for s in made.steps if "weights" in s.consts}  # fmt: skip


def test_schemes_of_coded_storage_for_all_layers_or_some(classifier: tuple[Path, Path]) -> None:
    books = weights_of(program(classifier, scheme="c2a8"))
    assert all(len(np.unique(w)) <= 4 for w in books.values())
    one = weights_of(program(classifier, layer_schemes={"Gemm*": "e1.5a8"}))
    assert entropy(one["fully_connected"]) < 2.2
    assert len(np.unique(one["conv2d"])) > 8


@pytest.mark.parametrize("among", ["w8a8,w4a8,w3a8,w2a8,c,e", "w8a8,w4a8"])
def test_a_mixed_choice_fits(classifier: tuple[Path, Path], among: str) -> None:
    made = weights_of(program(classifier, scheme="mixed", weights="70%", among=among))
    stored = sum(best_bytes(w.reshape(len(w), -1))[1] for w in made.values())
    assert stored <= 0.7 * sum(w.size for w in made.values())
    kept = weights_of(program(classifier, scheme="mixed", weights="80", layer_schemes={"Conv_0": "w8a8"}))  # fmt: skip
    eight = weights_of(program(classifier))
    np.testing.assert_array_equal(kept["conv2d"], eight["conv2d"])


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--scheme", "e9a8"], "e9a8"),
        (["--scheme", "c8a8"], "c8a8"),
        (["--scheme", "e0a8"], "e0a8"),
        (["--scheme", "mixed"], "--scheme mixed"),
        (["--weights", "40%"], "--weights 40%"),
        (["--scheme", "mixed", "--weights", "some"], "some"),
        (["--scheme", "mixed", "--weights", "0"], "0"),
        (["--scheme", "mixed", "--weights", "3"], "3 bytes"),
        (["--scheme", "mixed", "--weights", "50%", "--among", "w8a8,w5a8"], "w5a8"),
        (["--layer-scheme", "Conv_0=mixed"], "mixed"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    classifier: tuple[Path, Path], words: list[str], found: str
) -> None:
    model, data = classifier
    done = CliRunner().invoke(cli.cli, ["check", str(model), "--calibration", str(data), *words, "--format", "json"])  # fmt: skip
    assert done.exit_code == 2, done.output
    refused = json.loads(done.stdout)["error"]
    assert refused["code"] == "EK001"
    assert found in refused["found"]


def test_a_mixed_bundle_is_exact_and_opened_again(
    classifier: tuple[Path, Path], tmp_path: Path
) -> None:
    model, data = classifier
    words = ["--calibration", data, "--scheme", "mixed", "--weights", "60%", "-o", tmp_path / "b"]
    done = CliRunner().invoke(cli.cli, ["build", *map(str, [model, *words]), "--format", "json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["bit_exact"]
    assert set(report["quantization"]["schemes"]) == {"Conv_0", "Gemm_7"}
    _, stages, _ = commands.reopen(tmp_path / "b")
    again = weights_of(program(classifier, scheme="mixed", weights="60%"))
    for name, found in weights_of(stages.program).items():
        np.testing.assert_array_equal(found, again[name])


def test_weights_of_channels_that_never_show_take_no_bits() -> None:
    """A network may have died in part: tiny weights that no step of eight bits shows."""
    weights, moments = layer(8, 48, 64)
    moments[0, 60:] = moments[0, :, 60:] = 0
    weights[30:] *= 1e-6
    varies = np.diagonal(moments[0])[None] > 0
    live = living(weights, varies, moments)
    np.testing.assert_array_equal(live, (np.arange(48) < 30)[:, None] & (np.arange(64) < 60))
    levels, _ = at_rate(weights, moments, 3.0, live)
    assert entropy(levels[live]) == pytest.approx(3.0, abs=0.06)


def test_a_recipe_has_the_same_words() -> None:
    table = {"kind": "quantize", "scheme": "mixed", "weights": "40%", "among": "w8a8,e"}
    recipe = Recipe.of([table])
    assert recipe.tables() == (table,)


@pytest.mark.slow
def test_keyword_spotting_in_two_fifths_of_its_bytes() -> None:
    shared("models")
    from benchmarks.calibration_sets import SPLITS, unheard
    from benchmarks.coded_weights import INT8, compiled_of, right, stored

    small = compiled_of("kws", Settings(scheme="e3a8")).program
    assert stored(small) <= 0.4 * INT8["kws"]
    good = right(small, *SPLITS["kws"].test())
    assert good.mean() >= 0.904 - 0.01
    assert good[unheard()].mean() >= 0.90 - 0.015


def test_visual_wake_words_in_half_of_its_bytes() -> None:
    shared("models")
    from benchmarks.calibration_sets import SPLITS
    from benchmarks.coded_weights import INT8, compiled_of, right, stored

    small = compiled_of("vww", Settings(scheme="mixed", weights="50%")).program
    assert stored(small) <= 0.5 * INT8["vww"]
    assert right(small, *SPLITS["vww"].test()).mean() >= 0.844 - 0.015
