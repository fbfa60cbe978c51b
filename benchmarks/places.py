"""Every shared model that builds, in every place, streamed or not: `python -m benchmarks.places`.

The same random inputs run on the simulator, on this machine, on this machine under the address and
undefined-behaviour sanitizers, and on emulated cores; an int8 `.tflite` file also in TensorFlow Lite
Micro. ``--write`` stores the table in docs/PLACES.md; MODEL... limits it to some files.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import HERE, models_folder, read_toml
from benchmarks.__main__ import table
from edgekit.build import Compiled, Options, compile_program
from edgekit.emit import emit
from edgekit.errors import EdgekitError
from edgekit.plan import program_of
from edgekit.plan.arena import Arena, arena_of
from edgekit.plan.search import Choice
from edgekit.plan.streams import Network
from edgekit.program import Program
from edgekit.quantize import Calibration
from edgekit.simulate import Simulator
from edgekit.target import Target, load_target
from edgekit.validate.data import Samples, random_samples
from edgekit.validate.reference import reference_outputs
from edgekit.validate.runners import Runner, deploy, make_runner
from edgekit.validate.runners.agent import build_program
from edgekit.validate.runners.deployed import Deployed
from edgekit.validate.runners.device import DeviceRunner
from edgekit.validate.runners.link import DEFAULT, Link
from edgekit.validate.runners.places import Workshop, ended
from edgekit.validate.runners.stream import Process

Array = NDArray[Any]
FIGURES, DOCUMENT = HERE / "places.toml", HERE.parent / "docs" / "PLACES.md"
FORMATS = (".tflite", ".onnx", ".pt2")
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
HALT = {"TSAN_OPTIONS": "halt_on_error=1"}
# Place to the target whose kernels and plans run there.
PLACES = {"host": "host", "host, sanitizers": "host", "cortex-m4": "cortex-m4", "rpi4": "rpi4"}
COLUMNS = ("simulator", *PLACES)
MODES = ("off", "ram", "forced")
SHOWN = "cortex-m4"  # whose arenas the table has
ORIGINAL = "tflite-micro"
STEPS = 3  # inferences of a sample, where the model has state


def files() -> list[Path]:
    """Every model file of the shared folder, also those that do not build."""
    return sorted(path for path in models_folder().rglob("*") if path.suffix in FORMATS)


def forced(network: Network) -> Arena:
    """A plan that streams wherever a stream is possible, whether that saves memory or not."""
    cuts, at, runs = network.cuts, 0, []
    while at < len(cuts.nodes):
        runs.append(cuts.run(at, cuts.reach[at]))
        at = cuts.reach[at]
    return arena_of(network, Choice(tuple(runs), 0, 0), split=True)


def compiled(path: Path, target: str = "host", optimize: str = "speed") -> Compiled:
    """The model's stages; real numbers get ranges from seeded random inputs. Raises like a build."""
    return compile_program(path, Options("m", target, optimize=optimize), numbers=Calibration())


def programs(path: Path, target: str) -> dict[str, Program]:
    """What `--optimize speed` builds, without streams; what `--optimize ram` builds; the former's
    kernels with all streams that are possible."""
    fast = compiled(path, target)
    network = Network(fast.integer, keep_input=False, caller_io=False)
    return {
        "off": fast.program,
        "ram": compiled(path, target, "ram").program,
        "forced": program_of(forced(network)),
    }


def sanitized(deployed: Deployed, flags: tuple[str, ...] = SANITIZE) -> DeviceRunner:
    """The host's program with sanitizers, whose first finding ends it."""
    host, shop = load_target("host"), Workshop()
    clang = next(tool for tool in host.toolchains if tool.kind == "clang")
    target = replace(host, toolchains=(replace(clang, flags=flags),))

    def open_link(traced: bool) -> Link:
        agent = build_program(deployed, target, shop.folder(traced), traced=traced)
        process = Process([str(agent)], ended("the program"), os.environ | HALT)
        return Link(process, "host, sanitizers", DEFAULT)

    return DeviceRunner("host", deployed, open_link, where="host, sanitizers", release=shop.close)


