"""Rectifiers and clamps that stand alone: RELU, RELU6, RELU_N1_TO_1, RELU_0_TO_1, Clip.

    out = clamp(requantize(in - zero_in, scale_in / scale_out) + zero_out, low, high)

low and high are the bounds in output steps. TensorFlow Lite Micro's RELU6 takes input and output
to have one scale and zero point; where they differ this is LiteRT's formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit import fixed
from edgekit.families.integers import import_integers
from edgekit.families.window import activation_range, real_activation
from edgekit.graph import Graph, Node, Value, plain
from edgekit.op import Array, Case, require
from edgekit.ops.lut import Lut, case

if TYPE_CHECKING:
    from edgekit.draft import Draft


_NAMES = {
    (0.0, None): "RELU",
    (0.0, 6.0): "RELU6",
    (-1.0, 1.0): "RELU_N1_TO_1",
    (None, None): "NONE",
}


class Relu(Lut):
    name = "relu"
    tflite = ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1")
    onnx = ("Relu", "Clip")

    @classmethod
    def attributes(cls, node: Node) -> Mapping[str, Any]:
        return {"activation": (0.0, 1.0) if node.op == "RELU_0_TO_1" else node.op}

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        """Whole numbers, and bounds that the network computes, are clamped by one extreme each."""
        bounds = [*node.inputs[1:], "", ""][:2]
        computed = any(name and draft.const(name) is None for name in bounds)
        if not plain(draft.value(node.inputs[0])) and not computed:
            super().import_onnx(node, draft)
            return
        if node.op == "Relu":
            bounds[0] = draft.constant(
                node.inputs[0], np.zeros((), draft.value(node.inputs[0]).dtype)
            )
        made = node.inputs[0]
        for name, function, sign in zip(bounds, ("max", "min"), (1, -1), strict=True):
            if name and plain(draft.value(made)):
                made = import_integers(node, draft, function, [made, name])
            elif name:
                made = draft.binary(node, "extremum", made, name, attrs={"sign": sign})
        draft.same(node.outputs[0], made)

    @classmethod
    def onnx_attributes(cls, node: Node, draft: Draft) -> Mapping[str, Any]:
        if node.op == "Relu":
            return {"activation": "RELU"}
        low, high = (_bound(node, draft, i, key) for i, key in ((1, "min"), (2, "max")))
        return {"activation": _NAMES.get((low, high), (low, high))}

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [real_activation(node, inputs[0])]

    @classmethod
    def slopes(cls, node: Node, x: Value, out: Value) -> tuple[float, float]:
        return x.scale / out.scale, x.scale / out.scale

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: fixed.Int) -> fixed.Int:
        multiplier, shift = fixed.quantize_multiplier(x.scale / out.scale)
        value = fixed.requantize(difference, multiplier, shift) + out.zero_point
        return np.asarray(np.clip(value, *activation_range(node, out)))

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            case(cls, "relu", (0.05, 5), (0.025, -128), activation="RELU"),
            case(cls, "relu_same_scale", (0.05, 5), (0.05, 5), activation="RELU"),
            case(cls, "relu6", (0.06, -10), (0.06, -10), activation="RELU6"),
            case(cls, "relu6_rescaled", (0.06, -10), (6 / 255, -128), activation="RELU6"),
            case(cls, "relu_n1_to_1", (0.02, 127), (1 / 127, 0), activation="RELU_N1_TO_1"),
        ]


def _bound(node: Node, draft: Draft, index: int, key: str) -> float | None:
    """A bound of Clip: an attribute up to opset 10, a constant operand since; None where open."""
    if key in node.attrs:
        bound = float(node.attrs[key])
    else:
        name = node.inputs[index] if index < len(node.inputs) else ""
        data = draft.real(name)
        require(not name or (data is not None and data.size == 1), "constant bounds", node, name)
        bound = np.inf if data is None else float(data.reshape(-1)[0])
    return bound if abs(bound) < 3e38 else None
