"""The stack bound: never below what is painted, close to it, and refused where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT, shared

from edgekit.bench import can_count, count
from edgekit.build import Options, compile_program
from edgekit.emit import emit
from edgekit.emit.entry import entry_points
from edgekit.emit.footprint import footprint, forbidden
from edgekit.emit.stack import StackBound, stack_bound
from edgekit.errors import EdgekitError
from edgekit.firmware import compile_model
from edgekit.target import load_target
from edgekit.toolchain import find_compiler
from edgekit.validate.data import random_samples
from edgekit.validate.runners import deploy

KWS = ROOT / "examples" / "keyword_spotting" / "kws_ref_model.tflite"
CORES = [
    "cortex-m0plus",
    "cortex-m3",
    "cortex-m4",
    "cortex-m33",
    "cortex-m55",
    "rpi4",
    "riscv32imc",
    "host",
]
TOOLCHAINS = [(core, tool.kind) for core in CORES for tool in load_target(core).toolchains]

COMMON = """
#define FAR __attribute__((noinline))
volatile int sink;
FAR int leaf(int x) { volatile int a[16]; for (int i = 0; i < 16; i++) a[i] = x + i; return a[x & 15]; }
FAR int big(int x) { volatile char b[400]; for (int i = 0; i < 400; i++) b[i] = (char)(x + i); return b[x & 255]; }
"""
PROGRAMS = {
    # source of `root`, and bytes of its locals that any compiler must reserve
    "leaf": ("int root(int x) { return leaf(x); }", 64),
    "chain": ("FAR int mid(int x) { volatile int y = leaf(x) + big(x); return y; } int root(int x) { return mid(x) + 1; }", 400),
    "the deeper of two": ("int root(int x) { return x > 3 ? leaf(x) + 1 : big(x) + 2; }", 400),
    "tail call": ("int root(int x) { sink = x; return big(x); }", 400),
    "jump table": (
        "int root(int x) { switch (x) { case 0: return leaf(1); case 1: return big(x) + 1; case 2: return leaf(9);"
        " case 3: return big(7) * 3; case 4: return 17 * x; case 5: return leaf(x) - 2; case 6: return x ^ 77;"
        " case 7: return big(x) * 5; default: return 4; } }",
        400,
    ),
    "wide multiply": ("int root(int x) { long long y = (long long)x * sink; return (int)(y >> 17) + leaf(x); }", 64),
}  # fmt: skip
REFUSED = {
    "recursion": "FAR int again(int x) { volatile int y = x; return x > 0 ? again(x - 1) + y : y; } int root(int x) { return again(x); }",
    "recursion of two": "int root(int x); FAR int other(int x) { volatile int y = x; return root(x - 1) + y; } FAR int root(int x) { volatile int y = x; return x > 0 ? other(x) + y : 0; }",
    "function pointer": "int (*volatile chosen)(int); int root(int x) { return chosen(x) + 1; }",
    "frame by data": "int root(int n) { volatile char *a = __builtin_alloca((unsigned long)(n & 1023) + 1); for (int i = 0; i < n; i++) a[i] = (char)i; return a[n / 2] + leaf(n); }",
}  # fmt: skip


def bound(source: str, core: str, kind: str, optimize: str, folder: Path) -> StackBound:
    """Compile and link `source` for a core, and bound its function `root`."""
    try:
        compiler = find_compiler(load_target(core), kind)
    except EdgekitError as missing:
        pytest.skip(missing.message)
    file = folder / "program.c"
    file.write_text(COMMON + source)
    lenient = ["-Wno-error", "-w"]
    objects = compiler.compile([file], folder / optimize, flags=lenient, optimize=optimize)
    elf = compiler.link_bare(objects, folder / f"{optimize}.elf", entry="root", keep=["root"])
    return stack_bound(elf, ["root"])


@pytest.mark.parametrize(("core", "kind"), TOOLCHAINS)
def test_locals_are_counted_and_little_else(core: str, kind: str, tmp_path: Path) -> None:
    for name, (source, local) in PROGRAMS.items():
        for optimize in ("-O1", "-O2", "-Os"):
            found = bound(source, core, kind, optimize, tmp_path).bytes
            assert local <= found <= local + 256, (name, optimize)


@pytest.mark.parametrize(("core", "kind"), TOOLCHAINS)
def test_what_has_no_bound_is_refused(core: str, kind: str, tmp_path: Path) -> None:
    for name, source in REFUSED.items():
        with pytest.raises(EdgekitError, match="EK401"):
            print(name, bound(source, core, kind, "-O1", tmp_path))


def models() -> dict[str, Path]:
    return {
        "kws": KWS,
        "ad": shared("models", "mlperf_tiny_ad01_autoencoder_int8.tflite"),
        "vad": shared("models", "microwakeword_v2_vad_streaming_varhandle_int8.tflite"),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "core",
    [
        "cortex-m0plus",
        "cortex-m3",
        "cortex-m4",
        "cortex-m7",
        "cortex-m33",
        "rpi4",
        "rpi5",
        "riscv32imc",
    ],
)
@pytest.mark.parametrize("model", ["kws", "ad", "vad"])
def test_painted_stack_is_within_the_bound(model: str, core: str, tmp_path: Path) -> None:
    within_the_bound(KWS if model == "kws" else models()[model], core, tmp_path)


def test_a_remainder_on_armv6m_has_a_bound(tmp_path: Path) -> None:
    """libgcc's remainder enters its division behind the test for 0, where no function begins."""
    path = shared("models", "tflm_seanet_int16_ops", "transpose_conv0.tflite")
    within_the_bound(path, "cortex-m0plus", tmp_path)


