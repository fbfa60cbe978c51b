"""Long short-term memory over a sequence, from given states to the last ones (LSTM), int8 with an int16 cell.

With gates k = forget, input, cell and output, and their sums as `edgekit/families/sequence.py` has them (Q3.12):

    cell = clip(sat(requantize(sigmoid(sum_f) * cell)) + sat(requantize(sigmoid(sum_i) * tanh(sum_c))))
    hidden = out = requantize(tanh(cell) * sigmoid(sum_o)) + zero_out

Attribute `clip`: the largest magnitude of the cell, 0 for none.
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
class LstmSequenceParams(SequenceParams):
    multiplier_x: tuple[int, ...] = c_field("int32_t", "of the sums over the input, per gate", 8)
    shift_x: tuple[int, ...] = c_field("int32_t", "and their shifts, positive is left", 8)
    multiplier_h: tuple[int, ...] = c_field("int32_t", "of the sums over the hidden state", 8)
    shift_h: tuple[int, ...] = c_field("int32_t", "and their shifts, positive is left", 8)
    multiplier_f: int = c_field("int32_t", "of the forget gate times the cell")
    shift_f: int = c_field("int32_t", "and its shift, positive is left")
    multiplier_i: int = c_field("int32_t", "of the input gate times the cell gate")
    shift_i: int = c_field("int32_t", "and its shift, positive is left")
    multiplier_o: int = c_field("int32_t", "of the output gate times tanh of the cell")
    shift_o: int = c_field("int32_t", "and its shift, positive is left")
    cell_shift: int = c_field("int32_t", "fraction bits that the cell lacks of 12")
    clip: int = c_field("int32_t", "largest magnitude of the cell")


class LstmSequence(Sequence):
    name = "lstm_sequence"
    kernel = "lstm_sequence"
    Params = LstmSequenceParams
    consts = (*WEIGHTS, SIGMOID)
    inputs = ("input", "hidden0", "cell0")
    more = ("hidden", "cell")
    accumulates = ("cell0", "cell")
    gates = 4
    onnx = ("LSTM",)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        functions = ("Sigmoid", "Tanh", "Tanh")
        import_sequence(cls, node, draft, (2, 0, 3, 1), functions, {"clip": 0.0})

    @classmethod
    def real_step(cls, node: Node, d: int, x: Array, states: list[Array]) -> list[Array]:
        (hidden, cell), a = states, node.attrs
        sums = [
            x @ a["weights_x"][d, k].T + a["bias_x"][d, k] + hidden @ a["weights_h"][d, k].T + a["bias_h"][d, k]
            for k in range(4)
        ]  # fmt: skip
        forget, keep, show = (1 / (1 + np.exp(-sums[k])) for k in (0, 1, 3))
        cell = forget * cell + keep * np.tanh(sums[2])
        if a["clip"] > 0:
            cell = np.clip(cell, -a["clip"], a["clip"])
        return [np.tanh(cell) * show, cell]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        out, cell = graph.value(node.outputs[0]), graph.value(node.outputs[2])
        power = round(math.log2(cell.scale))
        exact = cell.dtype == "int16" and 2.0**power == cell.scale and -15 <= power <= -6
        require(exact, "an int16 cell of scale 2^-15 to 2^-6", node, (cell.dtype, cell.scale))
        sums, consts = cls.sums(node, graph, 12)
        fields: dict[str, Any] = {}
        clip = node.attrs["clip"]
        for gate, factor in (
            ("f", 2.0**-15), ("i", 2.0**-30 / cell.scale), ("o", 2.0**-30 / out.scale),
        ):  # fmt: skip
            multiplier, shift = fixed.quantize_multiplier(factor)
            fields |= {f"multiplier_{gate}": multiplier, f"shift_{gate}": shift}
        params = LstmSequenceParams(
            **cls.walk(node, graph), **sums, **fields, cell_shift=power + 12,
            clip=int(min(clip / cell.scale, 32767)) if clip > 0 else 32768,
        )  # fmt: skip
        consts["sigmoid"] = recurrent.sigmoid_table()
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def step(
        cls, p: LstmSequenceParams, consts: Mapping[str, Array], d: int, by_x: list[Array], held: Array,
        states: list[Array],
    ) -> tuple[list[Array], Array]:  # fmt: skip
        table, cell = consts["sigmoid"], states[1]
        by_h = cls.rescaled(p, consts, "h", d, held)
        sums = [saturate16(a + b) for a, b in zip(by_x, by_h, strict=True)]
        forget, keep, show = (recurrent.sigmoid(sums[k], table) for k in (0, 1, 3))
        kept = saturate16(fixed.requantize(forget * cell, p.multiplier_f, p.shift_f))
        new = keep * recurrent.tanh(sums[2], 0, table)
        cell = kept + saturate16(fixed.requantize(new, p.multiplier_i, p.shift_i))
        cell = np.clip(saturate16(cell), -p.clip, p.clip)
        product = recurrent.tanh(cell, p.cell_shift, table) * show
        shown = fixed.requantize(product, p.multiplier_o, p.shift_o) + p.output_zero
        hidden = fixed.saturate(shown).astype(np.int64)
        return [hidden, cell], hidden

    @classmethod
    def cases(cls) -> list[Case]:
        return sequence_cases(cls, {"clip": 0.0}) + sequence_cases(
            cls, {"clip": 0.5}, only="single"
        )
