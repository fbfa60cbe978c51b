"""Every place runs the hand-written bundles to the bytes computed by hand, layer by layer."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mini
import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.target import load_target
from edgekit.validate.runners import make_runner
from edgekit.validate.runners.agent import build_model, build_program
from edgekit.validate.runners.deployed import Deployed
from edgekit.validate.runners.link import Timing
from edgekit.validate.runners.machine import Guest, GuestFault, Machine

Array = NDArray[Any]
UNICORN = ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "rpi4", "rpi5",
           "rpi-zero2", "riscv32imc"]  # fmt: skip
QEMU = ["cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "riscv32imc", "rpi4"]
PLACES = [
    ("host", "host"),
    *(("emulator:unicorn", core) for core in UNICORN),
    *(("emulator:qemu", core) for core in QEMU),
]


def need(place: str, core: str) -> None:
    """Skip, visibly, what this machine has not."""
    target = load_target(core)
    qemu = target.emulator.qemu
    if place == "emulator:qemu" and (qemu is None or not shutil.which(qemu.program)):
        pytest.skip(f"no QEMU for {core}")


def equal_layers(found: list[tuple[str, str, Array]], wanted: list[tuple[str, str, Array]]) -> bool:
    return len(found) == len(wanted) and all(
        a[:2] == b[:2] and a[2].dtype == b[2].dtype and np.array_equal(a[2], b[2])
        for a, b in zip(found, wanted, strict=True)
    )


def check_plain(place: str, core: str, deployed: Deployed, n: int = 12) -> None:
    x = np.random.default_rng(0).integers(-128, 128, (3, n)).astype(np.int8)
    with make_runner(place, deployed, load_target(core)) as runner:
        (y,) = runner.run([x])
        assert y.dtype == np.int8
        assert np.array_equal(y, mini.plain_outputs(x))
        assert equal_layers(runner.trace([x[0]]), mini.plain_layers(x[0]))
        # Tracing leaves the place as it was.
        assert np.array_equal(runner.run([x])[0], y)


def check_stateful(place: str, core: str, deployed: Deployed) -> None:
    x = np.random.default_rng(0).integers(-128, 128, (2, 4, 12)).astype(np.int8)
    with make_runner(place, deployed, load_target(core)) as runner:
        (y,) = runner.run([x], steps=True)
        assert np.array_equal(y, mini.stateful_outputs(x))
        assert np.array_equal(runner.run([x[:, 0]])[0], y[:, 0])
        assert equal_layers(runner.trace([x[1]], steps=True), mini.stateful_layers(x[1]))


@pytest.mark.parametrize(("place", "core"), PLACES)
def test_outputs_and_layers_are_exact(place: str, core: str, tmp_path: Path) -> None:
    need(place, core)
    check_plain(place, core, mini.write_bundle(tmp_path))


@pytest.mark.parametrize(("place", "core"), PLACES)
def test_state_is_kept_within_a_sample_and_reset_before(place: str, core: str, tmp_path: Path) -> None:  # fmt: skip
    need(place, core)
    check_stateful(place, core, mini.write_bundle(tmp_path, "stateful"))


@pytest.mark.parametrize(
    ("place", "core"),
    [("host", "host"), ("emulator", "cortex-m4"), ("emulator", "rpi4"), ("emulator", "cortex-m55")],
)
def test_buffers_of_the_caller_are_arguments(place: str, core: str, tmp_path: Path) -> None:
    need("emulator:qemu" if core == "cortex-m55" else place, core)
    check_plain(place, core, mini.write_bundle(tmp_path, "caller"))


@pytest.mark.parametrize(
    ("place", "core"), [("host", "host"), ("emulator", "cortex-m4"), ("emulator:qemu", "cortex-m4")]
)
def test_tensors_longer_than_a_frame_arrive(place: str, core: str, tmp_path: Path) -> None:
    need(place, core)
    check_plain(place, core, mini.write_bundle(tmp_path, n=9001), 9001)


def test_the_emulated_core_is_the_one_asked_for(tmp_path: Path) -> None:
    """Division is legal on a Cortex-M3 and faults on a Cortex-M0+."""
    legal = mini.TRIPLE.replace("3 * x[i] + 1", "x[i] / n")
    divides = mini.write_bundle(tmp_path, triple=legal)
    elf = build_for("cortex-m3", divides, tmp_path)
    for core, faults in (("cortex-m3", False), ("cortex-m0plus", True)):
        guest = Guest.of(divides, load_target(core), elf, False)
        machine = Machine(guest)
        machine.write(0, 0, bytes(12))
        if faults:
            with pytest.raises(GuestFault, match="Invalid instruction"):
                machine.call("mini_run", machine.arguments(), 5)
        else:
            machine.call("mini_run", machine.arguments(), 5)


def build_for(core: str, deployed: Deployed, folder: Path) -> Path:
    (folder / "build").mkdir()
    return build_model(deployed, load_target(core), folder / "build", traced=False)


CRASH = """\
#include "kernels.h"
void ek_triple_s8(const int8_t *x, int8_t *y, int32_t n)
{
    (void)x;
    (void)y;
    *(volatile int32_t *)(uintptr_t)(0xf1000000u + (uint32_t)n * 4u) = 1;
}
"""


@pytest.mark.parametrize(
    ("place", "core"),
    [
        ("host", "host"),
        ("emulator", "cortex-m0plus"),
        ("emulator", "rpi4"),
        ("emulator", "riscv32imc"),
        ("emulator:qemu", "cortex-m4"),
        ("emulator:qemu", "cortex-m55"),
        ("emulator:qemu", "riscv32imc"),
    ],
)
def test_a_fault_is_an_error_with_its_function(place: str, core: str, tmp_path: Path) -> None:
    need(place, core)
    deployed = mini.write_bundle(tmp_path, triple=CRASH)
    with make_runner(place, deployed, load_target(core)) as runner:
        with pytest.raises(EdgekitError) as caught:
            runner.run([np.zeros((1, 12), np.int8)])
        assert caught.value.code == "EK603"
        if place == "host":
            assert "SIGSEGV" in caught.value.found
        else:
            assert "ek_triple_s8+0x" in caught.value.where


def test_a_write_beyond_the_arena_faults_in_the_emulator(tmp_path: Path) -> None:
    deployed = mini.write_bundle(tmp_path, reverse=mini.REVERSE.replace("y[i] =", "y[i + 32] ="))
    with make_runner("emulator", deployed, load_target("cortex-m4")) as runner:
        with pytest.raises(EdgekitError) as caught:
            runner.run([np.zeros((1, 12), np.int8)])
        assert "at 0x30000000" in caught.value.found


@pytest.mark.parametrize(("place", "core"), [("host", "host"), ("emulator:qemu", "cortex-m4")])
def test_an_endless_model_is_an_error(place: str, core: str, tmp_path: Path) -> None:
    need(place, core)
    endless = mini.TRIPLE.replace("i < n; i++", ";").replace("int32_t i = 0", "volatile int32_t i = 0")  # fmt: skip
    endless = endless.replace("y[i] =", "y[0] =").replace("{\n    for", "{\n    (void)n;\n    for")
    deployed = mini.write_bundle(tmp_path, triple=endless)
    timing = Timing(inference=0.3, retries=1)
    with make_runner(place, deployed, load_target(core), timing) as runner:
        with pytest.raises(EdgekitError) as caught:
            runner.run([np.zeros((1, 12), np.int8)])
        assert caught.value.code == "EK601"


def test_an_error_of_the_model_is_an_error(tmp_path: Path) -> None:
    source = mini.RUN.replace("return EK_OK;", "return EK_ERROR_ALIGN;")
    deployed = mini.write_bundle(
        tmp_path, mini=source.format(arguments="void *arena", body="    a[0] = 0;")
    )
    with make_runner("host", deployed, load_target("host")) as runner:
        with pytest.raises(EdgekitError, match="returned an error") as caught:
            runner.run([np.zeros((1, 12), np.int8)])
        assert caught.value.found == "mini_run() = -2, wanted 0"


@pytest.mark.parametrize(
    ("place", "core", "code"),
    [
        ("moon", "host", "EK001"),
        ("emulator:bochs", "cortex-m4", "EK001"),
        ("emulator", "host", "EK503"),
        ("emulator:unicorn", "cortex-m55", "EK503"),
        ("emulator:qemu", "cortex-m0plus", "EK503"),
        ("ssh:board", "cortex-m4", "EK001"),
        ("ssh:-oProxyCommand=x", "host", "EK001"),
        ("serial:", "cortex-m4", "EK001"),
        ("serial:port@fast", "cortex-m4", "EK001"),
    ],
)
def test_wrong_places_are_refused(place: str, core: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError) as caught:
        make_runner(place, mini.write_bundle(tmp_path), load_target(core))
    assert caught.value.code == code
    assert caught.value.found


def test_a_missing_emulator_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EdgekitError) as caught:
        make_runner("emulator:qemu", mini.write_bundle(tmp_path), load_target("cortex-m4"))
    assert (caught.value.code, caught.value.help) == ("EK503", "apt install qemu-system-arm")


# Takes ssh's options, then HOST and COMMAND; HOST "lost" is out of reach.
SSH = """\
#!/bin/sh
while [ "$1" != -- ]; do shift; done
[ "$2" = lost ] && { echo 'ssh: no route to host' >&2; exit 255; }
echo "$2" >> "$EDGEKIT_TEST_LOG"
exec sh -c "$3"
"""


@pytest.fixture
def ssh_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for ssh, first on PATH, that runs commands here; the file of hosts it was asked."""
    folder, temporary = tmp_path / "bin", tmp_path / "tmp"
    folder.mkdir()
    temporary.mkdir()
    script = folder / "ssh"
    script.write_text(SSH)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    log = tmp_path / "log"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("EDGEKIT_TEST_LOG", str(log))
    monkeypatch.setenv("TMPDIR", str(temporary))
    return log


