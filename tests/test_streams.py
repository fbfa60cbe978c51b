"""Streams: whatever is cut where, and wherever rows lie, the bytes stay the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_plan import evaluate, passes_check, random_inputs

from benchmarks.places import compare, forced, inputs
from edgekit.cases import activation
from edgekit.emit import emit
from edgekit.errors import EdgekitError
from edgekit.families.window import Axis, tflite_axis, window_attrs
from edgekit.graph import Graph, IntGraph, Node, Quant, Value
from edgekit.lowering import lower
from edgekit.plan import OPTIMIZE, plan, program_of
from edgekit.plan.arena import arena_of
from edgekit.plan.check import check_plan
from edgekit.plan.search import Choice
from edgekit.plan.streams import Network
from edgekit.program import Program, Turn
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate.runners import deploy, make_runner

SCALE, ZERO = 0.05, 3


class Maps:
    """Grows a canonical graph of maps [1, H, W, C] of one quantization."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        self.values: dict[str, Value] = {}
        self.nodes: list[Node] = []
        self.input = self.tensor((1, height, width, channels))

    def tensor(self, shape: tuple[int, ...]) -> str:
        name = f"t{len(self.values)}"
        self.values[name] = activation(name, shape, SCALE, ZERO)
        return name

    def shape(self, name: str) -> tuple[int, ...]:
        return self.values[name].shape

    def add(self, op: str, inputs: list[str], shape: tuple[int, ...], /, **attrs: object) -> str:
        out = self.tensor(shape)
        self.nodes.append(Node(f"{op}_{len(self.nodes)}", op, tuple(inputs), (out,), attrs))
        return out

    def window(self, op: str, x: str, rows: Axis, columns: Axis, channels: int) -> str:
        attrs: dict[str, object] = {**window_attrs(rows, columns), "activation": "NONE"}
        operands = [x]
        taps = (rows.kernel, columns.kernel)
        if op == "conv2d":
            operands.append(self.weights((channels, *taps, self.shape(x)[3])))
        elif op == "depthwise":
            operands.append(self.weights((1, *taps, channels)))
        else:
            attrs |= {"kernel_h": taps[0], "kernel_w": taps[1]}
        return self.add(op, operands, (1, rows.out, columns.out, channels), **attrs)

    def upsampled(self, x: str, kernel: int, stride: int, channels: int) -> str:
        shape = self.shape(x)
        axes = [tflite_axis("SAME", n * stride, kernel, stride) for n in shape[1:3]]
        grown = (1, axes[0].size, axes[1].size, channels)
        weights = self.weights((channels, kernel, kernel, shape[3]))
        attrs = {
            "stride_h": stride, "stride_w": stride, "pad_top": axes[0].before, "pad_left": axes[1].before,
            "shape": grown, "activation": "NONE",
        }  # fmt: skip
        return self.add("transpose_conv", [x, weights], grown, **attrs)

    def weights(self, shape: tuple[int, ...]) -> str:
        name = f"w{len(self.values)}"
        data = np.random.default_rng(len(self.values)).integers(-99, 99, shape).astype(np.int8)
        self.values[name] = Value(name, shape, "int8", Quant((0.01,), (0,)), data)
        return name

    def graph(self, outputs: list[str]) -> IntGraph:
        nodes = tuple(self.nodes)
        return lower(Graph("maps", self.values, nodes, (self.input,), tuple(outputs)))


def axis(draw: st.DrawFn, size: int) -> Axis:
    kernel = draw(st.integers(1, min(3, size)))
    stride = draw(st.integers(1, 2))
    before, after = (draw(st.integers(0, kernel - 1)) for _ in range(2))
    return Axis(size, kernel, stride, 1, before, after)


