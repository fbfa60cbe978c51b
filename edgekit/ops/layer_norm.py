"""Normalization of the elements along the last axes: LayerNormalization, RMSNormalization.

    out = (in - mean) / sqrt(variance + epsilon) * gain + bias

Without `own_mean` (RMSNormalization) 0 stands for the mean. Integers: `edgekit/families/normalization.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.cases import activation, case_random, single
from edgekit.families.movement import axis_of
from edgekit.families.normalization import Normalization, Rows
from edgekit.graph import Node
from edgekit.op import Axes, Case, Shape, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


class LayerNorm(Normalization):
    """Attribute `axes`: how many of the last axes a row takes."""

    name = "layer_norm"
    onnx = ("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        x, mean = draft.shape(node.inputs[0]), node.op == "LayerNormalization"
        axes = len(x) - axis_of(node, int(node.attrs.get("axis", -1)), len(x))
        operands = [draft.real(name) for name in node.inputs[1:]]
        require(all(data is not None for data in operands), "constant scale and bias", node, node.inputs[1:])  # fmt: skip
        row = x[-axes:]
        attrs = {
            "axes": axes, "own_mean": mean, "epsilon": float(node.attrs.get("epsilon", 1e-5)),
            "gain": _spread(node, operands[0] if operands else np.ones(1), row),
            "bias": _spread(node, operands[1] if len(operands) > 1 else np.zeros(1), row),
        }  # fmt: skip
        draft.add(cls.name, node, node.inputs[:1], attrs, node.outputs[0])
        if len(node.outputs) > 1:
            _statistics(node, draft, list(range(len(x) - axes, len(x))), attrs["epsilon"])

    @classmethod
    def rows(cls, node: Node, shape: Shape) -> Rows:
        axes = node.attrs["axes"]
        return Rows(1, 1, math.prod(shape[:-axes]), math.prod(shape[-axes:]))

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[Mapping[str, Any], Axes] | None:
        alone = node.attrs["axes"] == 1 and axes.axes[-1] == axes.rank - 1
        return (node.attrs, axes) if alone else None

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, zeros: tuple[int, int], axes: int = 1,
                 epsilon: float = 1e-5, mean: bool = True, gain: float = 1.0) -> Case:  # fmt: skip
            rng = case_random(cls, name)
            row = math.prod(shape[-axes:])
            attrs = {
                "axes": axes, "own_mean": mean, "epsilon": epsilon,
                "gain": rng.normal(size=row) * gain, "bias": rng.normal(size=row) * gain,
            }  # fmt: skip
            operands = [activation("input", shape, 0.05, zeros[0])]
            output = activation("output", shape, 0.025 * gain, zeros[1])
            return single(cls, name, operands, [output], attrs)

        return [
            case("tokens", (1, 5, 48), (3, -4)),
            case("map", (1, 3, 4, 7), (-128, 20), axes=3),
            case("pair", (6, 2), (127, 0)),
            case("large_epsilon", (1, 3, 9), (5, 0), epsilon=3.0, gain=0.3),
            case("root_mean_square", (1, 4, 16), (-128, 0), mean=False),
            case("long", (2, 1500), (0, 0), gain=40.0),
        ]


def _statistics(node: Node, draft: Draft, axes: list[int], epsilon: float) -> None:
    """The further outputs of ONNX's operator: the mean, and 1 / sqrt(variance + epsilon)."""
    over = {"axes": axes, "keep_dims": True}
    mean = draft.add("mean", node, node.inputs[:1], over, node.outputs[1])
    if len(node.outputs) > 2:
        centred = draft.binary(node, "sub", node.inputs[0], mean)
        variance = draft.add("mean", node, [draft.binary(node, "mul", centred, centred)], over)
        number = draft.constant(node.name, np.array([epsilon], np.float32))
        spread = draft.binary(node, "add", variance, number)
        draft.add("power", node, [spread], {"exponent": -0.5}, node.outputs[2])


def _spread(node: Node, data: Any, row: Shape) -> Any:
    """A scale or bias, which may repeat, with one number per element of a row."""
    fits = np.broadcast_shapes(data.shape, row) == row
    require(fits, "a scale and a bias that repeat along a row", node, data.shape)
    return np.broadcast_to(data, row).astype(np.float64).reshape(-1)
