"""Threads: whoever makes which rows when, the bytes stay those of one thread."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, shared
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import plain, random_graph
from test_cli import as_json, edgekit
from test_emitted_c import defines
from test_feed import with_state
from test_plan import evaluate, passes_check, random_inputs
from test_specialise import every_kernel
from test_streams import SLOW, Maps, equal_to_the_graph, maps
from test_variants import equal_on, every_variant
from test_variants import random_inputs as extreme_inputs

from benchmarks.places import SANITIZE, sanitized
from edgekit.bench import count
from edgekit.build import Options, compile_program
from edgekit.commands import size
from edgekit.emit import emit
from edgekit.errors import EdgekitError
from edgekit.families.window import Axis
from edgekit.graph import IntGraph
from edgekit.plan import OPTIMIZE, plan
from edgekit.plan.check import check_plan
from edgekit.program import ARENA, Program
from edgekit.share import MEETING, share
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.toolchain import find_compiler
from edgekit.validate.runners import Deployed, deploy, make_runner

KWS = ROOT / "examples" / "keyword_spotting" / "kws_ref_model.tflite"
RACES = ("-fsanitize=thread",)


def shared_by(graph: IntGraph, threads: int, optimize: str = "speed", **options: bool) -> Program:
    """Every layer with rows is shared, worth it or not."""
    return plan(share(graph, threads, meeting=0), optimize=optimize, **options)


def written(program: Program, folder: Path, name: str = "m") -> Deployed:
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in emit(name, program, "model")[0].items():
        (folder / file).write_text(text)
    return deploy(program, folder, name)


def small() -> IntGraph:
    """Two convolutions, the sum of both in place, a pool of two rows."""
    net = Maps(6, 5, 4)
    same = Axis(6, 3, 1, 1, 1, 1), Axis(5, 3, 1, 1, 1, 1)
    x = net.window("conv2d", net.input, *same, 4)
    y = net.window("depthwise", x, *same, 4)
    z = net.add("add", [x, y], net.shape(x), activation="NONE")
    return net.graph([net.window("max_pool", z, Axis(6, 3, 3), Axis(5, 2, 2), 4)])


# The plan.


@settings(deadline=None, max_examples=80, suppress_health_check=SLOW)
@given(maps(), st.integers(2, 5), st.sampled_from(OPTIMIZE), st.booleans(), st.booleans())
def test_shared_layers_give_the_same_bytes(
    graph: IntGraph, threads: int, optimize: str, keep_input: bool, caller_io: bool
) -> None:
    program = shared_by(graph, threads, optimize, keep_input=keep_input, caller_io=caller_io)
    equal_to_the_graph(graph, program)


@pytest.mark.parametrize("block", range(2))
def test_shared_layers_of_random_graphs(block: int) -> None:
    for seed in range(20 * block, 20 * (block + 1)):
        graph = random_graph(seed)
        assert plain(graph).equals(shared_by(graph, 2 + seed % 3)), seed


def test_a_plan_for_one_thread_is_refused_for_several() -> None:
    """Its convolution grows into its dying input, row by row."""
    net = Maps(6, 5, 4)
    same = Axis(6, 3, 1, 1, 1, 1), Axis(5, 3, 1, 1, 1, 1)
    graph = net.graph([net.window("conv2d", net.input, *same, 4)])
    program = plan(graph, optimize="speed")
    steps = tuple(dataclasses.replace(step, threads=2) for step in program.steps)
    with pytest.raises(EdgekitError, match="EK402"):
        check_plan(dataclasses.replace(program, steps=steps))
    assert shared_by(graph, 2).arena_bytes > program.arena_bytes


@settings(deadline=None, max_examples=80, suppress_health_check=SLOW)
@given(maps(), st.data())
def test_the_checker_finds_a_moved_tensor_or_the_simulator_does_not_mind(
    graph: IntGraph, data: st.DataObject
) -> None:
    program = shared_by(graph, 3)
    inside = sorted(name for name, b in program.buffers.items() if b.space == ARENA)
    if not inside:
        return
    buffer = program.buffers[data.draw(st.sampled_from(inside))]
    at = data.draw(st.integers(0, max(0, program.arena_bytes - buffer.nbytes)))
    moved = dataclasses.replace(buffer, offset=at)
    changed = dataclasses.replace(program, buffers={**program.buffers, buffer.name: moved})
    if passes_check(changed):
        inputs = random_inputs(graph)
        wanted = evaluate(graph, inputs)
        for name, got in zip(changed.outputs, Simulator(changed).run(inputs), strict=True):
            np.testing.assert_array_equal(got, wanted[name])


def test_checker_and_simulator_see_what_only_several_threads_would_break() -> None:
    """An output row lies over the input row that only the row before it has read."""
    net = Maps(6, 4, 2)
    x = net.window("max_pool", net.input, Axis(6, 3, 1), Axis(4, 1, 1), 2)
    graph = net.graph([x])
    program = shared_by(graph, 2)
    places = {net.input: 8, x: 0}
    buffers = {n: dataclasses.replace(program.buffers[n], offset=places[n]) for n in places}
    inputs = random_inputs(graph)
    for threads in (1, 2):
        step = dataclasses.replace(program.steps[0], threads=threads)
        changed = dataclasses.replace(program, steps=(step,), buffers=buffers)
        (got,) = Simulator(changed).run(inputs)
        assert passes_check(changed) == (threads == 1)
        assert np.array_equal(got, evaluate(graph, inputs)[x]) == (threads == 1)


def test_elementwise_layers_stay_in_place_and_scratch_is_each_thread_s_own() -> None:
    program = shared_by(small(), 3)
    conv, _, total, pool = program.steps
    assert total.threads == 3
    assert len({program.buffers[n].offset for n in (*total.inputs, *total.outputs)}) == 2
    assert conv.scratch_bytes == 3 * 128  # two patches of 36 bytes, in whole lines of 64
    assert pool.threads == 3  # two rows: one thread has none
    assert pool.shares(3) == [range(0), range(1), range(1, 2)]


def test_small_layers_are_not_shared() -> None:
    def layer(pixels: int) -> IntGraph:
        net = Maps(8, pixels, 4)
        return net.graph([net.window("conv2d", net.input, Axis(8, 1, 1), Axis(pixels, 1, 1), 8)])

    shares = [share(layer(n), 2).nodes[0].threads for n in (4, 8, 16, 64, 256)]
    assert shares == sorted(shares)
    assert set(shares) == {1, 2}
    assert share(layer(4), 2, meeting=MEETING // 100).nodes[0].threads == 2


# In C.


def shareable() -> IntGraph:
    """A node for a case of each operator that can be shared."""
    graph = share(every_kernel(), 2, meeting=0)
    nodes = {node.op.name: node for node in graph.nodes if node.threads > 1}
    used = {name for node in nodes.values() for name in node.inputs}
    return dataclasses.replace(
        graph,
        nodes=tuple(nodes.values()),
        inputs=tuple(name for name in graph.inputs if name in used),
        outputs=tuple(name for node in nodes.values() for name in node.outputs),
    )


@pytest.mark.slow
@pytest.mark.parametrize("flags", [RACES, SANITIZE], ids=["races", "addresses"])
def test_every_operator_in_shares_under_sanitizers(flags: tuple[str, ...], tmp_path: Path) -> None:
    program = shared_by(shareable(), 4, caller_io=True)
    assert len(program.steps) > 20
    inputs = extreme_inputs(program)
    with sanitized(written(program, tmp_path), flags) as runner:
        for a, b in zip(runner.run(inputs), Simulator(program).run(inputs), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_model_with_state(tmp_path: Path) -> None:
    program = shared_by(with_state(), 3)
    inputs = [np.stack([x, x[::-1], x], axis=1) for x in extreme_inputs(program)]
    with make_runner("host", written(program, tmp_path), load_target("host")) as runner:
        (got,) = runner.run(inputs, steps=True)
    np.testing.assert_array_equal(got, Simulator(program).run(inputs, steps=True)[0])


def test_a_race_would_be_found(tmp_path: Path) -> None:
    """Threads that share their scratch."""
    program = shared_by(small(), 2)
    model = written(program, tmp_path)
    right = (tmp_path / "m.c").read_text()
    (tmp_path / "m.c").write_text(right.replace("worker * 128", "0 * 128"))
    assert "worker * 128" in right
    with sanitized(model, RACES) as runner, pytest.raises(EdgekitError, match="EK60"):
        runner.run([x.repeat(50, axis=0) for x in extreme_inputs(program)])


def test_every_variant_in_shares_on_an_emulated_core(tmp_path: Path) -> None:
    graph = share(every_variant(load_target("rpi4").isa), 3, meeting=0)
    equal_on("rpi4", plan(graph, caller_io=True, optimize="speed"), tmp_path)


ANY_NUMBER = """
#include <stdio.h>
#include "m_threads.h"
static uint8_t arena[M_ARENA_BYTES] M_ALIGN;
static uint8_t given[INPUT_BYTES];
int main(void)
{
    while (fread(given, 1, sizeof given, stdin) == sizeof given) {
        for (int32_t n = 1; n <= 5; n++) {
            static ek_threads threads;
            for (uint32_t i = 0; i < sizeof given; i++) {
                INPUT(arena)[i] = (int8_t)given[i];
            }
            if (ek_threads_start(&threads, n) != EK_OK || m_run_threads(&threads, arena) != EK_OK) {
                return 1;
            }
            ek_threads_stop(&threads);
            fwrite(OUTPUT(arena), 1, OUTPUT_BYTES, stdout);
        }
    }
    return 0;
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("model", ["kws01_dscnn", "ic01_resnet8", "vww01_mobilenetv1"])
def test_any_number_of_threads_on_an_emulated_raspberry(model: str, tmp_path: Path) -> None:
    """A bundle for four, run by one to five; all equal to the plan of one thread."""
    rpi4 = load_target("rpi4")
    emulator = rpi4.emulator.qemu
    assert emulator is not None
    if shutil.which(emulator.program) is None:
        pytest.skip(f"{emulator.program} is not installed")
    path = shared("models", f"mlperf_tiny_{model}_int8.tflite")
    alone, program = (
        compile_program(path, Options("m", "rpi4", optimize="size", threads=n)).program
        for n in (1, 4)
    )
    (x,) = (x[1:3] for x in extreme_inputs(alone))
    (wanted,) = Simulator(alone).run([x])
    np.testing.assert_array_equal(Simulator(program).run([x])[0], wanted)
    folder = written(program, tmp_path).folder
    (folder / "main.c").write_text(ANY_NUMBER)
    compiler = find_compiler(rpi4)
    names = [d.removeprefix("-D") for d in defines(program)[:4]]
    objects = compiler.compile(
        sorted(folder.glob("*.c")), tmp_path / "o", include=[folder], defines=names
    )
    binary = compiler.link(objects, tmp_path / "main", flags=["-pthread"])
    command = [emulator.program, "-cpu", emulator.cpu, str(binary)]
    done = subprocess.run(command, input=x.tobytes(), capture_output=True, timeout=120)
    assert done.returncode == 0
    assert done.stdout == wanted.repeat(5, axis=0).tobytes()


@pytest.mark.slow
def test_the_work_of_the_busiest_thread_is_counted(tmp_path: Path) -> None:
    rpi4 = load_target("rpi4")
    alone, program = (
        compile_program(KWS, Options("m", "rpi4", optimize="size", threads=n)).program
        for n in (1, 4)
    )
    inputs = [x[2] for x in extreme_inputs(program)]
    whole = count(written(alone, tmp_path / "1"), rpi4, inputs)
    split = count(written(program, tmp_path / "4"), rpi4, inputs)
    assert whole.critical == whole.instructions
    assert split.instructions < 1.06 * whole.instructions
    assert 7 / 25 * whole.instructions < split.critical < 0.31 * whole.instructions
    assert (split.cycles_estimate or 0) < 0.31 * (whole.cycles_estimate or 0)


# As users meet it.


@pytest.mark.slow
def test_a_bundle_for_threads(tmp_path: Path) -> None:
    """Reported, built by its Makefile, and every layer can be read back."""
    config = '[build]\nthreads = 2\ntarget = "rpi4"\noptimize = "size"\n'
    (tmp_path / "edgekit.toml").write_text(config)
    folder = tmp_path / "kws"
    arguments = ("build", KWS, "-c", tmp_path / "edgekit.toml", "--name", "kws", "-o", folder)
    report = as_json(*arguments)
    assert report["bit_exact"]
    assert report["threads"] == 2
    assert report["shared_layers"] == sum(layer["threads"] == 2 for layer in report["layers"]) == 9
    assert report["phases"] == 10
    assert report["stack_bytes"] == 2 * report["stack_bytes_each"]
    assert report["instructions"] / 2 < report["critical_path_instructions"]
    assert report["critical_path_instructions"] < 0.6 * report["instructions"]
    assert json.loads((folder / "manifest.json").read_text())["options"]["threads"] == 2
    assert size(folder)["ram_bytes"] == report["ram_bytes"]
    program = compile_program(KWS, Options("kws", "rpi4", optimize="size", threads=2)).program
    with make_runner("host", deploy(program, folder, "kws"), load_target("rpi4")) as runner:
        layers = runner.trace([x[0] for x in extreme_inputs(program)])
    wanted = Simulator(program).trace([x[0] for x in extreme_inputs(program)])
    for (name, _, got), (_, _, right) in itertools.zip_longest(layers, wanted):
        np.testing.assert_array_equal(got, right, err_msg=name)
    (folder / "main.c").write_text(MAIN)
    build = "make -s CC=gcc && gcc -I. main.c libkws.a -pthread -o main && ./main"
    subprocess.run(["sh", "-c", build], cwd=folder, check=True, timeout=120)


MAIN = """
#include "kws_threads.h"
static uint8_t arena[KWS_ARENA_BYTES] KWS_ALIGN;
int main(void)
{
    static ek_threads threads;
    int wrong = ek_threads_start(&threads, 0) != EK_ERROR_THREADS;
    wrong |= ek_threads_start(&threads, EK_THREADS_MOST + 1) != EK_ERROR_THREADS;
    wrong |= ek_threads_start(NULL, 1) != EK_ERROR_THREADS;
    for (int32_t n = 1; n <= 5; n++) {
        wrong |= ek_threads_start(&threads, n) != EK_OK;
        wrong |= kws_run_threads(&threads, NULL) != EK_ERROR_NULL;
        wrong |= kws_run_threads(&threads, arena + 1) != EK_ERROR_ALIGN;
        wrong |= kws_run_threads(NULL, arena) != EK_ERROR_NULL;
        wrong |= kws_run_threads(&threads, arena) != EK_OK;
        ek_threads_stop(&threads);
    }
    return wrong;
}
"""


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--target", "rpi4", "--threads", "5"), "5, wanted 1 to 4"),
        (("--target", "cortex-m4", "--threads", "2"), "2, wanted 1"),
        (("--target", "host", "--threads", "2", "--stream-input"), "one row at a time"),
        (("--threads", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_shared_is_refused(
    arguments: tuple[str, ...], found: str, tmp_path: Path
) -> None:
    done = edgekit("build", KWS, *arguments, "-o", tmp_path / "kws")
    assert done.returncode == 2
    assert found in done.stderr
    assert not (tmp_path / "kws").exists()


@pytest.mark.parametrize(("core", "kind"), [("host", "gcc"), ("host", "clang"), ("rpi4", "zig")])
def test_no_compiler_warns(core: str, kind: str, tmp_path: Path) -> None:
    """Also where a tensor has the name of something of ours."""
    try:
        compiler = find_compiler(load_target(core), kind)
    except EdgekitError as missing:
        pytest.skip(missing.message)
    graph = small()
    (given,) = graph.inputs
    names = {given: "threads"}
    nodes = tuple(
        dataclasses.replace(n, inputs=tuple(names.get(i, i) for i in n.inputs)) for n in graph.nodes
    )
    value = dataclasses.replace(graph.values[given], name="threads")
    renamed = dataclasses.replace(
        graph, values={**graph.values, "threads": value}, nodes=nodes, inputs=("threads",)
    )
    written(shared_by(renamed, 2, caller_io=True), tmp_path)
    compiler.compile(sorted(tmp_path.glob("*.c")), tmp_path / "objects", include=[tmp_path])