def test_ssh_copies_runs_and_cleans_up(ssh_log: Path, tmp_path: Path) -> None:
    check_plain("ssh:pi@board", "host", mini.write_bundle(tmp_path / "plain"))
    check_stateful("ssh:pi@board", "host", mini.write_bundle(tmp_path / "state", "stateful"))
    # Two connections each for the firmware and for the one that stops between steps.
    assert ssh_log.read_text().split() == ["pi@board"] * 8
    assert [path.name for path in (tmp_path / "tmp").glob("tmp.*")] == []


@pytest.mark.usefixtures("ssh_log")
def test_ssh_tells_a_lost_connection_from_a_fault(tmp_path: Path) -> None:
    x = np.zeros((1, 12), np.int8)
    for host, triple, code in (("lost", mini.TRIPLE, "EK601"), ("board", CRASH, "EK603")):
        deployed = mini.write_bundle(tmp_path / host, triple=triple)
        with make_runner(f"ssh:{host}", deployed, load_target("host")) as runner:
            with pytest.raises(EdgekitError) as caught:
                runner.run([x])
            assert caught.value.code == code


class Board:
    """A board on a serial line: the agent behind a pseudo-terminal."""

    def __init__(self, deployed: Deployed, folder: Path, traced: bool) -> None:
        folder.mkdir()
        agent = build_program(deployed, load_target("host"), folder, traced=traced)
        master, slave = os.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        self._files = master, slave
        self._process = subprocess.Popen([str(agent)], stdin=master, stdout=master)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for file in self._files:
            os.close(file)


