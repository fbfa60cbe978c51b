"""Samples as they were some time ago (SignalDelay): a variable, a concatenation and two slices.

out = the first samples of (kept, in) along the last axis, as many as there are in; kept = the rest
"""

from __future__ import annotations

from edgekit.families import signal
from edgekit.graph import Graph, Node
from edgekit.op import Shape, Transient, require
from edgekit.sketch import Sketch


class SignalDelay(Transient):
    name = "signal_delay"
    tflite = ("CUSTOM:SignalDelay",)

    @classmethod
    def hidden(cls, node: Node, graph: Graph) -> list[tuple[Shape, str]]:
        signal.check_types(node, graph, ("int16",), ("int16",))
        shape = graph.value(node.inputs[0]).shape
        require(len(shape) > 0, "samples along an axis", node, shape)
        length = signal.option(node, "delay_length", 0, 2**20)
        return [((*shape[:-1], length), "int16")] if length else []

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        sketch, (x, *kept), (out,) = Sketch(node, graph), node.inputs, node.outputs
        shape = graph.value(x).shape
        if kept:
            signal.moved_on(sketch, kept[0], x, range(shape[-1]), out)
        else:
            sketch.reshape(x, shape, out)
        return sketch.nodes
