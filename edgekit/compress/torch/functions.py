"""The operators' real functions in PyTorch, with gradients; `layers.py` has those with windows, `moves.py` those
that move elements.

Each takes the node, its graph and one tensor for each operand: activations [N, *shape], constants [*shape].
Tables of one tensor's function are computed by the operator itself, their slope by a central difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgekit.compress.torch import layers, moves
from edgekit.compress.torch.layers import activation
from edgekit.errors import EdgekitError
from edgekit.families.normalization import Normalization
from edgekit.graph import Graph, Node
from edgekit.op import load_ops
from edgekit.ops.lut import Lut

Function = Callable[[Node, Graph, Sequence[Tensor]], Tensor]
_STEP = 1e-4  # of the central difference, relative to 1 + |x|


def function_of(node: Node) -> Function:
    """The function of a node. Raises EK201 where its operator has none."""
    if node.op in FUNCTIONS:
        return FUNCTIONS[node.op]
    op = load_ops()[node.op]
    if issubclass(op, Lut):
        return _table
    if issubclass(op, Normalization):
        return _normalized
    raise EdgekitError(
        "EK201", "this operator cannot be trained", where=f"node {node.name}",
        found=f"{node.op}, which has no gradient here",
        help="fine-tune the torch module before its export, or compress this model without training",
    )  # fmt: skip


def _shape(node: Node, graph: Graph) -> tuple[int, ...]:
    return graph.value(node.outputs[0]).shape


def _aligned(node: Node, graph: Graph, operands: Sequence[Tensor]) -> list[Tensor]:
    """Operands that broadcast over the output: axes that a sample lacks stand behind N."""
    rank = len(_shape(node, graph))
    return [
        x if graph.const(name) is not None else x.reshape(len(x), *(1,) * (rank + 1 - x.ndim), *x.shape[1:])
        for name, x in zip(node.inputs, operands, strict=True)
    ]  # fmt: skip


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Function:
    """An operator on two operands that broadcast, and its fused activation."""

    def made(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
        a, b = _aligned(node, graph, operands)
        out = activation(node, function(a, b))
        return out.reshape(-1, *_shape(node, graph))

    return made


def _reduced(function: Callable[..., Tensor]) -> Function:
    def made(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
        out = function(operands[0], dim=tuple(axis + 1 for axis in node.attrs["axes"]))
        return out.reshape(-1, *_shape(node, graph))

    return made


def _softmax(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    return torch.softmax(operands[0] * node.attrs["beta"], dim=-1)


def _masked_softmax(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    kept = torch.from_numpy(np.asarray(node.attrs["mask"], np.bool_))
    x = operands[0].reshape(len(operands[0]), -1, *kept.shape)
    made = torch.softmax(x.masked_fill(~kept, -torch.inf) * node.attrs["beta"], dim=-1)
    return made.reshape(operands[0].shape)


def _log_softmax(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    return torch.log_softmax(operands[0], dim=-1)


def _product(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    a, b = _aligned(node, graph, operands)
    a = a.transpose(-1, -2) if node.attrs["adj_x"] else a
    b = b.transpose(-1, -2) if node.attrs["adj_y"] else b
    product = torch.matmul(a, b) * float(node.attrs.get("factor", 1.0))
    return product.reshape(-1, *_shape(node, graph))


def _normalized(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    op = load_ops()[node.op]
    assert issubclass(op, Normalization)
    rows = op.rows(node, graph.value(node.inputs[0]).shape)
    x = operands[0].reshape(-1, rows.outer, rows.rows, rows.inner)
    middle = x.mean(dim=(1, 3), keepdim=True) if node.attrs["own_mean"] else torch.zeros(())
    away = x - middle
    spread = (away * away).mean(dim=(1, 3), keepdim=True) + float(node.attrs["epsilon"])
    gain, bias = (
        torch.from_numpy(np.asarray(node.attrs[key], np.float32).reshape(-1, rows.inner))
        for key in ("gain", "bias")
    )
    return (away / spread.sqrt() * gain + bias).reshape(operands[0].shape)


class _Table(torch.autograd.Function):
    """A function of one tensor that numpy computes; `call` takes and returns float64 arrays."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, call: Callable[[Any], Any]) -> Tensor:
        real = x.detach().numpy().astype(np.float64)
        step = _STEP * (1 + np.abs(real))
        slope = (call(real + step) - call(real - step)) / (2 * step)
        ctx.save_for_backward(torch.from_numpy(slope.astype(np.float32)))
        return torch.from_numpy(np.asarray(call(real), np.float32).reshape(x.shape))

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (slope,) = ctx.saved_tensors
        return gradients[0] * slope, None


def _table(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    op = load_ops()[node.op]

    def call(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return op.real(node, graph, x)[0]

    made: Tensor = _Table.apply(operands[0], call)  # type: ignore[no-untyped-call]
    return made.reshape(-1, *_shape(node, graph))


def _rectified(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    return activation(node, operands[0]).reshape(-1, *_shape(node, graph))


def _extremum(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    function = torch.maximum if node.attrs["sign"] > 0 else torch.minimum
    return _binary(function)(node, graph, operands)


FUNCTIONS: dict[str, Function] = {
    "conv2d": layers.conv2d,
    "depthwise": layers.depthwise,
    "fully_connected": layers.fully_connected,
    "transpose_conv": layers.transpose_conv,
    "max_pool": layers.max_pool,
    "avg_pool": layers.avg_pool,
    "add": _binary(torch.add),
    "add_broadcast": _binary(torch.add),
    "sub": _binary(torch.sub),
    "sub_broadcast": _binary(torch.sub),
    "mul": _binary(torch.mul),
    "mul_broadcast": _binary(torch.mul),
    "squared_difference": _binary(lambda a, b: (a - b) ** 2),
    "extremum": _extremum,
    "prelu": _binary(lambda x, alpha: torch.where(x >= 0, x, x * alpha)),
    "mean": _reduced(torch.mean),
    "total": _reduced(torch.sum),
    "reduce_max": _reduced(torch.amax),
    "reduce_min": _reduced(torch.amin),
    "relu": _rectified,
    "softmax": _softmax,
    "masked_softmax": _masked_softmax,
    "log_softmax": _log_softmax,
    "batch_matmul": _product,
    "resize_bilinear": moves.bilinear,
    "reshape": moves.same,
    "requantize": moves.same,
    "transpose": moves.transposed,
    "concat": moves.concatenated,
    "pad": moves.padded,
    **dict.fromkeys(
        ("slice", "resize_nearest", "depth_to_space", "space_to_depth", "broadcast", "interleave"),
        moves.moved,
    ),
}
