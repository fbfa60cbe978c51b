"""Long short-term memory over a sequence (UNIDIRECTIONAL_SEQUENCE_LSTM), int8 with an int16 cell.

For each step of the sequence, with gates k = forget, input, cell and output:

    sum_k = sat16(sat16(requantize(x * Wx_k + bx_k)) + sat16(requantize(hidden * Wh_k + bh_k)))
    cell = clip(sat16(requantize(sigmoid(sum_f) * cell) + requantize(sigmoid(sum_i) * tanh(sum_c))))
    hidden = out = requantize(tanh(cell) * sigmoid(sum_o)) + zero_out

Sums are Q3.12, gates Q0.15 (`edgekit/families/recurrent.py`). hidden and cell are variables, kept between
inferences. Operands: input [1, T, I], or [T, 1, I] with time first; weights [S, I] and [S, S]; biases [S].
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, case_random, single
from edgekit.families import recurrent, weighted
from edgekit.families.recurrent import saturate16
from edgekit.graph import Graph, IntNode, Node, Quant, State, Value, dequantized
from edgekit.op import Array, Case, Const, Cost, Op, Params, Shape, c_field, require
from edgekit.sketch import Sketch

_OPERANDS = 24
_GATES = (2, 1, 3, 4)  # forget, input, cell, output: place of the weights on the input
_RECURRENT, _BIAS, _HIDDEN, _CELL = 4, 11, 18, 19
_UNUSED = {9: "peepholes", 16: "a projection", 20: "layer normalization"}


@dataclass(frozen=True)
class LstmParams(Params):
    steps: int = c_field("int32_t", "steps of the sequence")
    in_c: int = c_field("int32_t", "elements of a step")
    units: int = c_field("int32_t", "elements of the hidden state and of the cell")
    multiplier_x: tuple[int, ...] = c_field("int32_t", "of the sums over the input, per gate", 4)
    shift_x: tuple[int, ...] = c_field("int32_t", "and their shifts, positive is left", 4)
    multiplier_h: tuple[int, ...] = c_field("int32_t", "of the sums over the hidden state", 4)
    shift_h: tuple[int, ...] = c_field("int32_t", "and their shifts, positive is left", 4)
    multiplier_f: int = c_field("int32_t", "of the forget gate times the cell")
    shift_f: int = c_field("int32_t", "and its shift, positive is left")
    multiplier_i: int = c_field("int32_t", "of the input gate times the cell gate")
    shift_i: int = c_field("int32_t", "and its shift, positive is left")
    multiplier_o: int = c_field("int32_t", "of the output gate times tanh of the cell")
    shift_o: int = c_field("int32_t", "and its shift, positive is left")
    cell_shift: int = c_field("int32_t", "fraction bits that the cell lacks of 12")
    clip: int = c_field("int32_t", "largest magnitude of the cell")
    output_zero: int = c_field("int32_t", "zero point of the hidden state")


class Lstm(Op):
    name = "lstm"
    wide: ClassVar[str] = "lstm_s16"
    # Of input, hidden state and output.
    dtype: ClassVar[str] = "int8"
    kernel = "lstm"
    signature = "whole"
    Params = LstmParams
    consts: ClassVar[tuple[Const, ...]] = (
        Const("weights_x", "int8_t", "[4][units][in_c]", weights=True),
        Const("weights_h", "int8_t", "[4][units][units]", weights=True),
        Const("bias_x", "int32_t", "[4][units], zero point of the input folded in"),
        Const("bias_h", "int32_t", "[4][units], zero point of the hidden state folded in"),
        Const("sigmoid", "int16_t", "[256], 1 / (1 + exp(-i / 24)) in Q0.16 less one half"),
    )
    inputs = ("input", "hidden", "cell")
    states = ("hidden", "cell")
    tflite: ClassVar[tuple[str, ...]] = ("UNIDIRECTIONAL_SEQUENCE_LSTM",)
    instead: ClassVar[Mapping[str, str]] = {
        "LSTM": "convert with TensorFlow 2.4 or newer, which writes that one for a Keras LSTM",
        "BIDIRECTIONAL_SEQUENCE_LSTM": "two of them, one between two REVERSE_V2, and a CONCATENATION",
        "*RNN": "train the layer as an LSTM, or unroll its steps into FULLY_CONNECTED and TANH",
    }
    coupling = "mix"
    tolerance: ClassVar[float] = 3.0

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        names = [*node.inputs, *[""] * (_OPERANDS - len(node.inputs))]
        for first, what in _UNUSED.items():
            last = {9: 12, 16: 18, 20: 24}[first]
            require(not any(names[first:last]), f"no {what}", node, names[first:last])
        kind = node.attrs["fused_activation_function"]
        require(kind == "TANH", "a cell gate of tanh", node, kind)
        weights = [
            names[i]
            for i in (*_GATES, *(i + _RECURRENT for i in _GATES), *(i + _BIAS for i in _GATES))
        ]
        # The biases stand in the order of the weights: input, forget, cell, output.
        for name in weights:
            require(bool(name) and graph.const(name) is not None, "constant weights and biases of four gates",
                    node, name or "absent")  # fmt: skip
        hidden, cell = names[_HIDDEN], names[_CELL]
        if graph.value(names[0]).dtype == "float32":
            return _from_variables(node, graph, weights, hidden, cell)
        operands = (names[0], hidden, cell, *weights)
        outputs = (node.outputs[0], hidden, cell)
        attrs = {
            "clip": float(node.attrs["cell_clip"]),
            "time_first": bool(node.attrs["time_major"]),
        }
        return [Node(node.name, cls.name, operands, outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, hidden, cell, weights, *_ = (graph.value(name).shape for name in node.inputs)
        batch = 1 if node.attrs["time_first"] else 0
        require(len(x) == 3 and x[batch] == 1, "one sequence [1, T, I]", node, x)
        return [(*x[:2], weights[0]), hidden, cell]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x, hidden, cell = (array.reshape(-1) for array in inputs)
        real = [dequantized(graph.value(name)) for name in node.inputs[3:]]
        (shape, hidden_shape, cell_shape), units = cls.shapes(node, graph), len(hidden)
        out = []
        for step in x.reshape(-1, real[0].shape[1]):
            sums = [real[k] @ step + real[4 + k] @ hidden + real[8 + k] for k in range(4)]
            forget, keep, show = (1 / (1 + np.exp(-sums[k])) for k in (0, 1, 3))
            cell = forget * cell + keep * np.tanh(sums[2])
            if node.attrs["clip"] > 0:
                cell = np.clip(cell, -node.attrs["clip"], node.attrs["clip"])
            hidden = np.tanh(cell) * show
            out.append(hidden)
        assert len(out[0]) == units
        return [
            np.stack(out).reshape(shape),
            hidden.reshape(hidden_shape),
            cell.reshape(cell_shape),
        ]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        types = (x.dtype, out.dtype)
        require(types == (cls.dtype, cls.dtype), f"{cls.dtype} activations", node, types)
        weights = [graph.value(name) for name in node.inputs[3:]]
        units, in_c = weights[0].shape
        hidden = recurrent.variable(node, graph, node.inputs[1], units, (cls.dtype,))
        cell = recurrent.variable(node, graph, node.inputs[2], units, ("int16",))
        require(
            hidden.quant == out.quant, "one scale for hidden state and output", node, hidden.quant
        )
        power = round(math.log2(cell.scale))
        require(
            2.0**power == cell.scale and -15 <= power <= -6,
            "a cell scale of 2^-15 to 2^-6",
            node,
            cell.scale,
        )
        over_x = cls.gates(node, graph, x, weights[:4], weights[8:])
        over_h = cls.gates(node, graph, hidden, weights[4:8], [])
        forget = fixed.quantize_multiplier(2.0**-15)
        keep = fixed.quantize_multiplier(2.0**-30 / cell.scale)
        show = fixed.quantize_multiplier(2.0**-30 / hidden.scale)
        clip = node.attrs["clip"]
        params = LstmParams(
            x.elements // in_c, in_c, units, over_x.multiplier, over_x.shift, over_h.multiplier,
            over_h.shift, *forget, *keep, *show, cell_shift=power + 12, output_zero=hidden.zero_point,
            clip=int(min(clip / cell.scale, 32767)) if clip > 0 else 32768,
        )  # fmt: skip
        consts = {
            "weights_x": over_x.weights, "bias_x": over_x.bias, "weights_h": over_h.weights,
            "bias_h": over_h.bias, "sigmoid": recurrent.sigmoid_table(),
        }  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs[:3], node.outputs, consts)

    @classmethod
    def run(cls, p: LstmParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        table, n = consts["sigmoid"], len(inputs[0])
        x = inputs[0].reshape(n, p.steps, p.in_c).astype(np.int64)
        hidden, cell = (state.reshape(n, p.units).astype(np.int64) for state in inputs[1:])
        out = np.empty((n, p.steps, p.units), cls.dtype)
        for t in range(p.steps):
            sums = []
            for k in range(4):
                by_x = x[:, t] @ consts["weights_x"][k].T.astype(np.int64) + consts["bias_x"][k]
                by_h = hidden @ consts["weights_h"][k].T.astype(np.int64) + consts["bias_h"][k]
                first = saturate16(cls.rescale(by_x, p.multiplier_x[k], p.shift_x[k]))
                second = saturate16(cls.rescale(by_h, p.multiplier_h[k], p.shift_h[k]))
                sums.append(saturate16(first + second))
            forget, keep, show = (recurrent.sigmoid(sums[k], table) for k in (0, 1, 3))
            new = keep * recurrent.tanh(sums[2], 0, table)
            kept = saturate16(fixed.requantize(forget * cell, p.multiplier_f, p.shift_f))
            cell = kept + saturate16(fixed.requantize(new, p.multiplier_i, p.shift_i))
            cell = np.clip(saturate16(cell), -p.clip, p.clip)
            product = recurrent.tanh(cell, p.cell_shift, table) * show
            shown = fixed.requantize(product, p.multiplier_o, p.shift_o) + p.output_zero
            out[:, t] = cls.narrow(shown)
            hidden = out[:, t].astype(np.int64)
        return [out, hidden.astype(cls.dtype), cell.astype(np.int16)]

    @classmethod
    def rescale(cls, total: fixed.Int, multiplier: int, shift: int) -> fixed.Int:
        """A sum over input or hidden state in Q3.12."""
        return fixed.requantize(total, multiplier, shift)

    @classmethod
    def narrow(cls, x: fixed.Int) -> Array:
        """The hidden state, clamped to its type."""
        return fixed.saturate(x)

    @classmethod
    def gates(
        cls, node: Node, graph: Graph, x: Value, weights: Sequence[Value], biases: Sequence[Value]
    ) -> Sums:
        """The sums in Q3.12. Raises EK302 where one could overflow."""
        parts = []
        for k, w in enumerate(weights):
            require(w.shape == (weights[0].shape[0], x.shape[-1]) and w.quant is not None and not w.quant.per_channel,
                    "weights of one shape and one scale", node, (w.shape, w.quant))  # fmt: skip
            target = replace(x, name="~sum", quant=Quant((2.0**-12,), (0,)))
            operands = (x.name, w.name, *(b.name for b in biases[k : k + 1]))
            probe = Node(node.name, "lstm", operands, (target.name,))
            known = replace(graph, values={**graph.values, target.name: target}, one_rounding=False)
            scales = weighted.effective_scales(probe, known, channel_axis=0)
            assert w.data is not None
            parts.append(cls.layer(probe, known, w.data, scales))
        return Sums(
            np.stack([part["weights"] for part in parts]), np.stack([part["bias"] for part in parts]),
            tuple(int(part["multiplier"][0]) for part in parts), tuple(int(part["shift"][0]) for part in parts),
        )  # fmt: skip

    @classmethod
    def layer(cls, node: Node, graph: Graph, weights: Array, scales: Array) -> dict[str, Array]:
        """Weights, bias, multiplier and shift of one gate's sums over one operand."""
        return weighted.integer_consts(node, graph, weights, scales)

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, LstmParams)
        return Cost(macs=4 * p.steps * p.units * (p.in_c + p.units))

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            _case("sequence", 5, 7, 6, 10.0),
            _case("one_step", 1, 9, 4, 0.0),
            _case("single", 3, 1, 1, 0.5),
        ]


