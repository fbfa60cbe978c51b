"""Blocks of common torch networks: exported, quantized, close to torch, the same bytes in C."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch_blocks import BLOCKS, block  # noqa: E402

from edgekit.build import Options, compile_program  # noqa: E402
from edgekit.emit import emit  # noqa: E402
from edgekit.frontends.torch_module import export_module  # noqa: E402
from edgekit.quantize import Calibration  # noqa: E402
from edgekit.simulate import Simulator  # noqa: E402
from edgekit.target import load_target  # noqa: E402
from edgekit.validate.data import dequantize, samples_of  # noqa: E402
from edgekit.validate.metrics import sqnr_db  # noqa: E402
from edgekit.validate.runners import deploy, make_runner  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", BLOCKS)
def test_a_network_of_common_blocks(name: str, tmp_path: Path) -> None:
    module, shape = block(name)
    # Samples differ from each other, as those of a task do.
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(5, 1, *shape))
    x = kinds[rng.integers(0, 5, 112)] + rng.normal(size=(112, 1, *shape)) * 0.5
    x = x.astype(np.float32)
    file = export_module(module, x[0], tmp_path)
    program = compile_program(file, Options("m"), numbers=Calibration(x[:64])).program
    with torch.no_grad():
        want = module(torch.from_numpy(x[64:, 0])).numpy()
    tensors = [program.buffers[n] for n in program.inputs]
    given = samples_of({"x": x[64:]}, tensors, "samples", layouts=program.layouts)
    (got,) = Simulator(program).run(given.arrays)
    out = program.buffers[program.outputs[0]]
    real, layout = dequantize(got, out.quant), program.layouts.get(out.name)
    real = (real if layout is None else layout.source(real)).reshape(want.shape)
    assert sqnr_db(want, real) > 24
    labels = 1 if name == "u-net" else -1
    same = real.argmax(axis=labels) == want.argmax(axis=labels)
    two = np.sort(want, axis=labels)
    clear = np.diff(two, axis=labels).take(-1, axis=labels) > 4 * np.abs(real - want).std()
    assert same[clear].mean() > 0.99
    assert clear.mean() > 0.7
    for file_name, text in emit("m", program, "net.pt2")[0].items():
        (tmp_path / file_name).write_text(text)
    with make_runner("host", deploy(program, tmp_path, "m"), load_target("host")) as runner:
        (c,) = runner.run([a[:8] for a in given.arrays])
    np.testing.assert_array_equal(c.reshape(8, -1), got[:8].reshape(8, -1))
