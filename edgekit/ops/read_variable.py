"""Read a variable that survives between inferences.

out = state
"""

from __future__ import annotations

from edgekit.cases import activation, single
from edgekit.op import Case
from edgekit.ops.copy import Copy


class ReadVariable(Copy):
    name = "read_variable"
    inputs = ("state",)

    @classmethod
    def cases(cls) -> list[Case]:
        shape = (1, 3, 40)
        return [single(cls, "frames", [activation("state", shape)], [activation("output", shape)])]
