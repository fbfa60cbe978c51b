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
COSTS = "costs.json"  # counted instructions that the kernels were chosen by
PLAN, DRAWING = "plan.json", "plan.svg"  # the certificate of the memory plan, and its picture
QUANTIZATION = "quantization.npz"  # numbers that the build has given to a model of real values

COMPRESSION = "compression.npz"  # what `edgekit compress` has decided on the model


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def to_json(value: Any) -> str:
    """The one JSON form of every file and of ``--format json``; ASCII, whatever the locale."""
    return json.dumps(value, indent=2) + "\n"


def plan_json(report: dict[str, Any]) -> str:
    """A report with a certificate under ``plan`` as JSON with a line for each block and layer."""

    def lines(table: dict[str, Any], depth: int) -> str:
        pad = "  " * depth
        entries = []
        for key, value in table.items():
            text = json.dumps(value)
            if key == "plan":
                text = lines(value, depth + 1)
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                inner = ",\n".join(f"{pad}  {json.dumps(item)}" for item in value)
                text = f"[\n{inner}\n{pad}]"
            entries.append(f"{pad}{json.dumps(key)}: {text}")
        return "{\n" + ",\n".join(entries) + f"\n{pad[2:]}}}"

    return lines(report, 1) + "\n"


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
        files = _files(bundle)
    except (AttributeError, KeyError, TypeError, ValueError) as broken:
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


def _files(bundle: Bundle) -> dict[str, str]:
    """File names and hashes. Raises ValueError and the like where the manifest is not as written."""
    files = {str(name): str(digest) for name, digest in bundle.manifest["files"].items()}
    outside = [name for name in files if Path(name).name != name or "\0" in name]
    if outside:
        raise ValueError(f"{outside[0]!r} is not the name of a file in the bundle")
    for name in (f"{bundle.name}.h", str(bundle.manifest["model"]["file"]), REPORT):
        if name not in files:
            raise ValueError(f"{name} has no hash")
    _ = bundle.options, bundle.manifest["model"]["source"], dict(bundle.manifest["plugins"])
    return files


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as broken:
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

    Raises EK001 where `output` cannot be replaced, or is no bundle, so that nothing foreign is
    deleted; what stood there before is whole after every error.
    """
    output = Path(os.path.realpath(output))  # of a link, what it points to
    _check_replaceable(output)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    except OSError as refused:
        raise _unwritable(output, refused) from None
    try:
        folder.chmod(0o755)
        yield folder
        _swap(folder, output)
    except OSError as refused:  # a full disk, a mount point
        raise _unwritable(output, refused) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_replaceable(output: Path) -> None:
    if output == Path.cwd() or output in Path.cwd().parents:
        raise EdgekitError(
            "EK001", "the output folder is the working folder", where=str(output),
            help="choose another -o: a bundle replaces its folder as a whole",
        )  # fmt: skip
    foreign = output.exists() and any(True for _ in _entries(output))
    if foreign and not (output / MANIFEST).is_file():
        raise EdgekitError(
            "EK001", "the output folder holds something else than a bundle", where=str(output),
            help="choose another -o, or empty that folder",
        )  # fmt: skip


def _swap(folder: Path, output: Path) -> None:
    """Put `folder` in the place of `output`; an error or an interrupt puts the old one back."""
    if not output.exists():
        os.replace(folder, output)
        return
    retired = Path(tempfile.mkdtemp(prefix=f".{output.name}-old-", dir=output.parent))
    try:
        os.replace(output, retired / "bundle")
        os.replace(folder, output)
    except BaseException:
        if (retired / "bundle").exists() and not output.exists():
            os.replace(retired / "bundle", output)
        raise
    finally:
        shutil.rmtree(retired, ignore_errors=True)


def _unwritable(output: Path, refused: OSError) -> EdgekitError:
    return EdgekitError(
        "EK001", "the output folder cannot be written", where=str(output),
        found=refused.strerror or str(refused), help="choose another -o",
    )  # fmt: skip


def _entries(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise EdgekitError(
            "EK001", "the output is a file", where=str(folder), help="choose another -o"
        )
    return folder.iterdir()
