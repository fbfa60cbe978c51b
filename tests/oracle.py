"""Reference interpreters in a child process: valid models are known to crash them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[Any]


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
        stacked = [np.stack(column) for column in zip(*inputs, strict=True)]
        _save(folder / "inputs.npz", stacked)
        command = [sys.executable, __file__, package, name, "all" if all_tensors else "outputs"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            text = (done.stderr or done.stdout)[-2000:]
            raise OracleError(f"{package} ended with status {done.returncode}\n{text}")
        arrays = _load(folder / "outputs.npz")
    return [[array[s] for array in arrays] for s in range(len(inputs))]


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


def main(package: str, folder: Path, which: str) -> None:
    inputs = _load(folder / "inputs.npz")
    model = (folder / "model.tflite").read_bytes()
    run = _run_tflm if package == "tflite_micro" else _run_litert
    results = run(model, inputs, which == "all")
    _save(folder / "outputs.npz", [np.stack(c) for c in zip(*results, strict=True)])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