class Sums(NamedTuple):
    """The four gates' sums over one operand: constants [4, units, ...] and rescaling per gate."""

    weights: Array
    bias: Array
    multiplier: tuple[int, ...]
    shift: tuple[int, ...]


def _from_variables(
    node: Node, graph: Graph, weights: list[str], hidden: str, cell: str
) -> list[Node]:
    """In real numbers: a layer from given states, which are read from variables and written back."""
    real = [np.asarray(dequantized(graph.value(name)), np.float64) for name in weights]
    units = real[0].shape[0]
    kinds = ("weights_x", "weights_h", "bias_x")
    attrs: dict[str, Any] = {
        kind: np.stack(real[4 * i : 4 * i + 4])[None] for i, kind in enumerate(kinds)
    }
    attrs |= {
        "bias_h": np.zeros((1, 4, units)), "clip": float(node.attrs["cell_clip"]), "backward": False,
        "batch_first": not node.attrs["time_major"],
    }  # fmt: skip
    sketch = Sketch(node, graph)
    states = [
        sketch.reshape(sketch.add("read_variable", [name]), (1, 1, units))
        for name in (hidden, cell)
    ]
    operands = [node.inputs[0], *states]
    made = sketch.add_all("lstm_sequence", operands, attrs)
    sketch.reshape(made[0], graph.value(node.outputs[0]).shape, node.outputs[0])
    for name, last in zip((hidden, cell), made[1:], strict=True):
        flat = sketch.reshape(last, graph.value(name).shape)
        sketch.add("assign_variable", [flat], output=name)
    return sketch.nodes


