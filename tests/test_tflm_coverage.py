"""How many of the operators that TensorFlow Lite Micro's all-ops resolver registers are supported."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from tflite_writer import TensorSpec, one_op_model

from edgekit.frontends.tflite_schema import BUILTIN_OPERATORS
from edgekit.op import tflite_ops

WANTED = 100


def registered(op: str) -> bool:
    """Does the interpreter know the operator? What else it says of this model does not matter."""
    x, y = (TensorSpec(name, (1, 4), "int8", 0.1) for name in "xy")
    try:
        oracle.tflm(one_op_model(op, [x], [y]), [[np.zeros((1, 4), np.int8)]])
    except oracle.OracleError as error:
        return "Didn't find op" not in str(error)
    return True


def test_operators_of_the_all_ops_resolver(capsys: pytest.CaptureFixture[str]) -> None:
    builtin = [
        op
        for op in BUILTIN_OPERATORS
        if not op.startswith(("CUSTOM", "DELEGATE", "PLACEHOLDER", "STABLEHLO"))
    ]
    known = [op for op in builtin if registered(op)]
    missing = sorted(set(known) - set(tflite_ops()))
    with capsys.disabled():
        print(
            f"\nTensorFlow Lite Micro: {len(known) - len(missing)} of {len(known)} builtin operators; without",
            *missing,
        )
    assert len(known) - len(missing) >= WANTED
