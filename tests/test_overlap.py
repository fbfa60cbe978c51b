"""An output that grows into its dying input: the distance that the planner keeps is safe, and no row more."""

from __future__ import annotations

import numpy as np
import pytest
from test_streams import Maps

from edgekit.families.window import Axis
from edgekit.graph import IntGraph
from edgekit.plan.conflicts import Conflicts
from edgekit.plan.rows import groups_of
from edgekit.plan.streams import Network
from edgekit.program import Turn

SHAPES = 200


def layer(seed: int) -> IntGraph:
    """One layer on a map, of any kernel, stride and padding."""
    rng = np.random.default_rng(seed)
    height, width, channels = (int(n) for n in rng.integers(1, (10, 7, 6)))
    net = Maps(height, width, channels)

    def axis(size: int) -> Axis:
        kernel = int(rng.integers(1, min(4, size) + 1))
        before, after = (int(n) for n in rng.integers(0, kernel, 2))
        return Axis(size, kernel, int(rng.integers(1, 4)), 1, before, after)

    op = str(rng.choice(["conv2d", "depthwise", "max_pool", "avg_pool"]))
    made = int(rng.integers(1, 8)) if op == "conv2d" else channels
    return net.graph([net.window(op, net.input, axis(height), axis(width), made)])


def least_distance(graph: IntGraph) -> int:
    """Bytes by which the output has to begin below the input, as the planner says."""
    network = Network(graph, keep_input=False, caller_io=False)
    line = network.cuts.whole
    (out,), (x,) = graph.outputs, graph.inputs
    groups, _ = groups_of(line, [Turn(0, 0, line.stages[0].rows)], (), 1)
    number = {g.key[0]: i for i, g in enumerate(groups)}
    others, low, _ = Conflicts(groups).of[number[out]]
    between = low[others == number[x]]
    return max(0, -int(between.min(initial=0)))


def survives(graph: IntGraph, distance: int) -> bool:
    """Replays the layer byte by byte: does every row find the bytes it reads?"""
    node = graph.nodes[0]
    x, out = graph.values[graph.inputs[0]], graph.values[graph.outputs[0]]
    row, made = x.nbytes // x.shape[1], out.nbytes // out.shape[1]
    memory = np.zeros(distance + max(x.nbytes, out.nbytes), np.int64)
    memory[distance : distance + x.nbytes] = np.arange(1, x.nbytes + 1)
    for y in range(out.shape[1]):
        rows = node.op.reads(node.params, node.consts, y)
        if y and node.op.lingers(node.params):
            before = node.op.reads(node.params, node.consts, y - 1)
            rows = range(min(before.start, rows.start), max(before.stop, rows.stop))
        bytes_read = np.arange(rows.start * row, rows.stop * row)
        # The kernel writes while it reads: what a row is made from must also outlast its writing.
        memory[y * made : (y + 1) * made] = -1
        if (memory[distance + bytes_read] != bytes_read + 1).any():
            return False
    return True


@pytest.mark.parametrize("first", range(0, SHAPES, 50))
def test_the_distance_is_safe_and_the_next_smaller_one_is_not(first: int) -> None:
    for seed in range(first, first + 50):
        graph = layer(seed)
        distance = least_distance(graph)
        assert survives(graph, distance), seed
        assert not distance or not survives(graph, distance - 1), seed