def runner(place: str, deployed: Deployed) -> Runner:
    """One of `PLACES`."""
    if place == "host, sanitizers":
        return sanitized(deployed)
    target: Target = load_target("host" if place.startswith("host") else place)
    return make_runner("host" if place == "host" else "emulator", deployed, target)


def inputs(program: Program, count: int = 2) -> Samples:
    tensors = [program.buffers[name] for name in program.inputs]
    steps = STEPS if program.state_bytes else None
    return random_samples(tensors, count, steps=steps, layouts=program.layouts)


@dataclass
class Count:
    """Values compared, and how many of them differ."""

    values: int = 0
    differ: int = 0

    def add(self, found: Sequence[Array], wanted: Sequence[Array]) -> Count:
        for a, b in zip(found, wanted, strict=True):
            self.values += b.size
            self.differ += int(np.count_nonzero(a.reshape(b.shape) != b))
        return self


def compare(place: str, program: Program, samples: Samples, wanted: list[Array]) -> Count:
    """A program's C at one of `PLACES` against the outputs of the simulator; on this machine also
    every layer of one sample. Raises EK5xx and EK6xx."""
    one = [x[0] for x in samples.arrays]
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        for name, text in emit("m", program, "model")[0].items():
            (folder / name).write_text(text)
        with runner(place, deploy(program, folder, "m")) as it:
            found = Count().add(it.run(samples.arrays, samples.sequence), wanted)
            if place == "host":
                ours, theirs = (w.trace(one, samples.sequence) for w in (it, Simulator(program)))
                found.add([x for *_, x in ours], [x for *_, x in theirs])
    return found


@dataclass
class Matrix:
    """One model in all modes and places. refused: why it does not build.

    arenas and streamed layers: per mode. differ: for the simulator and each place, values that differ
    from the simulator's without streams; original: the same for TensorFlow Lite Micro, -1 where it
    does not run the file.
    """

    name: str
    arenas: list[int] = field(default_factory=list)
    streamed: list[int] = field(default_factory=list)
    values: int = 0
    differ: list[int] = field(default_factory=lambda: [0] * len(COLUMNS))
    original: int = -1
    refused: str = ""

    def add(self, place: str, count: Count) -> None:
        self.values += count.values
        self.differ[COLUMNS.index(place)] += count.differ

    def figures(self) -> dict[str, Any]:
        """What places.toml keeps."""
        return {key: value for key, value in vars(self).items() if key != "name"}

    def row(self) -> list[str]:
        """A line of the table."""
        arenas = [f"{arena:,}" for arena in self.arenas]
        layers = " / ".join(map(str, self.streamed[1:]))
        original = "-" if self.original < 0 else _verdict(self.original)
        return [
            self.name,
            *arenas,
            layers,
            f"{self.values:,}",
            *map(_verdict, self.differ),
            original,
        ]


def _verdict(differ: int) -> str:
    return f"{differ:,} DIFFER" if differ else "equal"


_HEADINGS = (
    "model", "arena off", "ram", "forced", "layers streamed", "values", *COLUMNS, "TFLM",
)  # fmt: skip


def streamed_layers(program: Program) -> int:
    """Layers that run in streams."""
    groups = (group for group in program.streams() if len(group) > 1)
    return sum(len({turn.step for turn in group}) for group in groups)


