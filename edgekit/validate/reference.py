"""The original model, run by somebody else's interpreter in a process of its own.

Equality with tensorflow-lite-micro is a gate. LiteRT's reference kernels are only reported: since
2025 their dense layers multiply in float64. A valid model can crash either interpreter, hence
the child process.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

import edgekit
from edgekit.errors import EdgekitError
from edgekit.validate.data import Samples

Array = NDArray[Any]

# engine -> the module that has it; "auto" takes the first that is installed.
ENGINES = {
    "tflite-micro": "tflite_micro",
    "litert": "ai_edge_litert",
    "tflite-runtime": "tflite_runtime",
}
EXACT = "tflite-micro"
_INSTALL = {
    "tflite-micro": 'pip install "edgekit[verify]"',
    "litert": 'pip install "edgekit[verify]"',
    "tflite-runtime": "pip install tflite-runtime",
}


@dataclass(frozen=True, eq=False)
class Reference:
    """What the original computes.

    outputs: for each output [N, *shape], or [N, steps, *shape] for sequences, in the original's
    own type. tensors: index in the main subgraph -> value, after the last inference. exact: whether
    a compiled model must equal this byte for byte.
    """

    engine: str
    outputs: tuple[Array, ...]
    tensors: dict[int, Array] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        return self.engine == EXACT

    def named(self, names: Sequence[str]) -> dict[str, Array]:
        """`tensors` by name; `names` lists the main subgraph's tensors in the file's order."""
        return {names[index]: data for index, data in self.tensors.items()}


def find_engine(engine: str = "auto") -> str:
    """The engine to use. Raises EK504 where it, or with "auto" any at all, is not installed."""
    wanted = tuple(ENGINES) if engine == "auto" else (engine,)
    for name in wanted:
        if importlib.util.find_spec(ENGINES[name]) is not None:
            return name
    raise EdgekitError(
        "EK504",
        "no interpreter is installed that can run the original model",
        found=f"none, wanted {' or '.join(wanted)}",
        help=_INSTALL[wanted[0]],
    )


def reference_outputs(
    model: str | Path,
    samples: Samples,
    *,
    engine: str = "auto",
    intermediates: bool = False,
    timeout: float = 600,
) -> Reference:
    """Run the model file on the samples, state reset before each, in a child process.

    Where the original takes float inputs and the samples are integers, it is fed the real values
    they stand for. `intermediates` keeps every tensor of the last inference. `timeout` is in
    seconds, after which the child is killed. Raises EK504 (not installed) and EK505 (the
    interpreter refused the model, crashed, or took too long).
    """
    engine = find_engine(engine)
    with tempfile.TemporaryDirectory(prefix="edgekit-reference-") as folder:
        request, answer = Path(folder, "request.npz"), Path(folder, "answer.npz")
        np.savez(request, **_request(samples, intermediates))
        _run_child([engine, str(Path(model).resolve()), str(request), str(answer)], folder, timeout)
        with np.load(answer, allow_pickle=False) as archive:
            found = dict(archive)
    outputs = tuple(found[f"output_{i}"] for i in range(sum(k[0] == "o" for k in found)))
    if not samples.sequence:
        outputs = tuple(x[:, 0] for x in outputs)
    tensors = {int(k.removeprefix("tensor_")): v for k, v in found.items() if k[0] == "t"}
    return Reference(engine, outputs, tensors)


def _request(samples: Samples, intermediates: bool) -> dict[str, Any]:
    request: dict[str, Any] = {"intermediates": np.int8(intermediates)}
    for i, (tensor, x) in enumerate(zip(samples.tensors, samples.arrays, strict=True)):
        request[f"input_{i}"] = x if samples.sequence else x[:, None]
        if tensor.quant is not None:
            request[f"scale_{i}"] = np.float32(tensor.quant.scale[0])
            request[f"zero_point_{i}"] = np.int32(tensor.quant.zero_point[0])
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
