"""Constant channels: the ranges hold, what goes is exact for every input, what must stay stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kernels
import numpy as np
import pytest
from benchmarks_data import BY_KEY
from conftest import shared
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import KINDS, Net, conv, depthwise, evaluate, extremes, grow, random_network

from edgekit.build import Options, compile_program
from edgekit.cases import activation
from edgekit.channels import Bounds, Spare, channels
from edgekit.commands import inspect
from edgekit.emit import emit
from edgekit.families.window import Axis, tflite_axis, window_attrs
from edgekit.fixed import requantize
from edgekit.graph import IntGraph, Node, State, limits
from edgekit.op import Case, Op, load_ops
from edgekit.plan import plan
from edgekit.rewrite.constant_channels import (
    channel_bounds,
    drop_constant_channels,
    removed_channels,
)
from edgekit.screens import channels_lines, inspect_screen
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate.runners import deploy, make_runner

Array = np.ndarray
# What only a plan makes of other operators is not there yet when channels are removed.
PLANNED = {op.as_rows for op in load_ops().values()}
CASES = [(op, case) for op in load_ops().values() if op.name not in PLANNED for case in op.cases()]
IDS = [f"{op.name}-{case.name}" for op, case in CASES]


@pytest.mark.parametrize(("op", "case"), CASES, ids=IDS)
def test_outputs_stay_in_their_bounds(op: type[Op], case: Case) -> None:
    """Inputs from a random range per channel; ranges of one value among them."""
    node, values = kernels.lower(case.graph)
    rng = np.random.default_rng(0)
    for width in (0, 3, 255):
        ranges, arrays = [], []
        for name in node.inputs:
            value = values[name]
            (least, most), count = limits(value.dtype), channels(values[name])
            most = min(most, 2**62)  # of uint64, for the generator
            low = rng.integers(least, most + 1, count)
            high = np.minimum(low + rng.integers(0, width + 1, count), most)
            x = rng.integers(low, high + 1, (5, *(value.shape or (1,))))
            x[0], x[1] = low, high
            if value.data is not None:
                x = np.broadcast_to(value.data, x.shape)
                flat = x.reshape(-1, count)
                low, high = flat.min(axis=0), flat.max(axis=0)
            ranges.append(Bounds(low.astype(np.int64), high.astype(np.int64)))
            arrays.append(x.astype(value.dtype).reshape(5, *value.shape))
        bounds = node.op.bounds(node, values, *ranges)
        results = node.op.run(node.params, node.consts, *arrays)
        for name, found, got in zip(node.outputs, bounds, results, strict=True):
            out = got.reshape(-1, channels(values[name])).astype(np.int64)
            assert len(found.low) == len(found.high) == out.shape[1]
            assert (found.low <= out).all()
            assert (out <= found.high).all()


def check(graph: IntGraph) -> IntGraph:
    """Rewrite; every tensor's kept channels hold what they held. Returns the smaller graph."""
    smaller = drop_constant_channels(graph)
    inputs = extremes(graph)
    before, after, bounds = evaluate(graph, inputs), evaluate(smaller, inputs), channel_bounds(graph)  # fmt: skip
    for name, array in after.items():
        count = channels(graph.values[name])
        full = before[name].reshape(-1, count)
        mask = smaller.kept.get(name, np.ones(count, bool))
        np.testing.assert_array_equal(array.reshape(-1, mask.sum()), full[:, mask], name)
        assert (bounds[name].low <= full).all()
        assert (full <= bounds[name].high).all()
    program = plan(smaller)
    for name, got in zip(program.outputs, Simulator(program).run(inputs), strict=True):
        np.testing.assert_array_equal(got, before[name])
    assert set(smaller.kept).isdisjoint({*graph.inputs, *graph.outputs})
    return smaller


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from(KINDS), min_size=1, max_size=10))
def test_random_networks_compute_the_same_bytes(seed: int, kinds: list[str]) -> None:
    check(random_network(seed, kinds))


@pytest.mark.soak
@settings(deadline=None, max_examples=10_000)
@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from(KINDS), min_size=1, max_size=16))
def test_many_random_networks_compute_the_same_bytes(seed: int, kinds: list[str]) -> None:
    check(random_network(seed, kinds))


