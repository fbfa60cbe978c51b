"""Directed vectors for the fixed-point primitives, their exact rule, and the ways to run them in C.

A set of vectors is an int64 array [n, 3]: x, multiplier, shift (negative is right).
"""

from __future__ import annotations

import ctypes
import importlib
import itertools
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgekit.data import data_dir
from edgekit.target import load_target
from edgekit.toolchain import Compiler, find_compiler

Vectors = NDArray[np.int64]

SOURCE = Path(__file__).with_name("vectors.c")
FUNCTIONS = ("multiply_high", "rounding_shift", "requantize", "scale_doubled", "neon_rescale",
             "neon_rescale_shifted", "requantize_wide", "high_product")  # fmt: skip
MULTIPLIERS = (2**30, 2**30 + 1, 3 * 2**29, 1518500249, 2**31 - 2**8, 2**31 - 1)
SHORT_MULTIPLIERS = (2**14, 2**14 + 1, 3 * 2**13, 23170, 2**15 - 1)
LONG = 26  # right shifts beyond it rescale x * 2^12, which 32 bits do not hold
INT32 = (-(2**31), 2**31 - 1)


def exact_multiply_high(x: int, multiplier: int) -> int:
    """The integer nearest to ``x * multiplier / 2^31``, of two the greater."""
    return (Fraction(x * multiplier, 2**31) + Fraction(1, 2)).__floor__()


def exact_rounding_shift(x: int, right: int) -> int:
    """The integer nearest to ``x / 2^right``, of two the one farther from zero."""
    magnitude = (Fraction(abs(x), 2**right) + Fraction(1, 2)).__floor__()
    return magnitude if x >= 0 else -magnitude


def exact(name: str, vectors: Vectors) -> Vectors:
    """The rule for each vector, in whole numbers of any size."""

    def one(x: int, multiplier: int, shift: int) -> int:
        if name == "multiply_high":
            return exact_multiply_high(x, multiplier)
        if name == "rounding_shift":
            return exact_rounding_shift(x, -shift)
        if name == "requantize_wide":
            wide = x << wide_left(-shift)
            return (Fraction(wide * multiplier, 2**-shift) + Fraction(1, 2)).__floor__()
        if name == "high_product":
            return (x * multiplier) >> 32
        high = exact_multiply_high(x << max(shift, 0), multiplier)
        return exact_rounding_shift(high, max(-shift, 0))

    return np.array([one(*row) for row in vectors.tolist()], np.int64)


def directed(name: str) -> Vectors:
    """Boundaries on both sides, for each of `FUNCTIONS`."""
    if name == "multiply_high":
        xs = [*range(-300, 301), *_extremes()]
        return _array((x, m, 0) for x in xs for m in (0, 1, *MULTIPLIERS))
    if name == "high_product":
        xs = [*range(-40, 41), *_extremes(), *(sign * m for m in MULTIPLIERS for sign in (-1, 1))]
        return _array((x, y, 0) for x in xs for y in xs)
    if name == "rounding_shift":
        return _array((x, 0, -right) for right in range(32) for x in _shift_edges(right))
    if name == "requantize_wide":
        rows = itertools.chain.from_iterable(
            _wide_edges(multiplier, right)
            for multiplier in SHORT_MULTIPLIERS
            for right in range(1, 47)
        )
        return _array(rows)
    rows = itertools.chain.from_iterable(
        _requantize_edges(multiplier, shift)
        for multiplier in MULTIPLIERS
        for shift in range(-31, 16)
    )
    extremes = [(x, m, s) for x in _extremes() for m in (0, *MULTIPLIERS) for s in range(-31, 1)]
    vectors = _array(itertools.chain(rows, extremes))
    if name == "neon_rescale":
        vectors = vectors[vectors[:, 2] <= 0]
    if name == "neon_rescale_shifted":
        vectors = vectors[vectors[:, 2] < 0]
    if name == "scale_doubled":
        vectors = vectors[(np.abs(vectors[:, 0]) < 2**30) & (vectors[:, 2] < 0)]
    return vectors


def wide_left(right: int) -> int:
    """How far x is shifted to be the operand of `requantize_wide`."""
    return 12 if right > LONG else 0


def _wide_edges(multiplier: int, right: int) -> list[tuple[int, int, int]]:
    """The x nearest to ties of small and of int16 results, and its neighbours."""
    scale = Fraction(multiplier << wide_left(right), 2**right)
    rows = []
    for y in (*range(-65, 65), *range(-(2**15) - 2, -(2**15) + 3), *range(2**15 - 3, 2**15 + 2)):
        tie = round((y + Fraction(1, 2)) / scale)
        rows += [(tie + d, multiplier, -right) for d in (-1, 0, 1)]
    return [row for row in rows if INT32[0] <= row[0] <= INT32[1]]


def _extremes() -> list[int]:
    near = [sign * 2**k + d for k in (15, 23, 30, 31) for d in (-1, 0, 1) for sign in (-1, 1)]
    return [x for x in (*near, *range(-3, 4)) if INT32[0] <= x <= INT32[1]]


def _shift_edges(right: int) -> list[int]:
    """Every int8 boundary of x / 2^right: the tie and its neighbours."""
    ties = [(2 * y + 1) << right >> 1 for y in range(-130, 130)]
    edges = [tie + d for tie in ties for d in (-1, 0, 1)]
    return [x for x in (*edges, *_extremes()) if INT32[0] <= x <= INT32[1]]


