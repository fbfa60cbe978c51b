"""Gated recurrent units over a sequence (GRU), int8 with an int16 state.

With gates k = update, reset and candidate, sums as `edgekit/families/sequence.py` has them (Q3.12), and
keep = sigmoid(sum_update), reset = sigmoid(sum_reset) in Q0.15:

    fresh = tanh(sat(by_x + rounding_shift(reset * sat(by_h), 15)))              `reset_behind`
    fresh = tanh(sat(by_x + by_gated)), gated = requantize(reset * state)    otherwise
    state = sat(rounding_shift(keep * state + rounding_shift((2^15 - keep) * fresh, state_shift), 15))
    hidden = out = requantize(state) + zero_out

by_x, by_h, by_gated: the candidate's sums over input, hidden and gated state. The state's scale is
2^(state_shift - 15).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit import fixed
from edgekit.families import recurrent
from edgekit.families.recurrent import saturate16
from edgekit.families.sequence import SIGMOID, WEIGHTS, Sequence, SequenceParams
from edgekit.families.sequence_cases import sequence_cases
from edgekit.families.sequence_onnx import import_sequence
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, c_field, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class GruParams(SequenceParams):
    multiplier_x: tuple[int, ...] = c_field("int32_t", "of the sums over the input, per gate", 6)
    shift_x: tuple[int, ...] = c_field("int32_t", "and their shifts, positive is left", 6)
    multiplier_h: tuple[int, ...] = c_field("int32_t", "of the sums over the hidden state", 6)
    shift_h: tuple[int, ...] = c_field("int32_t", "and their shifts, positive is left", 6)
    reset_behind: int = c_field(
        "int32_t", "1 where the reset gate multiplies the sum over the hidden state"
    )
    multiplier_g: int = c_field("int32_t", "of the reset gate times the state")
    shift_g: int = c_field("int32_t", "and its shift, positive is left")
    multiplier_o: int = c_field("int32_t", "of the state as an output")
    shift_o: int = c_field("int32_t", "and its shift, positive is left")
    state_shift: int = c_field("int32_t", "fraction bits that the state lacks of 15")


class Gru(Sequence):
    name = "gru"
    kernel = "gru"
    Params = GruParams
    consts = (*WEIGHTS, SIGMOID)
    inputs = ("input", "state0")
    more = ("hidden", "state")
    accumulates = ("state0", "state")
    gates = 3
    first_is_hidden = False
    onnx = ("GRU",)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        attrs = {"reset_behind": bool(node.attrs.get("linear_before_reset", 0))}
        import_sequence(cls, node, draft, (0, 1, 2), ("Sigmoid", "Tanh"), attrs)

    @classmethod
    def real_step(cls, node: Node, d: int, x: Array, states: list[Array]) -> list[Array]:
        a, (hidden,) = node.attrs, states
        by_x = [x @ a["weights_x"][d, k].T + a["bias_x"][d, k] for k in range(3)]
        by_h = [hidden @ a["weights_h"][d, k].T + a["bias_h"][d, k] for k in range(3)]
        keep, reset = (1 / (1 + np.exp(-by_x[k] - by_h[k])) for k in range(2))
        gated = reset * by_h[2]
        if not a["reset_behind"]:
            gated = (reset * hidden) @ a["weights_h"][d, 2].T + a["bias_h"][d, 2]
        return [keep * hidden + (1 - keep) * np.tanh(by_x[2] + gated)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        out, state = graph.value(node.outputs[0]), graph.value(node.outputs[2])
        power = round(math.log2(state.scale))
        exact = state.dtype == "int16" and 2.0**power == state.scale and -15 <= power <= 0
        require(exact, "an int16 state of scale 2^-15 to 1", node, (state.dtype, state.scale))
        sums, consts = cls.sums(node, graph, 12)
        fields: dict[str, Any] = {}
        for gate, factor in (("g", 2.0**-15), ("o", 1.0)):
            multiplier, shift = fixed.split(factor * state.scale / out.scale, graph.one_rounding)
            fields |= {f"multiplier_{gate}": multiplier, f"shift_{gate}": shift}
        params = GruParams(
            **cls.walk(node, graph), **sums, **fields, reset_behind=int(node.attrs["reset_behind"]),
            state_shift=power + 15,
        )  # fmt: skip
        consts["sigmoid"] = recurrent.sigmoid_table()
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def held(cls, p: GruParams, state: Array) -> Array:
        return _shown(p, state, p.multiplier_o, p.shift_o)

    @classmethod
    def step(
        cls, p: GruParams, consts: Mapping[str, Array], d: int, by_x: list[Array], held: Array,
        states: list[Array],
    ) -> tuple[list[Array], Array]:  # fmt: skip
        table, (state,) = consts["sigmoid"], states
        by_h = cls.rescaled(p, consts, "h", d, held)
        keep, reset = (recurrent.sigmoid(saturate16(by_x[k] + by_h[k]), table) for k in range(2))
        if p.reset_behind:
            gated = fixed.rounding_shift(reset * saturate16(by_h[2]), 15)
        else:
            shown = _shown(p, reset * state, p.multiplier_g, p.shift_g)
            gated = cls.rescaled(p, consts, "h", d, shown)[2]
        fresh = recurrent.tanh(saturate16(by_x[2] + gated), 0, table)
        added = fixed.rounding_shift((32768 - keep) * fresh, p.state_shift)
        state = saturate16(fixed.rounding_shift(keep * state + added, 15))
        return [state], cls.held(p, state)

    @classmethod
    def cases(cls) -> list[Case]:
        return sequence_cases(cls, {"reset_behind": True}) + sequence_cases(
            cls, {"reset_behind": False}, only="reset_before"
        )


def _shown(p: GruParams, state: Array, multiplier: int, shift: int) -> Array:
    """A state in steps of the output."""
    return fixed.saturate(fixed.requantize(state, multiplier, shift) + p.output_zero).astype(
        np.int64
    )