@pytest.fixture
def boards() -> Iterator[list[Board]]:
    started: list[Board] = []
    yield started
    for board in started:
        board.close()


def test_a_serial_line_serves_one_host_after_the_other(boards: list[Board], tmp_path: Path) -> None:
    deployed = mini.write_bundle(tmp_path / "bundle")
    boards.append(Board(deployed, tmp_path / "board", traced=True))
    for _ in range(2):
        check_plain(f"serial:{boards[0].port}", "cortex-m4", deployed)


def test_a_serial_line_without_stops_gives_no_layers(boards: list[Board], tmp_path: Path) -> None:
    deployed = mini.write_bundle(tmp_path / "bundle", "stateful")
    boards.append(Board(deployed, tmp_path / "board", traced=False))
    x = np.ones((1, 3, 12), np.int8)
    with make_runner(f"serial:{boards[0].port}@9600", deployed, load_target("cortex-m4")) as runner:
        assert np.array_equal(runner.run([x], True)[0], mini.stateful_outputs(x))
        assert runner.trace([x[0]], True) == []
        assert runner.name == "device"


def test_a_board_with_another_model_is_refused(boards: list[Board], tmp_path: Path) -> None:
    flashed = mini.write_bundle(tmp_path / "a", "stateful")
    boards.append(Board(flashed, tmp_path / "board", traced=False))
    other = mini.write_bundle(tmp_path / "b")
    with make_runner(f"serial:{boards[0].port}", other, load_target("cortex-m4")) as runner:
        with pytest.raises(EdgekitError, match="another model") as caught:
            runner.run([np.zeros((1, 12), np.int8)])
        assert caught.value.code == "EK602"


def test_a_serial_port_that_is_not_there(tmp_path: Path) -> None:
    deployed = mini.write_bundle(tmp_path)
    with make_runner(f"serial:{tmp_path}/none", deployed, load_target("cortex-m4")) as runner:
        with pytest.raises(EdgekitError) as caught:
            runner.run([np.zeros((1, 12), np.int8)])
        assert caught.value.code == "EK601"