def matrix(path: Path, say: Callable[[str], None] = lambda text: None) -> Matrix:
    """Run one model everywhere; a place that fails counts as one value that differs."""
    found = Matrix(str(path.relative_to(models_folder())))
    try:
        stages = compiled(path)
    except EdgekitError as error:
        found.refused = f"{error.code} {error.message}, {error.where}"
        return found
    samples = inputs(stages.program)
    wanted = Simulator(stages.program).run(samples.arrays, samples.sequence)
    for target in dict.fromkeys(PLACES.values()):
        made = programs(path, target)
        if target == SHOWN:
            found.arenas = [program.arena_bytes for program in made.values()]
            found.streamed = [streamed_layers(program) for program in made.values()]
        for mode, program in {p.text(): (m, p) for m, p in made.items()}.values():
            simulated = Simulator(program).run(samples.arrays, samples.sequence)
            found.add("simulator", Count().add(simulated, wanted))
            for place in (place for place, own in PLACES.items() if own == target):
                try:
                    found.add(place, compare(place, program, samples, wanted))
                except EdgekitError as error:
                    say(f"{found.name}, {mode}, {place}: {error} {error.where} {error.found}")
                    found.add(place, Count(1, 1))
    found.original = against_original(path, stages, samples, wanted)
    return found


def against_original(path: Path, stages: Compiled, samples: Samples, wanted: list[Array]) -> int:
    """Values that differ from TensorFlow Lite Micro's; -1 where it is no oracle for the file, or
    where the file hands over real numbers and the program integers."""
    if path.suffix != ".tflite" or stages.decided is not None:
        return -1
    try:
        original = reference_outputs(path, samples, engine=ORIGINAL)
    except EdgekitError:
        return -1
    if any(x.dtype != y.dtype for x, y in zip(original.outputs, wanted, strict=True)):
        return -1
    return Count().add(original.outputs, wanted).differ


def toml(figures: dict[str, Any]) -> str:
    """The text of places.toml."""
    lines = ["# What `python -m benchmarks.places --write` found; tests/test_places.py reads it."]
    for name in sorted(figures):
        lines += [f"\n[{json.dumps(name)}]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in figures[name].items()]
    return "\n".join(lines) + "\n"


def document(figures: dict[str, Any]) -> str:
    """The text of docs/PLACES.md for what places.toml holds."""
    found = [Matrix(name, **figures[name]) for name in sorted(figures)]
    built = [m for m in found if not m.refused]
    refused = "\n".join(f"- `{m.name}`: {m.refused}" for m in found if m.refused)
    return _DOCUMENT.format(
        count=len(built),
        values=sum(m.values for m in built),
        wrong=sum(sum(m.differ) + max(0, m.original) for m in built),
        table=table(_HEADINGS, [m.row() for m in built]),
        refused=refused,
        shown=SHOWN,
    )


_DOCUMENT = """\
# Every model in every place

Written by `python -m benchmarks.places --write`, in part for some models at a time.

{count} models, {values:,} values compared, {wrong:,} differ. Each model is planned without streams, as
`--optimize speed` does ("off"), as `--optimize ram` does ("ram"), and with every stream that is possible,
whether it saves memory or not ("forced"); plans that come out the same run once. Each plan runs on two random samples
(three inferences each where the model has state) in the simulator, compiled for this machine, compiled
with clang's address and undefined-behaviour sanitizers, and on an emulated Cortex-M4 and Cortex-A72
("rpi4"), with the kernels and plans of each: every output is compared with the simulator's without streams, and on this machine every layer
with the simulator's. "TFLM": the same inputs in TensorFlow Lite Micro, where it runs the file. Models of real numbers have ranges from
random inputs here: enough for a comparison of bytes.

{table}

Arenas and streamed layers (ram / forced) are those of {shown}. Not built:

{refused}
"""


def main() -> int:
    """Print the table; with --write store it, model by model."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.places", description=__doc__)
    parser.add_argument("--write", action="store_true", help="store the figures and the table")
    parser.add_argument("model", nargs="*", help="part of a file's name; the others keep theirs")
    arguments = parser.parse_args()
    wanted = arguments.model or [""]
    figures = read_toml(FIGURES) if FIGURES.exists() else {}
    for path in files():
        if not any(part in path.name for part in wanted):
            continue
        found = matrix(path, print)
        print(f"{found.name}: {found.refused or ' '.join(found.row()[1:])}", flush=True)
        figures[found.name] = found.figures()
        if arguments.write:
            FIGURES.write_text(toml(figures))
            DOCUMENT.write_text(document(figures))
    print(document(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
