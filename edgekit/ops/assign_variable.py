"""Assign a variable that survives between inferences.

state = in
"""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.cases import activation, single
from edgekit.graph import IntNode, Value
from edgekit.op import Alias, Case
from edgekit.ops.copy import Copy


class AssignVariable(Copy):
    name = "assign_variable"

    @classmethod
    def aliases(cls, node: IntNode, values: Mapping[str, Value]) -> list[Alias]:
        # The storage is read until its last use; what is assigned to it has to be copied in.
        return []

    @classmethod
    def cases(cls) -> list[Case]:
        shape = (1, 3, 40)
        return [single(cls, "frames", [activation("input", shape)], [activation("state", shape)])]