def _case(name: str, steps: int, in_c: int, units: int, clip: float) -> Case:
    """A sequence with random weights; the variables are inputs like others."""
    rng = case_random(Lstm, name)
    x, hidden = (
        activation("input", (1, steps, in_c), 0.02, 3),
        activation("hidden", (1, units), 1 / 128, -3),
    )
    cell = activation("cell", (1, units), 2.0**-12, 0, "int16")

    def weight(label: str, columns: int) -> Value:
        data = rng.integers(-127, 128, (units, columns)).astype(np.int8)
        return Value(
            label,
            data.shape,
            "int8",
            Quant((float(np.float32(0.5 / 127 / columns**0.5)),), (0,)),
            data,
        )

    weights = [weight(f"x{k}", in_c) for k in range(4)] + [weight(f"h{k}", units) for k in range(4)]
    biases = []
    for k in range(4):
        quant = Quant((x.scale * weights[k].scale,), (0,))
        data = rng.integers(-9000, 9000, units).astype(np.int32)
        biases.append(Value(f"b{k}", data.shape, "int32", quant, data))
    operands = [x, hidden, cell, *weights, *biases]
    outputs = [activation("output", (1, steps, units), 1 / 128, -3), hidden, cell]
    made = single(Lstm, name, operands, outputs, {"clip": clip, "time_first": False})
    states = tuple(State(v.name, np.zeros(v.shape, v.dtype)) for v in (hidden, cell))
    return Case(name, replace(made.graph, states=states, outputs=("output",)))
