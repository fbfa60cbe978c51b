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
from edgekit.graph import Graph, Node, Quant, Value, dequantized, kept, plain
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
            name: value if value.data is not None else replace(value, dtype=kept(value.dtype))
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
        output: str = "", quant: Quant | None = None, dtype: str = "",
    ) -> str:  # fmt: skip
        """A canonical node; returns its output, a new tensor unless `output` names the source's.

        The output is real until it is annotated; one with `quant` is int8 from the start. Plain integers
        have their `dtype`, which what only moves data finds at its first operand.
        """
        inputs = [self._narrowed(node, name) for name in inputs]
        if not dtype:
            dtype = "int8" if quant else self._moved_type(op, inputs)
        name = output or self._temporary(node.outputs[0])
        moves, taken = op in ("transpose", "reshape"), node.name in self._labels
        label = self._temporary(node.name) if moves or taken else node.name
        self._labels.add(label)
        made = Node(label, op, tuple(map(self.resolve, inputs)), (name,), attrs or {})
        (shape,) = load_ops()[op].shapes(made, self.graph)
        self._declared(node, name, shape)
        self.values[name] = Value(name, shape, dtype, quant)
        self.nodes.append(made)
        return name

    def add_all(
        self, op: str, node: Node, inputs: Sequence[str], attrs: Mapping[str, Any], outputs: Sequence[str]
    ) -> None:  # fmt: skip
        """A canonical node of several real outputs; "" among them is a new tensor."""
        names = [name or self._temporary(node.name) for name in outputs]
        made = Node(node.name, op, tuple(map(self.resolve, inputs)), tuple(names), attrs)
        for name, shape in zip(names, load_ops()[op].shapes(made, self.graph), strict=True):
            self._declared(node, name, shape)
            self.values[name] = Value(name, shape, "float32")
        self._labels.add(node.name)
        self.nodes.append(made)

    def _moved_type(self, op: str, inputs: Sequence[str]) -> str:
        first = self.value(inputs[0])
        return first.dtype if load_ops()[op].same_scale and plain(first) else "float32"

    def _narrowed(self, node: Node, name: str) -> str:
        """The operand as kernels take it: constants of 64 bits are kept in 32. Raises EK202 where they
        do not fit."""
        value = self.value(name) if name else None
        if value is None or value.data is None or kept(value.dtype) == value.dtype:
            return name
        narrow = value.data.astype(kept(value.dtype))
        require(
            bool(np.all(narrow == value.data)), "integers of 64 bits that fit 32", node, value.name
        )
        return self.constant(value.name, narrow)

    def broadcast(self, node: Node, name: str, shape: Shape) -> str:
        """The tensor repeated to `shape`; a constant at once."""
        value = self.value(name)
        if value.shape == shape:
            return value.name
        if value.data is not None:
            return self.constant(value.name, np.broadcast_to(value.data, shape).copy(), value.quant)
        if value.elements == math.prod(shape):
            return self.reshape(node, name, shape)
        return self.add("broadcast", node, [name], {"shape": shape}, quant=value.quant)

    def binary(
        self, node: Node, op: str, a: str, b: str, output: str = "",
        attrs: Mapping[str, Any] | None = None, dtype: str = "",
    ) -> str:  # fmt: skip
        """A sum, difference or product, which know broadcasting, or another operator on two tensors,
        for which the smaller one is repeated unless it is one constant number."""
        attrs = {"activation": "NONE"} if attrs is None else attrs
        shape = tuple(np.broadcast_shapes(self.shape(a), self.shape(b)))
        operands = [self.resolve(a), self.resolve(b)]
        if op in ("add", "sub", "mul"):
            whole = all(self.value(n).elements == math.prod(shape) for n in operands)
            op = op if whole else f"{op}_broadcast"
            return self.add(op, node, operands, attrs, output, dtype=dtype)
        single = [self.value(n).data is not None and self.value(n).elements == 1 for n in operands]
        if all(single):
            single = [False, True]
        operands = [
            n if alone else self.broadcast(node, n, shape)
            for n, alone in zip(operands, single, strict=True)
        ]
        return self.add(op, node, operands, attrs, output, dtype=dtype)

    def part(self, node: Node, name: str, part: Sequence[range], output: str = "") -> str:
        """The indices `part` of a tensor, a range per axis."""
        attrs = {"part": tuple(part), "shape": tuple(map(len, part))}
        return self.add("slice", node, [name], attrs, output, self.value(name).quant)

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
            if held == name and self.values[name].data is not None:
                held = self._temporary(name)
                self.values[held] = replace(self.values.pop(name), name=held)
            if held == name:
                continue
            inner = self.values[held].data is None and held not in self.source.inputs
            if inner and held not in self.source.outputs:
                self._rename(held, name)
            else:
                self.alias.pop(name, None)
                origin = Node(name, "", (held,), (name,))
                self.values.pop(name, None)
                value = self.values[held]
                copy = "reshape" if value.data is None else "constant"
                attrs = {"shape": value.shape} if value.data is None else {}
                self.add(copy, origin, [held], attrs, name, value.quant)
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
