"""A core without a board, in unicorn: the model's code, its memory, a stack, calls from outside.

Runs in a process of its own (`_unicorn`, `_count`): guest code that hangs or breaks the emulator
must not take the caller with it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from edgekit.errors import EdgekitError
from edgekit.target import Target
from edgekit.validate.runners.deployed import Deployed
from edgekit.validate.runners.elf import read_image

_PAGE = 0x1000
# Each space ends where its pages end, so that the first byte beyond it faults.
_SPACES = (0x3000_0000, 0x4000_0000, 0x5000_0000)
_ALIGN = 16
_STACK_TOP, _STACK_BYTES = 0x6004_0000, 0x4_0000
_RETURN = 0x7000_0000
_PAINT = 0xA5


def _unicorn() -> Any:
    return importlib.import_module("unicorn")


class _Arch(NamedTuple):
    """How unicorn calls an architecture and its registers; `word`: bytes of an argument."""

    arch: str
    mode: str
    constants: str
    arguments: tuple[str, ...]
    stack: str
    link: str
    word: int
    mode_bit: int = 0


_ARCHS = {
    # Without UC_MODE_MCLASS, which would make a Cortex-M33 of every core.
    "thumb": _Arch("UC_ARCH_ARM", "UC_MODE_THUMB", "arm_const", tuple(f"UC_ARM_REG_R{i}" for i in range(4)),
                   "UC_ARM_REG_SP", "UC_ARM_REG_LR", 4, 1),
    "aarch64": _Arch("UC_ARCH_ARM64", "UC_MODE_ARM", "arm64_const", tuple(f"UC_ARM64_REG_X{i}" for i in range(8)),
                     "UC_ARM64_REG_SP", "UC_ARM64_REG_X30", 8),
    "riscv32": _Arch("UC_ARCH_RISCV", "UC_MODE_RISCV32", "riscv_const", tuple(f"UC_RISCV_REG_X{i}" for i in range(10, 18)),
                     "UC_RISCV_REG_X2", "UC_RISCV_REG_X1", 4),
}  # fmt: skip
_FPU_ON = 3 << 20  # CPACR_EL1.FPEN


@dataclass(frozen=True)
class Guest:
    """What a machine is made of, in a form that passes through a command line.

    entry: the function of one inference; walker: the one that calls the kernels; spaces: bytes of
    arena, state and caller's buffers; arenas, caller: offset of each such argument.
    """

    elf: str
    arch: str
    cpu: str
    name: str
    entry: str
    walker: str
    spaces: tuple[int, ...]
    arenas: tuple[int, ...]
    caller: tuple[int, ...]
    hash: str
    traced: bool

    @staticmethod
    def of(deployed: Deployed, target: Target, elf: Path, traced: bool) -> Guest:
        deployed = deployed.alone if traced else deployed
        return Guest(
            str(elf),
            target.arch,
            target.emulator.unicorn,
            deployed.name,
            deployed.entry,
            deployed.walker,
            (deployed.arena_bytes, deployed.state_bytes, deployed.caller_bytes),
            deployed.arenas,
            tuple(tensor.offset for tensor in deployed.caller),
            deployed.hash.hex(),
            traced,
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Guest:
        table: dict[str, Any] = json.loads(text)
        lists = ("spaces", "arenas", "caller")
        return Guest(**table | {key: tuple(table[key]) for key in lists})


class GuestFault(Exception):
    """The guest's code did what the core cannot do; `pc` is where."""

    def __init__(self, pc: int, text: str) -> None:
        super().__init__(text)
        self.pc = pc


class GuestHangs(GuestFault):
    """The guest's code did not return in time."""


