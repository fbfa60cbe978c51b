"""onnxruntime, one thread, graph optimisations off.

Optimised, it replaces QDQ patterns by fused integer kernels, and which ones depends on the machine:
without VNNI instructions x86 has kernels that saturate. Unoptimised, each node computes what the
ONNX specification says, everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Array = NDArray[Any]
_TYPES = {
    "tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16",
    "tensor(bool)": "bool",
    **{f"tensor({sign}int{bits})": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


class OnnxRuntime:
    """An `.onnx` file; with `intermediates` every tensor that a node writes becomes an output."""

    def __init__(self, model: str, intermediates: bool) -> None:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 3  # errors: the parent shows what is printed last
        data, hidden = _with_all_outputs(model) if intermediates else (model, 0)
        self._session = onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"]
        )
        self._names = [output.name for output in self._session.get_outputs()]
        self._count = len(self._names) - hidden
        self._results: list[Any] = []

    def inputs(self) -> list[Mapping[str, Any]]:
        return [
            {
                "shape": [n if isinstance(n, int) and n > 0 else None for n in each.shape],
                "dtype": np.dtype(_TYPES[each.type]),
            }
            for each in self._session.get_inputs()
        ]

    def reset(self) -> None:
        """ONNX models have no variables."""

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        names = [each.name for each in self._session.get_inputs()]
        self._results = self._session.run(None, dict(zip(names, inputs, strict=True)))
        return [np.asarray(x) for x in self._results[: self._count]]

    def tensors(self) -> Iterator[tuple[int | str, Array]]:
        for name, x in zip(self._names, self._results, strict=True):
            if isinstance(x, np.ndarray) and x.dtype.kind in "iufb":
                yield name, x


def _with_all_outputs(model: str) -> tuple[bytes, int]:
    """The model with what its nodes write as further outputs, behind its own; and how many."""
    import onnx

    loaded = onnx.load(model)
    outputs = loaded.graph.output
    own = {output.name for output in outputs}
    written = dict.fromkeys(name for node in loaded.graph.node for name in node.output if name)
    hidden = [name for name in written if name not in own]
    outputs.extend(onnx.ValueInfoProto(name=name) for name in hidden)
    return bytes(loaded.SerializeToString()), len(hidden)
