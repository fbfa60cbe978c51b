"""The shipped target files load; wrong ones are EK002 with advice."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from edgekit.errors import EdgekitError
from edgekit.target import list_targets, load_target

CORES = [
    "host", "rpi4", "rpi5", "rpi-zero2", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7",
    "cortex-m33", "cortex-m55", "riscv32imc",
]  # fmt: skip
BOARDS = [
    "rp2040", "rp2350", "stm32f446", "stm32f746", "stm32l4r5", "stm32h7a3", "nrf52840",
    "nrf5340", "esp32c3", "uno-r4",
]  # fmt: skip


def load(folder: Path, text: str) -> EdgekitError:
    """The error of a user's file with this text."""
    path = folder / "board.toml"
    path.write_text(text)
    with pytest.raises(EdgekitError) as caught:
        load_target(path)
    assert caught.value.code == "EK002"
    assert caught.value.exit_code == 2
    assert caught.value.help
    return caught.value


def test_list_is_complete() -> None:
    assert set(CORES + BOARDS) <= set(list_targets())


@pytest.mark.parametrize("name", list_targets())
def test_shipped_target_loads(name: str) -> None:
    target = load_target(name)
    assert target.name == name
    assert target.toolchains[-1].kind == "zig"
    assert target.pointer_bytes in (4, 8)
    assert json.loads(json.dumps(target.to_json()))["name"] == name
    assert target.emulator.unicorn or target.emulator.qemu or target.arch == "native"
    assert target.cycles or target.arch == "native"
    if target.cycles:
        assert len(target.cycles.source) > 40


@pytest.mark.parametrize("name", CORES)
def test_core_has_no_limits(name: str) -> None:
    target = load_target(name)
    assert target.ram_limit_bytes is None
    assert target.flash_limit_bytes is None
    assert target.reserved_bytes == 0
    assert target.core == name


@pytest.mark.parametrize("name", BOARDS)
def test_board_says_where_its_figures_come_from(name: str) -> None:
    target = load_target(name)
    assert target.clock_hz
    assert target.inherits == target.core
    assert target.cycles == load_target(target.core).cycles
    assert "datasheet" in target.source or "specification" in target.source
    regions = sorted((m.base, m.base + m.size) for m in target.memory)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(regions))


def test_board_figures() -> None:
    board = load_target("stm32f446")
    assert board.ram_limit_bytes == 128 * 1024
    assert board.flash_limit_bytes == 512 * 1024
    assert board.reserved_bytes == 4 * 1024
    assert board.flash_reserved_bytes == 16 * 1024
    assert board.clock_hz == 180_000_000
    assert board.isa == ("dsp",)
    assert load_target("stm32h7a3").ram_limit_bytes == (128 + 1024 + 128) * 1024


@pytest.mark.parametrize("name", list_targets())
def test_unicorn_knows_the_model(name: str) -> None:
    unicorn = pytest.importorskip("unicorn")
    target = load_target(name)
    modules = {
        "thumb": unicorn.arm_const, "aarch64": unicorn.arm64_const, "riscv32": unicorn.riscv_const,
    }  # fmt: skip
    if target.emulator.unicorn:
        assert hasattr(modules[target.arch], target.emulator.unicorn)


def test_user_file_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my-board.toml").write_text(
        'inherits = "cortex-m7"\nclock_hz = 1_000\n[[memory]]\nname = "sram"\nkind = "ram"\n'
        'base = 0\nsize = 1_500\nreserved = "1K"\n[cycles]\nfactor = 0.5\n'
    )
    monkeypatch.chdir(tmp_path)
    for name in ("my-board.toml", "./my-board.toml", tmp_path / "my-board.toml"):
        target = load_target(name)
        assert (target.name, target.ram_limit_bytes, target.reserved_bytes) == ("my-board", 1500, 1024)  # fmt: skip
        assert target.flash_limit_bytes is None
        assert target.cycles is not None
        assert (target.cycles.factor, target.cycles.div) == (0.5, 7)
        assert target.toolchains == load_target("cortex-m7").toolchains


