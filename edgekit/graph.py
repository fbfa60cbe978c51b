"""Values, nodes and the graphs between a model file and a program.

`Graph` holds the imported and the canonical form: nodes carry an operator name and attributes.
`IntGraph` is the integer-only form: nodes carry their operator class, Params and constants.
Both are immutable; a pass returns a new graph.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.op import Op, Params, Variant

DTYPES: dict[str, int] = {
    "int8": 1, "uint8": 1, "bool": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8,
    "uint64": 8, "float16": 2, "float32": 4, "float64": 8, "resource": 4,
}  # fmt: skip

# Bytes of a cache line: scratch of two threads shares none.
LINE = 64


# ONNX's integers of 64 bits are kept in 32: exporters write them where a device has indices.
_KEPT = {"int64": "int32", "uint64": "uint32"}


def kept(dtype: str) -> str:
    """The type in which an ONNX graph's integers are kept."""
    return _KEPT.get(dtype, dtype)


def limits(dtype: str) -> tuple[int, int]:
    """The lowest and highest number of an integer type; a boolean is 0 or 1."""
    if dtype == "bool":
        return 0, 1
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


@dataclass(frozen=True)
class Quant:
    """Affine quantization: ``real = scale * (q - zero_point)``.

    `scale` and `zero_point` have one entry, or one per index along `axis`.
    Scales are float32 values held as Python floats. `bits` is 4, 3 or 2 for weights that need
    no more, -8..7, -4..3 or -2..1; their data is int8.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None
    bits: int = 8

    @property
    def per_channel(self) -> bool:
        return len(self.scale) > 1


@dataclass(frozen=True, eq=False)
class Value:
    """One tensor. `data` is set for constants; `shape` is always fully known."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None = None
    data: NDArray[Any] | None = None

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.elements * DTYPES[self.dtype]

    @property
    def scale(self) -> float:
        """The per-tensor scale. Raises EK301 where there is none."""
        return self._per_tensor().scale[0]

    @property
    def zero_point(self) -> int:
        """The per-tensor zero point. Raises EK301 where there is none."""
        return self._per_tensor().zero_point[0]

    def _per_tensor(self) -> Quant:
        if self.quant is None or self.quant.per_channel:
            kind = "no quantization" if self.quant is None else "per-channel quantization"
            raise EdgekitError(
                "EK301",
                "an activation needs one scale and one zero point",
                where=f"tensor {self.name}",
                found=f"{kind}, wanted per-tensor",
                help="convert the model with full integer quantization",
            )
        return self.quant


def plain(value: Value) -> bool:
    """Is it integers or booleans that stand for themselves?"""
    return value.quant is None and not value.dtype.startswith("float")


def dequantized(value: Value) -> NDArray[Any]:
    """A constant's real values (float64 where it is quantized); an unquantized one's data."""
    assert value.data is not None
    quant = value.quant
    if quant is None:
        return value.data
    shape = [1] * value.data.ndim
    if quant.axis is not None:
        shape[quant.axis] = -1
    zero = np.array(quant.zero_point, np.float64).reshape(shape)
    return np.asarray((value.data - zero) * np.array(quant.scale).reshape(shape))


@dataclass(frozen=True, eq=False)
class Node:
    """One operation. In an imported graph `op` is the source's name (``CONV_2D``), in a canonical
    graph it is edgekit's (``conv2d``). An absent optional input is ``""``."""

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """How edgekit keeps a tensor that the source keeps with its axes in another order.

    ours = source.transpose(perm).reshape(our shape); `shape` is the source's.
    """

    shape: tuple[int, ...]
    perm: tuple[int, ...]

    def ours(self, source: NDArray[Any], lead: int = 1) -> NDArray[Any]:
        """Samples in the source's axes, behind `lead` sample axes, to edgekit's order of elements."""
        shaped = source.reshape(*source.shape[:lead], *self.shape)
        return shaped.transpose(*range(lead), *(lead + axis for axis in self.perm))

    def source(self, ours: NDArray[Any], lead: int = 1) -> NDArray[Any]:
        """The inverse of `ours`, in the source's shape."""
        moved = ours.reshape(*ours.shape[:lead], *(self.shape[axis] for axis in self.perm))
        back = sorted(range(len(self.perm)), key=self.perm.__getitem__)
        return moved.transpose(*range(lead), *(lead + axis for axis in back))


