"""Assign a variable that survives between inferences.

state = in
"""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Alias, Case, require
from edgekit.ops.copy import Copy


class AssignVariable(Copy):
    name = "assign_variable"
    tflite = ("ASSIGN_VARIABLE", "CALL_ONCE")

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        # The pass resolve_state has already replaced those whose variable is known.
        require(
            False, "a variable named by VAR_HANDLE, with a constant first value", node, node.inputs
        )
        return []

    @classmethod
    def aliases(cls, node: IntNode, values: Mapping[str, Value]) -> list[Alias]:
        # The storage is read until its last use; what is assigned to it has to be copied in.
        return []

    @classmethod
    def cases(cls) -> list[Case]:
        shape = (1, 3, 40)
        return [single(cls, "frames", [activation("input", shape)], [activation("state", shape)])]
