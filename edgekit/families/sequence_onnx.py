"""ONNX's LSTM, GRU and RNN, which torch's are read as: one import for all three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.families.sequence import Sequence as Layer
from edgekit.graph import Node
from edgekit.op import Array, require

if TYPE_CHECKING:
    from edgekit.draft import Draft

_OPERANDS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
_DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}


def import_sequence(
    op: type[Layer], node: Node, draft: Draft, order: Sequence[int], functions: tuple[str, ...], attrs: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write one layer. order: the file's gates in ours; functions: the activations of a direction."""
    named = dict(zip(_OPERANDS, (*node.inputs, *[""] * len(_OPERANDS)), strict=False))
    a = node.attrs
    direction = a.get("direction", "forward")
    require(direction in _DIRECTIONS, "one of ONNX's directions", node, direction)
    _check_functions(node, functions, _DIRECTIONS[direction])
    require(not named["P"], "no peepholes", node, named["P"])
    require(not a.get("clip", 0) and not a.get("input_forget", 0), "no clip and no coupled gates", node,
            {key: a.get(key) for key in ("clip", "input_forget")})  # fmt: skip
    batch_first = bool(a.get("layout", 0))
    batch, steps, _ = _axes(draft.shape(named["X"]), batch_first)
    lengths = named["sequence_lens"]
    if lengths:
        data = draft.const(lengths)
        require(data is not None and bool((data == steps).all()), "sequences of full length", node, lengths)  # fmt: skip
    weights = _weights(node, draft, named, order, _DIRECTIONS[direction])
    units = weights["weights_h"].shape[-1]
    state = (batch, _DIRECTIONS[direction], units) if batch_first else (_DIRECTIONS[direction], batch, units)  # fmt: skip
    given = [_initial(op, node, draft, name, named[role], state)
             for name, role in zip(op.inputs[1:], ("initial_h", "initial_c"), strict=False)]  # fmt: skip
    outputs = _outputs(op, node, draft, named["initial_h"])
    made = {
        **weights, **attrs, "backward": direction == "reverse", "batch_first": batch_first,
    }  # fmt: skip
    draft.add_all(op.name, node, [named["X"], *given], made, outputs)


def _axes(shape: Sequence[int], batch_first: bool) -> tuple[int, int, int]:
    """Sequences, steps, and elements of a step."""
    first, second, elements = shape
    return (first, second, elements) if batch_first else (second, first, elements)


def _check_functions(node: Node, functions: tuple[str, ...], directions: int) -> None:
    found = [str(name).lower() for name in node.attrs.get("activations", functions * directions)]
    wanted = [name.lower() for name in functions] * directions
    require(found == wanted, f"the activations {', '.join(functions)}", node, found)


def _weights(
    node: Node, draft: Draft, named: Mapping[str, str], order: Sequence[int], directions: int
) -> dict[str, Array]:
    """The attributes of `edgekit/families/sequence.py`."""
    w, r = draft.real(named["W"]), draft.real(named["R"])
    bias = draft.real(named["B"])
    constant = w is not None and r is not None and (bias is not None or not named["B"])
    require(constant, "constant weights and biases", node, [named[n] for n in "WRB"])
    assert w is not None
    assert r is not None
    gates, units = len(order), r.shape[-1]
    if bias is None:
        bias = np.zeros((directions, 2 * gates * units))

    def sorted_gates(data: Array, *behind: int) -> Array:
        return np.asarray(data, np.float64).reshape(directions, gates, units, *behind)[:, order]

    both = bias.reshape(directions, 2, gates * units)
    return {
        "weights_x": sorted_gates(w, w.shape[-1]), "weights_h": sorted_gates(r, units),
        "bias_x": sorted_gates(both[:, 0]), "bias_h": sorted_gates(both[:, 1]),
    }  # fmt: skip


def _initial(
    op: type[Layer], node: Node, draft: Draft, role: str, name: str, state: tuple[int, ...]
) -> str:
    """The operand for a first state: zeros where there is none."""
    if not name:
        return draft.constant(node.outputs[0] or node.name, np.zeros(state, np.float32))
    held = draft.resolve(name)
    if role in op.accumulates:
        outside = held in draft.source.inputs or draft.const(name) is not None
        require(outside, "a first state that is an input or a constant", node, name)
    return held


def _outputs(op: type[Layer], node: Node, draft: Draft, initial: str) -> list[str]:
    """The source's names for a layer's outputs, "" for what nobody reads. Where the only state is
    int16, the last one is that where it goes out as the first one came in, int8 for other readers."""
    read = {name for reader in draft.source.nodes for name in reader.inputs}
    used = [n if n in read or n in draft.source.outputs else "" for n in node.outputs]
    rows, hidden, *cell = (*used, "", "", "")[:3]
    if op.first_is_hidden:
        return [rows, hidden, *cell][: 1 + len(op.more)]
    carried = initial in draft.source.inputs and hidden in draft.source.outputs
    require(not (carried and hidden in read), "a last state that nobody reads, where it is an output",
            node, hidden)  # fmt: skip
    return [rows, "", hidden] if carried else [rows, hidden, ""]
