"""The order in which rows are made: each row when another one needs it, none twice."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.plan.fed import fed_node
from edgekit.plan.stages import Stage
from edgekit.plan.timeline import Timeline
from edgekit.program import Turn, streams_of


class Order:
    """Schedules for runs of nodes; a turn's `step` is the number of its node."""

    def __init__(self, timeline: Timeline) -> None:
        self.stages = timeline.stages
        self._feed = fed_node(timeline)
        writers: dict[str, list[int]] = {}
        for k, uses in enumerate(timeline.writes):
            for root, _ in uses:
                writers.setdefault(root, []).append(k)
        # Per node the nodes before it whose rows it reads; False where it reads everything they make.
        self._makers = [
            [(m, by_rows) for root, by_rows in uses for m in writers.get(root, ()) if m < k]
            for k, uses in enumerate(timeline.reads)
        ]
        # The last row that is needed before row step y can run; some operators read back and forth.
        self._ends = [_running_ends(stage) for stage in self.stages]

    def segment(self, nodes: Sequence[int], step: int = 1) -> list[Turn]:
        """`nodes`, all by rows or a single one, as one stream, `step` rows a turn.

        The last node asks for its rows, each node asks for those it needs; what nobody asked for
        follows. Of a fed input each row is a turn, and its first row the first of all: before it
        there is nothing to do.
        """
        fed = self._feed in nodes
        if len(nodes) == 1 and not fed:
            return [Turn(nodes[0], 0, max(1, self.stages[nodes[0]].rows))]
        turns: list[Turn] = []
        done = dict.fromkeys(nodes, 0)

        def make(k: int, end: int) -> None:
            rows = self.stages[k].rows
            while done[k] < min(end, rows):
                n = min(1 if k == self._feed else step, rows - done[k])
                need = self._ends[k][done[k] + n - 1]
                for maker, by_rows in self._makers[k]:
                    if maker in done:
                        part = by_rows and not self.stages[maker].sums
                        make(maker, need if part else self.stages[maker].rows)
                turns.append(Turn(k, done[k], n))
                done[k] += n

        if fed:
            make(nodes[0], 1)
        for k in (nodes[-1], *nodes[:-1]):
            make(k, self.stages[k].rows)
        return _joined(turns)


def _joined(turns: Sequence[Turn]) -> list[Turn]:
    """The turns of a node that is alone from its first row to its last are one turn: nobody waits
    for them. Among the turns of others each makes one row."""
    found: list[Turn] = []
    for group in streams_of(turns):
        alone = len({turn.step for turn in group}) == 1
        found += [Turn(group[0].step, 0, sum(turn.n for turn in group))] if alone else group
    return found


def _running_ends(stage: Stage) -> list[int]:
    ends: list[int] = []
    for rows in stage.reads:
        ends.append(max(rows.stop, ends[-1] if ends else 0))
    return ends
