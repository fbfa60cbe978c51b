"""IF against TensorFlow Lite Micro: both branches computed, one taken."""

from __future__ import annotations

import conformance
import numpy as np
import oracle
import pytest
from tflite_writer import Layer, TensorSpec, one_op_model

from edgekit.errors import EdgekitError
from edgekit.frontends.tflite import load
from edgekit.passes import canonical

SHAPE = (1, 3, 5)
AFFINE = (0.05, 3)
BRANCHES = {"then_subgraph_index": 1, "else_subgraph_index": 2}


def tensor(name: str) -> TensorSpec:
    return TensorSpec(name, SHAPE, "int8", *AFFINE)


def branch(op: str) -> Layer:
    options = {} if op in ("MAXIMUM", "MINIMUM") else {"fused_activation_function": "NONE"}
    return op, [tensor("p"), tensor("q")], [tensor("r")], options


def conditional(then: str, other: str) -> bytes:
    operands = [TensorSpec("c", (1,), "bool"), tensor("a"), tensor("b")]
    return one_op_model("IF", operands, [tensor("y")], BRANCHES, [branch(then), branch(other)])


@pytest.mark.parametrize(
    ("then", "other"), [("ADD", "SUB"), ("MAXIMUM", "ADD"), ("SUB", "MINIMUM")]
)
def test_the_branch_that_the_condition_names(then: str, other: str) -> None:
    rng = np.random.default_rng(2)
    data = {name: rng.integers(-128, 128, (8, *SHAPE)).astype(np.int8) for name in "ab"}
    data["c"] = (np.arange(8) % 2 == 0).reshape(8, 1)
    model = conditional(then, other)
    want = oracle.tflm(model, [[data[name][s] for name in "cab"] for s in range(8)])
    got = conformance.whole(model, data)["y"]
    np.testing.assert_array_equal(got, np.stack([w[0] for w in want]))


def test_a_branch_that_is_not_there_is_refused() -> None:
    operands = [TensorSpec("c", (1,), "bool"), tensor("a"), tensor("b")]
    model = one_op_model("IF", operands, [tensor("y")], BRANCHES, [branch("ADD")])
    with pytest.raises(EdgekitError) as error:
        canonical(load(model, "model"))
    assert error.value.code == "EK202"


def test_a_branch_with_other_operands_is_refused() -> None:
    operands = [TensorSpec("c", (1,), "bool"), tensor("a")]
    model = one_op_model("IF", operands, [tensor("y")], BRANCHES, [branch("ADD"), branch("SUB")])
    with pytest.raises(EdgekitError) as error:
        canonical(load(model, "model"))
    assert error.value.code == "EK202"
