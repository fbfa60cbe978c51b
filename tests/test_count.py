"""Executed instructions against loops that can be counted by hand; cycles against their table."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import mini
import numpy as np
import pytest

from edgekit import bench
from edgekit.bench import Counts, can_count, count
from edgekit.cycles import Disassembler, costs
from edgekit.errors import EdgekitError
from edgekit.target import Emulator, load_target
from edgekit.validate.runners.deployed import Deployed

needs_qemu = pytest.mark.skipif(
    not shutil.which("qemu-system-arm"), reason="qemu-system-arm is not installed"
)
CORES = ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "rpi4", "rpi5",
         "rpi-zero2", "riscv32imc", pytest.param("cortex-m55", marks=needs_qemu)]  # fmt: skip
X = np.arange(12, dtype=np.int8)

# One assembly kernel each: nothing but a return; so many rounds of a loop of two instructions.
RETURN = {"thumb": "bx lr", "aarch64": "ret", "riscv32": "ret"}
LOOP = {
    "thumb": "movs r3, #{n}; 1: subs r3, #1; bne 1b; bx lr",
    "aarch64": "mov w3, #{n}; 1: subs w3, w3, #1; b.ne 1b; ret",
    "riscv32": "li t0, {n}; 1: addi t0, t0, -1; bnez t0, 1b; ret",
}
PREFIX = {"thumb": ".syntax unified; .thumb_func;", "aarch64": "", "riscv32": ""}


def assembly(arch: str, name: str, code: str) -> str:
    """A C file with one function in assembly."""
    return f"""\
__asm__(".section .text.{name},\\"ax\\",%progbits; .global {name}; .type {name}, %function;"
        "{PREFIX[arch]} {name}: {code}; .size {name}, .-{name}");
