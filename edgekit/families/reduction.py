"""What reductions over axes share: their walk, their shapes, and how the axes are named."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edgekit.channels import Bounds, Spare
from edgekit.families.movement import AXES, axis_of, constant, strides
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Axes, Params, Shape, c_field, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class ReductionParams(Params):
    keep: tuple[int, ...] = c_field("int32_t", "indices per axis that stay", AXES)
    keep_step: tuple[int, ...] = c_field("int32_t", "elements along them", AXES)
    over: tuple[int, ...] = c_field("int32_t", "indices per axis that are reduced", AXES)
    over_step: tuple[int, ...] = c_field("int32_t", "elements along them", AXES)


def reduction_walk(node: Node, shape: Shape) -> dict[str, tuple[int, ...]]:
    """The fields of `ReductionParams` for the attribute `axes`; always `AXES` loops."""
    require(len(shape) <= AXES, f"at most {AXES} axes", node, shape)
    steps, every, axes = strides(shape), range(len(shape)), node.attrs["axes"]
    ones, zeros = (1,) * (AXES - len(shape)), (0,) * (AXES - len(shape))
    return {
        "keep": (*ones, *(1 if a in axes else shape[a] for a in every)),
        "keep_step": (*zeros, *(0 if a in axes else steps[a] for a in every)),
        "over": (*ones, *(shape[a] if a in axes else 1 for a in every)),
        "over_step": (*zeros, *(steps[a] if a in axes else 0 for a in every)),
    }


def reduced_shape(node: Node, shape: Shape) -> Shape:
    """The shape of a reduction along the attribute `axes`, which stay as 1 with `keep_dims`."""
    axes = node.attrs["axes"]
    if node.attrs["keep_dims"]:
        return tuple(1 if a in axes else n for a, n in enumerate(shape))
    return tuple(n for a, n in enumerate(shape) if a not in axes)


def moved_reduction(node: Node, axes: Axes) -> tuple[dict[str, Any], Axes]:
    """`Op.moved` of a reduction: ours keeps the reduced axes, with size 1."""
    over = node.attrs["axes"]
    ours = sorted(a for a in (axes.axes[axis] for axis in over) if a is not None)
    kept = axes.axes
    if not node.attrs["keep_dims"]:
        kept = tuple(a for axis, a in enumerate(axes.axes) if axis not in over)
    return {"axes": ours, "keep_dims": True}, Axes(kept, axes.rank)


def reduction_bounds(p: ReductionParams, x: Bounds, count: int) -> Bounds:
    """What the elements that make each of `count` output channels can be."""
    same = p.over[-1] == 1 and len(x.low) == count
    return x if same else x.any_of(count)


def reduction_spare(p: ReductionParams, spare: Spare) -> Spare:
    """Channels go together unless they are what is reduced."""
    same = p.over[-1] == 1 and len(spare.inputs[0]) == len(spare.outputs[0])
    return spare.tied() if same else spare.none()


def reduction_without(node: IntNode, spare: Spare) -> IntNode:
    p = node.params
    assert isinstance(p, ReductionParams)
    shape = [a * b for a, b in zip(p.keep, p.over, strict=True)]
    shape[-1] = int((~spare.inputs[0]).sum())
    steps = strides(tuple(shape))

    def moved(old: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(step if before else 0 for step, before in zip(steps, old, strict=True))

    params = replace(
        p,
        keep=(*p.keep[:-1], shape[-1]),
        keep_step=moved(p.keep_step),
        over_step=moved(p.over_step),
    )
    return replace(node, params=params)


def tflite_reduced(node: Node, graph: Graph) -> dict[str, Any]:
    """The canonical attributes of a reduction of TensorFlow Lite."""
    rank = len(graph.value(node.inputs[0]).shape)
    axes = {axis_of(node, a, rank) for a in constant(node, graph, 1)}
    return {"axes": sorted(axes), "keep_dims": bool(node.attrs["keep_dims"])}


def reduced(node: Node, draft: Draft) -> tuple[list[int], bool]:
    """The axes and keepdims of an ONNX reduction; axes are an attribute or, later, an operand."""
    rank = len(draft.shape(node.inputs[0]))
    if node.op.startswith("Global"):
        return list(range(2, rank)), True
    axes = node.attrs.get("axes")
    if axes is None:
        axes = draft.integers(node, 1, ())
    if not axes and not node.attrs.get("noop_with_empty_axes", 0):
        axes = range(rank)
    return sorted({axis_of(node, int(a), rank) for a in axes}), bool(node.attrs.get("keepdims", 1))


def add_reduction(
    node: Node, draft: Draft, op: str, name: str, axes: Sequence[int], keep: bool, output: str = ""
) -> str:
    """A canonical reduction; beyond the kernels' axes, neighbours that are reduced or stay alike are
    made one first."""
    shape = draft.shape(name)
    if len(shape) <= AXES:
        return draft.add(op, node, [name], {"axes": list(axes), "keep_dims": keep}, output)
    merged: list[list[int]] = []
    for axis in range(len(shape)):
        if merged and (axis in axes) == (merged[-1][0] in axes):
            merged[-1].append(axis)
        else:
            merged.append([axis])
    sizes = [math.prod(shape[a] for a in group) for group in merged]
    over = [i for i, group in enumerate(merged) if group[0] in axes]
    data = draft.reshape(node, name, sizes)
    made = draft.add(op, node, [data], {"axes": over, "keep_dims": False})
    final = [1 if a in axes else n for a, n in enumerate(shape) if keep or a not in axes]
    return draft.reshape(node, made, final, output)
