"""Every candidate compiler of every core target compiles, links and does so reproducibly."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgekit.data import data_dir
from edgekit.errors import EdgekitError
from edgekit.target import load_target
from edgekit.toolchain import Compiler, MemoryMap, find_compiler

CORES = [
    "host",
    "rpi4",
    "rpi5",
    "rpi-zero2",
    "cortex-m0plus",
    "cortex-m3",
    "cortex-m4",
    "cortex-m7",
    "cortex-m33",
    "cortex-m55",
    "riscv32imc",
]
PAIRS = [(core, tool.kind) for core in CORES for tool in load_target(core).toolchains]

# A struct copy and a division call library helpers; `unused` must not survive the link.
SOURCE = """\
#include <stdint.h>
#include "block.h"

int32_t counter = 3;
int32_t zeros[4];
static const int8_t table[8] = {1, 2, 3, 4, 5, 6, 7, 8};

int32_t unused(int32_t x)
{
    return x * 77;
}

int32_t root(const int8_t *a, const block *from, block *to, int32_t n)
{
    int32_t sum = counter;
    *to = *from;
    zeros[n & 3] += n;
    for (int32_t i = 0; i < n; i++)
        sum += a[i] * table[i & 7];
    return sum / (n | 1);
}
"""
HEADER = """\
typedef struct { int32_t word[BLOCK]; } block;
extern int32_t counter, zeros[4];
int32_t unused(int32_t x);
int32_t root(const int8_t *a, const block *from, block *to, int32_t n);
"""
# MVE bit 1 is floating point, which no kernel may use.
ISA_TEST = """\
#if DSP != defined(__ARM_FEATURE_DSP)
#error DSP
#endif
#if MVE != defined(__ARM_FEATURE_MVE) || (MVE && __ARM_FEATURE_MVE != 1)
#error MVE
#endif
#if NEON != defined(__ARM_NEON)
#error NEON
#endif
#if NEON_DOT != defined(__ARM_FEATURE_DOTPROD)
#error NEON_DOT
#endif
#if RVV != defined(__riscv_vector)
#error RVV
#endif
extern int isa;
"""
MAIN = "int main(void)\n{\n    return 7;\n}\n"


def compiler(core: str, kind: str) -> Compiler:
    try:
        return find_compiler(load_target(core), kind)
    except EdgekitError as missing:
        pytest.skip(f"{missing.found}; {missing.help}")


def built(tool: Compiler, folder: Path) -> tuple[Path, Path]:
    """The object and the bare image of the source above, made inside `folder`."""
    folder.mkdir()
    (folder / "app.c").write_text(SOURCE)
    (folder / "block.h").write_text(HEADER)
    objects = tool.compile(
        [folder / "app.c"], folder / "out", include=[folder], defines=["BLOCK=40"]
    )
    return objects[0], tool.link_bare(objects, folder / "out" / "app.elf", entry="root")


@pytest.mark.parametrize(("core", "kind"), PAIRS)
def test_two_folders_give_identical_objects_and_images(
    core: str, kind: str, tmp_path: Path
) -> None:
    tool = compiler(core, kind)
    first, second = built(tool, tmp_path / "a"), built(tool, tmp_path / "another folder")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    image = first[1].read_bytes()
    assert image[:4] == b"\x7fELF"
    assert b"\0root\0" in image
    assert b"\0unused\0" not in image
    assert str(tmp_path).encode() not in image
    assert tool.version
    assert str(tmp_path) not in tool.command_line()


@pytest.mark.parametrize(("core", "kind"), PAIRS)
def test_flags_enable_the_instruction_sets_of_the_target(
    core: str, kind: str, tmp_path: Path
) -> None:
    tool = compiler(core, kind)
    (tmp_path / "isa.c").write_text(ISA_TEST)
    words = set(tool.target.isa)
    wanted = [f"{word.upper()}={int(word in words)}" for word in ("dsp", "mve", "neon_dot", "rvv")]
    neon = f"NEON={int('neon' in words)}"
    tool.compile([tmp_path / "isa.c"], tmp_path, defines=[*wanted, neon])


def test_image_goes_where_the_memory_map_says(tmp_path: Path) -> None:
    from elftools.elf.elffile import ELFFile

    tool = find_compiler(load_target("cortex-m4"))
    (tmp_path / "app.c").write_text(SOURCE)
    (tmp_path / "block.h").write_text(HEADER)
    objects = tool.compile([tmp_path / "app.c"], tmp_path, defines=["BLOCK=2"])
    memory = MemoryMap(0x1000, 0x1000, 0x8000, 0x800)
    output = tool.link_bare(
        objects, tmp_path / "app.elf", entry="root", keep=["unused"], memory=memory
    )
    with output.open("rb") as file:
        elf = ELFFile(file)
        symbols = {s.name: s["st_value"] for s in elf.get_section_by_name(".symtab").iter_symbols()}
    assert symbols["ek_stack_top"] == 0x8800
    assert 0x8000 <= symbols["ek_data_start"] == symbols["counter"] < symbols["ek_data_end"]
    assert 0x1000 < symbols["ek_data_load"] < 0x2000
    assert 0x1000 <= symbols["unused"] < 0x2000
    assert symbols["ek_bss_start"] <= symbols["zeros"] < symbols["ek_bss_end"]


@pytest.mark.parametrize("core", ["host", "rpi4"])
def test_linked_program_runs(core: str, tmp_path: Path) -> None:
    target = load_target(core)
    tool = find_compiler(target)
    (tmp_path / "main.c").write_text(MAIN)
    program = tool.link(tool.compile([tmp_path / "main.c"], tmp_path), tmp_path / "main")
    qemu = target.emulator.qemu
    if qemu and not shutil.which(qemu.program):
        pytest.skip(f"{qemu.program} is not installed")
    prefix = [qemu.program, "-cpu", qemu.cpu] if qemu else []
    assert subprocess.run([*prefix, str(program)], timeout=60).returncode == 7


def test_no_compiler_names_candidates_and_install_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EdgekitError) as caught:
        find_compiler(load_target("cortex-m4"), "gcc")
    assert caught.value.code == "EK501"
    assert "arm-none-eabi-gcc" in caught.value.found
    assert caught.value.help == "apt install gcc-arm-none-eabi"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EdgekitError, match="EK501") as caught:
        find_compiler(load_target("cortex-m4"))
    assert 'pip install "edgekit[zig]"' in caught.value.help
    with pytest.raises(EdgekitError, match="EK501") as caught:
        find_compiler(load_target("cortex-m4"), "clang")
    assert caught.value.help == "its kinds: gcc zig"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("int main(void) { return 0 }\n", "expected ';'"),
        ("int main(void) { unsigned char c = 300 * 2; return c; }\n", "600"),
    ],
)
def test_failed_compilation_shows_the_first_errors(
    source: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.c").write_text(source)
    with pytest.raises(EdgekitError, match="EK502") as caught:
        find_compiler(load_target("host")).compile([tmp_path / "bad.c"], tmp_path)
    assert caught.value.where == "bad.c"
    assert expected in caught.value.found
    assert "bad.c" in caught.value.help


def test_failed_link_names_the_symbol(tmp_path: Path) -> None:
    (tmp_path / "app.c").write_text("int other(void);\nint root(void);\nint root(void) { return other(); }\n")  # fmt: skip
    tool = find_compiler(load_target("cortex-m4"))
    with pytest.raises(EdgekitError, match="EK502") as caught:
        tool.link_bare(
            tool.compile([tmp_path / "app.c"], tmp_path), tmp_path / "a.elf", entry="root"
        )
    assert "other" in caught.value.found


def test_string_functions(tmp_path: Path) -> None:
    """memcpy, memmove and memset of a bare image, at every small length and alignment."""
    (tmp_path / "main.c").write_text(STRING_TEST)
    tool = find_compiler(load_target("host"))
    renamed = [f"{name}=ek_{name}" for name in ("memcpy", "memmove", "memset")]
    objects = tool.compile(
        [data_dir("runtime") / "port" / "ek_string.c", tmp_path / "main.c"],
        tmp_path, defines=renamed, flags=["-fno-builtin"],
    )  # fmt: skip
    program = tool.link(objects, tmp_path / "main")
    assert subprocess.run([str(program)], timeout=60).returncode == 0


STRING_TEST = """\
#include <stddef.h>
#include <stdint.h>
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);

static uint32_t words[2][12];

int main(void)
{
    uint8_t *a = (uint8_t *)words[0], *b = (uint8_t *)words[1];
    for (size_t n = 0; n < 20; n++)
        for (size_t to = 0; to < 9; to++)
            for (size_t from = 0; from < 9; from++) {
                for (size_t i = 0; i < 48; i++)
                    a[i] = b[i] = (uint8_t)(i + 1);
                (void)memcpy(b + to, a + from, n);
                (void)memmove(a + to, a + from, n);
                for (size_t i = 0; i < 48; i++) {
                    uint8_t wanted = (uint8_t)(i + 1 + (i >= to && i < to + n ? from - to : 0));
                    if (a[i] != wanted || b[i] != wanted)
                        return 1;
                }
                (void)memset(b + to, 0xA5, n);
                for (size_t i = to; i < to + n; i++)
                    if (b[i] != 0xA5)
                        return 2;
                if (b[to + n] == 0xA5)
                    return 3;
            }
    return 0;
}
"""
