"""Random networks of every operator that keeps channels apart or mixes them, many constant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.cases import activation
from edgekit.families.window import tflite_axis, window_attrs
from edgekit.graph import Graph, IntGraph, Node, Quant, State, Value, limits
from edgekit.lowering import lower
from edgekit.op import load_ops

Array = np.ndarray


class Net:
    """Grows a canonical graph with weights of which many make constant channels."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.one_rounding = seed % 2 == 1
        self.values: dict[str, Value] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []

    def tensor(self, shape: tuple[int, ...], like: str = "") -> str:
        """A new activation, with the scale and zero point of another where `like` names it."""
        zero = int(self.rng.choice([-128, 0, 5, 127]))
        scale = float(self.rng.choice([0.04, 0.05]))
        if like:
            scale, zero = self.values[like].scale, self.values[like].zero_point
        name = f"t{len(self.values)}"
        self.values[name] = activation(name, shape, scale, zero)
        return name

    def input(self, shape: tuple[int, ...]) -> str:
        self.inputs.append(self.tensor(shape))
        return self.inputs[-1]

    def constant(self, data: Array, scale: tuple[float, ...] = (), axis: int | None = None) -> str:
        name = f"c{len(self.values)}"
        quant = Quant(scale, (0,) * len(scale), axis) if scale else None
        self.values[name] = Value(name, data.shape, str(data.dtype), quant, data)
        return name

    def add(self, op: str, inputs: list[str], *, like: str = "", **attrs: Any) -> str:
        node = Node(f"{op}_{len(self.nodes)}", op, tuple(inputs), ("?",), attrs)
        graph = Graph("net", self.values, (), (), ())
        (shape,) = load_ops()[op].shapes(node, graph)
        out = self.tensor(shape, like)
        self.nodes.append(Node(node.name, op, node.inputs, (out,), attrs))
        return out

    def weighted(self, op: str, x: str, shape: tuple[int, ...], axis: int, **attrs: Any) -> str:
        """A third of the channels is pushed beyond the clamp, a third of the weights is zero."""
        w = self.rng.integers(-128, 128, shape).astype(np.int8)
        if self.rng.integers(2):
            w[..., self.rng.random(shape[-1]) < 0.3] = 0
        if axis == 0:
            w[self.rng.random(shape[0]) < 0.2] = 0
        count, taps = shape[axis], w.size // shape[axis]
        reach = 1.3 * np.sqrt(taps) * 74 * 128
        bias = self.rng.integers(-2000, 2000, count)
        bias += (reach * self.rng.choice([-9, -2, 0, 0, 0, 2, 9], count)).astype(np.int64)
        scale = tuple(float(np.float32(s)) for s in self.rng.uniform(0.5, 2.0, count) * 60 / reach)
        weights = self.constant(w, scale, axis if count > 1 else None)
        attrs = {"activation": str(self.rng.choice(["NONE", "RELU", "RELU6"])), **attrs}
        return self.add(op, [x, weights, self.constant(bias.astype(np.int32))], **attrs)

    def window(self, x: str, k: int, padding: str) -> dict[str, int]:
        _, height, width, _ = self.shape(x)
        stride = int(self.rng.integers(1, 3))
        return window_attrs(*(tflite_axis(padding, n, k, stride) for n in (height, width)))

    def shape(self, name: str) -> tuple[int, ...]:
        return self.values[name].shape

    def graph(self, outputs: list[str], states: tuple[State, ...] = ()) -> IntGraph:
        nodes, inputs = tuple(self.nodes), tuple(self.inputs)
        graph = Graph("net", self.values, nodes, inputs, tuple(outputs), states)
        return lower(replace(graph, one_rounding=self.one_rounding))


def conv(net: Net, x: str, k: int = 1, padding: str = "SAME") -> str:
    out_c = int(net.rng.integers(2, 8))
    return net.weighted("conv2d", x, (out_c, k, k, net.shape(x)[3]), 0, **net.window(x, k, padding))


def depthwise(net: Net, x: str, k: int = 3, padding: str = "SAME") -> str:
    out_c = net.shape(x)[3] * int(net.rng.choice([1, 1, 2]))
    return net.weighted("depthwise", x, (1, k, k, out_c), 3, **net.window(x, k, padding))


