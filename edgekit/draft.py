"""A canonical graph in the making: what the operators' imports of channel-first sources write to.

Every source operator becomes canonical nodes at once; axes that are in another order than a kernel
wants are put right with explicit transposes, which `passes/layout.py` then moves and cancels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, Quant, Value, dequantized
from edgekit.op import Array, Shape, load_ops, require

TEMPORARY = "~"  # in the name of every tensor that the source does not have


class Draft:
    """Values and nodes that grow node by node; an alias lets two source names be one tensor.

    A tensor that the source quantizes is an int8 value with its scale and zero point; every other
    activation is a float32 value.
    """

    def __init__(self, source: Graph) -> None:
        self.source = source
        self.values: dict[str, Value] = {
            name: value
            for name, value in source.values.items()
            if name in source.inputs or value.data is not None
        }
        self.nodes: list[Node] = []
        self.alias: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._labels: set[str] = set()
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
        """The real values of a constant, whether it is quantized or not; None as in `const`."""
        return None if self.const(name) is None else dequantized(self.value(name))

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

    def annotate(self, name: str, quant: Quant, dtype: str = "int8") -> None:
        """The tensor is kept as integers of this scale and zero point."""
        value = self.value(name)
        self.values[value.name] = replace(value, dtype=dtype, quant=quant)

    def add(
        self, op: str, node: Node, inputs: Sequence[str], attrs: Mapping[str, Any] | None = None,
        output: str = "", quant: Quant | None = None,
    ) -> str:  # fmt: skip
        """A canonical node; returns its output, a new tensor unless `output` names the source's.

        The output is real until it is annotated; one with `quant` is int8 from the start.
        """
        name = output or self._temporary(node.outputs[0])
        moves, taken = op in ("transpose", "reshape"), node.name in self._labels
        label = self._temporary(node.name) if moves or taken else node.name
        self._labels.add(label)
        made = Node(label, op, tuple(map(self.resolve, inputs)), (name,), attrs or {})
        (shape,) = load_ops()[op].shapes(made, self.graph)
        self._declared(node, name, shape)
        self.values[name] = Value(name, shape, "int8" if quant else "float32", quant)
        self.nodes.append(made)
        return name

    def permute(self, node: Node, name: str, perm: Sequence[int], output: str = "") -> str:
        """Axes in another order; of a constant at once."""
        value, perm = self.value(name), tuple(perm)
        if perm == tuple(range(len(value.shape))) and not output:
            return value.name
        if value.data is None:
            return self.add("transpose", node, [name], {"perm": perm}, output, value.quant)
        quant = value.quant
        if quant is not None and quant.axis is not None:
            quant = replace(quant, axis=perm.index(quant.axis))
        moved = np.ascontiguousarray(value.data.transpose(perm))
        return self._constant(value, output, moved, quant)

    def reshape(self, node: Node, name: str, shape: Sequence[int], output: str = "") -> str:
        """Another shape for the same elements; of a constant at once, its scales per channel too
        where only axes of size 1 come or go."""
        value, shape = self.value(name), tuple(int(n) for n in shape)
        if shape == value.shape and not output:
            return value.name
        if value.data is None:
            return self.add("reshape", node, [name], {"shape": shape}, output, value.quant)
        quant = value.quant
        if quant is not None and quant.axis is not None:
            channels, before = value.shape[quant.axis], math.prod(value.shape[: quant.axis])
            kept = [
                i for i, n in enumerate(shape) if n == channels and math.prod(shape[:i]) == before
            ]
            require(bool(kept), "a reshape that keeps the axis of the scales", node, shape)
            quant = replace(quant, axis=kept[0])
        return self._constant(value, output, value.data.reshape(shape), quant)

    def finish(self) -> Graph:
        """The canonical graph; raises EK105 where an output is never written.

        An output that stands for another tensor gives it its name, or is a copy of it where that
        is an input, a constant or another output.
        """
        for name in dict.fromkeys(self.source.outputs):
            held = self.resolve(name)
            if held not in self.values:
                continue  # verify() says so
            if held == name:
                continue
            inner = self.values[held].data is None and held not in self.source.inputs
            if inner and held not in self.source.outputs:
                self._rename(held, name)
            else:
                self.alias.pop(name)
                origin = Node(name, "", (held,), (name,))
                self.values.pop(name, None)
                value = self.values[held]
                self.add("reshape", origin, [held], {"shape": value.shape}, name, value.quant)
        return replace(self.source, values=self.values, nodes=tuple(self.nodes), one_rounding=True)

    def _rename(self, old: str, new: str) -> None:
        self.values[new] = replace(self.values.pop(old), name=new)
        self.alias = {k: new if v == old else v for k, v in self.alias.items() if k != new}
        self.alias[old] = new

        def names(given: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(new if name == old else name for name in given)

        self.nodes = [
            replace(n, inputs=names(n.inputs), outputs=names(n.outputs)) for n in self.nodes
        ]

    def _constant(self, value: Value, output: str, data: Array, quant: Quant | None) -> str:
        if not output:
            return self.constant(value.name, data, quant)
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
