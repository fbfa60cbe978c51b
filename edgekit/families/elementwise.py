"""What operators on two elementwise operands share: import rules, broadcasting, shift proofs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.families.integers import import_integers
from edgekit.families.masks import add_mask
from edgekit.fixed import INT32_MAX
from edgekit.graph import Graph, Node, Value, plain
from edgekit.op import Array, Shape, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


def import_onnx(node: Node, draft: Draft, name: str) -> None:
    """ONNX Add, Sub, Mul and Div; the quotient by a constant is a product."""
    require(len(node.inputs) == 2, "two operands", node, f"{len(node.inputs)}")
    a, b = node.inputs
    if plain(draft.value(a)):
        function = "div" if node.op == "Div" else name
        import_integers(node, draft, function, node.inputs, node.outputs[0])
        return
    if node.op == "Add" and add_mask(node, draft, node.outputs[0]):
        return
    if node.op == "Div":
        divisor = draft.real(b)
        if divisor is None or not np.all(divisor):
            draft.binary(node, "quotient", a, b, node.outputs[0])
            return
        b = draft.constant(node.outputs[0], np.asarray(1.0 / divisor, np.float32))
    broadcast_shapes(replace(node, inputs=(draft.resolve(a), draft.resolve(b))), draft.graph)
    draft.binary(node, name, a, b, node.outputs[0])


def import_binary(node: Node, graph: Graph, name: str) -> list[Node]:
    """The canonical node `name`, or `name`_broadcast where an operand is smaller than the output."""
    require(len(node.inputs) == 2, "two operands", node, f"{len(node.inputs)}")
    operands = [graph.value(n) for n in node.inputs]
    for value in (*operands, graph.value(node.outputs[0])):
        require(value.dtype in ("int8", "int16", "float32"), "int8, int16 or float32 tensors", node,
                f"{value.name} is {value.dtype}")  # fmt: skip
    (shape,) = broadcast_shapes(node, graph)
    full = [value.elements == int(np.prod(shape)) for value in operands]
    attrs = {"activation": node.attrs.get("fused_activation_function", "NONE")}
    op = name if all(full) else f"{name}_broadcast"
    return [Node(node.name, op, node.inputs, node.outputs, attrs)]


def broadcast_shapes(node: Node, graph: Graph) -> list[Shape]:
    """The output shape of a node with two broadcast operands. Raises EK202 where they do not fit."""
    a, b = (graph.value(name).shape for name in node.inputs)
    try:
        return [tuple(np.broadcast_shapes(a, b))]
    except ValueError:
        require(False, "operands of equal or broadcast shapes", node, (a, b))
        raise


@dataclass(frozen=True)
class Broadcast:
    """A walk over the output: four sizes, and each operand's step along them, 0 where it repeats."""

    shape: tuple[int, ...]
    stride1: tuple[int, ...]
    stride2: tuple[int, ...]


def broadcast(node: Node, graph: Graph) -> Broadcast:
    """The walk of a node with two broadcast operands. Raises EK202 where it needs too many axes."""
    (shape,) = broadcast_shapes(node, graph)
    shapes = [graph.value(name).shape for name in node.inputs]
    found = walk(shape, shapes)
    require(found is not None, "broadcasting along at most 4 groups of axes", node, shapes)
    assert found is not None
    return found


def walk(shape: Shape, operands: Sequence[Shape]) -> Broadcast | None:
    """The shortest walk over `shape`: neighbouring axes on which the same operands repeat become one.
    None where more than four are left."""
    padded = [(1,) * (len(shape) - len(s)) + s for s in operands]
    axes: list[tuple[int, bool, bool]] = []
    for size, m, n in zip(shape, *padded, strict=True):
        if size == 1:
            continue
        moves = (m == size, n == size)
        if axes and axes[-1][1:] == moves:
            axes[-1] = (axes[-1][0] * size, *moves)
        else:
            axes.append((size, *moves))
    if len(axes) > 4:
        return None
    axes = [(1, False, False)] * (4 - len(axes)) + axes
    sizes = tuple(size for size, _, _ in axes)
    return Broadcast(
        sizes,
        _strides(sizes, [moves for _, moves, _ in axes]),
        _strides(sizes, [moves for _, _, moves in axes]),
    )


def _strides(sizes: Sequence[int], moves: Sequence[bool]) -> tuple[int, ...]:
    strides, step = [], 1
    for size, move in zip(reversed(sizes), reversed(moves), strict=True):
        strides.append(step if move else 0)
        step *= size if move else 1
    return tuple(reversed(strides))


def operand(x: Array, shape: Sequence[int], stride: Sequence[int]) -> Array:
    """`x` with its sample axis, shaped so that numpy broadcasts it over the walk; int64."""
    own = [size if step else 1 for size, step in zip(shape, stride, strict=True)]
    return x.reshape(len(x), *own).astype(np.int64)


def prove_shift(bound: int, shift: int, where: str) -> None:
    """Raise EK302 unless ``bound << shift`` fits int32; bound is the largest magnitude."""
    if bound << max(shift, 0) > INT32_MAX:
        raise EdgekitError(
            "EK302",
            "a 32-bit value could overflow before it is rescaled",
            where=where,
            found=f"{bound} << {shift}, wanted at most {INT32_MAX}",
            help="check the scales of the tensors around this node",
        )


def real_operands(node: Node, graph: Graph, inputs: Sequence[Array]) -> list[Array]:
    """Both operands as real numbers: the activations given, constants from the graph."""
    given = iter(inputs)

    def real(value: Value) -> Array:
        if value.data is None:
            return next(given)
        data = value.data.astype(np.float64)
        return data if value.quant is None else (data - value.zero_point) * value.scale

    return [real(graph.value(name)) for name in node.inputs]
