"""What recurrent layers over whole sequences share: their walk, their gates' sums, how they are imported.

A layer goes over the steps of a sequence, for each sample of a batch and in one or two directions. It
begins with the states that it is given and returns the last ones: nothing stays behind between
inferences. Activations are int8; what a layer accumulates over time (an LSTM's cell, the state of a GRU)
is int16, so that changes smaller than a step of its output are not lost. Sums into gates are int16 (Q3.12
where a logistic function or tanh follows), the input's and the hidden state's rescaled apart:

    sum_k = sat(clamp(requantize(x Wx_k + bx_k)) + clamp(requantize(hidden Wh_k + bh_k)))

Weights have one scale a gate and direction. They are attributes of a canonical node, in real numbers:
`weights_x` [D, G, H, I], `weights_h` [D, G, H, H], `bias_x` and `bias_h` [D, G, H]; `backward`: the first
direction goes from the last step to the first; `batch_first`: the order of axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from edgekit import fixed
from edgekit.families.elementwise import real_operands
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Const, Cost, Op, Params, Shape, c_field, require

_SUM = 2**30 - 1


@dataclass(frozen=True)
class SequenceParams(Params):
    steps: int = c_field("int32_t", "steps of the sequence")
    in_c: int = c_field("int32_t", "elements of a step")
    units: int = c_field("int32_t", "elements of the hidden state")
    batch: int = c_field("int32_t", "sequences")
    directions: int = c_field("int32_t", "1 or 2")
    backward: int = c_field("int32_t", "1 where the first direction begins at the last step")
    x_step: int = c_field("int32_t", "elements of the input from a step to the next")
    x_batch: int = c_field("int32_t", "and from a sequence to the next")
    y_step: int = c_field("int32_t", "elements of the output from a step to the next")
    y_batch: int = c_field("int32_t", "from a sequence to the next")
    y_direction: int = c_field("int32_t", "and from a direction to the next")
    output_zero: int = c_field("int32_t", "zero point of output and hidden state")


# Constants of every such kernel.
WEIGHTS = (
    Const("weights_x", "int8_t", "[directions][gates][units][in_c]", weights=True),
    Const("weights_h", "int8_t", "[directions][gates][units][units]", weights=True),
    Const("bias_x", "int32_t", "[directions][gates][units], zero point of the input folded in"),
    Const("bias_h", "int32_t", "likewise, zero point of the hidden state folded in"),
)
SIGMOID = Const("sigmoid", "int16_t", "[256], 1 / (1 + exp(-i / 24)) in Q0.16 less one half")


class Sums(NamedTuple):
    """The gates' sums over one operand: constants, and rescaling per direction and gate."""

    weights: Array
    bias: Array
    multiplier: tuple[int, ...]
    shift: tuple[int, ...]


