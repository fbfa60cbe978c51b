"""Every format of coded weights in every kernel on them, tiles of every size: the bytes of the plain operator."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import kernels
import numpy as np
import pytest
from test_operators import WORDS, check_kernel

from edgekit.cases import weighted_case
from edgekit.families.coded import CodedOp
from edgekit.families.coding import Coded, encoded
from edgekit.families.tokens import grouped, tokens
from edgekit.families.window import Axis, window_attrs
from edgekit.graph import IntNode, Value
from edgekit.op import Case, load_ops
from edgekit.variants import fitting


def square(size: int, kernel: int) -> Axis:
    return Axis(size, kernel, 1, 1, kernel // 2, kernel - 1 - kernel // 2)


def conv(channels: int, kernel: int, depth: int) -> Case:
    attrs = {**window_attrs(square(5, kernel), square(5, kernel)), "activation": "RELU"}
    shapes = (1, 5, 5, depth), (channels, kernel, kernel, depth)
    return weighted_case(load_ops()["conv2d"], f"{channels}_{kernel}", *shapes, attrs)


def depthwise(channels: int, kernel: int) -> Case:
    attrs = {**window_attrs(square(5, kernel), square(5, kernel)), "activation": "NONE"}
    shapes = (1, 5, 5, channels), (1, kernel, kernel, channels)
    op = load_ops()["depthwise"]
    return weighted_case(op, f"{channels}_{kernel}", *shapes, attrs, channel_axis=3)


def dense(channels: int, taps: int) -> Case:
    attrs = {"activation": "NONE", "keep_num_dims": False}
    op = load_ops()["fully_connected"]
    return weighted_case(op, f"{channels}_{taps}", (2, taps), (channels, taps), attrs)


CASES = {
    "pointwise": conv(9, 1, 16), "conv": conv(7, 3, 3), "wide conv": conv(5, 3, 8),
    "depthwise 3x3": depthwise(13, 3), "depthwise 4x4": depthwise(9, 4), "dense": dense(7, 32),
}  # fmt: skip


def formats(rows: np.ndarray) -> Iterator[Coded]:
    """Codes of few values and many, of one for all channels and one for some, with runs, and in groups."""
    for way, low, span in [
        (tokens(rows, 0), 0, len(rows)), (tokens(rows, 0), 0, 1), (tokens(rows, 0), 3, 2),
        (tokens(rows, 15), 0, 3), (tokens(rows, 3), 5, len(rows)),
    ]:  # fmt: skip
        yield encoded(way, low, span)
    for way in grouped(rows):
        yield encoded(way, 0, 2)
        yield encoded(way, 4, len(rows))


def nodes(case: Case) -> Iterator[tuple[IntNode, dict[str, Value]]]:
    """The case's layer with one weight of four not 0, in every format, with tiles of one channel to all."""
    plain, values = kernels.lower(case.graph)
    op = load_ops()[f"{plain.op.name}_coded"]
    assert issubclass(op, CodedOp)
    drawn = op.rows(plain.consts["weights"]).copy()
    keep = np.arange(drawn.shape[1]) % 4 == np.random.default_rng(1).integers(0, 4, drawn.shape[1])
    drawn = np.where(keep, drawn, 0) // 4
    drawn[len(drawn) // 2] = 0
    weights = op.layout(_sized(plain, op, drawn), drawn.astype(np.int8))
    plain = dataclasses.replace(plain, consts={**plain.consts, "weights": weights})
    for coded in formats(drawn.astype(np.int8)):
        node = op.of_plain(plain, coded)
        for tile in {op.multiple, 2 * op.multiple, node.params.tile}:  # type: ignore[attr-defined]
            params = dataclasses.replace(node.params, tile=tile)  # type: ignore[call-arg]
            yield dataclasses.replace(node, params=params), values


def _sized(plain: IntNode, op: type[CodedOp], rows: np.ndarray) -> object:
    return op.of_plain(plain, encoded(tokens(rows.astype(np.int8), 0), 0, len(rows))).params


@pytest.mark.parametrize("name", CASES)
def test_every_format_and_tile(name: str) -> None:
    case, kinds = CASES[name], set()
    plain, _ = kernels.lower(case.graph)
    for node, values in nodes(case):
        p = node.params
        kinds.add((p.group > 0, p.low > 0, bool(p.sparse)))  # type: ignore[attr-defined]
        consts = node.op.plain(p, node.consts)  # type: ignore[attr-defined]
        inputs = kernels.operands(node, case.graph, kernels.random_inputs(case.graph, 6))
        (want,) = plain.op.run(plain.params, consts, *inputs)
        np.testing.assert_array_equal(node.op.run(p, node.consts, *inputs)[0], want)
        for variant in (None, *fitting(node, WORDS)):
            check_kernel(dataclasses.replace(node, variant=variant), values, case)
    assert {(False, False, False), (False, True, False), (False, False, True)} <= kinds
    assert name in ("conv", "depthwise 3x3") or any(group for group, _, _ in kinds)
