"""What a bundle's ``manifest.json`` says: hashes of everything in and out, and the interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit import __version__
from edgekit.bundle import MANIFEST, sha256
from edgekit.emit.header import ABI
from edgekit.plugins import digest, plugin_operators
from edgekit.program import Buffer, Program


def tensor(buffer: Buffer) -> dict[str, Any]:
    """One tensor's interface: name, type, shape, place, quantization."""
    entry: dict[str, Any] = {
        "name": buffer.name,
        "dtype": buffer.dtype,
        "shape": list(buffer.shape),
        "space": buffer.space,
        "offset": buffer.offset,
        "bytes": buffer.nbytes,
    }
    if buffer.quant is not None:
        entry |= {"scale": buffer.quant.scale[0], "zero_point": buffer.quant.zero_point[0]}
    return entry


def manifest(
    folder: Path, program: Program, options: dict[str, Any], model: Path
) -> dict[str, Any]:
    """The manifest of the files that stand in `folder`; independent of where that is."""
    files = {
        path.name: sha256(path.read_bytes())
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST
    }
    copy = f"model{model.suffix}"
    return {
        "edgekit_version": __version__,
        "abi": ABI,
        "name": options["name"],
        "target": options["target"],
        "options": options,
        "model": {"file": copy, "source": model.name, "sha256": files[copy]},
        "arena_bytes": program.arena_bytes,
        "regions": [region._asdict() for region in program.regions],
        "state_bytes": program.state_bytes,
        "inputs": [tensor(program.buffers[name]) for name in program.inputs],
        "outputs": [tensor(program.buffers[name]) for name in program.outputs],
        "steps": [
            {
                "name": step.name,
                "op": step.op.name,
                "kernel": step.kernel.symbol,
                "outputs": [tensor(program.buffers[name]) for name in step.outputs],
            }
            for step in program.steps
        ],
        "plugins": {op.name: digest(op) for op in plugin_operators(program)},
        "files": files,
    }
