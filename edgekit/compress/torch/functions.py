"""The operators' real functions in PyTorch, with gradients; `layers.py` has those with windows.

Each takes the node, its graph and one tensor for each operand: activations [N, *shape], constants [*shape].
Operators that only move elements are asked once where each comes from. Tables of one tensor's function
are computed by the operator itself, their slope by a central difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from edgekit.compress.torch import layers
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


def _same(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    return operands[0].reshape(-1, *_shape(node, graph))


def _moved(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    """Elements of the input at the places where the operator puts their numbers."""
    x = operands[0]
    numbers = np.arange(x[0].numel(), dtype=np.float64).reshape(graph.value(node.inputs[0]).shape)
    (places,) = load_ops()[node.op].real(node, graph, numbers)
    at = torch.from_numpy(places.astype(np.int64).reshape(-1))
    return x.reshape(len(x), -1).index_select(1, at).reshape(-1, *_shape(node, graph))


def _transposed(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    return operands[0].permute(0, *(axis + 1 for axis in node.attrs["perm"]))


def _concatenated(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    count = max(len(x) for name, x in zip(node.inputs, operands, strict=True) if graph.const(name) is None)  # fmt: skip
    parts = [
        x.expand(count, *x.shape) if graph.const(name) is not None else x
        for name, x in zip(node.inputs, operands, strict=True)
    ]
    return torch.cat(parts, dim=node.attrs["axis"] + 1)


def _padded(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    border = [side for pair in reversed(node.attrs["border"]) for side in pair]
    return F.pad(operands[0], border, value=float(node.attrs["value"]))


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


def _bilinear(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    """Positions are in 1/1024 of a cell."""
    x = operands[0]
    for axis, key in ((3, "columns"), (2, "rows")):
        at = torch.tensor(list(node.attrs[key]))
        first = at >> 10
        second = (first + 1).clamp(max=x.shape[axis] - 1)
        shape = [1] * x.ndim
        shape[axis] = -1
        weight = ((at & 1023) / 1024).reshape(shape)
        x = x.index_select(axis, first) * (1 - weight) + x.index_select(axis, second) * weight
    return x


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
    "resize_bilinear": _bilinear,
    "reshape": _same,
    "requantize": _same,
    "transpose": _transposed,
    "concat": _concatenated,
    "pad": _padded,
    **dict.fromkeys(
        ("slice", "resize_nearest", "depth_to_space", "space_to_depth", "broadcast", "interleave"),
        _moved,
    ),
}
