"""Overlapping frames of samples (SignalFramer): variables, concatenations and slices.

    out[.., i] = the samples i * step .. i * step + size - 1 of (kept, in) along the last axis
    valid      = are all of them samples that have come?

kept are the last samples before. With `prefill` zeros stand for what was before the first, so that every frame
is valid. Without, frames begin where whole steps do, and the first ones are not; TensorFlow Lite Micro leaves
their bytes as they were, here zeros are in them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.families import signal
from edgekit.graph import Graph, Node
from edgekit.op import Shape, Transient, require
from edgekit.sketch import Sketch


class SignalFramer(Transient):
    name = "signal_framer"
    tflite = ("CUSTOM:SignalFramer",)

    @classmethod
    def hidden(cls, node: Node, graph: Graph) -> list[tuple[Shape, str]]:
        signal.check_types(node, graph, ("int16",), ("int16", "bool"))
        shape = graph.value(node.inputs[0]).shape
        step = signal.option(node, "frame_step", 1, 2**20)
        size = signal.option(node, "frame_size", step, 2**20)
        require(
            bool(shape) and shape[-1] > 0 and shape[-1] % step == 0,
            "whole steps of samples",
            node,
            shape,
        )
        steps = -(-size // step)
        if signal.option(node, "prefill", 0, 1):
            return [((*shape[:-1], size - step), "int16")] if size > step else []
        return (
            [((*shape[:-1], (steps - 1) * step), "int16"), ((steps - 1,), "bool")]
            if steps > 1
            else []
        )

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        sketch, (x, *kept), (out, valid) = Sketch(node, graph), node.inputs, node.outputs
        shape, size = graph.value(x).shape, signal.option(node, "frame_size", 1, 2**20)
        step = signal.option(node, "frame_step", 1, size)
        frames, outer = shape[-1] // step, [range(n) for n in shape[:-1]]
        whole = signal.moved_on(sketch, kept[0], x) if kept else x
        parts = [
            sketch.reshape(
                sketch.part(whole, [*outer, range(i * step, i * step + size)]),
                (*shape[:-1], 1, size),
            )
            for i in range(frames)
        ]
        sketch.add("concat", parts, {"axis": len(shape) - 1}, out)
        if len(kept) == 2:
            came = sketch.constant(np.ones(frames, bool))
            first = sketch.part(signal.moved_on(sketch, kept[1], came), [range(1)])
            sketch.reshape(first, graph.value(valid).shape, valid)
        else:
            value = graph.value(valid)
            sketch.values[valid] = replace(value, data=np.ones(value.shape, bool))
        return sketch.nodes
