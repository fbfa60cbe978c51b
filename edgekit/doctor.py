"""What this machine has: compilers and emulators named by the targets, optional Python packages."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
from typing import Any

from edgekit.target import Target, list_targets, load_target
from edgekit.toolchain import install_line, locate, version_of

# module -> (distribution, the extra that brings it)
PACKAGES = {
    "ziglang": ("ziglang", "zig"),
    "unicorn": ("unicorn", "emulator"),
    "tflite_micro": ("tflite-micro", "verify"),
    "ai_edge_litert": ("ai-edge-litert", "verify"),
    "onnxruntime": ("onnxruntime", "verify"),
    "torch": ("torch", "torch"),
    "ortools": ("ortools", "solver"),
    "optuna": ("optuna", "search"),
    "distributed": ("distributed", "dask"),
    "ray": ("ray", "ray"),
    "serial": ("pyserial", "serial"),
}


def tool_report() -> list[dict[str, Any]]:
    """One ``{name, kind, found, version, path, install}`` a tool, in a fixed order.

    kind: "compiler", "emulator" or "package". `version` and `path` are "" where it is not found.
    """
    targets = [load_target(name) for name in list_targets()]
    return [*_compilers(targets), *_emulators(targets), *map(_package, PACKAGES)]


def _compilers(targets: list[Target]) -> list[dict[str, Any]]:
    tools = {tool.command: tool for target in targets for tool in target.toolchains}
    rows = []
    for name, tool in sorted(tools.items()):
        command = locate(tool)
        version = version_of(command) if command else ""
        path = "" if tool.kind == "zig" or not command else command[0]
        rows.append(_row(name, "compiler", bool(command), version, path, install_line(tool)))
    return rows


def _emulators(targets: list[Target]) -> list[dict[str, Any]]:
    found = [target.emulator.qemu for target in targets if target.emulator.qemu]
    rows = []
    for name, package in sorted({qemu.program: qemu.package for qemu in found}.items()):
        path = shutil.which(name) or ""
        version = version_of((path,)) if path else ""
        rows.append(_row(name, "emulator", bool(path), version, path, f"apt install {package}"))
    return rows


def _package(module: str) -> dict[str, Any]:
    distribution, extra = PACKAGES[module]
    found = importlib.util.find_spec(module) is not None
    try:
        version = importlib.metadata.version(distribution) if found else ""
    except importlib.metadata.PackageNotFoundError:
        version = ""
    install = f'pip install "edgekit[{extra}]"'
    return _row(distribution, "package", found, version, "", install)


def _row(
    name: str, kind: str, found: bool, version: str, path: str, install: str
) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "found": found,
        "version": version,
        "path": path,
        "install": install,
    }
