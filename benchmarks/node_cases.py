"""The node cases that the `onnx` package brings along and generates, as models with their numbers."""

from __future__ import annotations

import contextlib
import importlib
import io
import pkgutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, numpy_helper
from onnx.backend.test.case import base, node

Array = NDArray[Any]
_KNOWN: dict[str, list[NodeCase]] = {}
# Types that no kernel has: text, complex numbers, floats and integers of less than a byte or of eight
# bits and no fixed point.
_FOREIGN = (
    "STRING", "COMPLEX64", "COMPLEX128", "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2",
    "FLOAT8E5M2FNUZ", "FLOAT8E8M0", "FLOAT4E2M1", "INT4", "UINT4", "INT2", "UINT2",
)  # fmt: skip
_RANDOM = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")  # fmt: skip
_CONTROL = ("If", "Loop", "Scan", "SequenceMap")


@dataclass(frozen=True, eq=False)
class NodeCase:
    """A model, the inputs that it is fed and the outputs that are wanted, in the model's order; and the
    operator that the case is about, which a function's body no longer names."""

    name: str
    model: ModelProto
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    op: str = ""

    @property
    def outside(self) -> str:
        """Why no static program of integers expresses the case; "" where one may."""
        graph = self.model.graph
        domains = {n.domain for n in graph.node} - {"", "ai.onnx"}
        if any("training" in d for d in domains):
            return "training"
        if domains:
            return "another domain: classical learning"
        ops = {n.op_type for n in graph.node}
        if ops & set(_RANDOM) or any(_trains(n, self) for n in graph.node):
            return "random numbers"
        if any(not info.type.HasField("tensor_type") for info in (*graph.input, *graph.output)):
            return "sequences and optional values"
        if ops & set(_CONTROL):
            return "control flow"
        if not graph.input:
            return "no inputs"
        codes = {info.type.tensor_type.elem_type for info in (*graph.input, *graph.output)}
        foreign = sorted({TensorProto.DataType.Name(c) for c in codes} & set(_FOREIGN))
        if foreign:
            return (
                "strings"
                if "STRING" in foreign
                else "floats and integers below eight bits, or complex"
            )
        arrays = [as_array(x) for x in (*self.inputs, *self.outputs)]
        if any(x.size == 0 for x in arrays):
            return "tensors without elements"
        if any(x.dtype.kind == "f" and not np.isfinite(x).all() for x in arrays):
            return "infinity and NaN"
        return ""


def _trains(layer: Any, case: NodeCase) -> bool:
    """A Dropout that drops."""
    if layer.op_type != "Dropout" or len(layer.input) < 3:
        return False
    return bool(as_array(case.inputs[-1]))


def element_type(given: Any) -> str:
    """Its numpy type as the case has it."""
    return str(
        numpy_helper.to_array(given).dtype
        if isinstance(given, TensorProto)
        else np.asarray(given).dtype
    )


def as_array(given: Any) -> Array:
    """A case's tensor, whichever way it is kept."""
    x = numpy_helper.to_array(given) if isinstance(given, TensorProto) else np.asarray(given)
    return x.astype(np.float32) if x.dtype.name == "bfloat16" else x


def modules() -> list[str]:
    """Names of the files that make the cases, about one an operator."""
    return [module.name for module in pkgutil.iter_modules(node.__path__)]


def node_cases(names: Sequence[str] | None = None) -> list[NodeCase]:
    """The cases of some of the `modules()`, by default of all, in a fixed order."""
    return [case for name in (modules() if names is None else names) for case in _of_module(name)]


def _of_module(name: str) -> list[NodeCase]:
    """A module makes its cases when it is imported, in a list that all share."""
    if name not in _KNOWN:
        first, path = len(node._NodeTestCases), f"{node.__name__}.{name}"
        with _quietly():
            module = importlib.import_module(path)
            for inner in pkgutil.iter_modules(getattr(module, "__path__", ())):
                importlib.import_module(f"{path}.{inner.name}")
        made = node._NodeTestCases[first:]
        ops = {c.name: c.model.graph.node[0].op_type for c in made}
        _KNOWN[name] = [
            NodeCase(c.name, c.model, *map(tuple, c.data_sets[0]), op=_about(c.name, ops))
            for c in made
        ]
    return _KNOWN[name]


def _about(name: str, ops: Mapping[str, str]) -> str:
    plain, expanded, _ = name.partition("_expanded")
    return f"{ops.get(plain, plain)}, expanded" if expanded else ops[name]


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the pieces of source that the cases are documented by: to find them takes longer than to
    make the cases; and without the warnings of those that are about infinity."""
    before = base.process_snippet
    base.process_snippet = lambda *given: ("", "")
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with np.errstate(all="ignore"):
                yield
    finally:
        base.process_snippet = before
