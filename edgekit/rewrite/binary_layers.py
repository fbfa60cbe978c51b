"""Layers whose inputs and weights are signs compute on single bits: 32 products a word, an eighth of the flash.

A layer's input is that of a `binarize`, perhaps pooled or reshaped on the way, and the int8 weights of
each output channel have one magnitude. The products' sum v then is a whole number in reach of the taps, and
what the int8 layer makes of it is computed for every v: a line through those numbers, or the edge of a
step behind the layer, is the same function. Where there is none, the layer stays what it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from edgekit import fixed
from edgekit.families import bits
from edgekit.families.binary import BinaryParams
from edgekit.families.lines import line_through
from edgekit.graph import IntGraph, IntNode, Value
from edgekit.op import Array
from edgekit.ops.binarize import Binarize, BinarizeParams
from edgekit.ops.binarize_bits import BinarizeBits
from edgekit.ops.conv2d import Conv2d, Conv2dParams
from edgekit.ops.conv2d_binary import Conv2dBinary, Conv2dBinaryParams, of
from edgekit.ops.conv2d_binary_bits import Conv2dBinaryBits
from edgekit.ops.copy import CopyParams
from edgekit.ops.fully_connected import FullyConnected, FullyConnectedParams
from edgekit.ops.max_pool import MaxPool
from edgekit.ops.max_pool_bits import MaxPoolBits
from edgekit.ops.reshape import Reshape

# Fewer channels fill a word badly: int8 kernels are then as quick.
_LEAST_CHANNELS = 16


def binary_layers(graph: IntGraph) -> IntGraph:
    """The same bytes at the outputs of every layer that is left."""
    made = _Rewrite(graph)
    if not made.layers:
        return graph
    rewritten = replace(graph, nodes=tuple(made.nodes), values=made.values)
    rewritten = _alive(_stepped(_alive(rewritten)))
    rewritten.verify()
    return rewritten


class _Signs(NamedTuple):
    """A tensor of two numbers, `low` and 1: its words and the map [H, W, C] that they hold."""

    words: str
    shape: tuple[int, int, int]
    low: int


class _Rewrite:
    """Goes through the nodes once. Words are made beside the numbers of every sign; what nobody reads
    is dropped afterwards."""

    def __init__(self, graph: IntGraph) -> None:
        self.values: dict[str, Value] = dict(graph.values)
        self.nodes: list[IntNode] = []
        self.layers = 0
        self._signs: dict[str, _Signs] = {}
        self._maps: dict[
            str, str
        ] = {}  # tensors of other shapes, by those that hold the same bytes
        for node in graph.nodes:
            self.nodes += self._follow(node)

    def _follow(self, node: IntNode) -> list[IntNode]:
        if node.op is Binarize:
            return [node, *self._step(node)]
        x = self._signs.get(node.inputs[0]) if node.inputs else None
        if x is not None and node.op is Reshape:
            self._signs[node.outputs[0]] = x
        elif x is not None and node.op is MaxPool:
            return [node, *self._pool(node, x)]
        elif x is not None and node.op in (Conv2d, FullyConnected):
            return self._layer(node, x) or [node]
        return [node]

    def _map(self, name: str) -> tuple[str, list[IntNode]]:
        """A tensor as a map [1, H, W, C], and the view that this takes."""
        value, known = self.values[name], self._maps.get(name, name)
        if len(self.values[known].shape) == 4 and self.values[known].shape[0] == 1:
            return known, []
        shape = (1, 1, value.elements // value.shape[-1], value.shape[-1])
        made = self._new(f"{name}~map", shape, "int8")
        return made, [_view(name, made)]

    def _new(self, name: str, shape: tuple[int, ...], dtype: str = "int32") -> str:
        while name in self.values:
            name += "'"
        self.values[name] = Value(name, shape, dtype)
        return name

    def _step(self, node: IntNode) -> list[IntNode]:
        p, (name,) = node.params, node.outputs
        assert isinstance(p, BinarizeParams)
        if self.values[name].shape[:1] != (1,) and len(self.values[name].shape) > 2:
            return []
        x, view = self._map(node.inputs[0])
        _, h, w, c = self.values[x].shape
        if c != p.channels:
            return []
        words = self._new(f"{name}~bits", (1, h, w, bits.words_of(c)))
        self._signs[name] = _Signs(words, (h, w, c), p.low)
        return [*view, BinarizeBits.of(f"{node.name}~bits", self.values[x], words, node.consts)]

    def _pool(self, node: IntNode, x: _Signs) -> list[IntNode]:
        p: Any = node.params
        (name,) = node.outputs
        if p.out_min > x.low or p.out_max < 1:
            return []
        shape = (p.out_h, p.out_w, x.shape[2])
        words = self._new(f"{name}~bits", (1, p.out_h, p.out_w, bits.words_of(x.shape[2])))
        self._signs[name] = _Signs(words, shape, x.low)
        params = replace(p, in_c=bits.words_of(x.shape[2]), out_min=-128, out_max=127)
        return [IntNode(f"{node.name}~bits", MaxPoolBits, params, (x.words,), (words,))]

    def _layer(self, node: IntNode, x: _Signs) -> list[IntNode]:
        """The layer on bits; nothing where it cannot be."""
        window = _window(node, x)
        if window is None or x.shape[2] < _LEAST_CHANNELS or (window.padded and x.low != -1):
            return []
        size = _sizes(node.consts["weights"])
        if size is None:
            return []
        v, wanted, slope = _results(node, window, size, x.low)
        line = line_through(wanted, slope, v, window.out_min, window.out_max)
        if line is None:
            return []
        self.layers += 1
        # A channel of no weights has the same result for any bits.
        weights = node.consts["weights"].reshape(window.out_c, window.kernel_h, window.kernel_w, -1)
        scales = np.stack([line.factor, line.offset], axis=1).astype(np.int32)
        consts = {"weights": bits.packed(weights > 0), "scales": scales}
        (name,) = node.outputs
        shape = (1, window.out_h, window.out_w, window.out_c)
        if self.values[name].shape == shape:
            return [of(node.name, window, x.words, name, consts, line.shift)]
        made = self._new(f"{name}~map", shape, "int8")
        self._maps[name] = made
        return [
            of(node.name, window, x.words, made, consts, line.shift),
            _view(made, name),
        ]


def _view(name: str, out: str) -> IntNode:
    return IntNode(f"{out}~view", Reshape, CopyParams(1), (name,), (out,))


def _window(node: IntNode, x: _Signs) -> BinaryParams | None:
    """The window of the layer over the map; a dense layer's is all of it, or a pixel."""
    p, (h, w, c) = node.params, x.shape
    if isinstance(p, Conv2dParams):
        same = {name: getattr(p, name) for name in BinaryParams.__dataclass_fields__}
        return BinaryParams(**same) if (p.in_h, p.in_w, p.in_c) == x.shape else None
    assert isinstance(p, FullyConnectedParams)
    out_h, out_w, kernel_h, kernel_w = 1, 1, h, w
    if p.batch == h * w and p.in_c == c:
        out_h, out_w, kernel_h, kernel_w = h, w, 1, 1
    elif p.batch != 1 or p.in_c != h * w * c:
        return None
    return BinaryParams(
        in_h=h, in_w=w, in_c=c, out_h=out_h, out_w=out_w, kernel_h=kernel_h, kernel_w=kernel_w,
        stride_h=1, stride_w=1, pad_top=0, pad_left=0, out_min=p.out_min, out_max=p.out_max,
        dilation_h=1, dilation_w=1, out_c=p.out_c,
    )  # fmt: skip


