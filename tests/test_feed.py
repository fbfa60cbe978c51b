"""Streamed input: rows in any portions, each in its place from when it comes to its last reader."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import fed
import numpy as np
import pytest
from conftest import shared
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_plan import evaluate, passes_check, random_inputs
from test_streams import SCALE, SLOW, ZERO, Maps, equal_to_the_graph, maps, random_choice

from edgekit.bench import count
from edgekit.build import Options, compile_program
from edgekit.cases import activation
from edgekit.emit import emit
from edgekit.emit.entry import entry_points
from edgekit.errors import EdgekitError
from edgekit.families.window import Axis
from edgekit.firmware import compile_model
from edgekit.graph import Graph, IntGraph, Node, State
from edgekit.lowering import lower
from edgekit.plan import OPTIMIZE, plan, program_of
from edgekit.plan.arena import arena_of
from edgekit.plan.check import check_plan
from edgekit.plan.streams import Network
from edgekit.program import Program, Turn
from edgekit.rewrite.feed_input import feed_input
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate.runners import deploy, make_runner

T = TypeVar("T")
SAME = Axis(9, 3, 1, 1, 1, 1), Axis(5, 3, 1, 1, 1, 1)


def accepted(make: Callable[[], T]) -> T:
    """What `make` makes; hypothesis draws another example where the input cannot be fed."""
    try:
        return make()
    except EdgekitError as refused:
        if refused.code != "EK204":
            raise
        assume(False)
        raise


def small() -> IntGraph:
    """Two convolutions on 9 rows of 15 bytes, a map and the scores of a dense layer as outputs."""
    net = Maps(9, 5, 3)
    x = net.window("conv2d", net.input, *SAME, 4)
    y = net.window("conv2d", x, Axis(9, 3, 2, 1, 0, 0), Axis(5, 3, 2, 1, 0, 0), 2)
    dense = {"activation": "NONE", "keep_num_dims": False}
    z = net.add("fully_connected", [y, net.weights((3, 16))], (1, 3), **dense)
    return net.graph([y, z])


def with_state() -> IntGraph:
    """y = the sum over the rows of a depthwise layer, plus y of the inference before."""
    net = Maps(9, 5, 3)
    x = net.window("depthwise", net.input, *SAME, 3)
    mean = net.add("mean", [x], (1, 3), axes=[1, 2], keep_dims=False)
    before = net.add("read_variable", ["past"], (1, 3))
    y = net.add("add", [mean, before], (1, 3), activation="NONE")
    net.values["past"] = activation("past", (1, 3), SCALE, ZERO)
    net.nodes.append(Node("keep", "assign_variable", (y,), ("past",), {}))
    states = (State("past", np.array([[5, -6, 7]], np.int8)),)
    graph = Graph("maps", net.values, tuple(net.nodes), (net.input,), (y,), states)
    return lower(graph)


# The plan and the simulator.


@settings(deadline=None, max_examples=100, suppress_health_check=SLOW)
@given(maps(), st.booleans(), st.data())
def test_any_plan_gives_the_bytes_of_the_resident_network(
    graph: IntGraph, caller_io: bool, data: st.DataObject
) -> None:
    rows = accepted(lambda: feed_input(graph))
    network = accepted(lambda: Network(rows, keep_input=False, caller_io=caller_io))
    arena = arena_of(network, random_choice(network, data.draw), split=data.draw(st.booleans()))
    equal_to_the_graph(rows, program_of(arena))


@settings(deadline=None, max_examples=40, suppress_health_check=SLOW)
@given(maps(), st.sampled_from(OPTIMIZE))
def test_every_way_to_optimize_feeds(graph: IntGraph, optimize: str) -> None:
    rows = accepted(lambda: feed_input(graph))
    program = accepted(lambda: plan(rows, optimize=optimize))
    equal_to_the_graph(rows, program)
    fed_turns = [turn for turn in program.schedule if turn.step == program.feed]
    assert program.schedule[0] == fed_turns[0]
    height = program.steps[0].rows
    assert [(turn.first, turn.n) for turn in fed_turns] == [(row, 1) for row in range(height)]


@settings(deadline=None, max_examples=60, suppress_health_check=SLOW)
@given(maps(), st.data())
def test_the_checker_finds_a_changed_plan_or_the_change_is_harmless(
    graph: IntGraph, data: st.DataObject
) -> None:
    """A fed row elsewhere, or two turns exchanged."""
    program = accepted(lambda: plan(feed_input(graph), optimize="ram"))
    name = program.steps[0].outputs[0]
    buffer = program.buffers[name]
    if data.draw(st.booleans()):
        rows = [buffer.row_offset(row) for row in range(buffer.shape[1])]
        limit = max(0, program.arena_bytes - buffer.row_bytes)
        rows[data.draw(st.integers(0, len(rows) - 1))] = data.draw(st.integers(0, limit))
        moved = dataclasses.replace(buffer, rows=tuple(rows))
        changed = dataclasses.replace(program, buffers={**program.buffers, name: moved})
    else:
        turns = list(program.schedule)
        i, j = (data.draw(st.integers(0, len(turns) - 1)) for _ in range(2))
        turns[i], turns[j] = turns[j], turns[i]
        changed = dataclasses.replace(program, schedule=tuple(turns))
    if passes_check(changed):
        inputs = random_inputs(graph)
        wanted = evaluate(graph, inputs)
        for output, got in zip(changed.outputs, Simulator(changed).run(inputs), strict=True):
            np.testing.assert_array_equal(got, wanted[output])


def small_program() -> Program:
    return plan(feed_input(small()), optimize="ram")


def test_a_row_is_asked_for_as_late_as_possible() -> None:
    """Convolutions of three rows, stride 1 with padding, then stride 2: what each row sets free."""
    program = small_program()
    text = " ".join("fcdm"[turn.step] for turn in program.schedule)
    assert text == "f f c f c f c d f c f c d f c f c d f c c d m"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("late row", "read before it is made"),
        ("no first row", "does not begin with a row"),
        ("missing row", "read before it is made"),
        ("row twice", "out of order"),
        ("cursor", "scratch overlaps"),
        ("resident", "as if it were resident"),
    ],
)
def test_the_checker_names_what_is_wrong(change: str, message: str) -> None:
    program = small_program()
    turns, steps = list(program.schedule), list(program.steps)
    rows = [i for i, turn in enumerate(turns) if turn.step == 0]
    if change == "late row":
        turns.insert(rows[2] + 1, turns.pop(rows[2]))
    elif change == "no first row":
        turns.insert(0, turns.pop(2))
    elif change == "missing row":
        turns.pop(rows[-1])
    elif change == "row twice":
        turns.insert(1, Turn(0, 0, 1))
    elif change == "cursor":
        taken = program.buffers[steps[1].outputs[0]].row_offset(0)
        steps[0] = dataclasses.replace(steps[0], scratch_offset=taken)
    else:
        steps[1] = dataclasses.replace(steps[1], inputs=steps[0].inputs)
    changed = dataclasses.replace(program, schedule=tuple(turns), steps=tuple(steps))
    with pytest.raises(EdgekitError, match=message):
        check_plan(changed)


def test_the_simulator_sees_a_row_that_comes_too_late() -> None:
    """Not the checker alone: the arena holds a pattern where no row has come yet."""
    program = small_program()
    turns = list(program.schedule)
    rows = [i for i, turn in enumerate(turns) if turn.step == 0]
    turns.insert(rows[2] + 1, turns.pop(rows[2]))
    x = random_inputs(small())
    late = Simulator(dataclasses.replace(program, schedule=tuple(turns))).run(x)
    assert not np.array_equal(late[0], Simulator(program).run(x)[0])


# What is refused.


def flat(*shape: int) -> IntGraph:
    values = {n: activation(n, s, SCALE, ZERO) for n, s in (("x", shape), ("y", shape))}
    return lower(Graph("g", values, (Node("r", "relu", ("x",), ("y",), {"activation": "RELU"}),), ("x",), ("y",)))  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 640), (1, 1, 8, 3), (4,), (2, 3, 3, 1)])
def test_an_input_without_rows_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(EdgekitError, match="EK204") as refused:
        feed_input(flat(*shape))
    assert refused.value.where == "input x"
    assert "x".join(map(str, shape)) in refused.value.found
    assert "--stream-input" in refused.value.help


def test_two_inputs_are_refused() -> None:
    net = Maps(4, 2, 2)
    other = net.tensor((1, 4, 2, 2))
    y = net.add("add", [net.input, other], (1, 4, 2, 2), activation="NONE")
    graph = Graph("two", net.values, tuple(net.nodes), (net.input, other), (y,))
    with pytest.raises(EdgekitError, match="EK204") as refused:
        feed_input(lower(graph))
    assert refused.value.found == "2 inputs, wanted one"


def test_a_layer_that_needs_the_whole_input_is_named() -> None:
    net = Maps(4, 2, 2)
    x = net.add("relu", [net.input], (1, 4, 2, 2), activation="RELU")
    y = net.add("transpose", [net.input], (1, 2, 4, 2), perm=(0, 2, 1, 3))
    with pytest.raises(EdgekitError, match="EK204") as refused:
        plan(feed_input(net.graph([x, y])))
    assert refused.value.where == "node transpose_1"


def test_an_input_that_nothing_reads_by_rows_of_its_own_is_refused() -> None:
    """The only reader flattens it into an output."""
    net = Maps(4, 2, 2)
    y = net.tensor((1, 16))
    net.nodes.append(Node("flat", "reshape", (net.input,), (y,), {"shape": (1, 16)}))
    with pytest.raises(EdgekitError, match="EK204"):
        plan(feed_input(net.graph([y])))


@pytest.mark.parametrize("optimize", OPTIMIZE)
def test_an_input_seen_through_views_has_the_rows_of_the_map(optimize: str) -> None:
    net = Maps(9, 5, 3)
    source = net.tensor((1, 135))
    frames = net.tensor((1, 9, 15))
    for x, y in ((source, frames), (frames, net.input)):
        shape = {"shape": net.shape(y)}
        net.nodes.append(Node(f"view of {x}", "reshape", (x,), (y,), shape))
    out = net.window("conv2d", net.input, *SAME, 4)
    graph = lower(Graph("maps", net.values, tuple(net.nodes), (source,), (out,)))
    rows = feed_input(graph)
    program = plan(rows, optimize=optimize)
    assert [step.op.name for step in program.steps] == ["feed", "conv2d"]
    assert program.steps[0].rows == 9
    equal_to_the_graph(rows, program)


# The C code.


def partitions(rows: int, draws: int, seed: int = 0) -> list[list[int]]:
    """All rows at once, one by one, one by one in place, then uneven portions, some of them empty."""
    rng, found = np.random.default_rng(seed), [[rows], [1] * rows, [fed.IN_PLACE] * rows]
    for _ in range(draws):
        portions: list[int] = []
        while (left := rows - sum(map(abs, portions))) > 0:
            portions.append(int(rng.choice([0, fed.IN_PLACE, *range(1, min(left, 7) + 1)])))
        found.append(portions)
    return found


def check_partitions(graph: IntGraph, program: Program, draws: int = 5) -> None:
    """The compiled program under sanitizers, each sample in another partition."""
    with tempfile.TemporaryDirectory() as folder:
        compiled = fed.Fed(program, Path(folder))
        cuts = partitions(compiled.rows, draws)
        (x,) = random_inputs(graph)
        samples = np.random.default_rng(1).permuted(np.repeat(x, -(-len(cuts) // len(x)), 0), axis=0)[: len(cuts)]  # fmt: skip
        wanted = evaluate(graph, [samples])
        found = compiled.outputs(samples, cuts)
    for name, got in zip(program.outputs, found, strict=True):
        np.testing.assert_array_equal(got, wanted[name])


@settings(deadline=None, max_examples=5, derandomize=True, suppress_health_check=SLOW)
@given(maps(), st.sampled_from(OPTIMIZE), st.booleans())
def test_no_partition_changes_a_byte(graph: IntGraph, optimize: str, caller_io: bool) -> None:
    program = accepted(lambda: plan(feed_input(graph), optimize=optimize, caller_io=caller_io))
    check_partitions(graph, program)


@pytest.mark.parametrize("caller_io", [False, True])
def test_no_partition_changes_a_byte_of_two_outputs(caller_io: bool) -> None:
    graph = small()
    check_partitions(graph, plan(feed_input(graph), optimize="ram", caller_io=caller_io), draws=20)


def test_a_model_with_state_goes_on_from_inference_to_inference(tmp_path: Path) -> None:
    graph = with_state()
    program = plan(feed_input(graph), optimize="ram")
    x = np.random.default_rng(0).integers(-128, 128, (2, 3, 1, 9, 5, 3)).astype(np.int8)
    (wanted,) = Simulator(plan(graph)).run([x], steps=True)
    (found,) = Simulator(program).run([x], steps=True)
    np.testing.assert_array_equal(found, wanted)
    for name, text in emit("m", program, "m.tflite")[0].items():
        (tmp_path / name).write_text(text)
    for place, core in (("host", "host"), ("emulator", "cortex-m4")):
        with make_runner(place, deploy(program, tmp_path, "m"), load_target(core)) as runner:
            (got,) = runner.run([x], steps=True)
        np.testing.assert_array_equal(got, wanted)
    compiled = fed.Fed(program, tmp_path)
    (first,) = compiled.outputs(x[:, 0], [[4, 5], [1, 8]])
    np.testing.assert_array_equal(first, wanted[:, 0])


CALLS = """
#include <stdlib.h>
#include <string.h>
#include "m.h"
static uint8_t arena[M_ARENA_BYTES + 16] M_ALIGN, other[M_ARENA_BYTES] M_ALIGN;
static int8_t rows[135];
static int8_t first[3];
#define EXPECT(call, value) if ((call) != (value)) return __LINE__
int main(void)
{
    for (int i = 0; i < 135; i++) rows[i] = (int8_t)(i * 37);
    EXPECT(m_start(NULL), EK_ERROR_NULL);
    EXPECT(m_start(arena + 1), EK_ERROR_ALIGN);
    EXPECT(m_feed(NULL, rows, 1), EK_ERROR_NULL);
    EXPECT(m_feed(arena + 1, rows, 1), EK_ERROR_ALIGN);
    EXPECT(m_feed(arena, rows, 1), EK_ERROR_START);
    EXPECT(m_next_row(NULL) == NULL && m_next_row(arena + 1) == NULL && m_next_row(arena) == NULL, 1);
    EXPECT(m_start(arena), EK_OK);
    EXPECT(m_feed(arena, NULL, 0), EK_MORE);
    EXPECT(m_feed(arena, NULL, 1), EK_ERROR_NULL);
    EXPECT(m_feed(arena, rows, 10), EK_ERROR_ROWS);
    EXPECT(m_feed(arena, rows, -1), EK_ERROR_ROWS);
    EXPECT(m_feed(arena, rows, INT32_MAX), EK_ERROR_ROWS);
    EXPECT(m_feed(arena, rows, INT32_MIN), EK_ERROR_ROWS);
    EXPECT(m_feed(arena, rows, 9), EK_OK);
    memcpy(first, m_output_SCORES(arena), 3);
    EXPECT(m_feed(arena, rows, 0), EK_ERROR_START);
    EXPECT(m_feed(arena, rows, 1), EK_ERROR_START);
    /* One that was given up, with another in between and errors on the way. */
    EXPECT(m_start(arena), EK_OK);
    EXPECT(m_feed(arena, rows + 60, 5), EK_MORE);
    EXPECT(m_start(arena), EK_OK);
    EXPECT(m_start(other), EK_OK);
    for (int i = 0; i < 9; i++) {
        EXPECT(m_feed(arena, rows, 10 - i), EK_ERROR_ROWS);
        EXPECT(m_feed(other, rows + 15 * (8 - i), 1), i < 8 ? EK_MORE : EK_OK);
        EXPECT(m_feed(arena, rows + 15 * i, 1), i < 8 ? EK_MORE : EK_OK);
    }
    EXPECT(memcmp(first, m_output_SCORES(arena), 3), 0);
    EXPECT(memcmp(first, m_output_SCORES(other), 3) != 0, 1);
    return 0;
}
"""


def test_every_call_has_its_documented_answer(tmp_path: Path) -> None:
    program = small_program()
    compiled = fed.Fed(program, tmp_path)
    assert compiled.rows == 9
    calls = CALLS.replace("SCORES", program.outputs[1])
    (tmp_path / "main.c").write_text(calls)
    fed.compile_folder(tmp_path)
    assert fed.status(tmp_path) == 0, "the line of the call"


PLACES = [
    ("host", "host", True),
    ("emulator:unicorn", "cortex-m4", True),
    *(("emulator:unicorn", core, False) for core in ("cortex-m0plus", "rpi4", "riscv32imc")),
    ("emulator:qemu", "cortex-m4", False),
]


@pytest.mark.parametrize(("place", "core", "caller_io"), PLACES)
def test_every_place_feeds(place: str, core: str, caller_io: bool, tmp_path: Path) -> None:
    from test_runners import equal_layers, need

    need(place, core)
    graph = small()
    program = plan(feed_input(graph), optimize="ram", caller_io=caller_io)
    for name, text in emit("m", program, "m.tflite")[0].items():
        (tmp_path / name).write_text(text)
    inputs = random_inputs(graph)
    with make_runner(place, deploy(program, tmp_path, "m"), load_target(core)) as runner:
        for got, want in zip(runner.run(inputs), Simulator(program).run(inputs), strict=True):
            np.testing.assert_array_equal(got, want)
        one = [x[0] for x in inputs]
        assert equal_layers(runner.trace(one), Simulator(program).trace(one))


@pytest.mark.parametrize("core", ["cortex-m4", "rpi4"])
def test_instructions_are_counted_and_the_stack_is_within_its_bound(core: str, tmp_path: Path) -> None:  # fmt: skip
    program, target = small_program(), load_target(core)
    for name, text in emit("m", program, "m.tflite")[0].items():
        (tmp_path / name).write_text(text)
    roots = entry_points("m", program)
    assert roots == ("m_feed", "m_start", "m_next_row")
    bound = compile_model(tmp_path, "m", target, tmp_path, roots=roots).stack().bytes
    counts = count(deploy(program, tmp_path, "m"), target, [x[0] for x in random_inputs(small())])
    assert [layer.op for layer in counts.layers] == [step.op.name for step in program.steps]
    assert all(layer.instructions > 0 for layer in counts.layers)
    feeder = 96  # bytes of the caller that belongs to the test
    assert counts.stack_measured <= bound + feeder


# Whole models.

AIMS = {
    # model: bytes that the arena may have, streamed
    "mlperf_tiny_kws01_dscnn_int8": 3_900,
    "mlperf_tiny_ic01_resnet8_int8": 10_500,
    "mlperf_tiny_vww01_mobilenetv1_int8": 10_900,
    "tflm_micro_speech_int8": 2_300,
}


@pytest.mark.slow
@pytest.mark.parametrize("model", AIMS)
def test_whole_models_are_fed(model: str, tmp_path: Path) -> None:
    path = shared("models", f"{model}.tflite")
    program = compile_program(path, Options("m", optimize="ram", stream_input=True)).program
    assert program.arena_bytes <= AIMS[model]
    resident = compile_program(path, Options("m", optimize="speed")).program
    assert sum(s.macs for s in program.steps) == sum(s.macs for s in resident.steps)
    compiled = fed.Fed(program, tmp_path, ["-O2"])
    cuts = partitions(compiled.rows, 3)
    shape = resident.buffers[resident.inputs[0]].shape
    x = np.random.default_rng(0).integers(-128, 128, (len(cuts), *shape)).astype(np.int8)
    for got, want in zip(compiled.outputs(x, cuts), Simulator(resident).run([x]), strict=True):
        np.testing.assert_array_equal(got, want)
