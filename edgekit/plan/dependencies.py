"""Which nodes must run before which: operands, and accesses of variables in their order."""

from __future__ import annotations

from edgekit.plan.timeline import Timeline
from edgekit.program import STATE


class Dependencies:
    """`needs`: per node, as bits, the nodes that run before it in every order."""

    def __init__(self, line: Timeline) -> None:
        self._line = line
        graph = line.graph
        maker = {name: k for k, node in enumerate(graph.nodes) for name in node.outputs}
        variables = {state.value for state in graph.states}
        self.needs = [0] * len(graph.nodes)
        for k, node in enumerate(graph.nodes):
            for name in node.inputs:
                if name in maker and name not in variables:
                    self.needs[k] |= 1 << maker[name]
        self._order_accesses()

    def _order_accesses(self) -> None:
        """Reads of a variable stay between the writes that they are between in the file. A tensor that
        is kept in the variable counts as the variable."""
        storage = self._line.storage
        read: dict[str, int] = {}
        written: dict[str, int] = {}
        for k, node in enumerate(self._line.graph.nodes):
            roots = {storage.place(name).root for name in (*node.inputs, *node.outputs)}
            for root in sorted(r for r in roots if storage.space[r] == STATE):
                self.needs[k] |= written.get(root, 0)
                if self._writes(k, root):
                    self.needs[k] |= read.get(root, 0)
                    written[root] = written.get(root, 0) | 1 << k
                read[root] = read.get(root, 0) | 1 << k

    def _writes(self, k: int, root: str) -> bool:
        """A read that became a view writes nothing."""
        node, storage = self._line.graph.nodes[k], self._line.storage
        if k in storage.dropped:
            return root in node.outputs
        return any(storage.place(name).root == root for name in node.outputs)