class Machine:
    """One emulated core with a model in it. `uc` is the engine, for hooks."""

    def __init__(self, guest: Guest) -> None:
        unicorn = _unicorn()
        self.guest, self._arch = guest, _ARCHS[guest.arch]
        self.image = read_image(Path(guest.elf))
        self.uc: Any = unicorn.Uc(
            getattr(unicorn, self._arch.arch), getattr(unicorn, self._arch.mode)
        )
        self._select_cpu()
        for address, data in self.image.segments:
            first, last = address & -_PAGE, (address + len(data) - 1) & -_PAGE
            for page in range(first, last + _PAGE, _PAGE):
                self._map(page, _PAGE)
            self.uc.mem_write(address, data)
        self.bases = []
        for end, size in zip(_SPACES, guest.spaces, strict=True):
            if size:
                self._map(end - (-(-size // _PAGE) * _PAGE), -(-size // _PAGE) * _PAGE)
            self.bases.append((end - size) & -_ALIGN)
        self._map(_STACK_TOP - _STACK_BYTES, _STACK_BYTES)
        self._map(_RETURN, _PAGE)
        self._top, self._invalid = _STACK_TOP, ""
        self.uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_invalid)
        self._stop_at: int | None = None

    def _register(self, name: str) -> int:
        return int(getattr(importlib.import_module(f"unicorn.{self._arch.constants}"), name))

    def _select_cpu(self) -> None:
        wanted = self._register(self.guest.cpu)
        self.uc.ctl_set_cpu_model(wanted)
        found = self.uc.ctl_get_cpu_model()
        if found != wanted:
            raise EdgekitError(
                "EK901", "unicorn runs another core than asked for", where=self.guest.cpu,
                found=f"model {found}, wanted {wanted}",
            )  # fmt: skip
        if self.guest.arch == "aarch64":
            self.uc.reg_write(self._register("UC_ARM64_REG_CPACR_EL1"), _FPU_ON)

    def _map(self, address: int, size: int) -> None:
        if not any(first <= address <= last for first, last, _ in self.uc.mem_regions()):
            self.uc.mem_map(address, size)

    def _on_invalid(
        self, uc: Any, access: int, address: int, size: int, value: int, data: Any
    ) -> bool:
        self._invalid = f" of {size} bytes at {address:#x}"
        return False

    def write(self, space: int, offset: int, data: bytes) -> None:
        self.uc.mem_write(self.bases[space] + offset, data)

    def read(self, space: int, offset: int, length: int) -> bytes:
        return bytes(self.uc.mem_read(self.bases[space] + offset, length))

    def stop_at(self, function: str) -> None:
        """From now on a call stops at every entry of `function`; see `stopped`."""
        address = self.image.functions[function].address
        self._stop_at = address
        self.uc.hook_add(
            _unicorn().UC_HOOK_CODE, lambda uc, *_: uc.emu_stop(), begin=address, end=address
        )

    def arguments(self) -> list[int]:
        """What the guest's `entry` is called with."""
        arena, state, caller = self.bases
        return [
            *(arena + offset for offset in self.guest.arenas),
            *[state] * bool(self.guest.spaces[1]),
            *(caller + o for o in self.guest.caller),
        ]

    def call(self, function: str, arguments: Sequence[int], timeout: float) -> None:
        """Call a function until it returns or stops.

        Raises GuestFault, or GuestHangs after `timeout` seconds.
        """
        word, registers = self._arch.word, self._arch.arguments
        spilled = arguments[len(registers) :]
        stack = (self._top - word * len(spilled)) & -_ALIGN
        for index, value in enumerate(spilled):
            self.uc.mem_write(stack + word * index, value.to_bytes(word, "little"))
        for name, value in zip(registers, arguments, strict=False):
            self.uc.reg_write(self._register(name), value)
        self.uc.reg_write(self._register(self._arch.stack), stack)
        self.uc.reg_write(self._register(self._arch.link), _RETURN | self._arch.mode_bit)
        self._go(self.image.functions[function].address, timeout)

    def stop(self, address: int) -> None:
        """Within a hook: stop before the instruction at `address`; see `stopped`."""
        self._stop_at = address
        self.uc.emu_stop()

    @contextlib.contextmanager
    def interrupted(self, gap: int, timeout: float) -> Iterator[None]:
        """From a `stop`: calls inside the block use the stack from `gap` bytes below, as an interrupt does;
        behind it what was stopped goes on until it returns. Raises like `call`."""
        saved, top = self.uc.context_save(), self._top
        self._top, self._stop_at = self.uc.reg_read(self._register(self._arch.stack)) - gap, None
        yield
        self._top = top
        self.uc.context_restore(saved)
        self._go(self._pc(), timeout)

    def resume(self, timeout: float) -> None:
        """Go on from a stop, which is at the entry of a function that does nothing: return from it."""
        self._go(self.uc.reg_read(self._register(self._arch.link)), timeout)

    @property
    def stopped(self) -> bool:
        return self._stop_at == self._pc()

    def result(self, argument: int = 0, signed: bool = True) -> int:
        """The 32 bits of a register for arguments: the first holds what a function returned."""
        value = int(self.uc.reg_read(self._register(self._arch.arguments[argument]))) & 0xFFFF_FFFF
        return value - (1 << 32) if signed and value >> 31 else value

    def paint_stack(self) -> None:
        self.uc.mem_write(_STACK_TOP - _STACK_BYTES, bytes([_PAINT]) * _STACK_BYTES)

    def stack_used(self) -> int:
        """Bytes from the top of the stack to the lowest that lost its paint."""
        stack = bytes(self.uc.mem_read(_STACK_TOP - _STACK_BYTES, _STACK_BYTES))
        return len(stack.lstrip(bytes([_PAINT])))

    def _pc(self) -> int:
        name = {"UC_ARCH_ARM": "ARM", "UC_ARCH_ARM64": "ARM64", "UC_ARCH_RISCV": "RISCV"}
        return int(self.uc.reg_read(self._register(f"UC_{name[self._arch.arch]}_REG_PC")))

    def _go(self, address: int, timeout: float) -> None:
        self._invalid = ""
        try:
            self.uc.emu_start(address | self._arch.mode_bit, _RETURN, timeout=int(timeout * 1e6))
        except _unicorn().UcError as error:
            raise GuestFault(self._pc(), f"{error}{self._invalid}") from None
        pc = self._pc()
        if pc not in (_RETURN, self._stop_at):
            raise GuestHangs(pc, f"no end after {timeout:g} s")
