"""Read a variable that survives between inferences.

out = state
"""

from __future__ import annotations

from edgekit.cases import activation, single
from edgekit.graph import Graph, Node
from edgekit.op import Case, require
from edgekit.ops.copy import Copy


class ReadVariable(Copy):
    name = "read_variable"
    inputs = ("state",)
    tflite = ("READ_VARIABLE", "VAR_HANDLE")

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        # The pass resolve_state has already replaced those whose variable is known.
        require(False, "a variable named by VAR_HANDLE", node, node.inputs)
        return []

    @classmethod
    def cases(cls) -> list[Case]:
        shape = (1, 3, 40)
        return [single(cls, "frames", [activation("state", shape)], [activation("output", shape)])]
