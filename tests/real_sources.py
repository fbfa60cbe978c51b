"""Sources of real values, compiled and run once for all tests of a process."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from conftest import shared

from benchmarks.sources import FLOAT, QDQ, Scored, scored
from edgekit.emit import emit
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate.runners import deploy, make_runner


@functools.cache
def subject(key: str) -> Scored:
    shared("models")
    return scored(next(source for source in QDQ + FLOAT if source.key == key))


def places_equal(it: Scored, target: str, folder: Path, count: int = 20) -> None:
    """The C of a program, compiled for `target`, gives the simulator's bytes on real inputs."""
    program, samples = it.compiled.program, it.samples.prefix(0, count)
    if not samples.sequence:
        samples = it.samples.take(slice(count))
    for name, text in emit("m", program, it.source.path.name)[0].items():
        (folder / name).write_text(text)
    place = "host" if target == "host" else "emulator"
    with make_runner(place, deploy(program, folder, "m"), load_target(target)) as runner:
        outputs = runner.run(samples.arrays, samples.sequence)
    wanted = Simulator(program).run(samples.arrays, samples.sequence)
    for got, want in zip(outputs, wanted, strict=True):
        np.testing.assert_array_equal(got, want)