def test_random_networks_lose_many_channels() -> None:
    """The property would hold for a rewrite that does nothing."""
    was = left = 0
    for seed in range(40):
        kinds = np.random.default_rng(seed).choice(KINDS, 6).tolist()
        graph = random_network(seed, kinds)
        found = removed_channels(graph, drop_constant_channels(graph))
        was, left = was + found["channels_before"], left + found["channels"]
    assert left < 0.8 * was


def check_in_c(graph: IntGraph, smaller: IntGraph) -> None:
    """The kernels, node by node on the smaller graph, make the outputs of the larger one."""
    inputs = extremes(graph)
    wanted = evaluate(graph, inputs)
    constants = {n: v.data for n, v in smaller.values.items() if v.data is not None}
    for sample in range(4):
        arrays = constants | dict(zip(graph.inputs, (x[sample] for x in inputs), strict=True))
        for node in smaller.nodes:
            operands = [arrays[name] for name in node.inputs]
            arrays[node.outputs[0]] = kernels.call(node, dict(smaller.values), *operands)
        for name in graph.outputs:
            np.testing.assert_array_equal(arrays[name], wanted[name][sample])


@pytest.mark.parametrize("seed", range(12))
def test_c_kernels_of_random_smaller_networks_agree(seed: int) -> None:
    graph = random_network(seed, np.random.default_rng(seed).choice(KINDS, 8).tolist())
    check_in_c(graph, drop_constant_channels(graph))


def passing(name: str, beside: tuple[int, ...] = (), /, **attrs: Any) -> Any:
    """An operator's name and attributes, and the shape of the constant beside it, if any."""
    return pytest.param(name, attrs, beside, id=f"{name}-{'-'.join(map(str, attrs.values()))[:24]}")


POOL = {**window_attrs(Axis(3, 2, 1), Axis(3, 2, 1)), "kernel_h": 2, "kernel_w": 2}
BORDER = ((0, 0), (1, 2), (0, 1), (0, 0))
MIDDLE = (range(1), range(1, 3), range(3), range(4))


@pytest.mark.parametrize(
    ("op", "attrs", "beside"),
    [
        passing("relu", activation="RELU6"),
        passing("add", (1, 3, 3, 4), activation="NONE"),
        passing("mul", (1, 3, 3, 4), activation="NONE"),
        passing("avg_pool", activation="NONE", **POOL),
        passing("max_pool", activation="NONE", **POOL),
        passing("mean", axes=[1, 2], keep_dims=True),
        passing("mean", axes=[1], keep_dims=True),
        passing("reduce_max", axes=[2], keep_dims=True),
        passing("concat", axis=1),
        passing("concat", axis=3),
        passing("slice", part=MIDDLE, shape=(1, 2, 3, 4)),
        passing("slice", part=(*MIDDLE[:3], range(1, 4)), shape=(1, 2, 3, 3)),
        passing("pad", border=BORDER, value=0.0),
        passing("transpose", perm=(0, 2, 1, 3)),
        passing("resize_nearest", rows=(0, 0, 1, 2, 2), columns=(2, 1)),
        passing("resize_bilinear", rows=(0, 700, 2048), columns=(5, 1024)),
        passing("space_to_depth", block=3),
        passing("reshape", shape=(1, 1, 1, 36)),
    ],
)
def test_every_operator_lets_channels_through(op: str, attrs: Any, beside: tuple[int, ...]) -> None:
    """Two constant channels of four, at the zero point, do not survive on either side of it."""
    rows = [[9, -7], [1, 1], [3, 3], [-4, 8]]
    net, made = first_layer(rows, [0, -FAR, 900, -FAR], zero=-128, activation_="RELU")
    operands = [made]
    if beside:
        operands.append(net.constant(np.full(beside, 7, np.int8), (0.05,)))
    elif op == "concat":
        operands.append(made)
    out = net.add(op, operands, like=made, **attrs)
    end = reader(net, out, np.ones((2, 1, 1, net.shape(out)[3])))
    graph = net.graph([end])
    smaller = check(graph)
    # A slice from channel 1 on leaves channel 0 unread, so that it goes as well.
    first, kept = attrs["part"][3].start if op == "slice" else 0, smaller.kept[out]
    assert smaller.kept[made].tolist() == [first == 0, False, True, False]
    assert kept.tolist() == [(first + c) % 2 == 0 for c in range(len(kept))]
    check_in_c(graph, smaller)


