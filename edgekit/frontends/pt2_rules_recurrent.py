"""Rules of the `.pt2` vocabulary: lstm, gru and rnn calls, a node of ONNX a layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edgekit.frontends.pt2_program import changes_state
from edgekit.frontends.pt2_step import Step


def recurrent(
    op: str, order: Sequence[int], states: int, function: str = ""
) -> Callable[[Step], None]:
    """A rule for a stack of layers. order: torch's gates in ONNX's; states: how many a layer has."""

    def rule(s: Step) -> None:
        _Stack(s, op, order, states, function).write()

    return rule


class _Stack:
    def __init__(self, s: Step, op: str, order: Sequence[int], states: int, function: str) -> None:
        self.s, self.op, self.order, self.function = s, op, order, function
        self.layers = int(s.argument("num_layers", 1))
        self.directions = 2 if s.argument("bidirectional", False) else 1
        self.biases = bool(s.argument("has_biases", True))
        if s.argument("dropout", 0.0) and s.argument("train", False):
            raise changes_state(f"node {s.out}", f"{s.call.target} with dropout")
        self.first = s.tensors("hx") if states == 2 else [s.tensor("hx")]
        self.params = s.tensors("params")
        each = 4 if self.biases else 2
        s.require(
            len(self.params) == each * self.layers * self.directions,
            f"{each} tensors of weights a layer and direction", len(self.params),
        )  # fmt: skip

    def write(self) -> None:
        s = self.s
        s.require(len(s.shape(s.tensor("input"))) == 3, "an input of three axes", s.shape(s.tensor("input")))  # fmt: skip
        batch_first = bool(s.argument("batch_first", False))
        x = s.tensor("input")
        x = s.transpose(x, (1, 0, 2), "steps first") if batch_first else x
        last: list[list[str]] = [[] for _ in self.first]
        for layer in range(self.layers):
            x, ends = self._layer(layer, x)
            for names, end in zip(last, ends, strict=True):
                names.append(end)
        output, *others = s.call.outputs
        s.writer.declare(output)
        if batch_first:
            s.writer.node("Transpose", [x], [output], {"perm": [1, 0, 2]})
        else:
            s.writer.node("Identity", [x], [output], {})
        for name, parts in zip(others, last, strict=True):
            s.writer.declare(name)
            if self.layers == 1:
                s.writer.node("Identity", parts, [name], {})
            else:
                s.writer.node("Concat", parts, [name], {"axis": 0})

    def _layer(self, layer: int, x: str) -> tuple[str, list[str]]:
        """One node; its output [T, B, D * H] and its last states [D, B, H]."""
        s = self.s
        steps, batch, _ = s.shape(x)
        w, r, b = self._weights(layer)
        units = s.shape(r)[2]
        first = [self._part(name, layer, f"state {i}") for i, name in enumerate(self.first)]
        rows, *ends = (
            f"{s.out}:{role} {layer}" for role in ("rows", "hidden", "cell")[: 1 + len(first)]
        )
        s.writer.activation(rows, (steps, self.directions, batch, units), s.dtype)
        for name in ends:
            s.writer.activation(name, (self.directions, batch, units), s.dtype)
        attrs: dict[str, object] = {"hidden_size": units}
        if self.directions == 2:
            attrs["direction"] = "bidirectional"
        if self.op == "GRU":
            attrs["linear_before_reset"] = 1
        if self.function:
            attrs["activations"] = [self.function] * self.directions
        s.writer.node(self.op, [x, w, r, b, "", *first], [rows, *ends], attrs)
        turned = s.transpose(rows, (0, 2, 1, 3), f"turned {layer}")
        joined = (steps, batch, self.directions * units)
        return s.reshape(turned, joined, f"layer {layer}"), ends

    def _weights(self, layer: int) -> tuple[str, str, str]:
        """W, R and B of a layer as constants; "" for absent biases."""
        each = 4 if self.biases else 2
        parts = [self._direction(layer * self.directions + d, each) for d in range(self.directions)]
        w, r = (np.stack([p[i] for p in parts]) for i in range(2))
        names = [self.s.constant(f"W {layer}", w), self.s.constant(f"R {layer}", r), ""]
        if self.biases:
            names[2] = self.s.constant(
                f"B {layer}", np.stack([np.concatenate(p[2:]) for p in parts])
            )
        return names[0], names[1], names[2]

    def _direction(self, index: int, each: int) -> list[NDArray[np.float32]]:
        """The weights of one direction, their gates in ONNX's order."""
        made = []
        for name in self.params[index * each : (index + 1) * each]:
            data = self.s.writer.values[name].data
            self.s.require(data is not None, "constant weights", name)
            assert data is not None
            gates = data.reshape(len(self.order), -1, *data.shape[1:])
            made.append(gates[list(self.order)].reshape(data.shape))
        return made

    def _part(self, name: str, layer: int, role: str) -> str:
        """The first state of a layer, of all layers' [L * D, B, H]."""
        if self.layers == 1:
            return name
        s, begin = self.s, layer * self.directions
        shape = (self.directions, *s.shape(name)[1:])
        ends = {"starts": begin, "ends": begin + self.directions, "axes": 0, "steps": 1}
        operands = [s.integers(f"{role} {layer} {key}", [n]) for key, n in ends.items()]
        return s.between("Slice", [name, *operands], shape, f"{role} {layer}")
