"""Samples of overlapping frames (SignalOverlapAdd).

    sum     = clamp(kept + in) of one frame
    out     = the first `step` samples of sum
    kept    = the others, then zeros

for each frame in turn. Input int16 [.., frames, size], output [.., frames * step]; kept is a variable [.., size].
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgekit.cases import single
from edgekit.families import signal
from edgekit.graph import Graph, IntNode, Node, State, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require


@dataclass(frozen=True)
class SignalOverlapAddParams(Params):
    outer: int = c_field("int32_t", "signals")
    frames: int = c_field("int32_t", "of each signal")
    size: int = c_field("int32_t", "samples of a frame")
    step: int = c_field("int32_t", "samples from one frame to the next")


class SignalOverlapAdd(Op):
    """Canonical attribute: `step`."""

    name = "signal_overlap_add"
    kernel = "signal_overlap_add"
    signature = "whole"
    Params = SignalOverlapAddParams
    inputs = ("input", "kept")
    states = ("kept",)
    tflite = ("CUSTOM:SignalOverlapAdd",)
    coupling = "mix"
    saturation = 1.0  # sums of random numbers

    @classmethod
    def hidden(cls, node: Node, graph: Graph) -> list[tuple[Shape, str]]:
        signal.check_types(node, graph, ("int16",), ("int16",))
        shape = graph.value(node.inputs[0]).shape
        require(len(shape) >= 2, "frames of samples", node, shape)
        return [((*shape[:-2], shape[-1]), "int16")]

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        x, state = node.inputs
        size = graph.value(x).shape[-1]
        attrs = {"step": signal.option(node, "frame_step", 1, size)}
        return [Node(node.name, cls.name, (x, state), (node.outputs[0], state), attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, state = (graph.value(name).shape for name in node.inputs)
        return [(*x[:-2], x[-2] * node.attrs["step"]), state]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        kept, step, parts = inputs[1], node.attrs["step"], []
        for frame in np.moveaxis(inputs[0], -2, 0):
            kept = np.clip(kept + frame, -32768, 32767)
            parts.append(kept[..., :step])
            kept = np.concatenate([kept[..., step:], np.zeros_like(kept[..., :step])], axis=-1)
        return [np.concatenate(parts, axis=-1), kept]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        *outer, frames, size = graph.value(node.inputs[0]).shape
        params = SignalOverlapAddParams(math.prod(outer), frames, size, node.attrs["step"])
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(
        cls, p: SignalOverlapAddParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        count = len(inputs[0])
        x = inputs[0].reshape(count, p.outer, p.frames, p.size).astype(np.int64)
        sums = np.zeros((count, p.outer, p.frames * p.step + p.size), np.int64)
        sums[..., : p.size] = inputs[1].reshape(count, p.outer, p.size)
        for i in range(p.frames):
            here = sums[..., i * p.step : i * p.step + p.size]
            here[:] = np.clip(here + x[:, :, i], -32768, 32767)
        made, kept = np.split(sums.astype(np.int16), [p.frames * p.step], axis=2)
        return [made, kept]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, outer: Shape, frames: int, size: int, step: int) -> Case:
            x, kept = (
                Value("input", (*outer, frames, size), "int16"),
                Value("kept", (*outer, size), "int16"),
            )
            out = Value("output", (*outer, frames * step), "int16")
            made = single(cls, name, [x, kept], [out, kept], {"step": step})
            states = (State("kept", np.zeros(kept.shape, np.int16)),)
            return Case(name, replace(made.graph, states=states, outputs=("output",)))

        return [
            case("two_signals", (2,), 3, 8, 3),
            case("apart", (), 2, 4, 4),
            case("single", (1,), 1, 1, 1),
        ]
