"""Engines of `.tflite` files: TensorFlow Lite Micro, and LiteRT under either of its names."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# Address space for tflite-micro's arena; pages it never touches cost nothing.
_ARENA_BYTES = 64 << 20


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

    def tensors(self) -> Iterator[tuple[int | str, Array]]:
        for index in self._readable:
            data = self._interpreter.GetTensor(index, 0)["tensor_data"]
            if data is not None:
                yield index, np.array(data)


class Litert:
    """LiteRT's reference kernels, from ai-edge-litert or from tflite-runtime.

    Of float models too: XNNPACK, the default, rounds the activations of dynamic-range files in a way
    of its own, which moved class probabilities by up to 0.16.
    """

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

    def tensors(self) -> Iterator[tuple[int | str, Array]]:
        for details in self._interpreter.get_tensor_details():
            # Reading a resource would end the process.
            if np.dtype(details["dtype"]).kind in "iufb":
                yield details["index"], self._interpreter.get_tensor(details["index"])
