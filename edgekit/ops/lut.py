"""What every unary int8 operator shares: a table of its 256 results, made at build time.

    out = table[byte of in]

An operator gives `levels`, TensorFlow Lite Micro's exact integer formula; nothing of it is left at run
time. Where the numbers are our own the table holds the nearest step to the real function instead. It
is indexed by the input's byte, so int8 values 0..127 come before -128..-1.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare
from edgekit.fixed import Int
from edgekit.graph import DTYPES, Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Op, Params, Shape, int8_pair, require
from edgekit.ops.curve_s16 import Curve
from edgekit.ops.rescale_s16 import Rescale

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class LutParams(Params):
    """`dtype` is the output's, int8 or uint8: the kernel moves bytes and need not know."""

    dtype: str


class Lut(Op):
    """Base of the unary operators; has no name of its own."""

    kernel = "lut"
    signature = "flat"
    Params = LutParams
    consts = (Const("table", "int8_t", "[256], by the byte of the input"),)
    inplace = (0,)
    elementwise = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, cls.attributes(node))]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        attrs = cls.onnx_attributes(node, draft)
        draft.add(cls.name, node, node.inputs[:1], attrs, node.outputs[0])

    @classmethod
    def onnx_attributes(cls, node: Node, draft: Draft) -> Mapping[str, Any]:
        """The canonical attributes of an ONNX node."""
        return {}

    @classmethod
    def attributes(cls, node: Node) -> Mapping[str, Any]:
        """The canonical attributes of a source node."""
        return {}

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def check_types(cls, node: Node, graph: Graph) -> None:
        """Raises EK202 where an operand is of another type than the table serves."""
        int8_pair(node, graph)

    @classmethod
    @abstractmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: Int) -> Int:
        """Output values, unclamped, for `difference` = input value minus its zero point."""

    @classmethod
    def slopes(cls, node: Node, x: Value, out: Value) -> tuple[float, float] | None:
        """Output steps per input step from 0 on and below, where the function is two straight lines."""
        return None

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        if any(DTYPES[graph.value(n).dtype] > 1 for n in (node.inputs[0], node.outputs[0])):
            return _of_many(cls, node, graph)
        cls.check_types(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        values = np.arange(256).astype(np.uint8).view(x.dtype).astype(np.int64)
        if graph.one_rounding:
            (real,) = cls.real(node, graph, (values - x.zero_point) * x.scale)
            levels = np.rint(real / out.scale) + out.zero_point
        else:
            levels = cls.levels(node, x, out, values - x.zero_point)
        info = np.iinfo(out.dtype)
        table = np.clip(levels, info.min, info.max).astype(out.dtype).view(np.int8)
        return IntNode(
            node.name, cls, LutParams(out.dtype), (x.name,), node.outputs, {"table": table}
        )

    @classmethod
    def run(cls, p: LutParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        return [consts["table"].view(p.dtype)[inputs[0].view(np.uint8)]]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        p = node.params
        assert isinstance(p, LutParams)
        table = node.consts["table"].view(p.dtype).astype(np.int64)
        x = np.arange(256).astype(np.uint8).view(values[node.inputs[0]].dtype).astype(np.int64)
        reached = (x >= inputs[0].low[:, None]) & (x <= inputs[0].high[:, None])
        low, high = (np.where(reached, table, far) for far in (table.max(), table.min()))
        return [Bounds(low.min(axis=1), high.max(axis=1))]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        return spare.tied()


def _of_many(op: type[Lut], node: Node, graph: Graph) -> IntNode:
    """The node where a value has more than 256 numbers: two straight lines, or, with numbers of our
    own, a function that is read between points."""
    x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
    lines = op.slopes(node, x, out)
    if lines is not None:
        return Rescale.lines(node, graph, *lines)
    require(graph.one_rounding, "int8 activations", node, (x.dtype, out.dtype))
    return Curve.of(node, graph, lambda values: op.real(node, graph, values)[0])


def case(op: type[Op], name: str, x: tuple[float, int], out: tuple[float, int],
         shape: Shape = (1, 5, 7, 3), dtypes: tuple[str, str] = ("int8", "int8"),
         **attrs: str | float) -> Case:  # fmt: skip
    """A case of a unary operator; x and out are (scale, zero point)."""
    tensors = (
        activation("input", shape, *x, dtype=dtypes[0]),
        activation("output", shape, *out, dtype=dtypes[1]),
    )
    return single(op, name, [tensors[0]], [tensors[1]], attrs)
