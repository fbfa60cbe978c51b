"""The emitted C: clean under every compiler and sanitizer, safe to call, pleasant to read."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, shared

from edgekit.build import Options, compile_program
from edgekit.cases import activation, single
from edgekit.emit import emit
from edgekit.emit.footprint import forbidden
from edgekit.errors import EdgekitError
from edgekit.graph import IntGraph
from edgekit.op import load_ops
from edgekit.plan import plan
from edgekit.program import Program
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.toolchain import WARNINGS, find_compiler

KWS = ROOT / "examples" / "keyword_spotting" / "kws_ref_model.tflite"
GOLDEN = ROOT / "tests" / "golden"
CORES = [
    "host",
    "cortex-m0plus",
    "cortex-m4",
    "cortex-m33",
    "cortex-m55",
    "rpi4",
    "rpi5",
    "riscv32imc",
]


def wake_word() -> Path:
    return shared("models", "microwakeword_v2_vad_streaming_varhandle_int8.tflite")


def written(folder: Path, program: Program, *, float_io: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in emit("m", program, "model.tflite", float_io=float_io)[0].items():
        (folder / name).write_text(text)
    return folder


TOOLCHAINS = [(core, tool.kind) for core in CORES for tool in load_target(core).toolchains]


@pytest.mark.parametrize(("core", "kind"), TOOLCHAINS)
def test_no_warning_and_nothing_forbidden(core: str, kind: str, tmp_path: Path) -> None:
    target = load_target(core)
    try:
        compiler = find_compiler(target, kind)
    except EdgekitError as missing:
        pytest.skip(missing.message)
    folder = written(tmp_path, compile_program(KWS, Options("m")).program, float_io=True)
    objects = compiler.compile(sorted(folder.glob("*.c")), tmp_path / "objects", include=[folder])
    assert forbidden(objects) == []


MAIN = """
#include <stdio.h>
#include <string.h>
#include "m.h"
#define GUARD 64
static uint8_t memory[GUARD + M_ARENA_BYTES + GUARD] M_ALIGN;
static uint8_t state[M_STATE_BYTES + 16] M_ALIGN;
int main(void)
{
    uint8_t *arena = memory + GUARD;
    memset(memory, 0x5A, sizeof memory);
    memset(state, 0x5A, sizeof state);
    RESET;
    while (fread(INPUT(arena), 1, INPUT_BYTES, stdin) == INPUT_BYTES) {
        if (RUN != EK_OK) {
            return 2;
        }
        fwrite(OUTPUT(arena), 1, OUTPUT_BYTES, stdout);
    }
    for (int i = 0; i < GUARD; i++) {
        if (memory[i] != 0x5A || memory[GUARD + M_ARENA_BYTES + i] != 0x5A || (i < 16 && state[M_STATE_BYTES + i] != 0x5A)) {
            return 3;
        }
    }
    return 0;
}
"""


def defines(program: Program) -> list[str]:
    from edgekit.emit.names import unique

    names = unique((*program.inputs, *program.outputs))
    x, y = names[program.inputs[0]], names[program.outputs[0]]
    stateful = bool(program.state_bytes)
    return [
        f"-DINPUT=m_input_{x}", f"-DOUTPUT=m_output_{y}",
        f"-DINPUT_BYTES=M_INPUT_{x.upper()}_BYTES", f"-DOUTPUT_BYTES=M_OUTPUT_{y.upper()}_BYTES",
        f"-DRUN=m_run(arena{', state' if stateful else ''})",
        f"-DRESET={'m_reset(state)' if stateful else '(void)0'}",
    ]  # fmt: skip


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("model", ["kws", "wake word"])
def test_sanitizers_find_nothing_and_guards_stay(model: str, compiler: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    program = compile_program(KWS if model == "kws" else wake_word(), Options("m")).program
    folder = written(tmp_path, program)
    (folder / "main.c").write_text(MAIN)
    command = [compiler, "-std=c99", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
               *defines(program), *map(str, sorted(folder.glob("*.c"))), "-o", str(folder / "run")]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    shape = program.buffers[program.inputs[0]].shape
    frames = np.random.default_rng(0).integers(-128, 128, (12, *shape)).astype(np.int8)
    done = subprocess.run([str(folder / "run")], input=frames.tobytes(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    stateful = bool(program.state_bytes)
    (want,) = Simulator(program).run([frames[None] if stateful else frames], steps=stateful)
    assert done.stdout == want.tobytes()


CALLS = """
#include <stddef.h>
#include <pthread.h>
#include <string.h>
#include "m.h"
static uint8_t one[M_ARENA_BYTES + 16] M_ALIGN, two[M_ARENA_BYTES] M_ALIGN;
static int8_t results[2][64];
static void *infer(void *where)
{
    uint8_t *arena = where == (void *)results[0] ? one : two;
    for (int turn = 0; turn < 50; turn++) {
        memset(INPUT(arena), where == (void *)results[0] ? 7 : -9, INPUT_BYTES);
        if (m_run(arena) != EK_OK) {
            return NULL;
        }
    }
    memcpy(where, OUTPUT(arena), OUTPUT_BYTES);
    return where;
}
int main(void)
{
    pthread_t threads[2];
    int8_t together[2][64];
    if (m_run(NULL) != EK_ERROR_NULL || m_run(one + 1) != EK_ERROR_ALIGN) {
        return 1;
    }
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, infer, results[i]);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    memcpy(together, results, sizeof results);
    infer(results[0]);
    infer(results[1]);
    return memcmp(together, results, sizeof results) ? 2 : memcmp(results[0], results[1], OUTPUT_BYTES) ? 0 : 3;
}
"""


def test_bad_arenas_are_refused_and_two_threads_do_not_meet(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    program = compile_program(KWS, Options("m")).program
    folder = written(tmp_path, program)
    (folder / "calls.c").write_text(CALLS)
    command = [
        "gcc",
        "-O2",
        "-pthread",
        *defines(program),
        *map(str, sorted(folder.glob("*.c"))),
        "-o",
        str(folder / "calls"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    assert subprocess.run([str(folder / "calls")]).returncode == 0


def test_headers_of_another_version_stop_the_compiler(tmp_path: Path) -> None:
    folder = written(tmp_path, compile_program(KWS, Options("m")).program)
    version = folder / "ek_version.h"
    version.write_text(version.read_text().replace("#define EK_ABI 2", "#define EK_ABI 1"))
    with pytest.raises(EdgekitError, match="EK502") as failed:
        find_compiler(load_target("host")).compile(
            [folder / "m.c"], tmp_path / "o", include=[folder]
        )
    assert "regenerate" in failed.value.found


def test_the_callers_buffers_are_const_in_and_plain_out() -> None:
    program = compile_program(KWS, Options("m", io="caller")).program
    header = emit("m", program, "model.tflite")[0]["m.h"]
    assert "int m_run(void *arena, const int8_t *input_1, int8_t *identity);" in header


def test_float_helpers_are_the_only_floating_point() -> None:
    files = emit("m", compile_program(KWS, Options("m")).program, "model.tflite", float_io=True)[0]
    with_float = [name for name, text in files.items() if "float " in text.replace("floating", "")]
    assert with_float == ["m_float.h"]


def test_a_tensor_name_cannot_leave_its_comment() -> None:
    graph = tiny_graph("evil */ int x; /* \n#error")
    text = "".join(emit("tiny", plan(graph), "a*/b.tflite")[0].values())
    assert "int x" in text
    assert "evil */" not in text
    assert "\n#error" not in text.replace('\n#error "tiny.h needs', "")
    assert "a*/b" not in text


def test_warnings_are_the_promised_ones() -> None:
    promised = "-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wdouble-promotion -Wcast-align -Wvla -Werror"
    assert set(promised.split()) <= set(WARNINGS)


def tiny_graph(output: str) -> IntGraph:
    """One convolution and an addition."""
    case = next(c for c in load_ops()["conv2d"].cases() if c.name == "pointwise_odd")
    graph = case.graph
    out = activation(output, graph.value("output").shape, 0.9, 4)
    add = single(load_ops()["add"], "add", [graph.value("output"), graph.value("output")], [out])
    values = {**graph.values, output: out}
    ops = load_ops()
    nodes = (
        ops["conv2d"].quantize(graph.nodes[0], graph),
        ops["add"].quantize(add.graph.nodes[0], add.graph),
    )
    return IntGraph("tiny", values, nodes, graph.inputs, (output,))


@pytest.mark.parametrize("file", ["tiny.h", "tiny.c", "tiny_weights.c"])
def test_snapshot(file: str) -> None:
    """Emitted text changes only on purpose: EDGEKIT_BLESS=1 rewrites the snapshots."""
    text = emit("tiny", plan(tiny_graph("sum")), "tiny.tflite")[0][file]
    golden = GOLDEN / file
    if os.environ.get("EDGEKIT_BLESS"):
        golden.write_text(text)
    assert golden.read_text() == text
