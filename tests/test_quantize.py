"""Choosing numbers: ranges, equalisation, bias correction, what is stored, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper
from onnx_graphs import network, random_network, weights

from edgekit.build import Options, compile_program
from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.graph import Graph
from edgekit.lowering import lower
from edgekit.op import Array
from edgekit.passes import canonical
from edgekit.quantize import Calibration, Settings, load, quantized, restored, save
from edgekit.quantize.equalize import Spread, equalized
from edgekit.quantize.evaluate import activations
from edgekit.quantize.prepare import prepared
from edgekit.quantize.ranges import RANGES, Histogram
from edgekit.quantize.report import error_report

PLAIN = Settings("minmax", equalize=False, bias_correction=False)


def graph_of(model: onnx.ModelProto, folder: Path) -> Graph:
    onnx.save(model, folder / "m.onnx")
    return canonical(load_model(folder / "m.onnx"))


def three_layers(spread: float = 1.0) -> onnx.ModelProto:
    """Convolution, depthwise, convolution with ReLU between; `spread` makes channels uneven."""
    nodes = [
        helper.make_node("Conv", ["x", "a", "p"], ["t"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["t"], ["u"]),
        helper.make_node("Conv", ["u", "b"], ["v"], group=8, pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["v"], ["w"]),
        helper.make_node("Conv", ["w", "c"], ["y"]),
    ]
    uneven = (spread ** np.linspace(-1, 1, 8)).astype(np.float32)
    return network(
        nodes, (1, 3, 8, 8), (1, 4, 8, 8),
        a=weights(8, 3, 3, 3) * uneven[:, None, None, None], p=0.1 * uneven,
        b=weights(8, 1, 3, 3), c=weights(4, 8, 1, 1) / uneven[None, :, None, None],
    )  # fmt: skip


def inputs(count: int = 24) -> Array:
    return np.random.default_rng(1).normal(size=(count, 3, 8, 8)).astype(np.float32)


def histogram(*parts: Array) -> Histogram:
    found = Histogram()
    for part in parts:
        found.add(part)
    return found


def test_ranges_of_a_bell_with_an_outlier() -> None:
    x = np.random.default_rng(0).normal(size=100_000)
    h = histogram(x, np.array([60.0]))
    low, high = RANGES["minmax"](h)
    assert (low, high) == (pytest.approx(x.min()), 60.0)
    for rule in ("percentile", "mse", "entropy"):
        low, high = RANGES[rule](h)
        assert -5.5 < low < -2, rule
        # A squared error of the outlier is worth some of the others' resolution.
        assert 2 < high < (60 if rule == "mse" else 20), rule


@pytest.mark.parametrize("rule", RANGES)
def test_every_range_holds_zero(rule: str) -> None:
    low, high = RANGES[rule](histogram(np.array([3.0, 3.5, 4.0])))
    assert low == 0
    assert high > 0


def test_histograms_add_up() -> None:
    a, b = np.linspace(-3, 1, 500), np.linspace(0, 40, 700)
    whole, part = histogram(a, b), histogram(a)
    part.merge(histogram(b))
    assert (part.counts == whole.counts).all()
    assert (part.low, part.high, part.zeros) == (whole.low, whole.high, whole.zeros)


def output(graph: Graph, x: Array) -> Array:
    named = dict(
        activations(graph, {"x": graph.layouts["x"].ours(x, 0).reshape(graph.value("x").shape)})
    )
    return named[graph.outputs[0]]


def test_equalisation_keeps_the_function_and_evens_the_channels(tmp_path: Path) -> None:
    graph = prepared(graph_of(three_layers(spread=30), tmp_path))
    layers = {n.outputs[0] for n in graph.nodes}
    parts: dict[str, list[Array]] = {}
    for x in inputs():
        for name, found in activations(graph, {"x": np.moveaxis(x, 0, 2)[None]}):
            if name in layers:
                parts.setdefault(name, []).append(found.reshape(-1, found.shape[-1]))
    rows = {name: np.concatenate(found) for name, found in parts.items()}
    largest = {name: np.abs(x).max(axis=0) for name, x in rows.items()}
    spreads = {name: Spread(largest[name], (x**2).mean(axis=0)) for name, x in rows.items()}
    even, factors = equalized(graph, spreads)
    assert factors
    for x in inputs(4):
        np.testing.assert_allclose(output(even, x), output(graph, x), rtol=1e-3, atol=1e-4)
    first = graph.nodes[0].outputs[0]
    before, after = largest[first], largest[first] / factors[first]
    assert after.max() / after.min() < before.max() / before.min() / 10


def error(graph: Graph, settings: Settings) -> tuple[float, float]:
    """Mean error and mean squared error at the output, on the calibration data."""
    _, decided = quantized(graph, Calibration(inputs()).samples(graph), settings)
    assert decided is not None
    assert decided.errors is not None
    last = decided.errors.layers[-1]
    return last.sqnr_db, last.max_error


def test_each_correction_helps_where_channels_are_uneven(tmp_path: Path) -> None:
    graph = graph_of(three_layers(spread=30), tmp_path)
    plain, _ = error(graph, PLAIN)
    assert error(graph, replace(PLAIN, equalize=True))[0] > plain + 6
    assert error(graph, replace(PLAIN, bias_correction=True))[0] >= plain


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_is_quantized_is_whole(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every activation has numbers, weights stay within -127..127, every sum is proved, and what is
    stored makes the same graph again."""
    folder = tmp_path_factory.mktemp("whole")
    graph = graph_of(random_network(seed), folder)
    shape = graph.layouts["x"].shape if "x" in graph.layouts else graph.value("x").shape
    x = np.random.default_rng(seed).normal(size=(8, *shape)).astype(np.float32)
    result, decided = quantized(graph, Calibration(x).samples(graph))
    for node in result.nodes:
        for name in (*node.inputs[:1], *node.outputs):
            assert result.value(name).dtype == "int8"
            assert result.value(name).quant is not None
    integer = lower(result)
    for node in integer.nodes:
        if "weights" in node.consts:
            assert node.consts["weights"].min(initial=0) >= -127
    assert decided is not None
    save(folder / "q.npz", decided)
    again = restored(graph, load(folder / "q.npz"))
    assert again.text() == result.text()
    for name, value in result.values.items():
        if value.data is not None:
            np.testing.assert_array_equal(value.data, again.value(name).data)


