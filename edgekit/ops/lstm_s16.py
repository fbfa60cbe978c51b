"""Long short-term memory over a sequence, int16 activations and hidden state, int8 weights.

The steps are those of `lstm`, its sums over input and hidden state rescaled by `requantize_wide`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit import fixed
from edgekit.families import wide
from edgekit.graph import Graph, Node, Quant
from edgekit.op import Array, Case, Const, require
from edgekit.ops.lstm import Lstm


class LstmWide(Lstm):
    name = "lstm_s16"
    kernel = "lstm"
    element = "s16"
    wide = ""
    tflite = ()
    consts = (
        Const("weights_x", "int8_t", "[4][units][in_c]", weights=True),
        Const("weights_h", "int8_t", "[4][units][units]", weights=True),
        Const("bias_x", "int64_t", "[4][units]"),
        Const("bias_h", "int64_t", "[4][units], zeros"),
        Const("sigmoid", "int16_t", "[256], 1 / (1 + exp(-i / 24)) in Q0.16 less one half"),
    )
    dtype = "int16"
    tolerance = 200.0

    @classmethod
    def layer(cls, node: Node, graph: Graph, weights: Array, scales: Array) -> dict[str, Array]:
        consts, is_wide = wide.sums(node, graph, weights, scales)
        require(bool(is_wide), "biases of 64 bits", node, node.inputs[2:])
        return consts

    @classmethod
    def rescale(cls, total: fixed.Int, multiplier: int, shift: int) -> fixed.Int:
        return fixed.requantize_wide(total, multiplier, shift)

    @classmethod
    def narrow(cls, x: fixed.Int) -> Array:
        return fixed.saturate16(x)

    @classmethod
    def cases(cls) -> list[Case]:
        return [_case(case) for case in Lstm.cases()]


def _case(case: Case) -> Case:
    """The case with int16 input and hidden state, and biases of 64 bits."""
    values = dict(case.graph.values)
    for name in ("input", "hidden", "output"):
        scale = float(np.float32(values[name].scale / 256))
        values[name] = replace(values[name], dtype="int16", quant=Quant((scale,), (0,)))
    for k in range(4):
        bias = values[f"b{k}"]
        assert bias.data is not None
        quant = Quant((values["input"].scale * values[f"x{k}"].scale,), (0,))
        data = bias.data.astype(np.int64) * 256
        values[f"b{k}"] = replace(bias, dtype="int64", quant=quant, data=data)
    (node,) = case.graph.nodes
    hidden, cell = case.graph.states
    states = (replace(hidden, init=hidden.init.astype(np.int16)), cell)
    nodes = (replace(node, op="lstm_s16"),)
    return Case(case.name, replace(case.graph, values=values, nodes=nodes, states=states))