def _requantize_edges(multiplier: int, shift: int) -> list[tuple[int, int, int]]:
    """Every int8 boundary of the rescaled x: the x nearest to the tie and its neighbours."""
    scale = Fraction(multiplier, 2**31) * Fraction(2) ** shift
    rows = []
    for y in range(-129, 129):
        tie = round((y + Fraction(1, 2)) / scale)
        rows += [(tie + d, multiplier, shift) for d in (-1, 0, 1)]
    left = max(shift, 0)
    return [row for row in rows if INT32[0] <= row[0] << left <= INT32[1]]


def _array(rows: Any) -> Vectors:
    return np.unique(np.array(list(rows), np.int64), axis=0)


def run_host(name: str, vectors: Vectors, folder: Path, include: Path | None = None) -> Vectors:
    """The host's compiler; `include` stands for the runtime's headers where it is given."""
    compiler = find_compiler(load_target("host"))
    headers = include or data_dir("runtime") / "include"
    objects = compiler.compile([SOURCE], folder, include=[headers], flags=["-fPIC"])
    library = ctypes.CDLL(str(compiler.link(objects, folder / "vectors.so", flags=["-shared"])))
    triples = np.ascontiguousarray(vectors, np.int32)
    out = np.zeros(len(triples), np.int32)
    getattr(library, name)(
        triples.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p), len(out)
    )
    return out.astype(np.int64)


def link(compiler: Compiler, folder: Path) -> Path:
    """The functions as an image that an emulator can enter."""
    objects = compiler.compile([SOURCE], folder, include=[data_dir("runtime") / "include"])
    return compiler.link_bare(objects, folder / "vectors.elf", entry="requantize", keep=FUNCTIONS)


def run_emulated(elf: Path, cpu: str, name: str, vectors: Vectors) -> Vectors:
    """The function in an emulated core, in a process of its own: a fault there is an error here."""
    data, out = elf.with_suffix(".in.npy"), elf.with_suffix(".out.npy")
    np.save(data, vectors.astype(np.int32))
    command = [sys.executable, __file__, str(elf), cpu, name, str(data), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return np.asarray(np.load(out, allow_pickle=False), np.int64)


class _Core(NamedTuple):
    """How unicorn calls an architecture and its registers: names of its constants."""

    arch: str
    mode: str
    constants: str
    arguments: tuple[str, ...]
    stack: str
    link: str
    counter: str
    mode_bit: int = 0


# Arm without UC_MODE_MCLASS: with it unicorn forgets the model it is told.
_CORES = {
    "ARM64": _Core("UC_ARCH_ARM64", "UC_MODE_ARM", "arm64_const", ("X0", "X1", "X2"), "SP", "LR", "PC"),
    "ARM": _Core("UC_ARCH_ARM", "UC_MODE_THUMB", "arm_const", ("R0", "R1", "R2"), "SP", "LR", "PC", 1),
    "RISCV": _Core("UC_ARCH_RISCV", "UC_MODE_RISCV32", "riscv_const", ("A0", "A1", "A2"), "SP", "RA", "PC"),
}  # fmt: skip


def _emulate(elf: Path, cpu: str, name: str, triples: NDArray[np.int32]) -> NDArray[np.int32]:
    unicorn: Any = importlib.import_module("unicorn")
    elffile: Any = importlib.import_module("elftools.elf.elffile")
    data, stack, stop = 0x3000_0000, 0x2800_0000, 0x0900_0000
    family, core = next((f, c) for f, c in _CORES.items() if cpu.startswith(f"UC_CPU_{f}"))
    constants: Any = importlib.import_module(f"unicorn.{core.constants}")

    def register(short: str) -> int:
        return int(getattr(constants, f"UC_{family}_REG_{short}"))

    uc = unicorn.Uc(getattr(unicorn, core.arch), getattr(unicorn, core.mode))
    model = getattr(constants, cpu)
    uc.ctl_set_cpu_model(model)
    for base, size in ((0x0800_0000, 1 << 20), (stop, 4096), (stack - 65536, 65536)):
        uc.mem_map(base, size)
    uc.mem_map(data, (triples.nbytes * 2 + 0xFFFFF) & ~0xFFFFF)
    with elf.open("rb") as file:
        image = elffile.ELFFile(file)
        for segment in image.iter_segments():
            if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]:
                uc.mem_write(segment["p_vaddr"], segment.data())
        address = image.get_section_by_name(".symtab").get_symbol_by_name(name)[0]["st_value"]
    uc.mem_write(data, triples.tobytes())
    out = data + triples.nbytes
    for short, value in zip(core.arguments, (data, out, len(triples)), strict=True):
        uc.reg_write(register(short), value)
    uc.reg_write(register(core.stack), stack)
    uc.reg_write(register(core.link), stop | core.mode_bit)
    uc.emu_start(address | core.mode_bit, stop, timeout=60_000_000)
    pc = uc.reg_read(register(core.counter))
    assert uc.ctl_get_cpu_model() == model, "the emulator forgot the model"
    assert pc == stop, f"stopped at {pc:#x}"
    return np.frombuffer(uc.mem_read(out, 4 * len(triples)), np.int32)


if __name__ == "__main__":
    elf_path, cpu_name, function, data_path, out_path = sys.argv[1:]
    result = _emulate(Path(elf_path), cpu_name, function, np.load(data_path, allow_pickle=False))
    np.save(out_path, result)
