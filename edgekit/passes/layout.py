"""From the source's order of axes to ours, channels last, with as few transposes as can be.

A source transpose or a reshape that only adds or drops axes of size 1 computes nothing here: it
says how a tensor of the source is kept, as a view of a tensor of ours (`Axes`). Operators whose
meaning does not depend on the order work on what is kept, their attributes moved (`Op.moved`);
the others get the order that they were written for, by a transpose where it is not kept so. Behind
a flattening the columns of the dense layer are moved instead. Inputs and outputs of the network
keep our order too: `Graph.layouts` says for every tensor how it differs from the source's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from edgekit.draft import TEMPORARY
from edgekit.graph import Graph, Layout, Node, Value
from edgekit.op import Axes, Op, Shape, load_ops


def layout(graph: Graph) -> Graph:
    """Graphs of channel-first sources only. Inputs are taken in the source's order and with their
    channels last, and what leaves fewer elements to be moved at run time is kept."""
    if graph.format != "onnx":
        return graph
    tried = [_Arrangement(graph, last).arranged() for last in (False, True)]
    return min(tried, key=_moved_elements)


def _moved_elements(graph: Graph) -> int:
    return sum(graph.value(n.outputs[0]).elements for n in graph.nodes if n.op == "transpose")


class _View(NamedTuple):
    """A tensor of the source: which of our tensors holds it, and how."""

    base: str
    axes: Axes


class _Arrangement:
    def __init__(self, graph: Graph, channels_last: bool) -> None:
        self.source = graph
        self.values: dict[str, Value] = {}
        self.nodes: list[Node] = []
        self.views: dict[str, _View] = {}
        self.flattened: dict[str, str] = {}  # flat tensor, in our order -> the source's before it
        self.made: dict[tuple[str, tuple[int, ...], Shape], str] = {}
        self.consumers = graph.consumers()
        for name in graph.inputs:
            rank = len(graph.value(name).shape)
            last = channels_last and rank in (3, 4)
            axes = Axes((0, rank - 1, *range(1, rank - 1)), rank) if last else Axes.same(rank)
            self._define(name, axes)

    def arranged(self) -> Graph:
        for node in self.source.nodes:
            if node.op == "transpose":
                self._transpose(node)
            elif node.op == "reshape":
                self._reshape(node)
            else:
                self._compute(node)
        for name in dict.fromkeys(self.source.outputs):
            self._output(name)
        return self._named()

    def _define(self, name: str, axes: Axes) -> None:
        """A tensor of ours that holds the source's tensor of that name."""
        value = self.source.value(name)
        self.values[name] = replace(value, shape=_kept(value.shape, axes))
        self.views[name] = _View(name, axes)

    def _transpose(self, node: Node) -> None:
        base, axes = self.views[node.inputs[0]]
        moved = tuple(axes.axes[a] for a in node.attrs["perm"])
        self._view(node, base, Axes(moved, axes.rank))

    def _view(self, node: Node, base: str, axes: Axes) -> None:
        """The node's output is held by `base`, whose numbers are the ones that the source gives to
        the output: its own, if it has none."""
        output = self.source.value(node.outputs[0])
        held = self.values[base]
        if output.quant is not None and held.quant is None:
            self.values[base] = replace(held, quant=output.quant, dtype=output.dtype)
        elif output.quant is not None and held.quant != output.quant:
            name = f"{output.name}{TEMPORARY}requantized"
            self.values[name] = replace(held, name=name, quant=output.quant, dtype=output.dtype)
            self.nodes.append(Node(name, "requantize", (base,), (name,)))
            base = name
        self.views[output.name] = _View(base, axes)

    def _reshape(self, node: Node) -> None:
        (name,), (output,) = node.inputs, node.outputs
        before, after = self.source.value(name).shape, self.source.value(output).shape
        if name in self.views and [n for n in before if n != 1] == [n for n in after if n != 1]:
            base, axes = self.views[name]
            kept = iter([a for n, a in zip(before, axes.axes, strict=True) if n != 1])
            moved = tuple(next(kept) if n != 1 else None for n in after)
            self._view(node, base, Axes(moved, axes.rank))
            return
        if self._only_dense_layers_read(output):
            base = self.views[name].base
            self.flattened[output] = name
        else:
            base = self._in_order(name, Axes.same(len(before)))
        self._define(output, Axes.same(len(after)))
        self.nodes.append(Node(node.name, "reshape", (base,), (output,), {"shape": after}))

    def _only_dense_layers_read(self, flat: str) -> bool:
        """Readers that take the whole tensor as one vector, so that its order is theirs to choose."""
        readers, elements = self.consumers.get(flat, []), self.source.value(flat).elements
        return flat not in self.source.outputs and all(
            n.op == "fully_connected" and self.source.value(n.inputs[1]).shape[1] == elements
            for n in readers
        )

    def _compute(self, node: Node) -> None:
        op = load_ops()[node.op]
        operands = node.inputs if op.inputs[-1].endswith("...") else node.inputs[: len(op.inputs)]
        axes = self._common(op, node, operands)
        moved = None if axes is None else op.moved(node, axes)
        output = node.outputs[0]
        if axes is None or moved is None:
            attrs: Mapping[str, Any] = node.attrs
            kept = Axes.same(len(self.source.value(output).shape))
            inputs = [
                n if n in self.source.values and self.source.const(n) is not None
                else self._in_order(n, Axes.same(len(self.source.value(n).shape)))
                for n in operands
            ]  # fmt: skip
        else:
            attrs, kept = moved
            inputs = [self._in_order(name, axes) for name in operands]
        inputs += [self._constant(name) for name in node.inputs[len(operands) :]]
        if node.op == "fully_connected" and node.inputs[0] in self.flattened:
            inputs[1] = self._moved_columns(node, self.flattened[node.inputs[0]])
        for name in inputs:
            if name and name not in self.values:
                self._constant(name)
        self._define(output, kept)
        for more in node.outputs[1:]:
            self._define(more, Axes.same(len(self.source.value(more).shape)))
        self.nodes.append(replace(node, inputs=tuple(inputs), attrs=attrs))

    def _common(self, op: type[Op], node: Node, operands: Sequence[str]) -> Axes | None:
        """How the operands will be kept: as the largest of them is, of those in another order
        than the source's first. None where that leaves out an axis that the output has."""
        computed = [name for name in operands if self.source.const(name) is None]
        if not computed:
            return None
        rank = max(len(self.source.value(name).shape) for name in operands)

        def weight(name: str) -> tuple[int, bool]:
            shape = self.source.value(name).shape
            order = _order(shape, self.views[name].axes)
            return self.source.value(name).elements, order != sorted(order)

        axes = self._aligned(max(computed, key=weight), rank)
        shape = (
            np.broadcast_shapes(*(self.source.value(n).shape for n in operands))
            if op.elementwise
            else ()
        )
        return (
            None
            if any(a is None and n != 1 for n, a in zip(shape, axes.axes, strict=False))
            else axes
        )

    def _aligned(self, name: str, rank: int) -> Axes:
        axes = self.views[name].axes
        return Axes((None,) * (rank - len(axes.axes)) + axes.axes, axes.rank)

    def _in_order(self, name: str, wanted: Axes) -> str:
        """A tensor of ours that holds the source's `name` as `wanted`."""
        value = self.source.value(name)
        rank = len(wanted.axes)
        shape = (1,) * (rank - len(value.shape)) + value.shape
        if value.data is not None:
            return self._moved_constant(name, shape, wanted)
        base, axes = self.views[name].base, self._aligned(name, rank)
        order, goal, target = _order(shape, axes), _order(shape, wanted), _kept(shape, wanted)
        held = self.values[base]
        if order != goal:
            perm = _permutation(axes, wanted, goal, held.shape)
            base = self._emit("transpose", base, {"perm": perm}, tuple(held.shape[a] for a in perm))
        if self.values[base].shape != target:
            base = self._emit("reshape", base, {"shape": target}, target)
        return base

    def _emit(self, op: str, base: str, attrs: dict[str, Any], shape: Shape) -> str:
        key = (base, tuple(attrs.get("perm", ())), shape)
        if key not in self.made:
            name = f"{base.split(TEMPORARY)[0]}{TEMPORARY}{op}{len(self.made)}"
            self.values[name] = replace(self.values[base], name=name, shape=shape)
            self.nodes.append(Node(name, op, (base,), (name,), attrs))
            self.made[key] = name
        return self.made[key]

    def _constant(self, name: str) -> str:
        if name:
            self.values[name] = self.source.value(name)
        return name

    def _moved_constant(self, name: str, shape: Shape, wanted: Axes) -> str:
        value = self.source.value(name)
        assert value.data is not None
        target, order = _kept(shape, wanted), _order(shape, wanted)
        if target == value.shape and order == sorted(order):
            return self._constant(name)
        moved = value.data.reshape([n for n in shape if n != 1]).transpose(
            [sorted(order).index(a) for a in order]
        )
        made = f"{name}{TEMPORARY}{''.join(map(str, order))}{len(target)}"
        quant = value.quant
        if quant is not None and quant.axis is not None:
            quant = replace(quant, axis=wanted.axes[quant.axis + len(shape) - len(value.shape)])
        data = np.ascontiguousarray(moved).reshape(target)
        self.values[made] = replace(value, name=made, shape=target, data=data, quant=quant)
        return made

    def _moved_columns(self, node: Node, flattened: str) -> str:
        """The dense layer's weights for a vector that holds `flattened` in our order."""
        weights, shape = self.source.value(node.inputs[1]), self.source.value(flattened).shape
        order = _order(shape, self.views[flattened].axes)
        if order == sorted(order):
            return self._constant(node.inputs[1])
        assert weights.data is not None
        sizes = [n for n in shape if n != 1]
        split = weights.data.reshape(weights.shape[0], *sizes)
        moved = split.transpose(0, *(1 + sorted(order).index(a) for a in order))
        name = f"{weights.name}{TEMPORARY}columns"
        data = np.ascontiguousarray(moved).reshape(weights.shape)
        self.values[name] = replace(weights, name=name, data=data)
        return name

    def _output(self, name: str) -> None:
        """Give an output its name; its shape is the source's unless its order is another one."""
        base, axes = self.views[name]
        shape = self.source.value(name).shape
        order = _order(shape, axes)
        straight = order == sorted(order)
        free = base == name or (TEMPORARY in base and base not in self.source.outputs)
        if free and (not straight or self.values[base].shape == shape):
            if base != name:
                self._rename(base, name)
            return
        if base == name:
            self._rename(name, f"{name}{TEMPORARY}inner")
        held = self.views[name].base if straight else self._in_order(name, Axes.same(len(shape)))
        self.values[name] = replace(self.values[held], name=name, shape=shape)
        self.nodes.append(
            Node(f"{name}{TEMPORARY}output", "reshape", (held,), (name,), {"shape": shape})
        )
        self.views[name] = _View(name, Axes.same(len(shape)))

    def _rename(self, old: str, new: str) -> None:
        self.values[new] = replace(self.values.pop(old), name=new)

        def names(given: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(new if name == old else name for name in given)

        self.nodes = [
            replace(n, inputs=names(n.inputs), outputs=names(n.outputs)) for n in self.nodes
        ]
        self.views = {
            k: v._replace(base=new) if v.base == old else v for k, v in self.views.items()
        }

    def _named(self) -> Graph:
        """Every tensor under a name that the source has, where one of them is that tensor."""
        for name in list(self.views):
            base = self.views[name].base
            if TEMPORARY in base and TEMPORARY not in name and name not in self.values:
                self._rename(base, name)
        layouts = {}
        for name, view in self.views.items():
            shape = self.source.value(name).shape
            order = _order(shape, view.axes)
            if view.base == name and (order != sorted(order) or self.values[name].shape != shape):
                position = [-1 if a is None else a for a in view.axes.axes]
                layouts[name] = Layout(
                    shape, tuple(sorted(range(len(shape)), key=position.__getitem__))
                )
        return replace(self.source, values=self.values, nodes=tuple(self.nodes), layouts=layouts)


def _order(shape: Shape, axes: Axes) -> list[int]:
    """The source's axes with more than one element, in the order in which they are kept."""
    real = [(a, i) for i, (n, a) in enumerate(zip(shape, axes.axes, strict=True)) if n != 1]
    return [i for _, i in sorted(real)]


def _kept(shape: Shape, axes: Axes) -> Shape:
    return tuple(axes.spread(shape, 1))


def _permutation(axes: Axes, wanted: Axes, goal: Sequence[int], held: Shape) -> tuple[int, ...]:
    """The transpose that brings the axes `goal` into their order, to their very places if it can."""
    ours = {i: axes.axes[i] for i in goal}
    rest = [a for a in range(len(held)) if a not in ours.values()]
    if len(held) != wanted.rank:
        return (*rest, *(a for a in ours.values() if a is not None))
    places: list[int | None] = [None] * wanted.rank
    for i, a in ours.items():
        place = wanted.axes[i]
        assert place is not None
        places[place] = a
    return tuple(rest.pop(0) if a is None else a for a in places)
