"""Layer normalization as exporters wrote it before ONNX had the operator becomes that operator.

    centred = x - mean(x);  y = centred / sqrt(mean(centred^2) + epsilon);  y * scale + bias

over the last axes; without the first step it is RMSNormalization. One by one these operators would
round a variance to 256 steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgekit.draft import TEMPORARY
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array


class _Norm(NamedTuple):
    """What was found: the tensor that is normalized, over how many of its last axes."""

    x: str
    axes: int
    epsilon: float
    own_mean: bool


def recognise_norm(graph: Graph) -> Graph:
    """ONNX's vocabulary only. What computed the parts is left for `drop_dead`."""
    if graph.format != "onnx":
        return graph
    search = _Search(graph)
    values, nodes = dict(graph.values), {node.outputs[0]: node for node in graph.nodes}
    gone: set[str] = set()
    for node in graph.nodes:
        found = search.norm(node)
        if found is None:
            continue
        last, scale, bias = search.affine(node, found)
        row = graph.value(found.x).shape[-found.axes :]
        made = []
        for role, data, neutral in (("scale", scale, 1.0), ("bias", bias, 0.0)):
            name = f"{last.outputs[0]}{TEMPORARY}{role}"
            full = np.full(row, neutral, np.float32) if data is None else data
            values[name] = Value(name, full.shape, "float32", None, full)
            made.append(name)
        op = "LayerNormalization" if found.own_mean else "RMSNormalization"
        operands = (found.x, *made) if found.own_mean else (found.x, made[0])
        attrs = {"axis": -found.axes, "epsilon": found.epsilon}
        nodes[last.outputs[0]] = Node(last.name, op, operands, last.outputs, attrs)
        gone.update(search.between(node, last))
    kept = [nodes[n.outputs[0]] for n in graph.nodes if n.outputs[0] not in gone]
    return graph.with_nodes(kept, values=values)


class _Search:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.made, self.readers = graph.producers(), graph.consumers()

    def norm(self, node: Node) -> _Norm | None:
        """The normalization whose division (or product with an inverse) `node` is."""
        if node.op not in ("Div", "Mul") or len(node.inputs) != 2:
            return None
        for top, below in (node.inputs, node.inputs[::-1]):
            spread = self._root(below, inverse=node.op == "Mul")
            found = self._over(top, spread) if spread else None
            if found or node.op == "Div":
                return found
        return None

    def _root(self, name: str, *, inverse: bool) -> str:
        """What `name` is the (inverse) square root of, "" if it is none."""
        node = self.made.get(name)
        if node is None:
            return ""
        if node.op == "Pow":
            wanted = -0.5 if inverse else 0.5
            return node.inputs[0] if self._number(node.inputs[1]) == wanted else ""
        if not inverse:
            return node.inputs[0] if node.op == "Sqrt" else ""
        if node.op == "Div":
            return (
                self._root(node.inputs[1], inverse=False)
                if self._number(node.inputs[0]) == 1
                else ""
            )
        return self._root(node.inputs[0], inverse=False) if node.op == "Reciprocal" else ""

    def _over(self, top: str, spread: str) -> _Norm | None:
        """The normalization with the dividend `top` and mean(square) + epsilon = `spread`."""
        total = self.made.get(spread)
        if total is None or total.op != "Add":
            return None
        for mean, number in (total.inputs, total.inputs[::-1]):
            epsilon, average = self._number(number), self.made.get(mean)
            axes = self._last_axes(average)
            if epsilon is None or average is None or not axes:
                continue
            if self._squared(average.inputs[0]) == top:
                return self._centred(top, axes, epsilon)
        return None

    def _centred(self, top: str, axes: int, epsilon: float) -> _Norm:
        node = self.made.get(top)
        if node is not None and node.op == "Sub":
            x, mean = node.inputs[0], self.made.get(node.inputs[1])
            if mean is not None and self._last_axes(mean) == axes and mean.inputs[0] == x:
                return _Norm(x, axes, epsilon, own_mean=True)
        return _Norm(top, axes, epsilon, own_mean=False)

    def _squared(self, name: str) -> str:
        """What `name` is the square of, "" if it is none."""
        node = self.made.get(name)
        if node is None:
            return ""
        power = node.op == "Pow" and self._number(node.inputs[1]) == 2
        product = node.op == "Mul" and node.inputs[0] == node.inputs[1]
        return node.inputs[0] if power or product else ""

    def _last_axes(self, node: Node | None) -> int:
        """Over how many of the last axes a node averages, which it keeps; 0 if it is no such thing."""
        if node is None or node.op != "ReduceMean" or not node.attrs.get("keepdims", 1):
            return 0
        rank = len(self.graph.value(node.inputs[0]).shape)
        axes = node.attrs.get("axes")
        if axes is None and len(node.inputs) > 1:
            axes = self.graph.const(node.inputs[1])
        found = sorted(int(axis) % rank for axis in axes) if axes is not None and rank else []
        return len(found) if found == list(range(rank - len(found), rank)) else 0

    def _number(self, name: str) -> float | None:
        """The value of a constant of one element."""
        data = self.graph.const(name)
        return float(data.reshape(-1)[0]) if data is not None and data.size == 1 else None

    def affine(self, node: Node, found: _Norm) -> tuple[Node, Array | None, Array | None]:
        """The last node of a normalization, and the scale and bias that follow `node`."""
        row = self.graph.value(found.x).shape[-found.axes :]
        scale, node = self._next(node, "Mul", row)
        bias, node = self._next(node, "Add", row) if found.own_mean else (None, node)
        return node, scale, bias

    def _next(self, node: Node, op: str, row: tuple[int, ...]) -> tuple[Array | None, Node]:
        """The constant that the only reader of a node multiplies or adds along a row, and that
        reader; None and `node` where there is none."""
        (output,) = node.outputs
        reading = self.readers.get(output, [])
        if len(reading) != 1 or output in self.graph.outputs or reading[0].op != op:
            return None, node
        data = [self.graph.const(name) for name in reading[0].inputs if name != output]
        if len(data) != 1 or data[0] is None or data[0].dtype.kind != "f":
            return None, node
        shape = data[0].shape
        padded = (1,) * (len(row) - len(shape)) + shape
        fits = len(padded) == len(row) and all(
            n in (1, m) for n, m in zip(padded, row, strict=True)
        )
        return (np.broadcast_to(data[0], row).copy(), reading[0]) if fits else (None, node)

    def between(self, first: Node, last: Node) -> list[str]:
        """What the nodes from `first` to the one before `last` write."""
        names = []
        while first is not last:
            names.append(first.outputs[0])
            (first,) = self.readers[first.outputs[0]]
        return names
