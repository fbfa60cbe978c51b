"""Reference interpreters in child processes: valid models are known to crash them."""

from __future__ import annotations

import atexit
import functools
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[Any]

_ANSWER = "oracle:"
_TIMEOUT_S = 600


class OracleError(Exception):
    """The interpreter refused the model or died; the text is the end of its own output."""


def tflm(
    model: bytes, inputs: Sequence[Sequence[Array]], all_tensors: bool = False
) -> list[list[Array]]:
    """Run TensorFlow Lite Micro. inputs: per sample, one array per model input.

    Returns per sample one array per output, or, with `all_tensors`, one per tensor of the main
    subgraph (constants included; an empty array for a tensor without a plain buffer). Samples run
    one after the other in one interpreter, so that state passes from each to the next.
    Raises OracleError.
    """
    return _child("tflite_micro", model, inputs, all_tensors)


def litert_ref(
    model: bytes, inputs: Sequence[Sequence[Array]], all_tensors: bool = False
) -> list[list[Array]]:
    """The same with LiteRT's reference kernels."""
    return _child("ai_edge_litert", model, inputs, all_tensors)


def _save(path: Path, arrays: Sequence[Array]) -> None:
    named: dict[str, Any] = {f"a{i}": x for i, x in enumerate(arrays)}
    np.savez(path, **named)


def _load(path: Path) -> list[Array]:
    with np.load(path, allow_pickle=False) as data:
        return [data[f"a{i}"] for i in range(len(data.files))]


def _child(
    package: str, model: bytes, inputs: Sequence[Sequence[Array]], all_tensors: bool
) -> list[list[Array]]:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    with tempfile.TemporaryDirectory(prefix="edgekit-oracle-") as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(model)
        _save(folder / "inputs.npz", [np.stack(column) for column in zip(*inputs, strict=True)])
        _worker(package).run(name, "all" if all_tensors else "outputs")
        arrays = _load(folder / "outputs.npz")
    return [[array[s] for array in arrays] for s in range(len(inputs))]


class _Worker:
    """A child process that runs one model after another; one that dies is replaced by a new one."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.log = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, __file__, package],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )  # fmt: skip
        atexit.register(self.process.kill)

    def run(self, folder: str, which: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        start = self.log.seek(0, os.SEEK_END)
        timer = threading.Timer(_TIMEOUT_S, self.process.kill)
        timer.start()
        print(f"{which} {folder}", file=self.process.stdin, flush=True)
        # The interpreters may print lines of their own.
        answer = next((line for line in self.process.stdout if line.startswith(_ANSWER)), "")
        timer.cancel()
        if answer.strip() == _ANSWER:
            return
        if not answer:
            _worker.cache_clear()
            answer = f"it ended with status {self.process.wait()}"
        self.log.seek(start)
        tail = self.log.read()[-2000:].decode(errors="replace")
        raise OracleError(f"{self.package}: {answer.removeprefix(_ANSWER).strip()}\n{tail}")


@functools.cache
def _worker(package: str) -> _Worker:
    return _Worker(package)


def _run_tflm(model: bytes, inputs: list[Array], all_tensors: bool) -> list[list[Array]]:
    from tflite_micro.python.tflite_micro import runtime

    config = runtime.InterpreterConfig
    interpreter = runtime.Interpreter.from_bytes(
        model,
        arena_size=(4 << 20) + 10 * len(model),
        # The keyword is really spelt so.
        intrepreter_config=config.kPreserveAllTensors if all_tensors else config.kAllocationRecording,
    )  # fmt: skip
    graph = runtime.convert_bytearray_to_object(model).subgraphs[0]

    def tensor(index: int) -> Array:
        if graph.tensors[index].type == 13:  # a variable's handle, of which the interpreter dies
            return np.zeros(0, np.int8)
        data = interpreter.GetTensor(index, 0)["tensor_data"]
        return np.zeros(0, np.int8) if data is None else np.array(data)

    results = []
    for sample in zip(*inputs, strict=True):
        for i, x in enumerate(sample):
            interpreter.set_input(x, i)
        interpreter.invoke()
        if all_tensors:
            results.append([tensor(i) for i in range(len(graph.tensors))])
        else:
            results.append([np.array(interpreter.get_output(i)) for i in range(len(graph.outputs))])
    return results


def _run_litert(model: bytes, inputs: list[Array], all_tensors: bool) -> list[list[Array]]:
    from ai_edge_litert import interpreter as litert

    interpreter = litert.Interpreter(
        model_content=model,
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=all_tensors,
    )
    interpreter.allocate_tensors()
    details = interpreter.get_tensor_details() if all_tensors else interpreter.get_output_details()

    def tensor(index: int) -> Array:
        try:
            return np.array(interpreter.get_tensor(index))
        except ValueError:
            return np.zeros(0, np.int8)

    results = []
    for sample in zip(*inputs, strict=True):
        for detail, x in zip(interpreter.get_input_details(), sample, strict=True):
            interpreter.set_tensor(detail["index"], x)
        interpreter.invoke()
        results.append([tensor(d["index"]) for d in details])
    return results


def _answer(package: str, which: str, folder: Path) -> str:
    """Run the model of a folder; what went wrong as one line, or nothing."""
    run = _run_tflm if package == "tflite_micro" else _run_litert
    try:
        inputs, model = _load(folder / "inputs.npz"), (folder / "model.tflite").read_bytes()
        results = run(model, inputs, which == "all")
        _save(folder / "outputs.npz", [np.stack(c) for c in zip(*results, strict=True)])
    except Exception as error:  # any refusal of the interpreter's
        return f" {type(error).__name__}: {error}".replace("\n", " ")
    return ""


def main(package: str) -> None:
    for line in sys.stdin:
        which, _, name = line.strip().partition(" ")
        print(_ANSWER + _answer(package, which, Path(name)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
