"""A border that mirrors the tensor (MIRROR_PAD).

out = the rows before the first, in reverse, the tensor, the rows behind the last, in reverse

along each padded axis in turn. REFLECT leaves out the first and last row itself, SYMMETRIC repeats it.
Made of slices that run backwards and of a concatenation.
"""

from __future__ import annotations

from edgekit.families.movement import check_moved, constant
from edgekit.graph import Graph, Node
from edgekit.op import Transient, require
from edgekit.sketch import Sketch


class MirrorPad(Transient):
    name = "mirror_pad"
    tflite = ("MIRROR_PAD",)

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        check_moved(node, graph, node.inputs[:1])
        x, sizes = graph.value(node.inputs[0]), constant(node, graph, 1)
        require(len(sizes) == 2 * len(x.shape), "two border sizes per axis", node, sizes)
        sketch, skip = Sketch(node, graph), int(node.attrs["mode"] == "REFLECT")
        borders = {
            axis: pair
            for axis, pair in enumerate(zip(sizes[::2], sizes[1::2], strict=True))
            if any(pair)
        }
        name = x.name
        for axis, (before, after) in borders.items():
            n = graph.value(name).shape[axis]
            require(min(before, after) >= 0 and max(before, after) + skip <= n,
                    "borders that the tensor can mirror", node, (before, after, n))  # fmt: skip
            whole = [range(m) for m in graph.value(name).shape]
            first = range(skip, skip + before)[::-1]
            last = range(n - skip - after, n - skip)[::-1]
            parts = [
                sketch.part(name, [*whole[:axis], border, *whole[axis + 1 :]]) if border else ""
                for border in (first, last)
            ]
            joined = [part for part in (parts[0], name, parts[1]) if part]
            output = node.outputs[0] if axis == max(borders) else ""
            name = sketch.add("concat", joined, {"axis": axis}, output)
        if not borders:
            sketch.reshape(name, x.shape, node.outputs[0])
        return sketch.nodes
