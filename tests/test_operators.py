"""Every operator's own cases: simulator formula against C kernel, byte for byte, strips included."""

from __future__ import annotations

from dataclasses import replace

import kernels
import numpy as np
import pytest

from edgekit.graph import IntNode, Value, limits
from edgekit.op import Case, Op, load_ops
from edgekit.target import list_targets, load_target
from edgekit.variants import fitting

WORDS = {word for target in list_targets() for word in load_target(target).isa}
CASES = [(op, case) for op in load_ops().values() for case in op.cases()]
IDS = [f"{op.name}-{case.name}" for op, case in CASES]


@pytest.mark.parametrize(("op", "case"), CASES, ids=IDS)
def test_simulator_equals_c_kernels(op: type[Op], case: Case) -> None:
    node, values = kernels.lower(case.graph)
    for variant in (None, *fitting(node, WORDS)):
        check_kernel(replace(node, variant=variant), values, case)


def check_kernel(node: IntNode, values: dict[str, Value], case: Case) -> None:
    inputs = kernels.operands(node, case.graph, kernels.random_inputs(case.graph, 6))
    expected, *states = node.op.run(node.params, node.consts, *inputs)
    stepped = {"rows": node.outputs[0], "sum": node.inputs[0]}.get(node.op.signature)
    height = values[stepped].shape[1] if stepped else 1
    for sample in range(6):
        for strip in sorted({1, 2, max(1, height - 1), height}):
            one = [x[sample].copy() for x in inputs]
            more: list[kernels.Array] = []
            got = kernels.call(node, values, *one, strip=strip, more=more)
            np.testing.assert_array_equal(
                got, expected[sample].reshape(got.shape), str(node.variant)
            )
            written = [
                x for x, name in zip(one, node.op.inputs, strict=False) if name in node.op.states
            ]
            for state, want in zip([*written, *more], states, strict=True):
                np.testing.assert_array_equal(state, want[sample].reshape(state.shape), "state")


@pytest.mark.parametrize(("op", "case"), CASES, ids=IDS)
def test_integer_result_is_near_the_real_one(op: type[Op], case: Case) -> None:
    graph = case.graph
    node, values = kernels.lower(graph)
    inputs = kernels.random_inputs(graph, 4, seed=1)
    integer, *_ = node.op.run(node.params, node.consts, *kernels.operands(node, graph, inputs))
    out = values[node.outputs[0]]

    def real(value: Value, x: kernels.Array) -> kernels.Array:
        zero, scale = (value.zero_point, value.scale) if value.quant else (0, 1.0)
        return (x.astype(np.float64) - zero) * scale

    for sample in range(4):
        one = [real(graph.value(n), x[sample]) for n, x in zip(graph.inputs, inputs, strict=True)]
        expected, *_ = op.real(graph.nodes[0], graph, *one)
        low, high = (real(out, np.array([end])) for end in limits(out.dtype))
        got = real(out, integer[sample].reshape(out.shape))
        error = np.abs(got - np.clip(expected.reshape(out.shape), low, high))
        error = error / (out.scale if out.quant else 1)
        assert error.max(initial=0) <= op.tolerance, f"{error.max()} steps"


@pytest.mark.parametrize(("op", "case"), CASES, ids=IDS)
def test_cases_seldom_saturate(op: type[Op], case: Case) -> None:
    node, values = kernels.lower(case.graph)
    inputs = kernels.operands(node, case.graph, kernels.random_inputs(case.graph, 40, seed=2))
    got, *_ = node.op.run(node.params, node.consts, *[x[2:] for x in inputs])
    p = node.params
    dtype = values[node.outputs[0]].dtype
    if dtype == "bool":
        return  # both of its numbers are ends
    low, high = limits(dtype)
    bounds = [getattr(p, "out_min", low), getattr(p, "out_max", high)]
    if (
        "activation" not in case.graph.nodes[0].attrs
        or case.graph.nodes[0].attrs["activation"] == "NONE"
    ):
        assert np.isin(got, bounds).mean() <= op.saturation, "most rounding would go untested"