def test_a_compiled_network_agrees(tmp_path: Path) -> None:
    net = Net(3)
    x = net.input((1, 9, 8, 3))
    for _ in range(3):
        x = depthwise(net, conv(net, x, 3))
    graph = net.graph([grow(net, [x], "dense") or x])
    smaller = drop_constant_channels(graph)
    assert smaller.kept
    program = plan(smaller)
    for name, text in emit("m", program, "net.tflite")[0].items():
        (tmp_path / name).write_text(text)
    with make_runner("host", deploy(program, tmp_path, "m"), load_target("host")) as runner:
        (got,) = runner.run(extremes(graph))
    np.testing.assert_array_equal(got, evaluate(graph, extremes(graph))[graph.outputs[0]])


def first_layer(rows: list[list[int]], bias: list[int], *, scale: float = 0.02, zero: int = 3,
                activation_: str = "NONE") -> tuple[Net, str]:  # fmt: skip
    """A pointwise convolution with one row of weights a channel, over [1, 3, 3, taps] of full range."""
    net = Net(0)
    net.values["x"] = activation("x", (1, 3, 3, len(rows[0])), 0.05, 3)
    net.inputs.append("x")
    net.values["made"] = activation("made", (1, 3, 3, len(rows)), 0.05, zero)
    w = net.constant(np.array(rows, np.int8)[:, None, None, :], (scale,))
    operands = ("x", w, net.constant(np.array(bias, np.int32)))
    attrs = {**window_attrs(Axis(3, 1, 1), Axis(3, 1, 1)), "activation": activation_}
    net.nodes.append(Node("first", "conv2d", operands, ("made",), attrs))
    return net, "made"


def reader(net: Net, x: str, w: Array | None = None, padding: str = "SAME") -> str:
    """A convolution that reads every channel of `x`; weights OHWI, by default 1, of a 3x3 window."""
    w = np.ones((2, 3, 3, net.shape(x)[3])) if w is None else w
    axes = (tflite_axis(padding, 3, n, 1) for n in w.shape[1:3])
    weights = net.constant(w.astype(np.int8), (0.01,))
    return net.add("conv2d", [x, weights], activation="NONE", **window_attrs(*axes))


FAR = 10**6  # a bias beyond every clamp


@pytest.mark.parametrize("zero", [-128, -50, 0])
def test_a_clamp_makes_a_constant_to_its_last_step(zero: int) -> None:
    """RELU6 at scale 0.05 ends 120 steps above 0; a sum one below the first that gets there varies."""
    net, made = first_layer([[10], [0]], [0, 0], zero=zero, activation_="RELU6")
    node = net.graph([made]).nodes[0]
    m, s = (int(node.consts[name][0]) for name in ("multiplier", "shift"))
    top = min(120, 127 - zero)
    edge = int(np.searchsorted(requantize(np.arange(100_000), m, s), top))
    for bias, constant in ((edge + 1280, True), (edge + 1279, False)):
        node.consts["bias"][0] = bias  # the smallest input, -128, leaves bias - 1280
        (found,) = node.op.bounds(node, net.values, Bounds(np.array([-128]), np.array([127])))
        assert found.constant.tolist() == [constant, True]
        assert found.high.tolist() == [zero + top, zero]


def test_extreme_shifts() -> None:
    """A scale below 2^-32 makes every channel its zero point; a left shift none of them."""
    net, made = first_layer([[100], [-3]], [2**20, -5], scale=1e-12)
    (held, tiny) = (channel_bounds(net.graph([made]))[made], net.graph([made]).nodes[0])
    assert held.constant.all()
    assert held.low.tolist() == [3, 3]
    assert tiny.consts["multiplier"].tolist() == [0, 0]
    net, made = first_layer([[100], [-3]], [0, 0], scale=40.0)
    graph = net.graph([made])
    assert int(graph.nodes[0].consts["shift"].max()) > 0
    assert not channel_bounds(graph)[made].constant.any()


