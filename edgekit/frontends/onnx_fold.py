"""Constant folding by ONNX's reference evaluator: shape arithmetic, and what exporters do to weights.

Only operators of a fixed list are run, so that nothing random, stateful or with a graph inside ever
is, and only after the size of the result is known to be bounded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from onnx import ModelProto
from onnx.reference import ReferenceEvaluator

from edgekit.errors import EdgekitError
from edgekit.frontends.limits import MAX_ACTIVATION_BYTES
from edgekit.frontends.onnx_shapes import Inferred
from edgekit.frontends.onnx_tensors import Array, check_axes, dtype_of
from edgekit.frontends.onnx_tools import onnx_errors
from edgekit.graph import DTYPES, Value

# Their result depends on the shape of their operand alone.
OF_SHAPE = {"Shape", "Size", "EyeLike"}
# The size of their result depends on the operand's numbers: at most its elements, times its rank.
_COUNTING = {"NonZero", "Compress", "Unique"}
_PRODUCTS = {"MatMul", "Gemm"}
# QuantizeLinear and DequantizeLinear are not here: a quantized weight keeps its numbers.
FOLDED = OF_SHAPE | _COUNTING | _PRODUCTS | set("""
    Constant ConstantOfShape Identity Cast CastLike Range
    Concat Split Slice Gather GatherND ScatterND Squeeze Unsqueeze Reshape Flatten Transpose
    Expand Tile Pad Trilu Where
    Add Sub Mul Div Mod Pow Neg Abs Sign Floor Ceil Round Sqrt Reciprocal Exp Log Sin Cos Tanh
    Sigmoid Relu Clip Min Max Sum Mean CumSum
    Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor Not
    ReduceSum ReduceProd ReduceMax ReduceMin ReduceMean ReduceL1 ReduceL2 ReduceSumSquare
    ArgMax ArgMin HannWindow HammingWindow BlackmanWindow MelWeightMatrix BitShift
    BitwiseAnd BitwiseOr BitwiseXor BitwiseNot GatherElements ScatterElements OneHot CumProd
""".split())  # fmt: skip
# Elements that all folded nodes together may read and write (times the inner size of a product).
_MAX_WORK = 1 << 28


class Folder:
    """Runs nodes on constants; keeps account of what all of them together cost."""

    def __init__(self) -> None:
        self.bytes = 0
        self.work = 0

    def run(
        self, model: ModelProto, values: Mapping[str, Value], types: Inferred, where: str
    ) -> list[Array]:
        """The outputs of a model of one node, in their inferred types.

        Raises EK106 beyond the limits, before anything is computed; EK105 where the node fails or
        makes another shape than inferred; EK104 where the size of the result is not known.
        """
        node = model.graph.node[0]
        operands = [values[name] for name in node.input if name]
        shapes = [
            self._shape(node.op_type, operands, types.get(n, (0, None))[1], where)
            for n in node.output
        ]
        dtypes = [dtype_of(types.get(name, (0, None))[0], where) for name in node.output]
        self._account(node.op_type, operands, shapes, dtypes, where)
        with onnx_errors("EK105", f"{node.op_type} of constants fails", where):
            feeds = {v.name: _numbers(v) for v in operands}
            results = ReferenceEvaluator(model).run(list(node.output), feeds)
            made = [np.array(r, t, order="C") for r, t in zip(results, dtypes, strict=True)]
        for result, shape in zip(made, shapes, strict=True):
            if node.op_type not in _COUNTING and result.shape != shape:
                raise EdgekitError("EK105", f"{node.op_type} of constants fails", where=where,
                                   found=f"shape {list(result.shape)}, wanted {list(shape)}",
                                   help="export the model again")  # fmt: skip
        return made

    def _shape(
        self, op: str, operands: list[Value], shape: list[int | None] | None, where: str
    ) -> tuple[int, ...]:
        if op in _COUNTING:
            return (operands[0].elements, max(len(operands[0].shape), 1))
        if shape is None or None in shape:
            raise EdgekitError("EK104", "the size of a computed constant is not known", where=where,
                               found=f"shape {shape}, wanted fixed dimensions",
                               help="simplify the model before the export")  # fmt: skip
        known = tuple(n for n in shape if n is not None)
        check_axes(known, where)
        return known

    def _account(
        self, op: str, operands: list[Value], shapes: list[tuple[int, ...]], dtypes: list[str], where: str
    ) -> None:  # fmt: skip
        written = [math.prod(shape) for shape in shapes]
        inner = max((n for v in operands for n in v.shape), default=1) if op in _PRODUCTS else 1
        self.bytes += sum(n * DTYPES[t] for n, t in zip(written, dtypes, strict=True))
        self.work += sum(written) * inner
        self.work += 0 if op in OF_SHAPE else sum(v.elements for v in operands)
        if self.bytes > MAX_ACTIVATION_BYTES or self.work > _MAX_WORK:
            raise EdgekitError(
                "EK106", "the computed constants are too large", where=where,
                found=f"{self.bytes:,} bytes and {self.work:,} steps up to here, wanted at most "
                f"{MAX_ACTIVATION_BYTES:,} and {_MAX_WORK:,}",
                help="simplify the model before the export",
            )  # fmt: skip


def _numbers(value: Value) -> Array:
    """A constant's data; for an activation, of which only the shape is asked, no memory."""
    if value.data is not None:
        return value.data
    return np.broadcast_to(np.zeros((), value.dtype), value.shape)
