"""Normalization of groups of channels over a whole map: InstanceNormalization, GroupNormalization.

    out = (in - mean) / sqrt(variance + epsilon) * gain[channel] + bias[channel]

Mean and variance are those of a group: all its channels, all pixels. Input [N, ..., C], channels last.
Integers: `edgekit/families/normalization.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.cases import activation, case_random, single
from edgekit.families.normalization import Normalization, Rows
from edgekit.graph import Node
from edgekit.op import Axes, Case, Shape, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


class GroupNorm(Normalization):
    name = "group_norm"
    onnx = ("InstanceNormalization", "GroupNormalization")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        shape = draft.shape(node.inputs[0])
        rank, channels = len(shape), shape[1]
        groups = channels if node.op.startswith("Instance") else int(node.attrs["num_groups"])
        require(groups > 0 and channels % groups == 0, "groups of equal size", node, (channels, groups))  # fmt: skip
        operands = [draft.real(name) for name in node.inputs[1:3]]
        require(len(operands) == 2 and all(data is not None for data in operands),
                "constant scale and bias", node, node.inputs[1:])  # fmt: skip
        attrs: dict[str, Any] = {
            "groups": groups, "own_mean": True, "epsilon": float(node.attrs.get("epsilon", 1e-5)),
        }  # fmt: skip
        for key, numbers in zip(("gain", "bias"), operands, strict=True):
            each = np.asarray(numbers, np.float64).reshape(-1)
            # Until opset 20 there is one number per group.
            require(each.size in (channels, groups), "one number per channel or group", node, each.size)  # fmt: skip
            attrs[key] = np.repeat(each, channels // each.size)
        data = draft.permute(node, node.inputs[0], (0, *range(2, rank), 1))
        made = draft.add(cls.name, node, [data], attrs)
        draft.permute(node, made, (0, rank - 1, *range(1, rank - 1)), node.outputs[0])

    @classmethod
    def rows(cls, node: Node, shape: Shape) -> Rows:
        groups = node.attrs["groups"]
        return Rows(shape[0], math.prod(shape[1:-1]), groups, shape[-1] // groups)

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[Mapping[str, Any], Axes] | None:
        """Pixels may be in any order; samples are told apart by the first axis alone."""
        kept = axes.axes[-1] == axes.rank - 1 and axes.axes[0] == 0
        return (node.attrs, axes) if kept else None

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, groups: int, zero: int) -> Case:
            rng = case_random(cls, name)
            attrs = {
                "groups": groups, "own_mean": True, "epsilon": 1e-5,
                "gain": rng.normal(size=shape[-1]), "bias": rng.normal(size=shape[-1]),
            }  # fmt: skip
            operands = [activation("input", shape, 0.05, zero)]
            output = activation("output", shape, 0.025, -3)
            return single(cls, name, operands, [output], attrs)

        return [
            case("instance", (1, 4, 5, 3), 3, -128),
            case("groups", (1, 3, 4, 6), 2, 5),
            case("samples", (2, 7, 4), 4, 0),
            case("whole", (1, 2, 2, 5), 1, 127),
        ]