@pytest.mark.parametrize(
    ("padding", "bias", "goes"), [("SAME", -FAR, True), ("SAME", FAR, False), ("VALID", FAR, True)]
)
def test_a_constant_goes_where_no_border_would_differ(padding: str, bias: int, goes: bool) -> None:
    """A 3x3 window reads the zero point outside: another constant is not there at the border."""
    net, made = first_layer([[9, -7], [1, 1]], [0, bias], zero=-128, activation_="RELU")
    graph = net.graph([reader(net, made, padding=padding)])
    held = channel_bounds(graph)[made]
    assert held.constant.tolist() == [False, True]
    assert held.low[1] == (-128 if bias < 0 else 127)
    assert (made in check(graph).kept) == goes


def test_a_tap_that_never_leaves_the_map_reads_no_padding() -> None:
    net, made = first_layer([[9, -7], [1, 1]], [0, FAR], zero=-128)
    w = np.ones((2, 3, 3, 2))
    w[:, [0, 2], :, 1] = w[:, :, [0, 2], 1] = 0  # of the constant only the middle tap is read
    assert check(net.graph([reader(net, made, w)])).kept[made].tolist() == [True, False]


def test_depthwise_groups_go_together() -> None:
    """Two outputs an input channel: the constant input goes only where no border shows it."""
    for zero_is_held in (True, False):
        bias = [0, -FAR if zero_is_held else FAR]
        net, made = first_layer([[9, -7], [1, 1]], bias, zero=-128, activation_="RELU")
        w = net.constant(np.array([[5, 9, 5, 9]] * 9, np.int8).reshape(1, 3, 3, 4), (1e-3,))
        attrs = window_attrs(Axis(3, 3, 1, 1, 1, 1), Axis(3, 3, 1, 1, 1, 1))
        out = net.add("depthwise", [made, w], activation="NONE", **attrs)
        net.values[out] = activation(out, (1, 3, 3, 4), 0.2, -128)  # wide enough not to saturate
        smaller = check(net.graph([reader(net, out, np.ones((2, 1, 1, 4)))]))
        assert (made in smaller.kept) == (out in smaller.kept) == zero_is_held


def test_channels_that_nobody_reads_go() -> None:
    net, made = first_layer([[9, -7], [5, 1]], [0, 0])
    w = np.array([[3, 0], [-2, 0]])[:, None, None, :]
    assert check(net.graph([reader(net, made, w)])).kept[made].tolist() == [True, False]


def test_a_layer_of_constants_keeps_one_channel() -> None:
    net, made = first_layer([[9, -7], [5, 1]], [FAR, -FAR])
    smaller = check(net.graph([reader(net, made, padding="VALID")]))
    assert smaller.kept[made].tolist() == [True, False]


@pytest.mark.parametrize("both", [True, False])
def test_a_residual_loses_what_both_sides_lose(both: bool) -> None:
    net, first = first_layer([[9, -7], [1, 1]], [0, FAR])
    second, node = net.tensor((1, 3, 3, 2)), net.nodes[0]
    bias = net.constant(np.array([5, FAR if both else 7], np.int32))
    net.nodes.append(Node("second", "conv2d", (*node.inputs[:2], bias), (second,), node.attrs))
    total = net.add("add", [first, second], activation="NONE")
    net.values[total] = activation(total, (1, 3, 3, 2), 0.2, 0)  # wide enough not to saturate
    smaller = check(net.graph([reader(net, total, np.ones((2, 1, 1, 2)))]))
    assert [name in smaller.kept for name in (first, second, total)] == [both] * 3


def test_outputs_keep_their_channels() -> None:
    net, made = first_layer([[9, -7], [1, 1]], [0, FAR])
    out = reader(net, made, padding="VALID")
    assert made in check(net.graph([out])).kept
    assert not check(net.graph([made, out])).kept


def test_variables_and_what_they_hold_stay() -> None:
    net, made = first_layer([[9, -7], [1, 1]], [0, FAR])
    net.values["state"] = activation("state", (1, 3, 3, 2), 0.05, 3)
    read = net.add("read_variable", ["state"], like="state")
    net.nodes.append(Node("assign", "assign_variable", (made,), ("state",), {}))
    out = reader(net, read)
    graph = net.graph([out], (State("state", np.zeros((1, 3, 3, 2), np.int8)),))
    assert not channel_bounds(graph)["state"].constant.any()
    assert not drop_constant_channels(graph).kept


