"""The original model, run by somebody else's interpreter in a process of its own.

Equality with tensorflow-lite-micro is a gate for int8 `.tflite` files. LiteRT's reference kernels are
only reported: since 2025 their dense layers multiply in float64. What was quantized here, and ONNX
files, are compared with the original by how much they differ. A valid model can crash an
interpreter, hence the child process.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

import edgekit
from edgekit.errors import EdgekitError
from edgekit.validate.data import Samples
from edgekit.validate.engines import PACKAGES

Array = NDArray[Any]

EXACT = "tflite-micro"
# kind of original -> its engines; "auto" takes the first that is installed. TensorFlow Lite Micro
# refuses float16, dynamic-range and uint8 files, and for float32 files it has nothing over LiteRT.
ENGINES = {
    "tflite": (EXACT, "litert", "tflite-runtime"),
    "float tflite": ("litert", "tflite-runtime"),
    "uint8 tflite": ("litert", "tflite-runtime"),
    "onnx": ("onnxruntime",),
    "torch": ("torch",),
}


@dataclass(frozen=True, eq=False)
class Reference:
    """What the original computes.

    outputs: for each output [N, *shape], or [N, steps, *shape] for sequences, in the original's
    own type. tensors: name (of a `.tflite` file, index in the main subgraph) -> [N, *shape], after
    each sample's last inference. exact: whether a compiled model must equal this byte for byte.
    """

    engine: str
    outputs: tuple[Array, ...]
    tensors: dict[int | str, Array] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        return self.engine == EXACT

    def named(self, names: Sequence[str]) -> dict[str, Array]:
        """`tensors` by name; `names` lists a `.tflite` file's tensors in the file's order. Behind those
        LiteRT has temporaries of its own, which are left out."""
        return {
            key if isinstance(key, str) else names[key]: data
            for key, data in self.tensors.items()
            if isinstance(key, str) or key < len(names)
        }


def model_kind(model: str | Path, real: bool = False) -> str:
    """A key of `ENGINES`, by the file's content; `real`: a `.tflite` file that computes in float."""
    with Path(model).open("rb") as file:
        head = file.read(8)
    if head[4:] == b"TFL3":
        return "float tflite" if real else "tflite"
    return "torch" if head.startswith(b"PK") else "onnx"


def find_engine(engine: str = "auto", kind: str = "tflite") -> str:
    """The engine to use. Raises EK504 where it, or with "auto" any of its kind, is not installed."""
    wanted = ENGINES[kind] if engine == "auto" else (engine,)
    for name in wanted:
        if importlib.util.find_spec(PACKAGES[name].module) is not None:
            return name
    raise EdgekitError(
        "EK504",
        "no interpreter is installed that can run the original model",
        found=f"none, wanted {' or '.join(wanted)}",
        help=PACKAGES[wanted[0]].install,
    )


def reference_outputs(
    model: str | Path,
    samples: Samples,
    *,
    engine: str = "auto",
    intermediates: bool = False,
    real: bool = False,
    dims: Mapping[str, int] | None = None,
    timeout: float = 600,
) -> Reference:
    """Run the model file on the samples, state reset before each, in a child process.

    It is fed what `samples.given` has; where it takes floats and those are integers, the real values
    they stand for. `intermediates` keeps every tensor. `real`: its numbers are not the program's
    integers, see `model_kind`. `dims` binds symbolic dimensions as the import did. `timeout` is in seconds, after which the child is killed. Raises EK504
    (not installed) and EK505 (the interpreter refused the model, crashed, or took too long).
    """
    if engine == "auto":
        engine = find_engine(kind=model_kind(model, real))
    find_engine(engine)
    with tempfile.TemporaryDirectory(prefix="edgekit-reference-") as folder:
        request, answer = Path(folder, "request.npz"), Path(folder, "answer.npz")
        np.savez(request, **_request(samples, intermediates, dims or {}))
        _run_child([engine, str(Path(model).resolve()), str(request), str(answer)], folder, timeout)
        with np.load(answer, allow_pickle=False) as archive:
            found = dict(archive)
    outputs = tuple(found[f"output_{i}"] for i in range(sum(k[0] == "o" for k in found)))
    if not samples.sequence:
        outputs = tuple(x[:, 0] for x in outputs)
    keys = [str(name) for name in found.get("names", ())]
    by_index = engine in ENGINES["tflite"]
    tensors: dict[int | str, Array] = {
        int(key) if by_index else key: found[f"tensor_{i}"] for i, key in enumerate(keys)
    }
    return Reference(engine, outputs, tensors)


def _request(samples: Samples, intermediates: bool, dims: Mapping[str, int]) -> dict[str, Any]:
    request: dict[str, Any] = {
        "intermediates": np.int8(intermediates),
        "dims": np.array(json.dumps(dict(dims))),
    }
    for i, (tensor, x) in enumerate(zip(samples.tensors, samples.given, strict=True)):
        request[f"input_{i}"] = x if samples.sequence else x[:, None]
        if tensor.quant is not None:
            request[f"scale_{i}"] = np.float32(tensor.quant.scale[0])
            request[f"zero_point_{i}"] = np.array(tensor.quant.zero_point[0], tensor.dtype)
    return request


def _run_child(arguments: list[str], folder: str, timeout: float) -> None:
    """Start the child in an empty folder, so that no file of the user's shadows a module."""
    root = str(Path(edgekit.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "edgekit.validate._child", *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        _fail(arguments, f"killed after {timeout:g} s", "")
    if done.returncode < 0:
        _fail(arguments, f"died of {signal.Signals(-done.returncode).name}", done.stderr)
    if done.returncode:
        _fail(arguments, "could not run the model", done.stderr)


def _fail(arguments: list[str], what: str, printed: str) -> NoReturn:
    engine, model = arguments[:2]
    last = [line for line in printed.splitlines() if line.strip()][-5:]
    raise EdgekitError(
        "EK505",
        f"{engine} {what}",
        where=model,
        found="; ".join(last) or "it printed nothing",
        help="check the model with its own converter, or validate without the original",
    )
