"""A new shape for the same elements in the same order (RESHAPE, SQUEEZE, EXPAND_DIMS)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgekit.cases import activation, single
from edgekit.families.movement import axis_of, check_moved, constant
from edgekit.graph import Graph, Node
from edgekit.op import Case, Shape, require
from edgekit.ops.copy import Copy

if TYPE_CHECKING:
    from edgekit.draft import Draft


class Reshape(Copy):
    name = "reshape"
    tflite = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "WHILE")
    onnx = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")
    elementwise = False

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        check_moved(node, graph, node.inputs[:1])
        attrs = {"shape": _wanted(node, graph)}
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, attrs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        draft.reshape(node, node.inputs[0], _onnx_shape(node, draft), node.outputs[0])

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        elements, wanted = graph.value(node.inputs[0]).elements, node.attrs["shape"]
        free = [i for i, n in enumerate(wanted) if n == -1]
        known = math.prod(n for n in wanted if n != -1)
        require(len(free) <= 1 and all(n > 0 or n == -1 for n in wanted), "at most one open axis",
                node, list(wanted))  # fmt: skip
        shape = tuple(elements // known if n == -1 else n for n in wanted)
        require(math.prod(shape) == elements, f"a shape of {elements} elements", node, list(wanted))
        return [shape]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, y: Shape, dtype: str = "int8") -> Case:
            tensors = (activation("input", x, dtype=dtype), activation("output", y, dtype=dtype))
            return single(cls, name, [tensors[0]], [tensors[1]], {"shape": y})

        return [
            case("flatten", (1, 3, 5, 7), (1, 105)),
            case("single", (1,), (1, 1, 1)),
            case("words", (1, 3, 5), (15,), "int32"),
        ]


def _wanted(node: Node, graph: Graph) -> Shape:
    """The shape a source node asks for; -1 stands for an axis that follows from the others."""
    x, out = graph.value(node.inputs[0]).shape, graph.value(node.outputs[0]).shape
    if node.op == "SQUEEZE":
        axes = {axis_of(node, axis, len(x)) for axis in node.attrs["squeeze_dims"] or ()}
        require(all(x[axis] == 1 for axis in axes), "squeezed axes of size 1", node, (x, axes))
        return tuple(n for i, n in enumerate(x) if (i not in axes if axes else n != 1))
    if node.op == "EXPAND_DIMS":
        axis = axis_of(node, constant(node, graph, 1)[0], len(x) + 1)
        return (*x[:axis], 1, *x[axis:])
    if len(node.inputs) > 1:
        return tuple(constant(node, graph, 1))
    return tuple(node.attrs["new_shape"] or out)


def _onnx_shape(node: Node, draft: Draft) -> Shape:
    """The shape an ONNX node asks for, every axis known."""
    x, output = draft.shape(node.inputs[0]), node.outputs[0]
    if node.op == "Flatten":
        axis = int(node.attrs.get("axis", 1))
        axis += len(x) if axis < 0 else 0
        return math.prod(x[:axis]), math.prod(x[axis:])
    if node.op == "Reshape":
        wanted = draft.integers(node, 1)
        zeros = not node.attrs.get("allowzero", 0)
        shape = [x[i] if n == 0 and zeros and i < len(x) else n for i, n in enumerate(wanted)]
        known = math.prod(n for n in shape if n != -1)
        require(
            shape.count(-1) <= 1 and (-1 not in shape or known > 0),
            "at most one open axis",
            node,
            wanted,
        )
        return tuple(math.prod(x) // known if n == -1 else n for n in shape)
    given = node.attrs.get("axes")
    axes = draft.integers(node, 1, ()) if given is None else [int(a) for a in given]
    if node.op == "Squeeze":
        dropped = {axis_of(node, a, len(x)) for a in axes} or {i for i, n in enumerate(x) if n == 1}
        require(
            all(x[a] == 1 for a in dropped), "squeezed axes of size 1", node, (x, sorted(dropped))
        )
        return tuple(n for i, n in enumerate(x) if i not in dropped)
    added = {axis_of(node, a, len(x) + len(axes)) for a in axes}
    require(len(added) == len(axes), "each new axis once", node, (axes, output))
    rest = iter(x)
    return tuple(1 if i in added else next(rest) for i in range(len(x) + len(axes)))