@dataclass(frozen=True)
class State:
    """A variable that survives between inferences; `value` names its storage, `init` its bytes."""

    value: str
    init: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph as imported (source operators) or canonical (edgekit operators, NHWC).

    Nodes are in an executable order. `subgraphs` holds the further graphs of an imported file.
    `format` says whose operator names an imported graph has ("tflite" or "onnx"), `opset` which
    edition of them. `layouts` names the tensors whose axes are not in the source's order.
    `one_rounding`: the numbers are edgekit's own, so that a rescaling may round once where
    TensorFlow Lite rounds twice.
    """

    name: str
    values: Mapping[str, Value]
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    states: tuple[State, ...] = ()
    subgraphs: tuple[Graph, ...] = ()
    format: str = "tflite"
    opset: int = 0
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    one_rounding: bool = False

    def value(self, name: str) -> Value:
        return self.values[name]

    def const(self, name: str) -> NDArray[Any] | None:
        """The data of a constant, None for an activation or an absent operand."""
        return self.values[name].data if name else None

    def producers(self) -> dict[str, Node]:
        return {out: node for node in self.nodes for out in node.outputs}

    def consumers(self) -> dict[str, list[Node]]:
        table: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                if name:
                    table.setdefault(name, []).append(node)
        return table

    def with_nodes(
        self, nodes: Iterator[Node] | tuple[Node, ...] | list[Node], **changes: Any
    ) -> Graph:
        return replace(self, nodes=tuple(nodes), **changes)

    def verify(self) -> None:
        """Raises EK105 unless every value is known, defined before use, and produced once."""
        verify_order(self.name, self.values, self.nodes, self.inputs, self.outputs, self.states)

    def text(self) -> str:
        return graph_text(self)


@dataclass(frozen=True, eq=False)
class IntNode:
    """One integer operation: the operator class, its Params, its packed-away constants.

    `inputs` and `outputs` name run-time operands only; weights and tables are in `consts`.
    `variant` runs it, None being the portable kernel; `variants` are those that may. `measured`:
    counted instructions by suffix of the variant ("c": portable) and calls that make the layer.
    threads: how many share its rows.
    """

    name: str
    op: type[Op]
    params: Params
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    consts: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    variant: Variant | None = None
    variants: tuple[Variant, ...] = ()
    measured: Mapping[tuple[str, int], int] = field(default_factory=dict)
    threads: int = 1

    def scratch(self, values: Mapping[str, Value]) -> int:
        """Bytes that its kernel needs beside its operands, for each of its threads."""
        need = (
            self.variant.scratch(self.params)
            if self.variant
            else self.op.cost(self, values).scratch
        )
        if self.threads > 1:
            need = self.threads * -(-need // LINE) * LINE
        return need


@dataclass(frozen=True, eq=False)
class IntGraph:
    """The integer-only graph: what `plan` and the program builder read.

    `kept`: of tensors that lost channels, which of the source's (last axis) are left, as a mask.
    `isa`: words of the target whose kernels may run it. `threads`: the most that share a layer.
    """

    name: str
    values: Mapping[str, Value]
    nodes: tuple[IntNode, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    states: tuple[State, ...] = ()
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    kept: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    isa: tuple[str, ...] = ()
    threads: int = 1

    def verify(self) -> None:
        """Raises EK105 on a broken order, EK203 on a value that is not an integer."""
        verify_order(self.name, self.values, self.nodes, self.inputs, self.outputs, self.states)
        for node in self.nodes:
            for name in (*node.inputs, *node.outputs):
                if self.values[name].dtype.startswith("float"):
                    raise EdgekitError(
                        "EK203",
                        "a floating-point tensor remains inside the network",
                        where=f"node {node.name}, tensor {name}",
                        found=f"{self.values[name].dtype}, wanted an integer type",
                        help="convert the model with full integer quantization",
                    )

    def text(self) -> str:
        return graph_text(self)


def verify_order(
    graph: str,
    values: Mapping[str, Value],
    nodes: tuple[Node, ...] | tuple[IntNode, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    states: tuple[State, ...],
) -> None:
    """Single assignment and definition before use; state storage is exempt from the first."""
    storage = {state.value for state in states}
    defined = storage | set(inputs) | {n for n, v in values.items() if v.data is not None}

    def fail(message: str, where: str) -> None:
        raise EdgekitError(
            "EK105", message, where=f"graph {graph}, {where}", help="re-export the model"
        )

    for node in nodes:
        for name in node.inputs:
            if name and name not in values:
                fail("a node reads an unknown tensor", f"node {node.name}, tensor {name}")
            if name and name not in defined:
                fail("a tensor is read before it is written", f"node {node.name}, tensor {name}")
        for name in node.outputs:
            if name not in values:
                fail("a node writes an unknown tensor", f"node {node.name}, tensor {name}")
            if name in defined and name not in storage:
                fail("a tensor is written twice", f"node {node.name}, tensor {name}")
            defined.add(name)
    for name in outputs:
        if name not in defined:
            fail("an output is never written", f"tensor {name}")


def graph_text(graph: Graph | IntGraph) -> str:
    """The text form that `--dump` writes: one line a node, types beside every value."""

    def typed(name: str) -> str:
        if not name:
            return "-"
        value = graph.values[name]
        dims = "x".join(map(str, value.shape))
        mark = "=" if value.data is not None else ":"
        quant = value.quant
        scale = "" if quant is None else f" s{quant.scale[0]:.6g} z{quant.zero_point[0]}"
        return f"{name}{mark}{value.dtype}[{dims}]{scale}"

    lines = [f"graph {graph.name}"]
    lines += [f"  input  {typed(name)}" for name in graph.inputs]
    lines += [f"  state  {typed(state.value)}" for state in graph.states]
    for node in graph.nodes:
        op = node.op if isinstance(node.op, str) else node.op.name
        ins, outs = (", ".join(map(typed, names)) for names in (node.inputs, node.outputs))
        extra = node.attrs if isinstance(node, Node) else node.params
        lines.append(f"  {node.name}: {outs} <- {op}({ins}) {extra}")
    lines += [f"  output {typed(name)}" for name in graph.outputs]
    return "\n".join(lines) + "\n"