def test_an_unsigned_input_holds_its_own_range() -> None:
    """The upper half of uint8 reaches other results than any int8 does."""
    net = Net(0)
    net.values["x"] = activation("x", (1, 3, 3, 2), 0.05, 127, dtype="uint8")
    net.inputs.append("x")
    out = net.add("requantize", ["x"])
    net.values[out] = activation(out, (1, 3, 3, 2), 0.05, -128)
    found = channel_bounds(net.graph([out]))[out]
    assert (found.low.tolist(), found.high.tolist()) == ([-128] * 2, [0] * 2)


def test_masks_of_operands_with_other_counts_are_grouped() -> None:
    narrow, wide = np.array([True, True]), np.array([True, False, True, True])
    tied = Spare([narrow], [wide]).tied()
    assert tied.inputs[0].tolist() == [True, False]
    assert tied.outputs[0].tolist() == [True, False, True, False]
    assert not Spare([narrow], [np.ones(3, bool)]).tied().inputs[0].any()


VWW = "mlperf_tiny_vww01_mobilenetv1_int8.tflite"


def removed(file: str) -> dict[str, Any]:
    stages = compile_program(shared("models", file), Options("m"))
    return removed_channels(stages.lowered, stages.integer)


def test_half_of_vww_is_constant() -> None:
    stages = compile_program(shared("models", VWW), Options("m"))
    found = removed_channels(stages.lowered, stages.integer)
    assert (found["channels_before"], found["macs_before"]) == (2738, 7_489_664)
    assert found["macs"] <= 3_800_000
    assert sum(step.macs for step in stages.program.steps) == found["macs"]
    bounds = channel_bounds(stages.lowered)
    made = [n.outputs[0] for n in stages.lowered.nodes if "weights" in n.consts]
    assert sum(int(bounds[name].constant.sum()) for name in made) >= 1650
    (line,) = channels_lines({"constant_channels": found})
    assert line.startswith(
        "folded  1,724 of 2,738 channels are constant or unread: removed, 7.49 M"
    )


def test_the_report_says_of_every_layer_which_channels_went() -> None:
    stages = compile_program(shared("models", VWW), Options("m"))
    found = removed_channels(stages.lowered, stages.integer)
    made = {node.name: node.outputs[0] for node in stages.lowered.nodes}
    assert sum(len(layer["removed"]) for layer in found["layers"]) == 2738 - found["channels"]
    for layer in found["layers"]:
        assert len(layer["removed"]) == layer["channels_before"] - layer["channels"]
        mask = stages.integer.kept.get(made[layer["name"]])
        gone = [] if mask is None else [int(c) for c, stays in enumerate(mask) if not stays]
        assert layer["removed"] == gone
    lost = {layer["name"]: len(layer["removed"]) for layer in found["layers"]}
    lines = inspect_screen(inspect(shared("models", VWW))).splitlines()
    start = next(i for i, line in enumerate(lines) if "channels removed" in line)
    shown = {line.split()[0]: int(line.split()[2]) for line in lines[start + 1 :]}
    assert shown == lost


@pytest.mark.slow
def test_vww_on_500_photographs() -> None:
    stages = compile_program(shared("models", VWW), Options("m"))
    x = BY_KEY["vww"].samples().arrays
    (before,), (after,) = (Simulator(p).run(x) for p in (plan(stages.lowered), stages.program))
    assert len(before) == 500
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("model", ["kws01_dscnn", "ic01_resnet8", "ad01_autoencoder"])
def test_the_other_mlperf_models_have_none(model: str) -> None:
    found = removed(f"mlperf_tiny_{model}_int8.tflite")
    assert found["channels"] == found["channels_before"]
    assert channels_lines({"constant_channels": found}) == []


def test_a_twentieth_of_mcunet_is_constant() -> None:
    found = removed("tinyengine_mcunet_vww_80_int8_floatio.tflite")
    assert 0.05 < 1 - found["macs"] / found["macs_before"] < 0.06
