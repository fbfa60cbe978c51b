"""Test cases of recurrent layers: every direction, order of axes and length, seeded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit.cases import activation, case_random, single
from edgekit.families.sequence import Sequence
from edgekit.graph import Value
from edgekit.op import Case


def sequence_cases(op: type[Sequence], attrs: Mapping[str, Any], only: str = "") -> list[Case]:
    """Cases of a recurrent layer with the attributes `attrs`; of that name alone where `only` is
    given."""
    if only:
        return [_case(op, only, attrs, 3, 1, 4, 5)]
    return [
        _case(op, "sequence", attrs, 5, 1, 7, 6),
        _case(op, "single", attrs, 1, 1, 1, 1),
        _case(op, "backward", attrs, 4, 1, 3, 5, backward=True),
        _case(op, "both", attrs, 3, 2, 4, 3, directions=2),
        _case(op, "batch_first", attrs, 3, 2, 4, 3, batch_first=True),
    ]


def _case(
    op: type[Sequence], name: str, attrs: Mapping[str, Any], steps: int, batch: int, in_c: int, units: int, *,
    directions: int = 1, backward: bool = False, batch_first: bool = False,
) -> Case:  # fmt: skip
    """One layer; its states are inputs like others."""
    rng = case_random(op, f"{name} {sorted(attrs.items())}")

    def weights(columns: int) -> Any:
        # What a rectifier lets through must not grow from step to step.
        limit = (0.8 if attrs.get("rectify") else 1.7) / columns**0.5
        return rng.uniform(-limit, limit, (directions, op.gates, units, columns))

    biases = rng.normal(size=(2, directions, op.gates, units)) * 0.3
    given = {
        **attrs, "weights_x": weights(in_c), "weights_h": weights(units), "bias_x": biases[0],
        "bias_h": biases[1], "backward": backward, "batch_first": batch_first,
    }  # fmt: skip
    shape = (batch, steps, in_c) if batch_first else (steps, batch, in_c)
    state = (batch, directions, units) if batch_first else (directions, batch, units)
    # The state of a GRU reaches both -1 and 1.
    scale, zero = (0.03, -128) if attrs.get("rectify") else (1 / 124, -3)
    operands = [activation("input", shape, 0.02, 3)]
    operands += [_state(op, label, state, scale, zero) for label in op.inputs[1:]]
    outputs = [_state(op, label, state, scale, zero) for label in op.more]
    draft = [activation("output", (1,), scale, zero), *outputs]
    probe = single(op, name, operands, draft, given)
    out = op.shapes(probe.graph.nodes[0], probe.graph)[0]
    return single(op, name, operands, [activation("output", out, scale, zero), *outputs], given)


def _state(
    op: type[Sequence], label: str, shape: tuple[int, ...], scale: float, zero: int
) -> Value:
    if label in op.accumulates:
        power = -11 if label.startswith("cell") else -15
        return activation(label, shape, 2.0**power, 0, "int16")
    return activation(label, shape, scale, zero)