def within_the_bound(path: Path, core: str, tmp_path: Path) -> None:
    target = load_target(core)
    assert can_count(target)
    program = compile_program(path, Options("m")).program
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name, text in emit("m", program, path.name)[0].items():
        (folder / name).write_text(text)
    firmware = compile_model(folder, "m", target, tmp_path, roots=entry_points("m", program))
    inputs = [x[0] for x in random_samples([program.buffers[n] for n in program.inputs], 1).arrays]
    painted = count(deploy(program, folder, "m"), target, inputs).stack_measured
    # A branch that no input takes may be the deepest: 32 words.
    spare = 32 * target.pointer_bytes
    assert painted <= firmware.stack().bytes <= max(1.5 * painted, painted + spare)


@pytest.mark.parametrize(("core", "kind"), TOOLCHAINS)
def test_footprint_adds_up(core: str, kind: str, tmp_path: Path) -> None:
    target = load_target(core)
    program = compile_program(KWS, Options("m")).program
    files, pool = emit("m", program, "kws.tflite")
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    try:
        firmware = compile_model(folder, "m", target, tmp_path, roots=("m_run",), prefer=kind)
    except EdgekitError as missing:
        if missing.code != "EK501":
            raise
        pytest.skip(missing.message)
    found = footprint(firmware.elf, "m")
    arrays = {s: a.nbytes for s, a in pool.arrays.items()}
    weights = sum(size for symbol, size in arrays.items() if symbol.startswith("m_w_"))
    assert found.weights_bytes == weights
    assert found.data_bytes == 0
    # The struct of every step, alignment, and nothing of another kind.
    structs = found.tables_bytes - (sum(arrays.values()) - weights)
    assert 0 < structs <= len(program.steps) * 200
    assert 1000 < found.code_bytes < 20_000


PLANTED = {
    "malloc": "extern void *malloc(unsigned long); void *root(int x) { return malloc((unsigned long)x); }",
    "libm": "extern float sinf(float); int root(int x) { union { int i; float f; } u; u.i = x; u.f = sinf(u.f); return u.i; }",
    "float arithmetic": "int root(int x) { union { int i; float f; } u; u.i = x; u.f = u.f * 3.5f + 1.0f; return u.i; }",
    "double arithmetic": "int root(long long x) { union { long long i; double f; } u; u.i = x; u.f = u.f / 3.5; return (int)u.i; }",
}  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize(("core", "kind"), TOOLCHAINS)
def test_what_firmware_must_not_need_is_found(
    core: str, kind: str, planted: str, tmp_path: Path
) -> None:
    try:
        compiler = find_compiler(load_target(core), kind)
    except EdgekitError as missing:
        pytest.skip(missing.message)
    file = tmp_path / "planted.c"
    file.write_text(PLANTED[planted])
    assert forbidden(compiler.compile([file], tmp_path, flags=["-Wno-error", "-w"]))
