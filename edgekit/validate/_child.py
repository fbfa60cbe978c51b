"""Runs the original model in this process; `edgekit.validate.reference` starts it as a child.

    python -m edgekit.validate._child ENGINE MODEL REQUEST.npz ANSWER.npz

Request: `input_<i>` [N, steps, *shape], `intermediates` 0 or 1, and `scale_<i>` and
`zero_point_<i>` where the original may take the input as real values.
Answer: `output_<i>` [N, steps, *shape] and `tensor_<index>`, of the last inference, by index in
the main subgraph.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# Address space for tflite-micro's arena; pages it never touches cost nothing.
_ARENA_BYTES = 64 << 20


class Engine(Protocol):
    """One model in one interpreter."""

    def inputs(self) -> list[Mapping[str, Any]]:
        """`shape` and `dtype` of every input."""

    def reset(self) -> None:
        """Put variables back to what they are before the first inference."""

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """One inference; arrays in the shapes and types of `inputs`."""

    def tensors(self) -> Iterator[tuple[int, Array]]:
        """Index and data of every tensor that can be read."""


class TfliteMicro:
    """TensorFlow Lite Micro's own kernels and interpreter."""

    def __init__(self, model: str, intermediates: bool) -> None:
        from tflite_micro.python.tflite_micro import runtime
        from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

        data = Path(model).read_bytes()
        kind = runtime.InterpreterConfig
        self._interpreter = runtime.Interpreter.from_bytes(
            data,
            arena_size=max(_ARENA_BYTES, 10 * len(data)),
            intrepreter_config=(
                kind.kPreserveAllTensors if intermediates else kind.kAllocationRecording
            ),
        )
        # The interpreter cannot say what it has, and dies of an index it does not have.
        graph = schema.Model.GetRootAs(data, 0).Subgraphs(0)
        self._inputs, self._outputs = graph.InputsLength(), graph.OutputsLength()
        operators = [graph.Operators(i) for i in range(graph.OperatorsLength())]
        written = {op.Outputs(i) for op in operators for i in range(op.OutputsLength())}
        self._readable = [
            index
            for index in range(graph.TensorsLength())
            if index in written and graph.Tensors(index).Type() != schema.TensorType.RESOURCE
        ]

    def inputs(self) -> list[Mapping[str, Any]]:
        return [self._interpreter.get_input_details(i) for i in range(self._inputs)]

    def reset(self) -> None:
        self._interpreter.reset()

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        for i, x in enumerate(inputs):
            self._interpreter.set_input(x, i)
        self._interpreter.invoke()
        return [np.array(self._interpreter.get_output(i)) for i in range(self._outputs)]

    def tensors(self) -> Iterator[tuple[int, Array]]:
        for index in self._readable:
            data = self._interpreter.GetTensor(index, 0)["tensor_data"]
            if data is not None:
                yield index, np.array(data)


class Litert:
    """LiteRT's reference kernels, from ai-edge-litert or from tflite-runtime."""

    def __init__(self, module: str, model: str, intermediates: bool) -> None:
        self._module = importlib.import_module(f"{module}.interpreter")
        self._model, self._intermediates = model, intermediates
        self.reset()

    def inputs(self) -> list[Mapping[str, Any]]:
        return list(self._interpreter.get_input_details())

    def reset(self) -> None:
        # reset_all_variables() leaves resource variables as they are; a new interpreter does not.
        self._interpreter = self._module.Interpreter(
            self._model,
            experimental_op_resolver_type=self._module.OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=self._intermediates,
        )
        self._interpreter.allocate_tensors()

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        for x, details in zip(inputs, self._interpreter.get_input_details(), strict=True):
            self._interpreter.set_tensor(details["index"], x)
        self._interpreter.invoke()
        outputs = self._interpreter.get_output_details()
        return [self._interpreter.get_tensor(details["index"]) for details in outputs]

    def tensors(self) -> Iterator[tuple[int, Array]]:
        for details in self._interpreter.get_tensor_details():
            # Reading a resource would end the process.
            if np.dtype(details["dtype"]).kind in "iufb":
                yield details["index"], self._interpreter.get_tensor(details["index"])


def open_engine(engine: str, model: str, intermediates: bool) -> Engine:
    if engine == "tflite-micro":
        return TfliteMicro(model, intermediates)
    return Litert(
        {"litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}[engine],
        model,
        intermediates,
    )


def fed(request: Mapping[str, Array], inputs: Sequence[Mapping[str, Any]]) -> list[Array]:
    """Every input as [N, steps, *shape] in the original's type; integers for a float input
    become the real values they stand for."""
    arrays = []
    for i, details in enumerate(inputs):
        x, wanted = request[f"input_{i}"], np.dtype(details["dtype"])
        if wanted.kind == "f" and f"scale_{i}" in request and x.dtype.kind != "f":
            steps = x.astype(np.float32) - request[f"zero_point_{i}"].astype(np.float32)
            x = (steps * request[f"scale_{i}"].astype(np.float32)).astype(wanted)
        if x.dtype != wanted:
            raise TypeError(f"input {i} is {wanted} in the original, fed {x.dtype}")
        arrays.append(x.reshape(*x.shape[:2], *(int(d) for d in details["shape"])))
    return arrays


def answer(engine: Engine, request: Mapping[str, Array]) -> dict[str, Any]:
    arrays = fed(request, engine.inputs())
    rows = []
    for sample in range(len(arrays[0])):
        engine.reset()
        steps = [
            engine.run([x[sample, step] for x in arrays]) for step in range(arrays[0].shape[1])
        ]
        rows.append([np.stack(column) for column in zip(*steps, strict=True)])
    result: dict[str, Any] = {
        f"output_{i}": np.stack(column) for i, column in enumerate(zip(*rows, strict=True))
    }
    if request["intermediates"]:
        result |= {f"tensor_{index}": data for index, data in engine.tensors()}
    return result


def main(engine: str, model: str, request_path: str, answer_path: str) -> int:
    with np.load(request_path, allow_pickle=False) as archive:
        request = dict(archive)
    try:
        opened = open_engine(engine, model, bool(request["intermediates"]))
        result = answer(opened, request)
    except Exception as error:  # the engines raise whatever they like; the parent reports it
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    np.savez(answer_path, **result)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