class Sequence(Op):
    """Base of the recurrent layers; has no name of its own. Operands: input [T, B, I] or [B, T, I], then
    states [D, B, H] or [B, D, H]; outputs: [T, D, B, H] or [B, T, D, H], the last hidden state, then
    what `inputs` has behind it."""

    signature = "whole"
    coupling = "mix"
    tolerance = 5.0
    gates: ClassVar[int] = 1
    # Is the first state the int8 hidden state itself?
    first_is_hidden: ClassVar[bool] = True

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, attrs = graph.value(node.inputs[0]).shape, node.attrs
        directions, _, units, in_c = attrs["weights_x"].shape
        require(len(x) == 3 and x[2] == in_c, f"sequences of {in_c} elements a step", node, x)
        batch, steps = x[:2] if attrs["batch_first"] else (x[1], x[0])
        if not attrs["batch_first"]:
            out, state = (steps, directions, batch, units), (directions, batch, units)
        else:
            require(1 in (batch, directions), "one sequence or one direction, batch first", node, x)
            out, state = (batch, steps, directions, units), (batch, directions, units)
        for name in node.inputs[1:]:
            require(graph.value(name).shape == state, "initial states for every unit", node,
                    graph.value(name).shape)  # fmt: skip
        return [out, *[state] * len(cls.more)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x, *states = real_operands(node, graph, inputs)
        out, *shapes = cls.shapes(node, graph)
        a = node.attrs
        directions, _, units, _ = a["weights_x"].shape
        x = x.swapaxes(0, 1) if a["batch_first"] else x
        kept = [s.reshape(directions, -1, units).astype(np.float64) for s in states]
        rows = np.empty((len(x), directions, x.shape[1], units))
        hidden = kept[0].copy()
        for d in range(directions):
            own = [s[d] for s in kept]
            for t in _order(len(x), a["backward"], d):
                own = cls.real_step(node, d, x[t], own)
                rows[t, d] = own[0]
            hidden[d] = own[0]
            for s, new in zip(kept, own, strict=True):
                s[d] = new
        rows = rows.transpose(2, 0, 1, 3) if a["batch_first"] else rows
        last = [hidden, *kept[cls.first_is_hidden :]]
        return [rows.reshape(out), *(s.reshape(to) for s, to in zip(last, shapes, strict=True))]

    @classmethod
    def real_step(cls, node: Node, d: int, x: Array, states: list[Array]) -> list[Array]:
        """The states [B, H] of direction d after a step on x [B, I], the hidden one first."""
        raise NotImplementedError

    @classmethod
    def ties(cls, node: Node) -> list[tuple[str, str]]:
        """Output and hidden state, and a state before and after."""
        pairs = [(node.outputs[0], node.outputs[1])]
        after = node.outputs[1 if cls.first_is_hidden else 2 :]
        return pairs + list(zip(node.inputs[1:], after, strict=True))

    @classmethod
    def walk(cls, node: Node, graph: Graph) -> dict[str, Any]:
        """The fields of `SequenceParams`."""
        x, a = graph.value(node.inputs[0]), node.attrs
        directions, _, units, in_c = a["weights_x"].shape
        batch, steps = x.shape[:2] if a["batch_first"] else (x.shape[1], x.shape[0])
        if a["batch_first"]:
            x_step, x_batch = in_c, steps * in_c
            y_step, y_direction = directions * units, units
            y_batch = steps * y_step
        else:
            x_step, x_batch = batch * in_c, in_c
            y_batch, y_direction, y_step = units, batch * units, directions * batch * units
        return {
            "steps": steps, "in_c": in_c, "units": units, "batch": batch, "directions": directions,
            "backward": int(a["backward"]), "x_step": x_step, "x_batch": x_batch,
            "y_step": y_step, "y_batch": y_batch, "y_direction": y_direction,
            "output_zero": graph.value(node.outputs[0]).zero_point,
        }  # fmt: skip

    @classmethod
    def sums(
        cls, node: Node, graph: Graph, fraction: int
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        """Params and constants of the sums over input and hidden state. Raises EK302 where one could
        overflow."""
        fields: dict[str, Any] = {}
        consts: dict[str, Array] = {}
        for which, name in (("x", node.inputs[0]), ("h", node.outputs[0])):
            value = graph.value(name)
            require(value.dtype == "int8", "int8 activations", node, f"{name} is {value.dtype}")
            made = _sums(node, value, which, fraction, graph.one_rounding)
            consts |= {f"weights_{which}": made.weights, f"bias_{which}": made.bias}
            fields |= {f"multiplier_{which}": made.multiplier, f"shift_{which}": made.shift}
        return fields, consts

    @classmethod
    def run(cls, p: Any, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        n, batch_first = len(inputs[0]), p.x_batch >= p.x_step
        order = (n, p.batch, p.steps, p.in_c) if batch_first else (n, p.steps, p.batch, p.in_c)
        x = inputs[0].reshape(order).astype(np.int64)
        x = x.swapaxes(1, 2) if batch_first else x
        kept = [s.reshape(n, p.directions, p.batch, p.units).astype(np.int64) for s in inputs[1:]]
        rows = np.empty((n, p.steps, p.directions, p.batch, p.units), np.int8)
        hidden = np.empty(kept[0].shape, np.int8)
        for d in range(p.directions):
            own = [s[:, d] for s in kept]
            held = cls.held(p, own[0])
            for t in _order(p.steps, p.backward, d):
                by_x = cls.rescaled(p, consts, "x", d, x[:, t])
                own, held = cls.step(p, consts, d, by_x, held, own)
                rows[:, t, d] = held
            hidden[:, d] = held
            for s, new in zip(kept, own, strict=True):
                s[:, d] = new
        if not p.y_step:  # see rewrite/unread_rows.py
            rows, batch_first = hidden[:, None], False
        rows = rows.transpose(0, 3, 1, 2, 4) if batch_first else rows
        wide = [s.astype(np.int16) for s in kept[cls.first_is_hidden :]]
        return [np.ascontiguousarray(rows), hidden, *wide]

    @classmethod
    def rescaled(
        cls, p: Any, consts: Mapping[str, Array], which: str, d: int, x: Array
    ) -> list[Array]:
        """Per gate the sums [N, B, H] over x [N, B, elements], below 2^30 so that two can be added."""
        made = []
        multipliers, shifts = getattr(p, f"multiplier_{which}"), getattr(p, f"shift_{which}")
        for k in range(d * cls.gates, (d + 1) * cls.gates):
            w = consts[f"weights_{which}"].reshape(-1, p.units, x.shape[-1])[k].astype(np.int64)
            bias = consts[f"bias_{which}"].reshape(-1, p.units)[k]
            total = fixed.requantize(x @ w.T + bias, multipliers[k], shifts[k])
            made.append(np.clip(total, -_SUM, _SUM))
        return made

    @classmethod
    def held(cls, p: Any, state: Array) -> Array:
        """The int8 hidden state, as int64, that stands for the first of a layer's states."""
        return state

    @classmethod
    def step(
        cls, p: Any, consts: Mapping[str, Array], d: int, by_x: list[Array], held: Array, states: list[Array],
    ) -> tuple[list[Array], Array]:  # fmt: skip
        """The states after a step, and the int8 hidden state."""
        raise NotImplementedError

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p: Any = node.params
        rows = p.steps * p.batch * p.directions * cls.gates * p.units
        return Cost(macs=rows * (p.in_c + p.units))


def _order(steps: int, backward: int, direction: int) -> range:
    """The steps in the order in which a direction takes them."""
    return range(steps - 1, -1, -1) if backward ^ direction else range(steps)


def _sums(node: Node, x: Value, which: str, fraction: int, one_rounding: bool) -> Sums:
    real, bias = node.attrs[f"weights_{which}"], node.attrs[f"bias_{which}"]
    directions, gates, units, columns = real.shape
    weights, biases, factors = [], [], []
    for w, b in zip(real.reshape(-1, units, columns), bias.reshape(-1, units), strict=True):
        # The bias must fit int32 in steps of the products.
        least = float(np.abs(b).max()) / (x.scale * 2**29)
        scale = max(float(np.abs(w).max()) / 127, least, 1e-12)
        ints, steps = np.rint(w / scale).astype(np.int64), np.rint(b / (x.scale * scale))
        multiplier, shift = fixed.split(x.scale * scale * 2.0**fraction, one_rounding)
        where = f"node {node.name}"
        fixed.prove_accumulator(ints, steps, np.full(units, shift, np.int8), x.zero_point, where)
        weights.append(ints.astype(np.int8))
        biases.append((steps - x.zero_point * ints.sum(axis=1)).astype(np.int32))
        factors.append((multiplier, shift))
    factors += [(0, 0)] * (2 * gates - len(factors))
    shape = (directions, gates, units)
    multipliers, shifts = zip(*factors, strict=True)
    return Sums(
        np.stack(weights).reshape(*shape, columns),
        np.stack(biases).reshape(shape),
        multipliers,
        shifts,
    )
