"""What operators with variables share: the variables among their operands, and int16 gate functions."""

from __future__ import annotations

import numpy as np

from edgekit import fixed
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, require


def variable(node: Node, graph: Graph, name: str, elements: int, dtypes: tuple[str, ...]) -> Value:
    """A variable operand of that many elements."""
    value = graph.value(name)
    kept = {state.value for state in graph.states}
    require(name in kept, "variables for what is kept between inferences", node, name)
    found = (value.dtype, value.elements)
    wanted = f"{' or '.join(dtypes)} variables of {elements} elements"
    require(value.dtype in dtypes and value.elements == elements, wanted, node, found)
    return value


def sigmoid_table() -> Array:
    """1 / (1 + exp(-i / 24)) in Q0.16 for i = 0..255, less one half so that int16 holds it.

    Chords lie below the function, by up to an eighth of its second derivative; each entry is raised by
    half of that, so that interpolation errs as much to one side as to the other. The last one is the
    limit, which is what lies behind it.
    """
    value = 1 / (1 + np.exp(-np.arange(256) / 24))
    bend = value * (1 - value) * (2 * value - 1) / 24**2
    table = np.rint(65536 * (value + bend / 16)) - 32768
    table[-1] = 32767
    return np.asarray(table, np.int16)


def sigmoid(x: fixed.Int, table: Array) -> fixed.Int:
    """The logistic function of x in Q3.12, in Q0.15: between two entries of the table."""
    return sigmoid_thirds(3 * x, table)


def sigmoid_thirds(x: fixed.Int, table: Array) -> fixed.Int:
    """The same for x in units of 1 / (3 * 4096)."""
    value = _between(np.abs(x), 9, table)
    return np.asarray(np.where(x >= 0, value + 512, (1 << 25) - value + 511) >> 10)


def tanh(x: fixed.Int, shift: int, table: Array) -> fixed.Int:
    """tanh(x) in Q0.15 for x with 12 + shift fraction bits less than none: ``x * 2^(shift - 12)``."""
    x = (3 * x) << shift if shift >= 0 else (3 * x + (1 << (-shift - 1))) >> -shift
    return tanh_thirds(x, table)


def tanh_thirds(x: fixed.Int, table: Array) -> fixed.Int:
    """The same for x in units of 1 / (3 * 4096)."""
    value = _between(np.abs(x), 8, table)
    return np.asarray(np.where(x >= 0, value - (1 << 23) + 128, (1 << 23) - value + 127) >> 8)


def _between(magnitude: fixed.Int, bits: int, table: Array) -> fixed.Int:
    """The table at magnitude / 2^bits, interpolated, with `bits` more fraction bits."""
    full = table.astype(np.int64) + 32768
    at = np.minimum(magnitude >> bits, 254)
    rest = magnitude & ((1 << bits) - 1)
    inside = (full[at] << bits) + rest * (full[at + 1] - full[at])
    highest = 0x7FFF << 10 if bits == 9 else 0xFFFF << 8
    return np.asarray(np.where(magnitude >> bits >= 255, highest, inside))


def saturate16(x: fixed.Int) -> fixed.Int:
    """Clamped to int16."""
    return np.asarray(np.clip(x, -32768, 32767))
