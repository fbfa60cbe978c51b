"""One-node canonical graphs for the operators' `cases`: seeded, boundary-rich, rarely saturating."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.graph import Graph, Node, Quant, Value
from edgekit.op import Case, Op, Shape


def activation(
    name: str, shape: Shape, scale: float = 0.05, zero: int = 0, dtype: str = "int8"
) -> Value:
    """A per-tensor quantized activation."""
    return Value(name, shape, dtype, Quant((float(np.float32(scale)),), (zero,)))


def single(op: type[Op], name: str, inputs: Sequence[Value], outputs: Sequence[Value],
           attrs: Mapping[str, Any] | None = None) -> Case:  # fmt: skip
    """A graph of one node; constant inputs become constants, the others graph inputs."""
    node = Node(
        name, op.name, tuple(v.name for v in inputs), tuple(v.name for v in outputs), attrs or {}
    )
    values = {v.name: v for v in (*inputs, *outputs) if v.name}
    graph_inputs = tuple(v.name for v in inputs if v.name and v.data is None)
    graph = Graph(f"{op.name}_{name}", values, (node,), graph_inputs, node.outputs)
    return Case(name, graph)


def case_random(op: type[Op], name: str) -> np.random.Generator:
    """A generator that depends on the case's own name alone."""
    return np.random.default_rng(zlib.crc32(f"{op.name}/{name}".encode()))


def weighted_case(op: type[Op], name: str, x_shape: Shape, w_shape: Shape, attrs: Mapping[str, Any], *,
                  input_zero: int = 3, per_channel: bool = True, bias: bool = True,
                  channel_axis: int = 0, smallest: int = -128, one_rounding: bool = False) -> Case:  # fmt: skip
    """A case of an operator with weights, scaled so that under a fifth of the outputs saturate.

    smallest: of the weights; one_rounding: of the graph.
    """
    rng = case_random(op, name)
    channels = w_shape[channel_axis]
    w = rng.integers(smallest, 128, w_shape).astype(np.int8)
    count = channels if per_channel else 1
    w_scale = tuple(float(np.float32(s)) for s in rng.uniform(0.004, 0.02, count))
    axis = channel_axis if per_channel and channels > 1 else None
    weights = Value("weights", w_shape, "int8", Quant(w_scale, (0,) * count, axis), w)
    taps = w.size // channels
    spread = np.sqrt(taps) * 74.0 * (74.0 + abs(input_zero)) * 0.05 * 0.012
    x = activation("input", x_shape, 0.05, input_zero)
    operands = [x, weights]
    if bias:
        b = rng.integers(-3000, 3000, channels).astype(np.int32)
        operands.append(Value("bias", (channels,), "int32", None, b))
    draft = activation("output", (1,), spread / 60.0, -5)
    probe = single(op, name, operands, [draft], attrs)
    (shape,) = op.shapes(probe.graph.nodes[0], probe.graph)
    case = single(op, name, operands, [activation("output", shape, spread / 60.0, -5)], attrs)
    return Case(name, replace(case.graph, one_rounding=one_rounding))


def nine_bit_case(op: type[Op], name: str, x_shape: Shape, w_shape: Shape, attrs: Mapping[str, Any],
                  zero: int, channel_axis: int = 0) -> Case:  # fmt: skip
    """A `weighted_case` whose weights are bytes less their zero point, both ends of the range among them."""
    case = weighted_case(
        op, name, x_shape, w_shape, attrs, per_channel=False, channel_axis=channel_axis
    )
    drawn = case_random(op, f"{name}/weights").normal(zero, 30, w_shape)
    raw = np.clip(drawn, 0, 255).astype(np.int16)
    raw.reshape(-1)[[0, raw.size // 2, -1]] = (0, 255, 0)
    weights = replace(case.graph.value("weights"), dtype="int16", data=raw - np.int16(zero))
    return Case(name, replace(case.graph, values={**case.graph.values, "weights": weights}))


def four_bit_cases(op: type[Op], base: type[Op], names: str) -> list[Case]:
    """These cases of `base`, with weights of -8..7 for `op`."""
    wanted = names.split()
    return [_of_four_bits(op, c) for c in base.cases() if c.name in wanted]


def _of_four_bits(op: type[Op], case: Case) -> Case:
    """Weights, sums and the output's steps a sixteenth of what they were."""
    graph, values = case.graph, dict(case.graph.values)
    for name in ("weights", "bias", "output"):
        value = values.get(name)
        if value is None:
            continue
        quant, data = value.quant, value.data
        if name == "output" and quant is not None:
            quant = replace(quant, scale=(float(np.float32(quant.scale[0] / 12)),))
        if data is not None:
            data = (data.astype(np.int32) // 16).astype(data.dtype)
        if name == "weights" and quant is not None:
            quant = replace(quant, bits=4)
        values[name] = replace(value, quant=quant, data=data)
    return Case(case.name, replace(graph, name=f"{op.name}_{case.name}", values=values))


# Alphabets of weights and the share of zeros: one for each kind of code (see families/coding.py).
_CODED: Sequence[tuple[Sequence[int], float]] = (
    (range(-128, 128), 0.0),
    ((-77, -5, 9, 101), 0.0),
    ((-90, 31), 0.6),
    (range(-100, 101, 12), 0.8),
    ((-3, -2, -1, 1, 2, 3, 90), 0.3),
    ((64,), 0.0),
)


def coded_cases(op: type[Op], base: type[Op], names: str) -> list[Case]:
    """These cases of `base`, with weights of every kind of code in turn and a channel of zeros."""
    wanted = [c for c in base.cases() if c.name in names.split()]
    return [_with_alphabet(op, c, *_CODED[i % len(_CODED)]) for i, c in enumerate(wanted)]


def _with_alphabet(op: type[Op], case: Case, alphabet: Sequence[int], zeros: float) -> Case:
    graph, rng = case.graph, case_random(op, f"{case.name}/weights")
    (node,), weights, out = graph.nodes, graph.value("weights"), graph.value("output")
    drawn = rng.choice(np.array(alphabet), weights.shape) * (rng.random(weights.shape) >= zeros)
    channels = np.moveaxis(drawn, op.channel_axis or 0, 0)
    if len(channels) > 2:
        channels[len(channels) // 2] = 0
    # Sums as large as those of the case's own weights, which were drawn evenly about 0.
    zero, flat = abs(graph.value("input").zero_point), channels.reshape(len(channels), -1)
    norm, mean = np.sqrt((flat**2).sum(axis=1)), np.abs(flat.sum(axis=1))
    louder = (
        1.6 * float((norm * 74 + mean * zero).max()) / (np.sqrt(flat.shape[1]) * 74 * (74 + zero))
    )
    assert out.quant is not None
    quant = replace(out.quant, scale=(float(np.float32(out.quant.scale[0] * louder)),))
    values = {**graph.values, "weights": replace(weights, data=drawn.astype(np.int8)),
              "output": replace(out, quant=quant)}  # fmt: skip
    name = f"{op.name}_{case.name}"
    return Case(
        case.name, replace(graph, name=name, values=values, nodes=(replace(node, op=op.name),))
    )
