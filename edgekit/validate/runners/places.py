"""The places beside the simulator: how each is built, started and linked to."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import edgekit
from edgekit.errors import EdgekitError
from edgekit.target import Qemu, Target, load_target
from edgekit.validate.runners.agent import build_image, build_model, build_program
from edgekit.validate.runners.deployed import Deployed
from edgekit.validate.runners.device import DeviceRunner
from edgekit.validate.runners.elf import read_image
from edgekit.validate.runners.link import DEFAULT, Link, Timing
from edgekit.validate.runners.machine import Guest
from edgekit.validate.runners.stream import Process, Serial, signal_name

BAUD = 115_200
EMULATOR_PACKAGES = ("unicorn",)


class Workshop:
    """A temporary folder with one sub-folder a build."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="edgekit-")
        self.close = self._folder.cleanup

    def folder(self, traced: bool) -> Path:
        folder = Path(self._folder.name) / ("traced" if traced else "plain")
        folder.mkdir(exist_ok=True)
        return folder

    def name_of(self, image: str, address: int) -> str:
        """The function at an address of an image that stands in any of the folders."""
        found = next(Path(self._folder.name).glob(f"*/{image}"), None)
        return read_image(found).name_of(address) if found else f"{address:#x}"


def host(deployed: Deployed, timing: Timing = DEFAULT) -> DeviceRunner:
    """The C code compiled for this machine, as a child process."""
    shop = Workshop()

    def open_link(traced: bool) -> Link:
        agent = build_program(deployed, load_target("host"), shop.folder(traced), traced=traced)
        return Link(Process([str(agent)], ended("the program")), "host", timing)

    return DeviceRunner("host", deployed, open_link, where="host", release=shop.close)


def unicorn(deployed: Deployed, target: Target, timing: Timing = DEFAULT) -> DeviceRunner:
    """The core in unicorn, in a process of its own; the model's functions are called directly."""
    need_emulator_packages()
    shop = Workshop()

    def open_link(traced: bool) -> Link:
        elf = build_model(deployed, target, shop.folder(traced), traced=traced)
        guest = Guest.of(deployed, target, elf, traced).to_json()
        command = [sys.executable, "-m", "edgekit.validate.runners._unicorn", guest]
        process = Process(command, ended("the emulator"), child_environment())
        return Link(process, f"emulated {target.core}", timing)

    return DeviceRunner(
        "emulator", deployed, open_link, where=f"emulated {target.core}",
        name_of=functools.partial(shop.name_of, "model.elf"), release=shop.close,
    )  # fmt: skip


def qemu(deployed: Deployed, target: Target, timing: Timing = DEFAULT) -> DeviceRunner:
    """The board or the core in QEMU: the agent's firmware, or its Linux program."""
    emulator = target.emulator.qemu
    if emulator is None:
        raise _no_emulator(target, "QEMU has no machine with this core")
    program = shutil.which(emulator.program)
    if program is None:
        raise EdgekitError(
            "EK503", "the emulator is not installed", where=f"target {target.name}",
            found=f"no {emulator.program}", help=f"apt install {emulator.package}",
        )  # fmt: skip
    shop, where = Workshop(), f"{emulator.program} {emulator.machine or emulator.cpu}"

    def open_link(traced: bool) -> Link:
        folder = shop.folder(traced)
        if emulator.machine:
            image = build_image(deployed, target, emulator, folder, traced=traced)
            command = [program, *board_options(target, emulator), "-kernel", str(image)]
        else:
            agent = build_program(deployed, target, folder, traced=traced)
            command = [program, "-cpu", emulator.cpu, str(agent)]
        program_of_linux = not emulator.machine
        process = Process(command, ended("the emulator"), ends_alone=program_of_linux)
        return Link(process, where, timing)

    return DeviceRunner(
        "emulator", deployed, open_link, where=where,
        name_of=functools.partial(shop.name_of, "agent.elf"), release=shop.close,
    )  # fmt: skip


def serial(port: str, deployed: Deployed, timing: Timing = DEFAULT) -> DeviceRunner:
    """A board on a serial line, `PORT` or `PORT@BAUD`, that was flashed with the agent."""
    path, _, baud = port.partition("@")
    if not path or not (baud or str(BAUD)).isdecimal():
        raise EdgekitError(
            "EK001", "not a serial port", where="--on", found=f"serial:{port}",
            help="write serial:PORT or serial:PORT@BAUD, as in serial:/dev/ttyACM0@115200",
        )  # fmt: skip
    line: list[Link] = []

    def open_link(traced: bool) -> Link:
        # One firmware serves both uses, and a port can be opened once.
        if not line:
            line.append(Link(Serial(path, int(baud or BAUD)), path, timing))
        return line[0]

    return DeviceRunner("device", deployed, open_link, where=path)


def emulator(kind: str, deployed: Deployed, target: Target, timing: Timing = DEFAULT) -> DeviceRunner:  # fmt: skip
    """`kind` unicorn or qemu; "": unicorn where it has the core, else QEMU."""
    if target.arch == "native":
        raise _no_emulator(target, "this machine needs none: use --on host")
    if kind not in ("", "unicorn", "qemu"):
        raise EdgekitError(
            "EK001", "unknown emulator", where="--on", found=f"emulator:{kind}",
            help="write emulator, emulator:unicorn or emulator:qemu",
        )  # fmt: skip
    if kind == "unicorn" and not target.emulator.unicorn:
        raise _no_emulator(target, "unicorn does not have this core; try emulator:qemu")
    start = unicorn if target.emulator.unicorn and kind != "qemu" else qemu
    return start(deployed, target, timing)


def need_emulator_packages() -> None:
    """Raises EK504 when a Python package of the emulator is missing."""
    for module in EMULATOR_PACKAGES:
        if importlib.util.find_spec(module) is None:
            raise EdgekitError(
                "EK504", f"the emulator needs the package {module}",
                help='pip install "edgekit[emulator]"',
            )  # fmt: skip


def child_environment() -> dict[str, str]:
    """The environment in which a Python child finds this very package."""
    root = str(Path(edgekit.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path}


def board_options(target: Target, emulator: Qemu) -> list[str]:
    """QEMU's options for a board whose serial line is standard output."""
    firmware = ["-bios", "none"] if target.arch == "riscv32" else []
    return ["-M", emulator.machine, *firmware, "-display", "none", "-monitor", "none",
            "-serial", "stdio"]  # fmt: skip


def ended(what: str) -> Callable[[int, str], EdgekitError]:
    """The error of a process that ended while it was still needed."""
    return lambda status, text: EdgekitError(
        "EK603", f"{what} ended before it answered", where=what,
        found=f"{signal_name(status)} {text}".rstrip(),
    )  # fmt: skip


def _no_emulator(target: Target, reason: str) -> EdgekitError:
    return EdgekitError(
        "EK503", "no emulator for this target", where=f"target {target.name}", found=reason
    )
