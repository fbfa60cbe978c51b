"""Operators in front of one input of a network, as they are written one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, Quant, State, Value
from edgekit.op import Array
from edgekit.quantize.evaluate import run_integer, run_real


class Chain:
    """What a description of an input writes to.

    name: of the network's input, and then of the raw one that takes its place. target: the network's
    own tensor, which the last operator makes; real values where the network has not been quantized.
    """

    def __init__(self, target: Value, name: str) -> None:
        self.target, self.name = target, name
        self.values: dict[str, Value] = {target.name: target}
        self.nodes: list[Node] = []
        self.states: list[State] = []
        self.raw: Value | None = None

    def input(self, shape: Sequence[int], dtype: str, scale: float, zero: int = 0) -> Value:
        """The raw input, which stands for ``scale * (number - zero)``."""
        quant = Quant((float(np.float32(scale)),), (zero,))
        self.raw = self._value(self.name, shape, dtype, quant)
        return self.raw

    def tensor(
        self, what: str, shape: Sequence[int], dtype: str, scale: float, zero: int = 0
    ) -> Value:
        """A tensor between two operators."""
        return self._value(
            self._fresh(what), shape, dtype, Quant((float(np.float32(scale)),), (zero,))
        )

    def numbered(self, what: str, shape: Sequence[int], dtype: str, quant: Quant | None) -> Value:
        """A tensor whose numbers are given."""
        return self._value(self._fresh(what), shape, dtype, quant)

    def like_target(self, what: str, shape: Sequence[int]) -> Value:
        """A tensor of the target's numbers: the target itself where the shape is its own."""
        if tuple(shape) == self.target.shape:
            return self.target
        return self._value(self._fresh(what), shape, self.target.dtype, self.target.quant)

    def row(self, numbers: int) -> tuple[int, int]:
        """Width and channels of a row of so many: the target's own where its rows are of that size."""
        shape = self.target.shape
        if len(shape) == 4 and shape[0] == 1 and shape[2] * shape[3] == numbers:
            return shape[2], shape[3]
        return numbers, 1

    def constant(self, what: str, data: Array) -> Value:
        """A constant of real numbers."""
        value = Value(self._fresh(what), data.shape, "float32", None, np.asarray(data, np.float32))
        self.values[value.name] = value
        return value

    def state(self, what: str, like: Value, shape: Sequence[int], init: Array) -> Value:
        """A variable of the type and scale of `like`; `init` broadcasts to its shape."""
        value = self._value(self._fresh(what), shape, like.dtype, like.quant)
        data = np.ascontiguousarray(np.broadcast_to(init, value.shape)).astype(value.dtype)
        self.states.append(State(value.name, data))
        return value

    def add(self, op: str, inputs: Sequence[Value], out: Value, **attrs: Any) -> Value:
        """A node; the name is its output's."""
        names = tuple(value.name for value in inputs)
        self.nodes.append(Node(out.name, op, names, (out.name,), attrs))
        return out

    def end(self, last: Value) -> None:
        """`last` has the target's elements in its order. Raises EK205 where it has not."""
        if last.elements != self.target.elements:
            made, wanted = ("x".join(map(str, v.shape)) for v in (last, self.target))
            raise EdgekitError(
                "EK205", "the preprocessing does not make what the network takes",
                where=f"input {self.name}", found=f"{made} = {last.elements} numbers, wanted {wanted}",
                help=f"change [preprocess.{self.name}] so that it makes {self.target.elements} numbers",
            )  # fmt: skip
        if last is not self.target:
            self.add("reshape", [last], self.target, shape=self.target.shape)

    def window(self, what: str, newest: Value, rows: int, init: Array) -> Value:
        """The last `rows` rows of what has come, the newest at the end: a map [1, rows, W, C].

        newest: [1, n, W, C], what this call brings; init: what was there before the first.
        """
        fresh, rest = newest.shape[1], newest.shape[2:]
        kept = rows - fresh
        if kept <= 0:
            return newest
        state = self.state(f"{what}_before", newest, (1, kept, *rest), init)
        before = self._value(self._fresh(f"{what}_read"), state.shape, state.dtype, state.quant)
        self.add("read_variable", [state], before)
        shape = (1, rows, *rest)
        joined = self.like_target(what, shape) if newest.quant == self.target.quant else self._value(
            self._fresh(what), shape, newest.dtype, newest.quant)  # fmt: skip
        self.add("concat", [before, newest], joined, axis=1)
        part = (range(1), range(fresh, rows), *(range(n) for n in rest))
        later = self._value(self._fresh(f"{what}_kept"), state.shape, state.dtype, state.quant)
        self.add("slice", [joined], later, part=part, shape=state.shape)
        self.nodes.append(Node(f"{later.name}_assign", "assign_variable", (later.name,), (state.name,)))  # fmt: skip
        return joined

    def silent(self, value: Value) -> Array:
        """What the operators so far make of a raw input of zeros: [*shape of value]."""
        assert self.raw is not None
        graph = self.graph((value.name,))
        live = {self.raw.name: np.zeros(self.raw.shape, self.raw.dtype)}
        live |= {state.value: state.init for state in self.states}
        exact = not value.dtype.startswith("float")
        if exact:
            live = {name: x[None] for name, x in live.items()}
        for node in self.nodes:
            results = (run_integer if exact else run_real)(node, graph, live)
            live |= dict(zip(node.outputs, results, strict=True))
        return live[value.name].reshape(value.shape)

    def graph(self, outputs: tuple[str, ...]) -> Graph:
        """The operators so far as a graph of their own."""
        assert self.raw is not None
        return Graph(
            f"{self.name}_front", self.values, tuple(self.nodes), (self.raw.name,), outputs, tuple(self.states)
        )  # fmt: skip

    def _fresh(self, what: str) -> str:
        name = f"{self.name}_{what}"
        while name in self.values:
            name += "_"
        return name

    def _value(self, name: str, shape: Sequence[int], dtype: str, quant: Quant | None) -> Value:
        value = Value(name, tuple(shape), dtype, quant)
        self.values[name] = value
        return value
