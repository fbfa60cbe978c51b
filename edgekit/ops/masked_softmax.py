"""Softmax along the last axis over some of each row's elements (attention with a constant mask).

    out[i] = exp(in[i] - max) / sum over the kept j of exp(in[j] - max)     where i is kept, else 0

max is the largest kept element. The integers are those of `ops/softmax.py`, over the kept elements alone;
masks repeat after `mask_rows` rows. Made by `passes/mask_softmax.py`, never by an import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgekit.cases import activation, case_random, single
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Axes, Case, Const, Shape, c_field, require
from edgekit.ops.softmax import Softmax, SoftmaxParams, shares


@dataclass(frozen=True)
class MaskedSoftmaxParams(SoftmaxParams):
    mask_rows: int = c_field("int32_t", "rows of the mask, which repeats")


class MaskedSoftmax(Softmax):
    """Attribute `mask`: bool [mask_rows, depth], true where an element is kept."""

    name = "masked_softmax"
    kernel = "masked_softmax"
    as_rows = ""
    Params = MaskedSoftmaxParams
    consts = (*Softmax.consts, Const("mask", "uint8_t", "[mask_rows][depth], 1 where kept"))
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()
    saturation = 1.0

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        (shape,) = super().shapes(node, graph)
        mask = node.attrs["mask"]
        rows = int(np.prod(shape[:-1]))
        require(mask.shape[1] == shape[-1] and rows % len(mask) == 0, "a mask for every row", node, mask.shape)  # fmt: skip
        require(bool(mask.any(axis=1).all()), "an element to keep in every row", node, mask.shape)
        return [shape]

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[Mapping[str, float], Axes] | None:
        return None

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        mask = node.attrs["mask"]
        x = inputs[0].reshape(-1, *mask.shape)
        return super().real(node, graph, np.where(mask, x, -np.inf).reshape(inputs[0].shape))

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        made, mask = super().quantize(node, graph), node.attrs["mask"]
        assert isinstance(made.params, SoftmaxParams)
        params = MaskedSoftmaxParams(made.params.rows, made.params.depth, len(mask))
        return replace(made, params=params, consts={**made.consts, "mask": mask.astype(np.uint8)})

    @classmethod
    def run(cls, p: SoftmaxParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        kept = consts["mask"].reshape(-1, p.depth) != 0
        x = inputs[0].reshape(-1, *kept.shape).astype(np.int64)
        top = np.where(kept, x, -128).max(axis=-1, keepdims=True)
        exps = consts["exps"].astype(np.int64)[np.where(kept, top - x, 0)]
        return [shares(np.where(kept, exps, 0)).reshape(inputs[0].shape)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, mask: Array, scale: float) -> Case:
            operands = [activation("input", shape, scale, 5)]
            output = activation("output", shape, 1 / 256, -128)
            return single(cls, name, operands, [output], {"beta": 1.0, "mask": mask})

        rng = case_random(cls, "random")
        some = rng.integers(0, 2, (6, 9)).astype(bool)
        some[:, 3] = True
        return [
            case("causal", (1, 2, 7, 7), np.tril(np.ones((7, 7), bool)), 0.02),
            case("random", (2, 6, 9), some, 0.01),
            case("padding", (1, 3, 5), np.array([[True, True, True, False, False]]), 0.05),
        ]