def test_a_file_may_inherit_from_a_file_beside_it(tmp_path: Path) -> None:
    core = (Path(__file__).parent.parent / "targets" / "cortex-m3.toml").read_text()
    (tmp_path / "core.toml").write_text(core)
    (tmp_path / "board.toml").write_text('inherits = "core.toml"\nclock_hz = 8_000_000\n')
    assert load_target(tmp_path / "board.toml").clock_hz == 8_000_000


@pytest.mark.parametrize(
    ("line", "where", "advice"),
    [
        ("clock_mhz = 1", "board.toml", "clock_hz"),
        ("[cycles]\nloads = 1", "board.toml, cycles", "load"),
        ("[emulator.qemu]\nmachin = 'x'", "board.toml, emulator, qemu", "machine"),
        (
            "[[memory]]\nname = 'a'\nkind = 'ram'\nbase = 0\nsize = 1\nreserve = 1",
            "memory 1",
            "reserved",
        ),
        ("[[toolchains]]\nkind = 'gcc'", "board.toml", "toolchain"),
    ],
)
def test_unknown_key_names_the_nearest(tmp_path: Path, line: str, where: str, advice: str) -> None:
    error = load(tmp_path, f'inherits = "cortex-m4"\n{line}\n')
    assert "unknown key" in error.message
    assert where in error.where
    assert advice in error.help


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("clock_hz = -1", "clock_hz"),
        ("clock_hz = true", "clock_hz"),
        ("clock_hz = '180M'", "clock_hz"),
        ("isa = ['dps']", "isa"),
        ("isa = 'dsp'", "isa"),
        ("description = 3", "description"),
        ("memory = 3", "memory"),
        ("memory = [3]", "memory 1"),
        ("emulator = 3", "emulator"),
        ("arch = 'x'", "arch"),
        ("inherits = 3", "inherits"),
        ("[cycles]\nload = inf", "cycles, load"),
        ("[cycles]\nload = 'two'", "cycles, load"),
    ],
)
def test_wrong_value(tmp_path: Path, line: str, where: str) -> None:
    prefix = "" if line.startswith("inherits") else 'inherits = "cortex-m4"\n'
    error = load(tmp_path, prefix + line + "\n")
    assert error.where.endswith(where)
    assert "wanted" in error.found


@pytest.mark.parametrize("size", ['"12X"', '"K"', '"-1K"', "-1", "1.5", '"1 M"', '""'])
def test_wrong_size(tmp_path: Path, size: str) -> None:
    text = f"[[memory]]\nname = 'a'\nkind = 'ram'\nbase = 0\nsize = {size}\n"
    assert load(tmp_path, 'inherits = "cortex-m4"\n' + text).where.endswith("memory 1, size")


def test_reserved_beyond_the_region(tmp_path: Path) -> None:
    text = "[[memory]]\nname = 'a'\nkind = 'ram'\nbase = 0\nsize = '1K'\nreserved = '2K'\n"
    assert "2048" in load(tmp_path, 'inherits = "cortex-m4"\n' + text).found


def test_missing_key(tmp_path: Path) -> None:
    assert "'description'" in load(tmp_path, "pointer_bytes = 4\n").message


def test_two_levels_of_inheritance_are_refused(tmp_path: Path) -> None:
    error = load(tmp_path, 'inherits = "stm32f446"\n')
    assert "one level" in error.found
    assert "cortex-m4" in error.help


def test_unreadable_files(tmp_path: Path) -> None:
    assert "line 1" in load(tmp_path, "= 3").found
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\0")
    for path in (tmp_path / "binary.toml", tmp_path / "absent.toml", f"{tmp_path}/"):
        with pytest.raises(EdgekitError, match="EK002"):
            load_target(path)


@pytest.mark.parametrize(
    ("name", "advice"), [("cortex-m5", "cortex-m55"), ("stm32f447", "stm32f446"), ("", "host")]
)
def test_unknown_name(name: str, advice: str) -> None:
    with pytest.raises(EdgekitError, match="EK002") as caught:
        load_target(name)
    assert advice in caught.value.help


def test_no_python_code_tests_the_name_of_a_target() -> None:
    package = Path(__file__).parent.parent / "edgekit"
    names = [name for name in list_targets() if name != "host"]  # "host" is also a place to run
    for path in package.rglob("*.py"):
        text = path.read_text()
        for name in names:
            assert f'== "{name}"' not in text, path
            assert f'"{name}" in' not in text, path
