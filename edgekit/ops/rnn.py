"""Simple recurrent layer over a sequence (RNN), int8: tanh or a rectifier.

    hidden = out = requantize(tanh(sum)) + zero_out          sum in Q3.12
    hidden = out = requantize(max(sum, 0)) + zero_out        sum with as many bits as the output leaves it

with the sum of `edgekit/families/sequence.py`. Attribute `rectify`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit import fixed
from edgekit.families import recurrent
from edgekit.families.recurrent import saturate16
from edgekit.families.sequence import SIGMOID, WEIGHTS, Sequence, SequenceParams
from edgekit.families.sequence_cases import sequence_cases
from edgekit.families.sequence_onnx import import_sequence
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, c_field

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class RnnParams(SequenceParams):
    multiplier_x: tuple[int, ...] = c_field(
        "int32_t", "of the sums over the input, per direction", 2
    )
    shift_x: tuple[int, ...] = c_field("int32_t", "and their shifts, positive is left", 2)
    multiplier_h: tuple[int, ...] = c_field("int32_t", "of the sums over the hidden state", 2)
    shift_h: tuple[int, ...] = c_field("int32_t", "and their shifts, positive is left", 2)
    rectify: int = c_field("int32_t", "1 for a rectifier, 0 for tanh")
    multiplier_o: int = c_field("int32_t", "of what tanh or the rectifier gives")
    shift_o: int = c_field("int32_t", "and its shift, positive is left")


class Rnn(Sequence):
    name = "rnn"
    kernel = "rnn"
    Params = RnnParams
    consts = (*WEIGHTS, SIGMOID)
    inputs = ("input", "hidden0")
    more = ("hidden",)
    saturation = 0.7
    onnx = ("RNN",)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        rectify = "relu" in [str(name).lower() for name in node.attrs.get("activations", [])]
        functions = ("Relu",) if rectify else ("Tanh",)
        import_sequence(cls, node, draft, (0,), functions, {"rectify": rectify})

    @classmethod
    def real_step(cls, node: Node, d: int, x: Array, states: list[Array]) -> list[Array]:
        a = node.attrs
        total = x @ a["weights_x"][d, 0].T + a["bias_x"][d, 0]
        total = total + states[0] @ a["weights_h"][d, 0].T + a["bias_h"][d, 0]
        return [np.maximum(total, 0) if a["rectify"] else np.tanh(total)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        out, rectify = graph.value(node.outputs[0]), node.attrs["rectify"]
        # The largest output fits 15 bits, and so does a sum as far as it shows.
        largest = out.scale * (127 - out.zero_point)
        fraction = 15 - math.frexp(largest)[1] if rectify else 12
        sums, consts = cls.sums(node, graph, fraction)
        factor = 2.0**-fraction if rectify else 2.0**-15
        multiplier, shift = fixed.quantize_multiplier(factor / out.scale)
        params = RnnParams(
            **cls.walk(node, graph), **sums, rectify=int(rectify), multiplier_o=multiplier, shift_o=shift,
        )  # fmt: skip
        consts["sigmoid"] = recurrent.sigmoid_table()
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def step(
        cls, p: RnnParams, consts: Mapping[str, Array], d: int, by_x: list[Array], held: Array,
        states: list[Array],
    ) -> tuple[list[Array], Array]:  # fmt: skip
        (by_h,) = cls.rescaled(p, consts, "h", d, held)
        total = saturate16(by_x[0] + by_h)
        total = np.maximum(total, 0) if p.rectify else recurrent.tanh(total, 0, consts["sigmoid"])
        shown = fixed.requantize(total, p.multiplier_o, p.shift_o) + p.output_zero
        hidden = fixed.saturate(shown).astype(np.int64)
        return [hidden], hidden

    @classmethod
    def cases(cls) -> list[Case]:
        return sequence_cases(cls, {"rectify": False}) + sequence_cases(
            cls, {"rectify": True}, only="rectified"
        )
