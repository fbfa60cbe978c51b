"""A bundle on disk: written whole or not at all, and opened again from its manifest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError

MANIFEST, REPORT = "manifest.json", "report.json"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def to_json(value: Any) -> str:
    """The one JSON form of every file and of ``--format json``."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: its folder and what its manifest says."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.manifest["name"])

    @property
    def model(self) -> Path:
        """The copy of the source model that the bundle carries."""
        return self.folder / str(self.manifest["model"]["file"])

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.manifest["options"])

    def report(self) -> dict[str, Any]:
        """The report written by the build. Raises EK005 where it is missing or broken."""
        return _read_json(self.folder / REPORT)


def open_bundle(folder: Path) -> Bundle:
    """Open a bundle. Raises EK005 when it is none, or when a file is not what was emitted."""
    if not (folder / MANIFEST).is_file():
        raise EdgekitError(
            "EK005",
            "this is not a bundle",
            where=str(folder),
            found=f"no {MANIFEST} in it",
            help="pass a folder that `edgekit build` wrote",
        )
    bundle = Bundle(folder, _read_json(folder / MANIFEST))
    try:
        files = dict(bundle.manifest["files"])
        _ = bundle.name, bundle.model, bundle.options
    except (KeyError, TypeError, ValueError) as broken:
        raise EdgekitError(
            "EK005", "the manifest is broken", where=str(folder / MANIFEST),
            found=f"{type(broken).__name__}: {broken}", help="build the bundle again",
        ) from None  # fmt: skip
    for name, digest in files.items():
        path = folder / name
        if not path.is_file() or sha256(path.read_bytes()) != digest:
            raise EdgekitError(
                "EK005",
                "a file of the bundle is not what was emitted",
                where=str(path),
                found="missing" if not path.is_file() else "other content than the manifest's hash",
                help="build the bundle again instead of editing it",
            )
    return bundle


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError) as broken:
        raise EdgekitError(
            "EK005", "a file of the bundle cannot be read", where=str(path),
            found=str(broken), help="build the bundle again",
        ) from None  # fmt: skip
    if not isinstance(value, dict):
        raise EdgekitError("EK005", "a file of the bundle is no JSON object", where=str(path))
    return value


@contextlib.contextmanager
def staged(output: Path) -> Iterator[Path]:
    """A temporary sibling of `output` that replaces it when the block ends without an error.

    Raises EK001 where `output` exists and is not a bundle, so that nothing foreign is deleted.
    """
    if (
        output.exists()
        and any(True for _ in _entries(output))
        and not (output / MANIFEST).is_file()
    ):
        raise EdgekitError(
            "EK001", "the output folder holds something else than a bundle", where=str(output),
            help="choose another -o, or empty that folder",
        )  # fmt: skip
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
        folder.chmod(0o755)
    except OSError as refused:
        raise EdgekitError("EK001", "the output folder cannot be written", where=str(output), found=str(refused),
                           help="choose another -o") from None  # fmt: skip
    try:
        yield folder
        if output.exists():
            retired = Path(tempfile.mkdtemp(prefix=f".{output.name}-old-", dir=output.parent))
            os.replace(output, retired / "bundle")
            os.replace(folder, output)
            shutil.rmtree(retired)
        else:
            os.replace(folder, output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _entries(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise EdgekitError(
            "EK001", "the output is a file", where=str(folder), help="choose another -o"
        )
    return folder.iterdir()
