"""A `.pt2` program run by torch's own operators, call by call, so that every tensor can be read.

The program and its weights come from edgekit's own reader: torch.export.load would open pickles.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.frontends.pt2_archive import Archive
from edgekit.frontends.pt2_calls import Call, Coded, Tensor
from edgekit.frontends.pt2_program import SCALAR_TYPES, Program
from edgekit.frontends.pt2_writer import graph_dtype

Array = NDArray[Any]
# Codes of torch's serialized memory formats.
_MEMORY_FORMATS = {
    1: "contiguous_format", 2: "channels_last", 3: "channels_last_3d", 4: "preserve_format",
}  # fmt: skip


class TorchEngine:
    """`dims` gives symbolic dimensions the sizes that the importer was given."""

    def __init__(
        self, model: str, intermediates: bool, dims: Mapping[str, int] | None = None
    ) -> None:
        torch = importlib.import_module("torch")
        torch.set_num_threads(1)
        self._torch, self._intermediates = torch, intermediates
        self._program = Program(Archive(Path(model).read_bytes(), Path(model).name), dims or {})
        self._calls = [(self._operator(call.target), call) for call in self._program.calls]
        read = {name for call in self._program.calls for name in call.reads()}
        self._weights = {
            name: self._tensor(payload.load(), self._program.meta(name).dtype)
            for name, payload in self._program.constants.items()
            if name in read or name in self._program.outputs
        }
        self._seen: dict[str, Array] = {}

    def inputs(self) -> list[Mapping[str, Any]]:
        """Half and double precision are float32 here, as they are in the imported graph."""
        metas = [(name, self._program.meta(name)) for name in self._program.inputs]
        return [{"name": n, "shape": m.shape, "dtype": graph_dtype(m.dtype)} for n, m in metas]

    def reset(self) -> None:
        """Programs that keep a state are refused by the importer."""

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        held = dict(self._weights)
        for name, x in zip(self._program.inputs, inputs, strict=True):
            held[name] = self._tensor(x, self._program.meta(name).dtype)
        with self._torch.no_grad():
            for operator, call in self._calls:
                self._call(operator, call, held)
        return [_array(held[name]) for name in self._program.outputs]

    def tensors(self) -> Iterator[tuple[str, Array]]:
        """Name and content of every tensor that the last run computed."""
        yield from self._seen.items()

    def _call(self, operator: Any, call: Call, held: dict[str, Any]) -> None:
        positional = [self._value(a.value, held) for a in call.arguments if not a.keyword]
        keywords = {a.name: self._value(a.value, held) for a in call.arguments if a.keyword}
        result = operator(*positional, **keywords)
        results = result if isinstance(result, (tuple, list)) else [result]
        for name, tensor in zip(call.outputs, results, strict=False):
            held[name] = tensor
            if self._intermediates:  # a copy: the next call may write in place
                self._seen[name] = _array(tensor)

    def _operator(self, target: str) -> Any:
        space, name, overload = target.split(".")
        if space == "quantized_decomposed":  # its operators exist once this is imported
            importlib.import_module("torch.ao.quantization.fx._decomposed")
        return getattr(getattr(getattr(self._torch.ops, space), name), overload)

    def _value(self, value: Any, held: Mapping[str, Any]) -> Any:
        if isinstance(value, Tensor):
            return held[value.name]
        if isinstance(value, list):
            return [self._value(each, held) for each in value]
        if isinstance(value, Coded):
            if value.kind == "scalar_type":
                return getattr(self._torch, SCALAR_TYPES[value.code])
            if value.kind == "memory_format":
                return getattr(self._torch, _MEMORY_FORMATS[value.code])
            return self._torch.strided
        return value

    def _tensor(self, data: Array, dtype: str) -> Any:
        return self._torch.from_numpy(np.array(data)).to(getattr(self._torch, dtype))


def _array(tensor: Any) -> Array:
    """The content as numpy, any floating-point type as float32."""
    real = tensor.float() if tensor.is_floating_point() else tensor
    return np.array(real.detach().cpu().contiguous().numpy())
