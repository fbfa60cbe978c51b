"""The benchmark models: ours beside the peers' frozen figures, and the budgets that tests hold."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from edgekit.build import build

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
PEERS, BUDGETS = HERE / "peers.toml", HERE / "budgets.toml"
DOCUMENT = HERE.parent / "docs" / "BENCHMARKS.md"
FIGURES = ("instructions", "arena_bytes", "state_bytes", "flash_bytes", "stack_bytes")
TARGET = "cortex-m4"
# Further cores, of which only instructions are budgeted, and the models that are counted there.
CORES = ("cortex-m0plus", "cortex-m3", "cortex-m7", "cortex-m33", "cortex-m55", "riscv32imc")
ON_CORES = ("kws", "resnet8", "vww", "ad")


def models_folder() -> Path:
    """The shared models: EDGEKIT_SHARED, by default ../shared beside the repository."""
    return Path(os.environ.get("EDGEKIT_SHARED") or HERE.parent.parent / "shared") / "models"


def peers() -> dict[str, dict[str, Any]]:
    """The peers' figures, model key to row."""
    rows = tomllib.loads(PEERS.read_text())
    return {key: row for key, row in rows.items() if key != "memory"}


def memory_goals() -> dict[str, dict[str, Any]]:
    """Peers' memory and what was asked of ours, model key to row."""
    goals: dict[str, dict[str, Any]] = tomllib.loads(PEERS.read_text())["memory"]
    return goals


def read_toml(path: Path) -> dict[str, Any]:
    """What a script has stored."""
    return tomllib.loads(path.read_text())


def keys_on(core: str) -> list[str]:
    """The models that are counted on a further core: `ON_CORES`, and where its peer has figures."""
    return [key for key, peer in peers().items() if key in ON_CORES or peer_field(core) in peer]


def peer_field(core: str) -> str:
    """What CMSIS-NN's instructions on a further core are called in a peer's row."""
    return "cmsis_" + core.replace("-", "_")


def budgets() -> dict[str, Any]:
    """The figures that must not get worse, model key to row; and the compiler they hold for."""
    return read_toml(BUDGETS)


def measure(key: str, file: str, target: str = TARGET) -> dict[str, Any]:
    """The report of one benchmark model, built in a temporary folder."""
    with tempfile.TemporaryDirectory() as work:
        return build(models_folder() / file, target=target, name=key, output=Path(work) / key)