def test_stored_numbers_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    graph = graph_of(three_layers(), tmp_path)
    for name in ("a", "b"):
        _, decided = quantized(graph, Calibration(inputs()).samples(graph))
        assert decided is not None
        save(tmp_path / name, decided)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "damage", [lambda b: b[:100], lambda b: b"", lambda b: b[:300] + b"x" + b[301:]]
)
def test_damaged_numbers_are_refused(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    graph = graph_of(three_layers(), tmp_path)
    _, decided = quantized(graph, Calibration(inputs()).samples(graph))
    assert decided is not None
    save(tmp_path / "q", decided)
    (tmp_path / "q").write_bytes(damage((tmp_path / "q").read_bytes()))
    with pytest.raises(EdgekitError) as refused:
        restored(graph, load(tmp_path / "q"))
    assert refused.value.code == "EK005"


def qdq(scales: tuple[float, float, float], bias_scale: float | None = None) -> onnx.ModelProto:
    """A sum, or a convolution with a quantized bias, between quantized tensors."""
    numbers = {f"s{i}": np.float32(s) for i, s in enumerate(scales)} | {"z": np.int8(3)}
    pair = lambda x, y, s: [  # noqa: E731
        helper.make_node("QuantizeLinear", [x, s, "z"], [f"{y}q"]),
        helper.make_node("DequantizeLinear", [f"{y}q", s, "z"], [y]),
    ]
    if bias_scale is None:
        nodes = [
            *pair("x", "a", "s0"),
            helper.make_node("MaxPool", ["a"], ["t"], kernel_shape=[2, 2], strides=[2, 2]),
            *pair("t", "b", "s1"),
            helper.make_node("Concat", ["b", "b"], ["u"], axis=1),
            *pair("u", "y", "s2"),
        ]
        return network(nodes, (1, 2, 4, 4), (1, 4, 2, 2), **numbers)
    numbers |= {"w": np.ones((2, 2, 1, 1), np.int8), "sw": np.float32(0.02), "zw": np.int8(0),
                "b": np.array([5, -7], np.int32), "sb": np.float32(bias_scale), "zb": np.int32(0)}  # fmt: skip
    nodes = [
        *pair("x", "a", "s0"),
        helper.make_node("DequantizeLinear", ["w", "sw", "zw"], ["wr"]),
        helper.make_node("DequantizeLinear", ["b", "sb", "zb"], ["br"]),
        helper.make_node("Conv", ["a", "wr", "br"], ["t"]),
        *pair("t", "y", "s1"),
    ]
    return network(nodes, (1, 2, 4, 4), (1, 2, 4, 4), **numbers)


def test_a_requantize_stands_where_scales_differ(tmp_path: Path) -> None:
    ops = [n.op for n in quantized(graph_of(qdq((0.1, 0.2, 0.3)), tmp_path))[0].nodes]
    assert ops.count("requantize") >= 2
    same = quantized(graph_of(qdq((0.1, 0.1, 0.1)), tmp_path))[0]
    assert "requantize" not in [n.op for n in same.nodes]


def test_wrong_bias_scale_is_refused(tmp_path: Path) -> None:
    quantized(graph_of(qdq((0.1, 0.1, 0.1), bias_scale=0.002), tmp_path))
    with pytest.raises(EdgekitError) as refused:
        quantized(graph_of(qdq((0.1, 0.1, 0.1), bias_scale=0.003), tmp_path))
    assert refused.value.code == "EK301"
    assert "bias" in f"{refused.value.message} {refused.value.found}"


def test_real_model_without_data_is_refused_with_the_remedy(tmp_path: Path) -> None:
    onnx.save(three_layers(), tmp_path / "m.onnx")
    with pytest.raises(EdgekitError) as refused:
        compile_program(tmp_path / "m.onnx", Options("m"))
    assert refused.value.code == "EK203"
    assert "--calibration" in refused.value.help
    assert "node" in refused.value.where


BAD = {
    "shape": inputs()[:, :, :4],
    "type": inputs().astype(np.int32),
    "not a number": np.where(np.arange(24)[:, None, None, None] == 3, np.nan, inputs()),
    "constant": np.full((24, 3, 8, 8), 0.5, np.float32),
    "equal samples": np.repeat(inputs(1), 24, axis=0),
    "no samples": inputs()[:0],
}


@pytest.mark.parametrize("what", BAD)
def test_calibration_data_that_cannot_serve_is_told(what: str, tmp_path: Path) -> None:
    onnx.save(three_layers(), tmp_path / "m.onnx")
    np.savez(tmp_path / "c.npz", x=BAD[what])
    with pytest.raises(EdgekitError) as refused:
        compile_program(tmp_path / "m.onnx", Options("m"), numbers=Calibration(tmp_path / "c.npz"))
    assert refused.value.code == "EK004"
    assert refused.value.found
    assert refused.value.help


def test_inputs_and_outputs_are_never_cut(tmp_path: Path) -> None:
    graph, x = graph_of(three_layers(), tmp_path), inputs(400)
    x[0, 0, 0, 0] = 40
    result, decided = quantized(graph, Calibration(x).samples(graph), Settings("percentile"))
    assert decided is not None
    for name in (*result.inputs, *result.outputs):
        low, high = decided.ranges[name]
        assert result.value(name).scale == np.float32((high - low) / 255)
    inner = result.value(result.nodes[0].outputs[0])
    low, high = decided.ranges[inner.name]
    assert inner.scale < 0.9 * (high - low) / 255


def test_few_samples_are_told(tmp_path: Path) -> None:
    graph = graph_of(three_layers(), tmp_path)
    _, decided = quantized(graph, Calibration(inputs(3)).samples(graph))
    assert decided is not None
    assert "3 calibration samples" in decided.notes[0]


def few(scheme: str = "w3a8", rounding: str = "auto", **more: bool) -> Settings:
    return Settings(scheme=scheme, rounding=rounding, **more)


def smooth(count: int, seed: int) -> Array:
    """Inputs whose pixels and channels hang together, as those of images do."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=(count, 1, 2, 2)) + 0.2 * rng.normal(size=(count, 3, 2, 2))
    return np.kron(coarse, np.ones((1, 1, 4, 4))).astype(np.float32)


def noise(graph: Graph, settings: Settings) -> float:
    """Mean squared error of the outputs on inputs that did not calibrate, in dB of the outputs' square."""
    samples = Calibration(smooth(64, 1)).samples(graph)
    integer, decided = quantized(graph, samples, settings)
    held = Calibration(smooth(40, 9)).samples(graph)
    assert decided is not None
    report = error_report(prepared(graph), integer, held, most=40)
    return -report.layers[-1].sqnr_db


@pytest.mark.parametrize("scheme", ["w2a8", "w3a8", "w4a8"])
def test_learned_rounding_beats_the_nearest_numbers(scheme: str, tmp_path: Path) -> None:
    graph = graph_of(three_layers(), tmp_path)
    plain = Settings(scheme=scheme, rounding="nearest", equalize=False)
    learned = Settings(scheme=scheme, equalize=False)
    assert noise(graph, learned) < noise(graph, plain) - 2  # dB


def test_learned_rounding_keeps_pruned_weights_and_channels(tmp_path: Path) -> None:
    model = three_layers()
    for tensor in model.graph.initializer:
        data = onnx.numpy_helper.to_array(tensor).copy()
        if tensor.name == "a":
            data[2], data[:, 1, ::2] = 0, 0
        elif tensor.name == "p":
            data[2] = 0
        tensor.CopyFrom(onnx.numpy_helper.from_array(data, tensor.name))
    graph = graph_of(model, tmp_path)
    for chosen in (few(), few("w8a8", "learned")):
        integer, _ = quantized(graph, Calibration(inputs(40)).samples(graph), chosen)
        first = integer.nodes[0]
        weights, bias = (integer.const(name) for name in first.inputs[1:3])
        real = graph.const(graph.nodes[0].inputs[1])
        assert weights is not None
        assert bias is not None
        assert real is not None
        assert not weights[real == 0].any()
        assert not weights[2].any()
        assert bias[2] == 0


def test_powers_of_two(tmp_path: Path) -> None:
    graph = graph_of(three_layers(), tmp_path)
    for chosen in (few(power_of_two=True), Settings(power_of_two=True)):
        _, decided = quantized(graph, Calibration(inputs()).samples(graph), chosen)
        assert decided is not None
        scales = np.array([s for q in decided.quants.values() for s in q.scale])
        assert (np.log2(scales) % 1 == 0).all()


def test_the_same_data_give_the_same_numbers(tmp_path: Path) -> None:
    graph = graph_of(three_layers(), tmp_path)
    for name in ("one", "two"):
        _, decided = quantized(graph, Calibration(inputs()).samples(graph), few())
        assert decided is not None
        save(tmp_path / name, decided)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_unknown_rounding_is_refused(tmp_path: Path) -> None:
    graph = graph_of(three_layers(), tmp_path)
    with pytest.raises(EdgekitError) as refused:
        quantized(graph, Calibration(inputs()).samples(graph), few(rounding="up"))
    assert refused.value.code == "EK001"
