"""Dense layer over a window of time, in low rank (SVDF).

    state[f] = state[f] moved on by one, its newest sat(requantize(x * feature[f]) + zero_state)
    out[u] = requantize(bias[u] + sum over the filters f of unit u of state[f] * time[f]) + zero_out

Each unit has `rank` filters. state is a variable [1, filters * memory], int8 or int16 as the weights over
time are, kept between inferences. Operands: input [1, I], feature weights [F, I], time weights [F, M],
bias [U] or absent. Factors are computed in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, case_random, single
from edgekit.families import recurrent
from edgekit.graph import Graph, IntNode, Node, Quant, State, Value, dequantized
from edgekit.op import Array, Case, Const, Cost, Op, Params, Shape, c_field, require


@dataclass(frozen=True)
class SvdfParams(Params):
    in_c: int = c_field("int32_t", "elements of the input")
    units: int = c_field("int32_t", "elements of the output")
    rank: int = c_field("int32_t", "filters of a unit")
    memory: int = c_field("int32_t", "steps that a filter keeps")
    wide: int = c_field("int32_t", "1 where the state is int16, 0 where it is int8")
    state_zero: int = c_field("int32_t", "zero point of the state")
    multiplier1: int = c_field("int32_t", "of the sums over the input")
    shift1: int = c_field("int32_t", "and its shift, positive is left")
    multiplier2: int = c_field("int32_t", "of the sums over time")
    shift2: int = c_field("int32_t", "and its shift, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")


class Svdf(Op):
    name = "svdf"
    kernel = "svdf"
    signature = "whole"
    Params = SvdfParams
    consts = (
        Const("feature", "int8_t", "[units * rank][in_c]", weights=True),
        Const("feature_bias", "int32_t", "[units * rank], zero point of the input folded in"),
        Const("time", "int16_t", "[units * rank][memory]", weights=True),
        Const("bias", "int32_t", "[units]"),
    )
    inputs = ("input", "state")
    states = ("state",)
    tflite = ("SVDF",)
    coupling = "mix"
    tolerance = 2.0

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        require(len(node.inputs) == 5, "input, two weights, bias and state", node, len(node.inputs))
        x, feature, time, bias, state = node.inputs
        for name in (feature, time, *([bias] if bias else [])):
            require(graph.const(name) is not None, "constant weights and bias", node, name)
        attrs = {"rank": int(node.attrs["rank"])}
        outputs = (node.outputs[0], state)
        return [Node(node.name, cls.name, (x, state, feature, time, bias), outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, state, feature, time = (graph.value(name).shape for name in node.inputs[:4])
        rank = node.attrs["rank"]
        fits = len(x) == 2 and x[0] == 1 and x[1] == feature[1] and feature[0] == time[0]
        require(fits and rank >= 1 and feature[0] % rank == 0, "one input [1, I] and filters for whole units",
                node, (x, feature, time, rank))  # fmt: skip
        return [(1, feature[0] // rank), state]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        feature, time = (dequantized(graph.value(name)) for name in node.inputs[2:4])
        state = inputs[1].reshape(time.shape)
        state = np.concatenate([state[:, 1:], (feature @ inputs[0].reshape(-1))[:, None]], axis=1)
        total = (state * time).sum(axis=1).reshape(-1, node.attrs["rank"]).sum(axis=1)
        if node.inputs[4]:
            total = total + dequantized(graph.value(node.inputs[4]))
        return [total[None], state.reshape(inputs[1].shape)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, state, feature, time = (graph.value(name) for name in node.inputs[:4])
        out, bias = graph.value(node.outputs[0]), graph.const(node.inputs[4])
        require(x.dtype == out.dtype == feature.dtype == "int8", "int8 activations and feature weights", node,
                (x.dtype, feature.dtype, out.dtype))  # fmt: skip
        recurrent.variable(node, graph, state.name, time.elements, ("int8", "int16"))
        require(
            time.dtype == state.dtype, "weights over time of the state's type", node, time.dtype
        )
        assert feature.data is not None
        assert time.data is not None
        a, b, c, d, e = (np.float32(v.scale) for v in (x, feature, state, time, out))
        multiplier1, shift1 = fixed.quantize_multiplier(float(a * b / c))
        multiplier2, shift2 = fixed.quantize_multiplier(float(c * d / e))
        require(shift2 <= 0, "an output scale above the state's times the weights'", node, e)
        shifts = np.full(len(feature.data), shift1, np.int8)
        nothing = np.zeros(len(feature.data), np.int32)
        fixed.prove_accumulator(feature.data, nothing, shifts, x.zero_point, f"node {node.name}")
        units = out.elements
        params = SvdfParams(
            x.elements, units, node.attrs["rank"], time.shape[1], int(state.dtype == "int16"),
            state.zero_point, multiplier1, shift1, multiplier2, shift2, out.zero_point,
        )  # fmt: skip
        folded = -x.zero_point * feature.data.sum(axis=1, dtype=np.int64)
        consts = {
            "feature": feature.data, "feature_bias": folded.astype(np.int32),
            "time": time.data.astype(np.int16),
            "bias": np.zeros(units, np.int32) if bias is None else bias.reshape(units),
        }  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs[:2], node.outputs, consts)

    @classmethod
    def run(cls, p: SvdfParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        n, dtype = len(inputs[0]), np.int16 if p.wide else np.int8
        x = inputs[0].reshape(n, p.in_c).astype(np.int64)
        newest = x @ consts["feature"].T.astype(np.int64) + consts["feature_bias"]
        newest = fixed.requantize(newest, p.multiplier1, p.shift1) + p.state_zero
        newest = np.clip(newest, np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)
        state = inputs[1].reshape(n, p.units * p.rank, p.memory)
        state = np.concatenate([state[:, :, 1:], newest[:, :, None]], axis=2)
        products = (state.astype(np.int64) - p.state_zero) * consts["time"]
        total = products.reshape(n, p.units, -1).sum(axis=2) + consts["bias"]
        total = np.clip(total, fixed.INT32_MIN, fixed.INT32_MAX)
        out = fixed.requantize(total, p.multiplier2, p.shift2) + p.output_zero
        return [fixed.saturate(out), state]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, SvdfParams)
        return Cost(macs=p.units * p.rank * (p.in_c + p.memory))

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            _case("wide", 9, 4, 2, 5, "int16"),
            _case("narrow", 6, 5, 1, 8, "int8"),
            _case("single", 1, 1, 1, 1, "int8"),
        ]


def _case(name: str, in_c: int, units: int, rank: int, memory: int, dtype: str) -> Case:
    rng = case_random(Svdf, name)
    filters = units * rank
    x = activation("input", (1, in_c), 0.05, 3)
    narrow = dtype == "int8"
    state = activation(
        "state", (1, filters * memory), 0.05 if narrow else 0.002, 7 if narrow else 0, dtype
    )
    feature = rng.integers(-127, 128, (filters, in_c)).astype(np.int8)
    time = rng.integers(-127, 128, (filters, memory)).astype(dtype)
    bias = rng.integers(-500, 500, units).astype(np.int32)
    scale = float(np.float32(0.008)), float(np.float32(0.006))
    operands = [
        x, state, Value("feature", feature.shape, "int8", Quant((scale[0],), (0,)), feature),
        Value("time", time.shape, dtype, Quant((scale[1],), (0,)), time),
        Value("bias", bias.shape, "int32", Quant((state.scale * scale[1],), (0,)), bias),
    ]  # fmt: skip
    output = activation(
        "output", (1, units), (0.05 if narrow else 0.25) * (rank * memory) ** 0.5, -5
    )
    made = single(Svdf, name, operands, [output, state], {"rank": rank})
    states = (State("state", np.zeros(state.shape, dtype)),)
    return Case(name, replace(made.graph, states=states, outputs=("output",)))
