"""The last frames side by side, every few frames (SignalStacker).

    history = the last left + 1 + right frames, the first one standing for what was before it
    out     = history
    valid   = `right` frames have come behind the first, and then `step` since it was valid

Frames are int16 [channels]. count is a variable of two: one more than the frames that history lacks nothing of, and
valid. TensorFlow Lite Micro leaves the output as it was where it is not valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgekit.cases import single
from edgekit.families import signal
from edgekit.graph import Graph, IntNode, Node, State, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require
from edgekit.sketch import Sketch


@dataclass(frozen=True)
class SignalStackerParams(Params):
    channels: int = c_field("int32_t", "numbers of a frame")
    frames: int = c_field("int32_t", "side by side")
    left: int = c_field("int32_t", "of them that the first one stands for")
    step: int = c_field("int32_t", "frames from one stack to the next")


class SignalStacker(Op):
    """Canonical attributes: `frames`, `left` and `step`."""

    name = "signal_stacker"
    kernel = "signal_stacker"
    signature = "whole"
    Params = SignalStackerParams
    inputs = ("input", "history", "count")
    states = ("history", "count")
    tflite = ("CUSTOM:SignalStacker",)
    coupling = "move"

    @classmethod
    def hidden(cls, node: Node, graph: Graph) -> list[tuple[Shape, str]]:
        signal.check_types(node, graph, ("int16",), ("int16", "bool"))
        channels = signal.option(node, "num_channels", 1, 4096)
        return [((channels * _attrs(node)["frames"],), "int16"), ((2,), "int32")]

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        sketch, (x, history, count), (out, valid) = Sketch(node, graph), node.inputs, node.outputs
        sketch.nodes.append(
            Node(node.name, cls.name, (x, history, count), (out, history, count), _attrs(node))
        )
        told = sketch.part(sketch.add("read_variable", [count]), [range(1, 2)])
        told = sketch.reshape(told, graph.value(valid).shape)
        sketch.add("cast", [told], output=valid)
        return sketch.nodes

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, history, count = (graph.value(name).shape for name in node.inputs)
        require(
            (x[0] * node.attrs["frames"],) == history, "a frame of all channels", node, (x, history)
        )
        return [history, history, count]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x, history, count = inputs
        first = count[0] == 0
        history = np.tile(x, node.attrs["frames"]) if first else np.append(history[x.size :], x)
        came = node.attrs["left"] + 1 if first else count[0]
        valid = came >= node.attrs["frames"]
        return [history, history, np.array([came + 1 - valid * node.attrs["step"], valid])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        params = SignalStackerParams(graph.value(node.inputs[0]).elements, **node.attrs)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(
        cls, p: SignalStackerParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        x, history, count = (i.reshape(len(i), -1) for i in inputs)
        first = count[:, :1] == 0
        moved = np.concatenate([history[:, p.channels :], x], axis=1)
        history = np.where(first, np.tile(x, p.frames), moved)
        came = np.where(first, p.left + 1, count[:, :1].astype(np.int64))
        valid = came >= p.frames
        count = np.concatenate([came + 1 - valid * p.step, valid], axis=1).astype(np.int32)
        return [history, history, count]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, channels: int, frames: int, left: int, step: int) -> Case:
            x = Value("input", (channels,), "int16")
            history, out = (Value(n, (channels * frames,), "int16") for n in ("history", "output"))
            count = Value("count", (2,), "int32")
            attrs = {"frames": frames, "left": left, "step": step}
            made = single(cls, name, [x, history, count], [out, history, count], attrs)
            states = tuple(State(v.name, np.zeros(v.shape, v.dtype)) for v in (history, count))
            return Case(name, replace(made.graph, states=states, outputs=("output",)))

        return [case("three", 4, 3, 1, 2), case("one", 5, 1, 0, 1)]


def _attrs(node: Node) -> dict[str, int]:
    left, right = (
        signal.option(node, f"stacker_{side}_context", 0, 255) for side in ("left", "right")
    )
    frames = left + 1 + right
    return {"frames": frames, "left": left, "step": signal.option(node, "stacker_step", 1, frames)}
