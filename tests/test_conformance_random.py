"""Random one-operator models against TensorFlow Lite Micro, byte for byte: 20 an operator, 300 soaked."""

from __future__ import annotations

import zlib

import conformance
import numpy as np
import pytest
import random_arithmetic
import random_layers
import random_moves
import random_wide
from random_models import BLOCKS, MODELS

# Each registers its operators in MODELS.
FAMILIES = (random_arithmetic, random_layers, random_moves, random_wide)


@pytest.mark.parametrize("seeds", BLOCKS, ids=["some", "many"])
@pytest.mark.parametrize("op", MODELS)
def test_random_models(op: str, seeds: range) -> None:
    for seed in seeds:
        model = MODELS[op](np.random.default_rng([zlib.crc32(op.encode()), seed]))
        try:
            conformance.check(model.op, model.inputs, model.outputs, model.options, data=model.data)
        except BaseException as error:
            error.add_note(f"{op}, seed {seed}: {[s.shape for s in model.inputs]} {model.options}")
            raise
