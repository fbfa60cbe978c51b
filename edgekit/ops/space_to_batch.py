"""Blocks of space to the batch and back (SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND).

SPACE_TO_BATCH_ND: a border of the value 0, then out[(i * B + b), y, x, c] = in[b, y * block + i, ...]
BATCH_TO_SPACE_ND: its inverse, then the borders are cut off

Made of a padding, reshapes and a transposition, or of those and a slice. Around a convolution a pair of
them is a dilated convolution, which exporters usually write as such.
"""

from __future__ import annotations

import math

from edgekit.families.movement import check_moved, constant
from edgekit.graph import Graph, Node
from edgekit.op import Transient, require
from edgekit.sketch import Sketch


class SpaceToBatch(Transient):
    name = "space_to_batch"
    tflite = ("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND")

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        check_moved(node, graph, node.inputs[:1])
        rank = len(graph.value(node.inputs[0]).shape)
        block, flat = constant(node, graph, 1), constant(node, graph, 2)
        fits = len(flat) == 2 * len(block) and 1 <= len(block) < rank and min(*block, 1) >= 1
        require(fits and min(flat) >= 0, "a block size and two borders per axis of space", node,
                (block, flat))  # fmt: skip
        borders = list(zip(flat[::2], flat[1::2], strict=True))
        sketch = Sketch(node, graph)
        make = _to_batch if node.op.startswith("SPACE") else _to_space
        make(sketch, block, borders)
        return sketch.nodes


def _to_batch(sketch: Sketch, block: list[int], borders: list[tuple[int, int]]) -> None:
    node, graph, n = sketch.node, sketch.graph, len(block)
    name, rank = node.inputs[0], len(graph.value(node.inputs[0]).shape)
    if any(map(any, borders)):
        border = ((0, 0), *borders, *((0, 0),) * (rank - n - 1))
        name = sketch.add("pad", [name], {"border": border, "value": 0.0})
    batch, *space = graph.value(name).shape
    cells = [(m // b, b) for m, b in zip(space, block, strict=False)]
    fits = all(m % b == 0 for m, b in zip(space, block, strict=False))
    require(fits, "space that fills whole blocks", node, (space, block))
    name = sketch.reshape(name, (batch, *(m for cell in cells for m in cell), *space[n:]))
    inner = range(2 * n + 1, 2 * n + 1 + len(space) - n)
    perm = (*range(2, 2 * n + 1, 2), 0, *range(1, 2 * n + 1, 2), *inner)
    name = sketch.permute(name, perm)
    shape = (batch * math.prod(block), *(m for m, _ in cells), *space[n:])
    sketch.reshape(name, shape, node.outputs[0])


def _to_space(sketch: Sketch, block: list[int], crops: list[tuple[int, int]]) -> None:
    node, graph, n = sketch.node, sketch.graph, len(block)
    batch, *space = graph.value(node.inputs[0]).shape
    blocks = math.prod(block)
    require(batch % blocks == 0, "a batch of whole blocks", node, (batch, block))
    name = sketch.reshape(node.inputs[0], (*block, batch // blocks, *space))
    perm = [n]
    for i in range(n):
        perm += [n + 1 + i, i]
    name = sketch.permute(name, (*perm, *range(2 * n + 1, n + 1 + len(space))))
    whole = (batch // blocks, *(m * b for m, b in zip(space, block, strict=False)), *space[n:])
    cropped = any(map(any, crops))
    name = sketch.reshape(name, whole, "" if cropped else node.outputs[0])
    if cropped:
        cut = [(0, 0), *crops, *((0, 0),) * (len(space) - n)]
        part = [range(a, m - b) for m, (a, b) in zip(whole, cut, strict=True)]
        sketch.part(name, part, node.outputs[0])
