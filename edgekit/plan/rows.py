"""The arena of a schedule: its storages as groups of rows with lifetimes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from edgekit.plan.groups import Group, group
from edgekit.plan.timeline import Root, Span, Timeline
from edgekit.program import ARENA, Turn

ALIGN = 4  # bytes: so that later kernels may load words
SCRATCH = -1  # the part of a node's key that names its scratch


def up(size: int, unit: int = ALIGN) -> int:
    return -(-size // unit) * unit


def groups_of(
    line: Timeline, turns: Sequence[Turn], apart: Collection[str], unit: int
) -> tuple[list[Group], int]:
    """Groups keyed (storage, row) or (node, SCRATCH), and the number of row steps.

    apart: the storages whose rows may lie anywhere, at multiples of `unit`; the others are whole.
    """
    spans, end = line.spans(turns)
    found: list[Group] = []
    for name, root in line.roots.items():
        if line.storage.space[name] != ARENA:
            continue
        span = _lived(line, name, root, spans, end + 1)
        if name in apart:
            for row in range(root.rows):
                part = (0, up(root.row_bytes, unit), span.born[row], span.dies[row])
                found.append(group((name, row), [part], unit))
        else:
            found.append(group((name, 0), _parts(root, span), max(ALIGN, unit)))
    for k, held in line.scratch(turns).items():
        node = line.graph.nodes[k]
        size = up(node.scratch(line.graph.values))
        found.append(group((node.name, SCRATCH), [(0, size, *times) for times in held], ALIGN))
    return found, end + 1


def _lived(line: Timeline, name: str, root: Root, spans: dict[str, Span], end: int) -> Span:
    """The span of a storage over a whole inference."""
    span = spans.get(name) or Span([0] * root.rows, [0] * root.rows)
    born = [0] * root.rows if line.first[name] < 0 else span.born
    dies = [end] * root.rows if line.last[name] == len(line.graph.nodes) else span.dies
    return Span(born, [max(b, d) for b, d in zip(born, dies, strict=True)])


def _parts(root: Root, span: Span) -> list[tuple[int, int, int, int]]:
    """The rows of a whole tensor; neighbours with one lifetime are one part."""
    parts: list[tuple[int, int, int, int]] = []
    for row, times in enumerate(zip(span.born, span.dies, strict=True)):
        if parts and parts[-1][2:] == times:
            at, size = parts[-1][:2]
            parts[-1] = (at, size + root.row_bytes, *times)
        else:
            parts.append((row * root.row_bytes, root.row_bytes, *times))
    return parts
