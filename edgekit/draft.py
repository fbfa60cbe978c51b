"""A canonical graph in the making: what the operators' imports of channel-first sources write to.

Every source operator becomes canonical nodes at once; axes that are in another order than a kernel
wants are put right with explicit transposes, which `passes/layout.py` then moves and cancels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, Quant, Value
from edgekit.op import Array, Shape, load_ops, require

TEMPORARY = "~"  # in the name of every tensor that the source does not have


class Draft:
    """Values and nodes that grow node by node; an `alias` lets two source names be one tensor."""

    def __init__(self, source: Graph) -> None:
        self.source = source
        known = set(source.inputs)
        self.values: dict[str, Value] = {
            name: value
            for name, value in source.values.items()
            if name in known or value.data is not None
        }
        self.nodes: list[Node] = []
        self.alias: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        # A view of the growing values, for what operators ask of a graph.
        self.graph = Graph(source.name, self.values, (), source.inputs, source.outputs)

    def resolve(self, name: str) -> str:
        """The tensor that a source name stands for; "" stays "" (an absent operand)."""
        return self.alias.get(name, name)

    def value(self, name: str) -> Value:
        return self.values[self.resolve(name)]

    def shape(self, name: str) -> Shape:
        return self.value(name).shape

    def const(self, name: str) -> Array | None:
        """The data of a constant, as numbers of its own type; None where absent or computed."""
        return self.value(name).data if name else None

    def real(self, name: str) -> Array | None:
        """The real values of a constant, whether it is quantized or not."""
        value = self.value(name)
        if value.data is None or value.quant is None:
            return value.data
        shape = [1] * value.data.ndim
        if value.quant.axis is not None:
            shape[value.quant.axis] = -1
        zero = np.array(value.quant.zero_point).reshape(shape)
        scale = np.array(value.quant.scale).reshape(shape)
        return np.asarray((value.data - zero.astype(np.float64)) * scale)

    def integers(self, node: Node, index: int, default: Sequence[int] | None = None) -> list[int]:
        """A constant integer operand, flat; `default` where it is absent."""
        name = node.inputs[index] if index < len(node.inputs) else ""
        if not name and default is not None:
            return list(default)
        data = self.const(name) if name else None
        require(data is not None and data.dtype.kind in "iu", "a constant integer operand", node,
                f"operand {index} {name or 'absent'}")  # fmt: skip
        assert data is not None
        return [int(v) for v in data.reshape(-1)]

    def constant(self, near: str, data: Array, quant: Quant | None = None) -> str:
        """A new constant, named after what it belongs to."""
        name = self._temporary(near)
        self.values[name] = Value(name, data.shape, str(data.dtype), quant, data)
        return name

    def same(self, output: str, name: str) -> None:
        """The source's `output` is the tensor `name` and nothing is computed."""
        self.alias[output] = self.resolve(name)

    def add(
        self, op: str, node: Node, inputs: Sequence[str], attrs: Mapping[str, Any] | None = None,
        output: str = "",
    ) -> str:  # fmt: skip
        """A canonical node; returns its output, a new tensor unless `output` names the source's."""
        name = output or self._temporary(node.outputs[0])
        operands = tuple(self.resolve(i) for i in inputs)
        label = name if TEMPORARY in name else node.name
        made = Node(label, op, operands, (name,), attrs or {})
        (shape,) = load_ops()[op].shapes(made, self.graph)
        self._declared(node, name, shape)
        dtype = self.value(operands[0]).dtype if operands else "float32"
        self.values[name] = Value(name, shape, "float32" if dtype.startswith("float") else dtype)
        self.nodes.append(made)
        return name

    def permute(self, node: Node, name: str, perm: Sequence[int], output: str = "") -> str:
        """Axes in another order; of a constant at once."""
        value, perm = self.value(name), tuple(perm)
        if perm == tuple(range(len(value.shape))) and not output:
            return value.name
        if value.data is None:
            return self.add("transpose", node, [name], {"perm": perm}, output)
        quant = value.quant
        if quant is not None and quant.axis is not None:
            quant = replace(quant, axis=perm.index(quant.axis))
        moved = np.ascontiguousarray(value.data.transpose(perm))
        return self._constant(node, output, moved, quant)

    def reshape(self, node: Node, name: str, shape: Sequence[int], output: str = "") -> str:
        """Another shape for the same elements; of a constant at once, its scales per channel too
        where only axes of size 1 come or go."""
        value, shape = self.value(name), tuple(int(n) for n in shape)
        if shape == value.shape and not output:
            return value.name
        if value.data is None:
            return self.add("reshape", node, [name], {"shape": shape}, output)
        quant = value.quant
        if quant is not None and quant.axis is not None:
            sizes = [i for i, n in enumerate(shape) if n == value.shape[quant.axis]]
            require(len(sizes) == 1, "a reshape that keeps the axis of the scales", node, shape)
            quant = replace(quant, axis=sizes[0])
        return self._constant(node, output, value.data.reshape(shape), quant)

    def _constant(self, node: Node, output: str, data: Array, quant: Quant | None) -> str:
        if not output:
            return self.constant(node.outputs[0], data, quant)
        self.values[output] = Value(output, data.shape, str(data.dtype), quant, data)
        return output

    def _temporary(self, near: str) -> str:
        base = near.split(TEMPORARY, 1)[0]
        self._numbers[base] = self._numbers.get(base, 0) + 1
        return f"{base}{TEMPORARY}{self._numbers[base]}"

    def _declared(self, node: Node, name: str, shape: Shape) -> None:
        declared = self.source.values.get(name)
        if declared is not None and declared.shape != shape:
            raise EdgekitError(
                "EK105",
                "the file declares another shape than the operator produces",
                where=f"node {node.name}, tensor {name}",
                found=f"{list(declared.shape)}, wanted {list(shape)}",
                help="export the model again with fixed input shapes",
            )

    def finish(self) -> Graph:
        """The canonical graph. An output that is an alias of something else gets its own name back:
        the tensor is renamed, or copied where it is an input, a constant or two outputs."""
        for name in self.source.outputs:
            held = self.resolve(name)
            if held == name:
                continue
            node = Node(f"{name} output", "", (held,), (name,))
            self.alias.pop(name)
            self.values.pop(name, None)
            self.values[name] = replace(self.values[held], name=name, data=None)
            self.nodes.append(Node(node.name, "reshape", (held,), (name,), {"shape": self.values[held].shape}))  # fmt: skip
        return replace(self.source, values=self.values, nodes=tuple(self.nodes))
