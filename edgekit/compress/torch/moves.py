"""Operators that move elements, and resizing, in PyTorch: the real functions of the operators, with gradients.

Activations are [N, *shape], constants [*shape], as in `functions.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from edgekit.graph import Graph, Node
from edgekit.op import load_ops


def same(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    return operands[0].reshape(-1, *graph.value(node.outputs[0]).shape)


def moved(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    """Elements of the input at the places where the operator puts their numbers."""
    x = operands[0]
    numbers = np.arange(x[0].numel(), dtype=np.float64).reshape(graph.value(node.inputs[0]).shape)
    (places,) = load_ops()[node.op].real(node, graph, numbers)
    at = torch.from_numpy(places.astype(np.int64).reshape(-1))
    return (
        x.reshape(len(x), -1).index_select(1, at).reshape(-1, *graph.value(node.outputs[0]).shape)
    )


def transposed(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    return operands[0].permute(0, *(axis + 1 for axis in node.attrs["perm"]))


def concatenated(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    count = max(len(x) for name, x in zip(node.inputs, operands, strict=True) if graph.const(name) is None)  # fmt: skip
    parts = [
        x.expand(count, *x.shape) if graph.const(name) is not None else x
        for name, x in zip(node.inputs, operands, strict=True)
    ]
    return torch.cat(parts, dim=node.attrs["axis"] + 1)


def padded(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    border = [side for pair in reversed(node.attrs["border"]) for side in pair]
    return F.pad(operands[0], border, value=float(node.attrs["value"]))


def bilinear(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
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