@st.composite
def maps(draw: st.DrawFn) -> IntGraph:
    net = Maps(*(draw(st.integers(*bounds)) for bounds in ((2, 9), (1, 5), (1, 4))))
    live = [net.input]
    for _ in range(draw(st.integers(1, 8))):
        x = draw(st.sampled_from(live[-3:]))
        shape = net.shape(x)
        if len(shape) != 4:
            break
        op = draw(st.sampled_from(["conv2d", "depthwise", "max_pool", "avg_pool", "relu", "add", "mul", "resize", "mean", "concat", "pad", "prelu", "mul_broadcast", "add_broadcast", "reduce_max", "extremum", "depth_to_space", "transpose_conv"]))  # fmt: skip
        if op in ("conv2d", "depthwise", "max_pool", "avg_pool"):
            rows, columns = axis(draw, shape[1]), axis(draw, shape[2])
            channels = draw(st.integers(1, 4)) if op == "conv2d" else shape[3]
            live.append(net.window(op, x, rows, columns, channels))
        elif op in ("relu", "add", "mul", "extremum"):
            same = [t for t in live if net.shape(t) == shape]
            operands = [x] if op == "relu" else [x, draw(st.sampled_from(same))]
            attrs = {"activation": "RELU6" if op == "relu" else "NONE", "sign": 1}
            live.append(net.add(op, operands, shape, **attrs))
        elif op == "resize" and shape[1] <= 6:
            rows_of, columns_of = ([i // 2 for i in range(2 * n)] for n in shape[1:3])
            big = (1, 2 * shape[1], 2 * shape[2], shape[3])
            live.append(net.add("resize_nearest", [x], big, rows=rows_of, columns=columns_of))
        elif op == "depth_to_space" and shape[1] <= 6 and shape[3] % 4 == 0:
            big = (1, 2 * shape[1], 2 * shape[2], shape[3] // 4)
            live.append(net.add("depth_to_space", [x], big, block=2))
        elif op == "transpose_conv" and shape[1] <= 6:
            live.append(
                net.upsampled(x, *(draw(st.integers(*ends)) for ends in ((1, 3), (1, 3), (1, 4))))
            )
        elif op == "concat":
            alike = [t for t in live if net.shape(t)[:3] == shape[:3] and len(net.shape(t)) == 4]
            parts = [x, draw(st.sampled_from(alike))]
            channels = sum(net.shape(t)[3] for t in parts)
            live.append(net.add("concat", parts, (*shape[:3], channels), axis=3))
        elif op == "pad" and shape[1] <= 8:
            rows_border, columns_border = ((draw(st.integers(0, 2)), 1) for _ in range(2))
            size = (1, shape[1] + sum(rows_border), shape[2] + sum(columns_border), shape[3])
            border = ((0, 0), rows_border, columns_border, (0, 0))
            live.append(net.add("pad", [x], size, border=border, value=0.0))
        elif op == "prelu":
            live.append(net.add("prelu", [x, net.weights((1, 1, shape[3]))], shape))
        elif op in ("mul_broadcast", "add_broadcast"):
            small = draw(st.sampled_from([(1,), shape[3:], shape[2:], (1, shape[1], 1, 1)]))
            operands = draw(st.permutations([x, net.weights(small)]))
            live.append(net.add(op, operands, shape, activation="NONE"))
        elif op == "reduce_max" and draw(st.booleans()):
            live.append(net.add("reduce_max", [x], (1, shape[3]), axes=[1, 2], keep_dims=False))
        elif op == "mean" and draw(st.booleans()):
            live.append(net.add("mean", [x], (1, shape[3]), axes=[1, 2], keep_dims=False))
    if live[-1] == net.input:
        live.append(net.add("relu", [net.input], net.shape(net.input), activation="RELU6"))
    if draw(st.booleans()) and len(net.shape(live[-1])) == 4:
        elements = int(np.prod(net.shape(live[-1])))
        operands = [live[-1], net.weights((3, elements))]
        attrs = {"activation": "NONE", "keep_num_dims": False}
        live.append(net.add("fully_connected", operands, (1, 3), **attrs))
    others = [t for t in live[1:-1] if draw(st.booleans()) and draw(st.booleans())]
    return net.graph([*others, live[-1]])


def equal_to_the_graph(graph: IntGraph, program: Program) -> None:
    inputs = random_inputs(graph)
    wanted = evaluate(graph, inputs)
    for name, got in zip(graph.outputs, Simulator(program).run(inputs), strict=True):
        np.testing.assert_array_equal(got, wanted[name])
    for _, name, got in Simulator(program).trace([x[0] for x in inputs]):
        np.testing.assert_array_equal(got, wanted[name][0])


def random_choice(network: Network, draw: st.DrawFn) -> Choice:
    """Runs drawn among those that the network allows."""
    cuts, at, runs = network.cuts, 0, []
    while at < len(cuts.nodes):
        end = draw(st.integers(at + 1 if at else cuts.first_end, cuts.reach[at]))
        runs.append(cuts.run(at, end))
        at = end
    return Choice(tuple(runs), 0, 0)


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(deadline=None, max_examples=300, suppress_health_check=SLOW)
@given(maps(), st.booleans(), st.booleans(), st.data())
def test_any_choice_of_streams_gives_the_same_bytes(
    graph: IntGraph, keep_input: bool, caller_io: bool, data: st.DataObject
) -> None:
    network = Network(graph, keep_input=keep_input, caller_io=caller_io)
    arena = arena_of(network, random_choice(network, data.draw), split=data.draw(st.booleans()))
    program = program_of(arena)
    equal_to_the_graph(graph, program)
    assert program.arena_bytes >= program.plan.lower_bound


@pytest.mark.soak
@settings(deadline=None, max_examples=10_000, suppress_health_check=SLOW)
@given(maps(), st.booleans(), st.booleans(), st.data())
def test_any_choice_of_streams_gives_the_same_bytes_10000_times(
    graph: IntGraph, keep_input: bool, caller_io: bool, data: st.DataObject
) -> None:
    network = Network(graph, keep_input=keep_input, caller_io=caller_io)
    arena = arena_of(network, random_choice(network, data.draw), split=data.draw(st.booleans()))
    equal_to_the_graph(graph, program_of(arena))


@settings(deadline=None, max_examples=60, suppress_health_check=SLOW)
@given(maps(), st.sampled_from(OPTIMIZE))
def test_every_way_to_optimize_gives_the_same_bytes(graph: IntGraph, optimize: str) -> None:
    equal_to_the_graph(graph, plan(graph, optimize=optimize))


@settings(deadline=None, max_examples=100, suppress_health_check=SLOW)
@given(maps(), st.data())
def test_the_checker_finds_a_moved_row_or_the_move_is_harmless(
    graph: IntGraph, data: st.DataObject
) -> None:
    program = plan(graph, optimize="ram")
    apart = sorted(name for name, b in program.buffers.items() if b.rows)
    if not apart:
        return
    buffer = program.buffers[data.draw(st.sampled_from(apart))]
    rows = list(buffer.rows)
    row = data.draw(st.integers(0, len(rows) - 1))
    rows[row] = data.draw(st.integers(0, max(0, program.arena_bytes - buffer.row_bytes)))
    moved = dataclasses.replace(buffer, rows=tuple(rows))
    changed = dataclasses.replace(program, buffers={**program.buffers, buffer.name: moved})
    if passes_check(changed):
        inputs = random_inputs(graph)
        wanted = evaluate(graph, inputs)
        for name, got in zip(changed.outputs, Simulator(changed).run(inputs), strict=True):
            np.testing.assert_array_equal(got, wanted[name])


def chain() -> IntGraph:
    """Two 3x3 convolutions of stride 1 on a map of 8 rows: a stream holds three rows between them."""
    net = Maps(8, 4, 2)
    same = Axis(8, 3, 1, 1, 1, 1), Axis(4, 3, 1, 1, 1, 1)
    x = net.window("conv2d", net.input, *same, 8)
    return net.graph([net.window("conv2d", x, *same, 2)])


def streamed(graph: IntGraph) -> Program:
    network = Network(graph, keep_input=True, caller_io=False)
    nodes = tuple(network.cuts.nodes)
    return program_of(arena_of(network, Choice((nodes,), 0, 0), split=True))


def test_a_stream_holds_the_rows_that_are_still_needed() -> None:
    """At row 6 of 8: the input, kept, 64 bytes; 7 rows of output; three of 32 bytes between; two
    patches of 72 bytes."""
    program = streamed(chain())
    assert program.plan.lower_bound == 64 + 7 * 8 + 3 * 32 + 144
    assert program.arena_bytes <= program.plan.lower_bound + 8
    assert len(program.schedule) == 16


@pytest.mark.parametrize("change", ["order", "missing"])
def test_the_checker_finds_a_broken_schedule(change: str) -> None:
    program = streamed(chain())
    turns = list(program.schedule)
    if change == "order":
        turns.insert(0, turns.pop(next(i for i, t in enumerate(turns) if t.step == 1)))
    else:
        turns.pop()
    with pytest.raises(EdgekitError, match="EK402"):
        check_plan(dataclasses.replace(program, schedule=tuple(turns)))


def test_a_row_made_twice_is_refused() -> None:
    program = streamed(chain())
    with pytest.raises(EdgekitError, match="out of order"):
        check_plan(dataclasses.replace(program, schedule=(*program.schedule, Turn(1, 0, 1))))


def gated(kind: str) -> IntGraph:
    """Two convolutions with an operator of one row between them."""
    net = Maps(8, 4, 2)
    same = Axis(8, 3, 1, 1, 1, 1), Axis(4, 3, 1, 1, 1, 1)
    x = net.window("conv2d", net.input, *same, 8)
    shape = net.shape(x)
    if kind == "softmax":
        net.values["soft"] = activation("soft", shape, 1 / 256, -128)
        net.nodes.append(Node("softmax", "softmax", (x,), ("soft",), {"beta": 1.0}))
        x = "soft"
    elif kind == "prelu":
        x = net.add("prelu", [x, net.weights((1, 1, 8))], shape)
    else:
        x = net.add(kind, [x, net.weights((8,))], shape, activation="NONE")
    return net.graph([net.window("conv2d", x, *same, 2)])


@pytest.mark.parametrize("kind", ["softmax", "prelu", "add_broadcast", "mul_broadcast"])
def test_a_stream_runs_through_operators_of_one_row(kind: str, tmp_path: Path) -> None:
    graph = gated(kind)
    program = streamed(graph)
    assert len(program.schedule) == 3 * 8
    assert program.arena_bytes < plan(graph, keep_input=True, optimize="speed").arena_bytes
    equal_to_the_graph(graph, program)
    for name, text in emit("m", program, "model.tflite")[0].items():
        (tmp_path / name).write_text(text)
    inputs = random_inputs(graph)
    with make_runner("host", deploy(program, tmp_path, "m"), load_target("host")) as runner:
        (got,) = runner.run(inputs)
        np.testing.assert_array_equal(got, evaluate(graph, inputs)[graph.outputs[0]])


def test_an_operator_in_place_on_a_view_with_more_rows_than_its_storage() -> None:
    net = Maps(4, 3, 1)
    x = net.add("relu", [net.input], (1, 4, 3, 1), activation="RELU6")
    y = net.tensor((1, 12, 1, 1))
    net.nodes.append(Node("view", "reshape", (x,), (y,), {"shape": net.shape(y)}))
    graph = net.graph([net.add("relu", [y], net.shape(y), activation="RELU6")])
    program = plan(graph, optimize="ram")
    assert program.arena_bytes == 12
    equal_to_the_graph(graph, program)


def test_no_row_is_written_over_a_storage_without_rows_that_a_stream_still_reads() -> None:
    """A sum in place on joined parts, row by row, while a convolution reads both rows of them."""
    net = Maps(1, 3, 2)
    one = net.window("conv2d", net.input, Axis(1, 1, 1), Axis(3, 1, 1), 1)
    two = net.window("conv2d", net.input, Axis(1, 1, 1), Axis(3, 1, 1), 1)
    joined = net.add("concat", [one, two], (1, 2, 3, 1), axis=1)
    rows = Axis(2, 2, 1, 1, 1, 0)
    y = net.window("conv2d", joined, rows, Axis(3, 1, 1), 1)
    graph = net.graph([net.add("add", [joined, y], (1, 2, 3, 1), activation="NONE")])
    network = Network(graph, keep_input=True, caller_io=False)
    program = program_of(forced(network))
    assert any(turn.n < 2 for turn in program.schedule[2:])
    equal_to_the_graph(graph, program)


def test_layers_that_do_not_feed_each_other_run_in_the_order_of_their_schedule() -> None:
    """The last layer of a stream comes first; the C has to follow, whose memory was planned so."""
    net = Maps(4, 3, 2)
    one = net.window("conv2d", net.input, Axis(4, 1, 1), Axis(3, 1, 1), 8)
    two = net.add("relu", [net.input], net.shape(net.input), activation="RELU6")
    graph = net.graph([one, two])
    program = program_of(forced(Network(graph, keep_input=False, caller_io=False)))
    assert [turn.step for turn in program.schedule] == [1, 0]
    samples = inputs(program)
    wanted = Simulator(program).run(samples.arrays)
    assert compare("host", program, samples, wanted).differ == 0


def test_a_layer_that_makes_all_its_rows_inside_a_stream_makes_them_in_c() -> None:
    """The convolution begins in its padding, so that both rows in front of it follow its first."""
    net = Maps(2, 3, 2)
    x = net.window("conv2d", net.input, Axis(2, 1, 1), Axis(3, 1, 1), 3)
    graph = net.graph([net.window("conv2d", x, Axis(2, 2, 2, 1, 2, 0), Axis(3, 1, 1), 2)])
    program = program_of(forced(Network(graph, keep_input=False, caller_io=False)))
    assert [turn.step for turn in program.schedule] == [1, 0, 0, 1]
    samples = inputs(program)
    wanted = Simulator(program).run(samples.arrays)
    assert compare("host", program, samples, wanted).differ == 0