def _sizes(weights: Array) -> Array | None:
    """The magnitude of each channel's weights; None where a channel has several."""
    size = np.abs(weights.reshape(len(weights), -1).astype(np.int64))
    return size[:, 0] if (size == size[:, :1]).all() else None


def _results(node: IntNode, p: BinaryParams, size: Array, low: int) -> tuple[Array, Array, Array]:
    """Every sum of products v; what the int8 layer makes of it [channels, v]; outputs per v.

    An input is middle + half * sign; padding, which is 0, is the middle where there is any.
    """
    consts = node.consts
    v = np.arange(-p.taps, p.taps + 1) if p.padded else np.arange(-p.taps, p.taps + 1, 2)
    weights = consts["weights"].astype(np.int64).reshape(p.out_c, -1).sum(axis=1)
    twice = 2 * consts["bias"].astype(np.int64) + (1 + low) * weights
    # Of a channel of odd magnitude, sum and offset are odd or even together.
    total = (twice[:, None] + (1 - low) * size[:, None] * v) // 2
    zero: Any = node.params
    scaled = fixed.requantize(total.T, consts["multiplier"], consts["shift"]).T + zero.output_zero
    wanted = np.clip(scaled, p.out_min, p.out_max).astype(np.int64)
    effective = consts["multiplier"] * 2.0 ** (consts["shift"].astype(np.float64) - 31)
    return v, wanted, size * (1 - low) / 2 * effective


def _stepped(graph: IntGraph) -> IntGraph:
    """Binary layers that only a step reads, with the step."""
    readers: dict[str, list[IntNode]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    nodes, gone = [], set()
    for node in graph.nodes:
        following = readers.get(node.outputs[0], [])
        alone = len(following) == 1 and node.outputs[0] not in graph.outputs
        if node.op is Conv2dBinary and alone and following[0].op is BinarizeBits:
            (step,) = following
            node = _with_step(node, step)
            gone.add(step.name)
        nodes.append(node)
    return replace(
        graph, nodes=tuple(n for n in nodes if n.name not in gone or n.op is not BinarizeBits)
    )


def _with_step(node: IntNode, step: IntNode) -> IntNode:
    """The first v whose output reaches the step's edge: outputs never fall while v rises."""
    p = node.params
    assert isinstance(p, Conv2dBinaryParams)
    v = np.arange(-p.taps, p.taps + 2)
    factor, offset = node.consts["scales"].astype(np.int64).T
    steps = np.clip((factor[:, None] * v + offset[:, None]) >> p.shift, p.out_min, p.out_max)
    reached = steps >= step.consts["edges"].astype(np.int64)[:, None]
    edges = np.where(reached[:, :-1].any(axis=1), v[reached.argmax(axis=1)], p.taps + 1)
    consts = {"weights": node.consts["weights"], "edges": edges.astype(np.int32),
              "turned": bits.packed(step.consts["turned"].astype(bool))}  # fmt: skip
    window = {name: getattr(p, name) for name in BinaryParams.__dataclass_fields__}
    window |= {"out_min": -128, "out_max": 127}
    return IntNode(
        node.name, Conv2dBinaryBits, BinaryParams(**window), node.inputs, step.outputs, consts
    )


def _alive(graph: IntGraph) -> IntGraph:
    """Without what nobody reads."""
    states = {state.value for state in graph.states}
    alive, nodes = {*graph.outputs, *states}, []
    for node in reversed(graph.nodes):
        if not alive.isdisjoint(node.outputs):
            nodes.append(node)
            alive |= {*node.inputs, *node.outputs}
    alive |= set(graph.inputs)
    values = {name: value for name, value in graph.values.items() if name in alive}
    return replace(graph, nodes=tuple(nodes[::-1]), values=values)
