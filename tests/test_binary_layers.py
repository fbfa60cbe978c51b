"""Layers of signs on bits: recognised, the same bytes everywhere, an eighth of the flash; and what is not one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import kernels
import numpy as np
import pytest
from binary_graphs import CHANNELS, Signs, random_network
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_variants import whole_stream

from edgekit.emit import emit
from edgekit.families import bits
from edgekit.families.lines import line_through
from edgekit.families.steps import Step, step_of
from edgekit.graph import IntGraph
from edgekit.plan import plan
from edgekit.program import Program
from edgekit.rewrite.binary_layers import binary_layers
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate.runners import deploy, make_runner
from edgekit.variants import choose

Array = np.ndarray


def inputs(graph: IntGraph, count: int = 4) -> Array:
    x = (
        np.random.default_rng(7)
        .integers(-128, 128, (count, *graph.values["x"].shape))
        .astype(np.int8)
    )
    x[0], x[1] = -128, 127
    return x


def results(program: Program, x: Array) -> list[Array]:
    return [out.reshape(len(x), -1) for out in Simulator(program).run([x])]


def operators(graph: IntGraph) -> list[str]:
    return [node.op.name for node in graph.nodes]


@pytest.mark.parametrize("seed", range(32))
def test_the_rewrite_keeps_every_byte(seed: int) -> None:
    graph = random_network(seed)
    smaller = binary_layers(graph)
    assert any(name.startswith("conv2d_binary") for name in operators(smaller))
    assert not {"conv2d", "fully_connected"} & set(operators(smaller)), (
        "each layer can be one of bits"
    )
    x = inputs(graph)
    for way in ("speed", "ram"):
        for a, b in zip(
            results(plan(graph), x), results(plan(smaller, optimize=way), x), strict=True
        ):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("out_c", [1, 24, 31, 32, 33, 64])
def test_kernels_on_words_that_channels_do_not_fill(channels: int, out_c: int) -> None:
    net = Signs(channels, (1, 4, 5, channels))
    graph = net.graph(
        net.sign(net.conv(net.sign("x"), out_c)), net.conv("binarize_0", out_c, pad=0)
    )
    layers = [
        n for n in choose(binary_layers(graph), ["dsp"]).nodes if n.op.name.startswith("conv2d")
    ]
    assert {node.op.name for node in layers} == {"conv2d_binary"}
    signs = np.random.default_rng(1).random((3, 1, 4, 5, channels)) < 0.5
    signs[0], signs[1] = False, True
    words = bits.packed(signs)
    for node in layers:
        values = binary_layers(graph).values
        for variant in (None, *node.variants):
            way = replace(node, variant=variant)
            wanted = node.op.run(node.params, node.consts, words)[0]
            for i, x in enumerate(words):
                for strip in (1, 3, 4):
                    got = kernels.call(way, dict(values), x, strip=strip)
                    np.testing.assert_array_equal(got, wanted[i].reshape(got.shape))


def test_a_layer_between_signs_hands_on_words_alone() -> None:
    net = Signs(3, (1, 8, 8, 64))
    x = net.sign(net.conv(net.sign("x"), 64))
    graph = binary_layers(net.graph(net.dense(net.pool(x), 10)))
    assert operators(graph) == [
        "binarize_bits",
        "conv2d_binary_bits",
        "max_pool_bits",
        "conv2d_binary",
        "reshape",
    ]
    words = [v for v in graph.values.values() if v.dtype == "int32"]
    assert [v.nbytes for v in words] == [8 * 8 * 64 // 8] * 2 + [4 * 4 * 64 // 8]
    stored = sum(node.consts["weights"].nbytes for node in graph.nodes if "weights" in node.consts)
    assert stored == (64 * 9 * 64 + 10 * 4 * 4 * 64) // 8


@pytest.mark.parametrize(
    "change", ["two magnitudes", "padded zeros and ones", "few channels", "no signs"]
)
def test_what_is_no_binary_layer_stays_as_it_is(change: str) -> None:
    net = Signs(5, (1, 5, 5, 8 if change == "few channels" else 32))
    low = 0.0 if change == "padded zeros and ones" else -1.0
    first = "x" if change == "no signs" else net.sign("x", low=low)
    net.conv(first, 12)
    if change == "two magnitudes":
        weights = net.values[net.nodes[-1].inputs[1]]
        assert weights.data is not None
        weights.data[3, 1, 1, 7] = 126
    graph = net.graph(net.nodes[-1].name)
    assert binary_layers(graph) is graph


def test_zeros_and_ones_without_padding_are_bits_too() -> None:
    net = Signs(6, (1, 5, 6, 32))
    graph = net.graph(net.conv(net.sign("x", low=0.0), 40, pad=0))
    smaller = binary_layers(graph)
    assert operators(smaller) == ["binarize_bits", "conv2d_binary"]
    np.testing.assert_array_equal(*(results(plan(g), inputs(graph)) for g in (graph, smaller)))


def test_a_sign_that_other_layers_read_is_there_in_bytes_as_well() -> None:
    net = Signs(8, (1, 4, 4, 32))
    signs = net.sign("x")
    ordinary = net.conv(signs, 6)
    weights = net.values[net.nodes[-1].inputs[1]]
    assert weights.data is not None
    weights.data[0, 0, 0, 0] = 50
    graph = net.graph(ordinary, net.conv(signs, 32))
    smaller = binary_layers(graph)
    assert sorted(operators(smaller)) == ["binarize", "binarize_bits", "conv2d", "conv2d_binary"]
    for a, b in zip(*(results(plan(g), inputs(graph)) for g in (graph, smaller)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus", "riscv32imc", "rpi4"])
def test_any_plan_on_an_emulated_core(core: str, tmp_path: Path) -> None:
    target = load_target(core)
    net = Signs(11, (1, 9, 7, 33))
    x = net.sign(net.conv(net.sign("x", mixed=True), 64), mixed=True)
    x = net.sign(net.conv(x, 64, stride=2))
    y = net.conv(net.pool(x, stride=1), 31, kernel=2, activation="RELU")
    graph = choose(binary_layers(net.graph(net.dense(x, 40), y)), target.isa)
    assert any(node.variant for node in graph.nodes) == (core == "cortex-m4")
    for way in ("ram", "speed", "stream", "stream apart"):
        apart = way == "stream apart"
        program = whole_stream(graph, split=apart) if "stream" in way else plan(graph, optimize=way)
        folder = tmp_path / way
        folder.mkdir()
        for file, text in emit("signs", program, "signs")[0].items():
            (folder / file).write_text(text)
        given = inputs(graph)
        with make_runner("emulator", deploy(program, folder, "signs"), target) as runner:
            found = runner.run([given], False)
        for a, b in zip(Simulator(program).run([given]), found, strict=True):
            np.testing.assert_array_equal(a, b)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 2**28), st.integers(1, 5000), st.integers(-(2**28), 2**28), st.integers(-128, 0),
)  # fmt: skip
def test_a_rounded_line_is_found(rise: int, reach: int, offset: int, low: int) -> None:
    """rise and offset are 2^20 times a slope and what is added."""
    v = np.arange(-reach, reach + 1)
    wanted = np.clip((rise * v + offset) >> 20, low, 127)[None]
    slope = rise / 2**20
    line = line_through(wanted, np.array([slope]), v, low, 127)
    if line is None:  # 32 bits have no room for 20 of the slope
        assert slope * reach > 700
        return
    got = np.clip((line.factor * v + line.offset) >> line.shift, low, 127)
    np.testing.assert_array_equal(got, wanted[0])
    assert (np.abs(line.factor * v) + np.abs(line.offset)).max() < 2**31


def test_no_line_where_there_is_none() -> None:
    assert line_through(np.array([[0, 5, 5, 6]]), np.array([2.0]), np.arange(4), -128, 127) is None


@pytest.mark.parametrize(("function", "wanted"), [
    (np.sign, Step(0.0, True, -1.0, third=True)),
    (lambda x: x + (np.sign(x) - x), Step(0.0, True, -1.0, third=True)),
    (lambda x: np.where(x >= 0, 1.0, -1.0), Step(0.0, True, -1.0)),
    (lambda x: np.where(x > 0, 1.0, 0.0), Step(float(np.nextafter(np.float32(0), np.float32(1))), True, 0.0)),
    (lambda x: np.where(x >= 0.3, -1.0, 1.0), Step(float(np.nextafter(np.float32(0.3), np.float32(0))), False, -1.0)),
    (lambda x: np.where(x >= 123.0, 1.0, -1.0), Step(123.0, True, -1.0)),
])  # fmt: skip
def test_steps(function: object, wanted: Step) -> None:
    assert step_of(function) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize("function", [
    lambda x: np.maximum(x, 0.0), np.tanh, lambda x: 2 * np.sign(x), lambda x: 0 * x + 1,
    lambda x: np.where(np.abs(x) < 1, 1.0, -1.0), lambda x: np.clip(np.rint(x), -1, 1),
])  # fmt: skip
def test_what_is_no_step(function: object) -> None:
    assert step_of(function) is None  # type: ignore[arg-type]