void {name}(void);
"""


def counted(core: str, folder: Path, code: str) -> Counts:
    """The bundle without state, its first kernel replaced by assembly."""
    target = load_target(core)
    kernel = assembly(target.arch, "ek_triple_s8", code)
    return count(mini.write_bundle(folder, triple=kernel), target, [X])


@pytest.mark.parametrize("core", CORES)
def test_a_loop_counts_what_it_executes(core: str, tmp_path: Path) -> None:
    arch = load_target(core).arch
    nothing = counted(core, tmp_path / "0", RETURN[arch])
    loop = counted(core, tmp_path / "1", LOOP[arch].format(n=100))
    # One to load the count, twice 100; only the first layer knows.
    assert loop.layers[0].instructions - nothing.layers[0].instructions == 201
    assert loop.layers[1] == nothing.layers[1]
    assert loop.instructions == sum(layer.instructions for layer in loop.layers)


def test_the_whole_of_a_call_is_counted(tmp_path: Path) -> None:
    """Two kernels and `run` in assembly: every single instruction is known."""
    sources = {
        "triple": assembly("thumb", "ek_triple_s8", LOOP["thumb"].format(n=10)),
        "reverse": assembly("thumb", "ek_reverse_s8", "nop; nop; bx lr"),
        "mini": assembly(
            "thumb",
            "mini_run",
            "push {r4, lr}; nop; bl ek_triple_s8; nop; bl ek_reverse_s8; movs r0, #0; pop {r4, pc}",
        ),
    }
    found = count(mini.write_bundle(tmp_path, **sources), load_target("cortex-m4"), [X])
    # push nop bl, movs 10 * (subs bne) bx | nop bl, nop nop bx, movs pop
    assert [layer.instructions for layer in found.layers] == [3 + 22, 2 + 3 + 2]
    # push 2, nop 1, bl 3, movs 1, subs 10, bne 9 * 3 + 1, bx 3 | nop 1, bl 3, nop 2, bx 3, movs 1,
    # pop of two 3 and as a jump 2
    assert [layer.cycles_estimate for layer in found.layers] == [48, 15]
    assert found.stack_measured == 8


def test_instructions_that_a_condition_skips_are_executed(tmp_path: Path) -> None:
    skipping = "movs r3, #0; cmp r3, #1; itt eq; addeq r3, #1; addeq r3, #1; bx lr"
    for core in ("cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"):
        nothing = counted(core, tmp_path / core / "0", "bx lr")
        found = counted(core, tmp_path / core / "1", skipping)
        assert found.instructions - nothing.instructions == 5


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "rpi4", "riscv32imc"])
@pytest.mark.parametrize("form", ["plain", "stateful"])
def test_counts_repeat_and_do_not_need_a_compiled_hook(
    core: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed, target = mini.write_bundle(tmp_path, form), load_target(core)
    first = count(deployed, target, [X])
    assert count(deployed, target, [X]) == first
    monkeypatch.setattr(bench, "_hook", lambda folder: "")
    assert count(deployed, target, [X]) == first
    assert [layer.name for layer in first.layers] == [step.name for step in deployed.steps]
    assert all(layer.instructions > 12 for layer in first.layers)
    assert first.cycles_estimate == sum(layer.cycles_estimate or 0 for layer in first.layers)
    assert first.cycles_method.startswith(f"{core} table")


def test_the_stack_is_measured(tmp_path: Path) -> None:
    nothing = counted("cortex-m4", tmp_path / "0", "bx lr")
    deep = counted("cortex-m4", tmp_path / "1", "sub sp, #64; str r0, [sp]; add sp, #64; bx lr")
    assert deep.stack_measured - nothing.stack_measured == 64


def test_a_kernel_out_of_order_is_an_error(tmp_path: Path) -> None:
    deployed = mini.write_bundle(tmp_path)
    swapped = replace(deployed, steps=deployed.steps[::-1])
    with pytest.raises(EdgekitError, match="did not execute all its layers") as caught:
        count(swapped, load_target("cortex-m4"), [X])
    assert caught.value.found == "1 of 2, result 0"


def test_a_fault_names_its_function(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="the model faulted") as caught:
        counted("cortex-m4", tmp_path, "movs r0, #16; str r0, [r0]; bx lr")
    assert (caught.value.code, caught.value.found[:15]) == ("EK603", "ek_triple_s8+0x")


def test_a_core_that_cannot_be_counted(tmp_path: Path) -> None:
    assert can_count(load_target("cortex-m4"))
    assert not can_count(load_target("host"))
    unknown = replace(load_target("cortex-m55"), emulator=Emulator())
    assert not can_count(unknown)
    with pytest.raises(EdgekitError) as caught:
        count(mini.write_bundle(tmp_path), unknown, [X])
    assert caught.value.code == "EK503"


def test_a_board_without_its_emulator_cannot_be_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = load_target("cortex-m55")
    assert target.emulator.qemu is not None
    monkeypatch.setattr("shutil.which", lambda program: None)
    assert not can_count(target)
    with pytest.raises(EdgekitError) as caught:
        count(mini.write_bundle(tmp_path), target, [X])
    assert (caught.value.code, caught.value.help) == ("EK503", "apt install qemu-system-arm")


@needs_qemu
def test_a_fault_on_a_board_names_its_function(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="the model faulted") as caught:
        counted("cortex-m55", tmp_path, "udf #0")
    assert (caught.value.code, caught.value.found[:12]) == ("EK603", "ek_triple_s8")


@needs_qemu
def test_a_board_that_does_not_end_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_TIMEOUT_S", 3)
    with pytest.raises(EdgekitError) as caught:
        counted("cortex-m55", tmp_path, "1: b 1b")
    assert caught.value.code == "EK601"


@needs_qemu
def test_loops_of_armv8_1_m_are_counted_round_by_round(tmp_path: Path) -> None:
    nothing = counted("cortex-m55", tmp_path / "0", "bx lr")
    loop = "push {lr}; movs r3, #40; dlstp.8 lr, r3; 1: adds r0, #1; nop; letp lr, 1b; pop {pc}"
    found = counted("cortex-m55", tmp_path / "1", loop)
    # push, movs, dlstp, three rounds of three, pop; bx is what the other executes.
    assert found.layers[0].instructions - nothing.layers[0].instructions == 3 + 9 + 1 - 1


@needs_qemu
def test_stack_on_a_board_is_measured(tmp_path: Path) -> None:
    code = "sub sp, #{n}; str r0, [sp]; add sp, #{n}; bx lr"
    some = counted("cortex-m55", tmp_path / "0", code.format(n=64))
    more = counted("cortex-m55", tmp_path / "1", code.format(n=128))
    assert more.stack_measured - some.stack_measured == 64


def kinds(arch: str, deployed_code: str) -> list[tuple[str, int]]:
    code, found, at = bytes.fromhex(deployed_code), [], 0
    disassembler = Disassembler(arch)
    while at < len(code):
        found.append(disassembler.instruction(code, at))
        at += found[-1].size
    return [(i.kind, i.registers) for i in found]


def test_instructions_have_their_class() -> None:
    # ldr r0,[r1]; ldmia r0!,{r1,r2,r3}; push {r4,lr}; pop {r4,pc}; strd r0,r1,[r2]; adds; muls
    thumb = "0868 0ec8 10b5 10bd c2e90001 4018 4843"
    assert kinds("thumb", thumb) == [("load", 1), ("load", 3), ("store", 2), ("load", 2),
                                     ("store", 2), ("alu", 0), ("mul", 0)]  # fmt: skip
    # beq; bl; bic r0,r1; smlad; smull; udiv; itt eq; bfi; ssat; tbb [pc, r0]
    thumb = "00d0 fff7fcff 8843 21fb0200 81fb0202 b1fbf2f0 04bf 60f30701 00f30700 dfe800f0"
    assert [kind for kind, _ in kinds("thumb", thumb)] == [
        "branch", "branch", "alu", "simd", "mul_long", "div", "other", "alu", "simd", "branch"
    ]  # fmt: skip
    # vldrb.u8 q0,[r9],#16; vmladava; letp; dlstp; wlstp; vctp; vpst; vldrw gathered; vstrb scattered;
    # vst40; vmov to lanes; vqrdmulh; vdup; vpush {d8-d11}
    helium = (
        "b9ec101e f0ee222f 1ff007c0 0cf001e0 02f003c0 03f001e8 71fe4d0f 93fc462f 8aec060f"
        "80fc011e 16ec020f 21fe620e a8ee101b 2ded088b"
    )
    assert kinds("thumb", helium) == [
        ("load", 2), ("simd", 0), ("branch", 0), ("alu", 0), ("branch", 0), ("simd", 0), ("simd", 0),
        ("load", 4), ("store", 4), ("store", 2), ("simd", 0), ("simd", 0), ("simd", 0), ("store", 4),
    ]  # fmt: skip
    # ldp x0,x1,[sp]; str w0,[x1]; madd; smull; sdiv; b.ne; ret; add v0.4s; smull v0; nop; add x0
    words = "e00740a9 200000b9 200c021b 207c229b 200cc21a 01000054 c0035fd6 2084a24e 20c0620e 1f2003d5 2000028b"
    assert [kind for kind, _ in kinds("aarch64", words)] == [
        "load", "store", "mul", "mul_long", "div", "branch", "branch", "simd", "simd", "other", "alu"
    ]  # fmt: skip
    # lw a0,0(a1); c.lw; c.swsp; lui; c.li; mul; mulhu; rem; c.bnez; c.jr ra; c.addi
    words = "03a50500 8841 2ac0 37050000 0145 3385c502 33b5c502 33e5c502 01e1 8280 0505"
    assert [kind for kind, _ in kinds("riscv32", words)] == [
        "load", "load", "store", "alu", "alu", "mul", "mul_long", "div", "branch", "branch", "alu"
    ]  # fmt: skip


def test_an_access_behind_another_is_cheaper() -> None:
    table = load_target("cortex-m4").cycles
    assert table is not None
    # ldr; ldr; adds; ldr
    code = bytes.fromhex("0868 4968 4018 0868")
    found = [Disassembler("thumb").instruction(code, at) for at in range(0, 8, 2)]
    assert [cycles for cycles, _ in costs(found, table)] == [2, 1, 1, 2]


def test_models_are_told_apart_by_their_files(tmp_path: Path) -> None:
    one: Deployed = mini.write_bundle(tmp_path / "1")
    other = mini.write_bundle(tmp_path / "2", triple=mini.TRIPLE + "\n")
    assert one.hash == mini.write_bundle(tmp_path / "3").hash
    assert one.hash != other.hash