def grow(net: Net, live: list[str], kind: str) -> str | None:
    """One more node of a kind on random tensors [1, H, W, C] of `live`; None where none fits."""
    x = live[int(net.rng.integers(len(live)))]
    _, height, width, count = shape = net.shape(x)
    k = int(min(height, width, net.rng.integers(1, 4)))
    padding = str(net.rng.choice(["SAME", "VALID"]))
    same = [t for t in live if net.shape(t) == shape]
    other = same[int(net.rng.integers(len(same)))]
    if kind == "conv2d":
        return conv(net, x, k, padding)
    if kind == "depthwise":
        return depthwise(net, x, k, padding)
    if kind in ("add", "mul"):
        return net.add(kind, [x, other], activation="NONE")
    if kind == "add_constant":
        data = net.rng.integers(-128, 128, shape).astype(np.int8)
        return net.add("sub", [x, net.constant(data, (0.05,))], activation="RELU")
    if kind == "broadcast":
        op = str(net.rng.choice(["add_broadcast", "mul_broadcast"]))
        small = (count,) if net.rng.integers(2) else (height, width, 1)
        operand = net.constant(net.rng.integers(-128, 128, small).astype(np.int8), (0.05,))
        return net.add(op, [x, operand], activation="NONE")
    if kind in ("relu", "requantize"):
        return net.add(kind, [x], activation="RELU6")
    if kind in ("avg_pool", "max_pool"):
        attrs = {**net.window(x, k, padding), "kernel_h": k, "kernel_w": k, "activation": "NONE"}
        rescaled = net.one_rounding and kind == "avg_pool"
        return net.add(kind, [x], like="" if rescaled else x, **attrs)
    if kind == "concat":
        axis = int(net.rng.integers(1, 4))
        rest = [
            t
            for t in live
            if np.delete(net.shape(t), axis).tolist() == np.delete(shape, axis).tolist()
        ]
        quant = net.values[x].quant
        rest = [t for t in rest if net.values[t].quant == quant]
        pair = [x, rest[int(net.rng.integers(len(rest)))]]
        return net.add("concat", pair, like=x, axis=axis) if shape[axis] < 20 else None
    if kind == "slice":
        start = int(net.rng.integers(count))
        step = int(net.rng.choice([1, 1, 2]))
        part = (range(1), range(height), range(width), range(start, count, step))
        return net.add("slice", [x], like=x, part=part, shape=tuple(map(len, part)))
    if kind == "pad":
        value = float(net.rng.choice([0.0, 1.0]))
        border = ((0, 0), (1, 2), (0, 1), (0, int(net.rng.integers(2))))
        return net.add("pad", [x], like=x, border=border, value=value) if height < 12 else None
    if kind == "transpose":
        perm = (0, 2, 1, 3) if net.rng.integers(3) else (0, 3, 1, 2)
        return net.add("transpose", [x], like=x, perm=perm)
    if kind == "resize_nearest":
        rows = tuple(net.rng.integers(0, height, min(2 * height, 9)).tolist())
        return net.add("resize_nearest", [x], like=x, rows=rows, columns=tuple(range(width)))
    if kind == "resize_bilinear":
        rows = tuple(net.rng.integers(0, 1024 * (height - 1) + 1, min(2 * height, 9)).tolist())
        return net.add(kind, [x], like=x, rows=rows, columns=tuple(range(0, 1024 * width, 1024)))
    if kind == "space_to_depth":
        return net.add("space_to_depth", [x], like=x, block=k) if not (height % k or width % k) else None  # fmt: skip
    if kind == "mean":
        axes = [1, 2] if net.rng.integers(3) else [3]
        return net.add("mean", [x], axes=axes, keep_dims=True)
    if kind == "reduce_max":
        return net.add("reduce_max", [x], like=x, axes=[1, 2], keep_dims=True)
    flat = net.add("reshape", [x], like=x, shape=(1, height * width * count))
    out_c = int(net.rng.integers(2, 8))
    source = flat if net.rng.integers(2) else x
    dense = net.weighted("fully_connected", source, (out_c, height * width * count), 0)
    return net.add("reshape", [dense], like=dense, shape=(1, 1, 1, out_c))


KINDS = (
    "conv2d conv2d conv2d depthwise depthwise add mul add_constant broadcast relu requantize avg_pool "
    "max_pool concat slice pad transpose resize_nearest resize_bilinear space_to_depth mean reduce_max dense"
).split()


def random_network(seed: int, kinds: list[str]) -> IntGraph:
    net = Net(seed)
    size = (int(net.rng.integers(2, 7)), int(net.rng.integers(2, 7)), int(net.rng.integers(2, 6)))
    live = [net.input((1, *size))]
    live.append(conv(net, live[0], 1))
    for kind in kinds:
        made = grow(net, live, kind)
        if made is not None:
            # The newest is read most, so that chains are long and little is left unread.
            live = [*live[-4:], made, made]
    outputs = {live[-1], live[int(net.rng.integers(1, len(live)))]} - set(net.inputs)
    return net.graph(sorted(outputs))


def extremes(graph: IntGraph, count: int = 8) -> list[Array]:
    """All lowest, all highest, alternating by element, by channel, then random."""
    rng, arrays = np.random.default_rng(0), []
    for name in graph.inputs:
        shape, dtype = graph.values[name].shape, graph.values[name].dtype
        low, high = limits(dtype)
        x = rng.integers(low, high + 1, (count, *shape)).astype(dtype)
        x[0], x[1] = low, high
        x[2] = np.where(np.arange(x[2].size) % 2, low, high).reshape(shape)
        x[3] = np.where(np.arange(shape[-1]) % 2, low, high)
        arrays.append(x)
    return arrays


def evaluate(
    graph: IntGraph, inputs: list[Array], held: Mapping[str, Array] | None = None
) -> dict[str, Array]:
    """Every tensor [N, *shape]: node by node, each in memory of its own; `held`: what variables
    hold before, afterwards they have what was assigned to them."""
    arrays = {**(held or {}), **dict(zip(graph.inputs, inputs, strict=True))}
    for name, value in graph.values.items():
        if value.data is not None:
            arrays[name] = np.broadcast_to(value.data, (len(inputs[0]), *value.shape))
    for node in graph.nodes:
        results = node.op.run(node.params, node.consts, *(arrays[n] for n in node.inputs))
        for name, result in zip(node.outputs, results, strict=True):
            arrays[name] = result.reshape(-1, *graph.values[name].shape)
    return arrays
