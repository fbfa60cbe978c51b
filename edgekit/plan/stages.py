"""Nodes as row steps: how many a node takes, and which rows of its inputs each of them reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit.graph import IntNode, Value
from edgekit.op import Kernel


@dataclass(frozen=True)
class Stage:
    """A node as a sequence of row steps.

    reads: per row step the rows of every input it reads; empty where the node runs all at once and
    reads everything. sums: the output, one row, is there after the last row step.
    lingers: in a turn of several rows, a row's inputs are read until the next row is finished.
    together: there, every row is written while any row's inputs may still be read.
    pieces: what `reads` counts instead of the input's rows; 0 where it counts rows.
    """

    reads: tuple[range, ...] = ()
    sums: bool = False
    lingers: bool = False
    together: bool = False
    pieces: int = 0

    @property
    def rows(self) -> int:
        """Row steps; 0 where the node runs all at once."""
        return len(self.reads)

    def read(self, row: int, first: int) -> range:
        """The input rows that must stand while row step `row` runs, in a turn that began at `first`."""
        rows = self.reads[row]
        if not self.lingers or row == first:
            return rows
        before = self.reads[row - 1]
        return range(min(before.start, rows.start), max(before.stop, rows.stop))


def is_map(shape: tuple[int, ...]) -> bool:
    """Has a tensor of this shape rows: [1, H, W, C]?"""
    return len(shape) == 4 and shape[0] == 1 and shape[1] > 0


def stage_of(node: IntNode, values: Mapping[str, Value]) -> Stage:
    """How `node` can be run row by row."""
    op, p, consts = node.op, node.params, node.consts
    given = () if op.feeds else node.inputs
    tensors = [values[name] for name in (*given, *node.outputs)]
    if op.signature == "sum":
        height = tensors[0].shape[1]
        return Stage(tuple(op.reads(p, consts, y) for y in range(height)), sums=True)
    if op.signature == "each":
        tensors = [t for t in tensors if t.data is None]
    if not all(is_map(t.shape) for t in tensors) or op.aliases(node, values):
        return Stage()
    elementwise = op.signature == "flat" and op.elementwise
    alike = all(t.data is None and t.shape == tensors[0].shape for t in tensors)
    if op.signature not in ("rows", "each") and not (elementwise and alike):
        return Stage()
    reads = tuple(op.reads(p, consts, y) for y in range(tensors[-1].shape[1]))
    kernel = Kernel(op, node.variant)
    # Threads make rows in no order: any may be written while the inputs of any are still read.
    together = kernel.together(p) or node.threads > 1
    lingers = kernel.lingers(p) and not together
    return Stage(reads, lingers=lingers, together=together, pieces=op.pieces(p) or 0)
