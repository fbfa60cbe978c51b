"""Interpreters that other people wrote, behind one interface; each is imported when it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

Array = NDArray[Any]


class Engine(Protocol):
    """One model in one interpreter."""

    def inputs(self) -> list[Mapping[str, Any]]:
        """`shape` and `dtype` of every input; an axis of any size is None."""

    def reset(self) -> None:
        """Put variables back to what they are before the first inference."""

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """One inference; arrays in the shapes and types of `inputs`."""

    def tensors(self) -> Iterator[tuple[int | str, Array]]:
        """Every tensor of the last inference that can be read: by name, or, of a `.tflite` file,
        by index in the main subgraph."""


class Package(NamedTuple):
    """The module an engine is in, and the line that installs it."""

    module: str
    install: str


_VERIFY = 'pip install "edgekit[verify]"'
PACKAGES = {
    "tflite-micro": Package("tflite_micro", _VERIFY),
    "litert": Package("ai_edge_litert", _VERIFY),
    "tflite-runtime": Package("tflite_runtime", "pip install tflite-runtime"),
    "onnxruntime": Package("onnxruntime", _VERIFY),
    "torch": Package("torch", 'pip install "edgekit[torch]"'),
}


def open_engine(
    engine: str, model: str, intermediates: bool, dims: Mapping[str, int] | None = None
) -> Engine:
    """The model file in the engine of that name; raises whatever the engine raises.

    `dims` are sizes of symbolic dimensions; onnxruntime takes them from the data.
    """
    if engine == "onnxruntime":
        from edgekit.validate.engines.onnx_runtime import OnnxRuntime

        return OnnxRuntime(model, intermediates)
    if engine == "torch":
        from edgekit.validate._torch_engine import TorchEngine

        return TorchEngine(model, intermediates, dims)
    if engine == "tflite-micro":
        from edgekit.validate.engines.tflite import TfliteMicro

        return TfliteMicro(model, intermediates)
    from edgekit.validate.engines.tflite import Litert

    return Litert(PACKAGES[engine].module, model, intermediates)
