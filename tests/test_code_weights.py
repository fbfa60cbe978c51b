"""Weights as streams of bits in whole models: the same bytes out, fewer in flash, at a known price."""

from __future__ import annotations

import dataclasses
import functools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT
from test_emitted_c import MAIN, defines, written
from test_variants import equal_on

from edgekit import cli, commands
from edgekit.build import Compiled, Options, build, compile_program
from edgekit.errors import EdgekitError
from edgekit.graph import IntGraph
from edgekit.instructions import of_node
from edgekit.op import Kernel
from edgekit.program import Program
from edgekit.rewrite.code_weights import by_worth, candidates, coded, weight_bytes
from edgekit.rewrite.constant_channels import channel_bounds
from edgekit.screens import inspect_screen
from edgekit.simulate import Simulator

KWS = ROOT / "examples" / "keyword_spotting" / "kws_ref_model.tflite"


@functools.cache
def kws(mode: str = "none", target: str = "stm32f446", optimize: str = "size") -> Compiled:
    return compile_program(KWS, Options("m", target, optimize=optimize, code_weights=mode))


def sparse(graph: IntGraph) -> IntGraph:
    """The graph with other numbers: of seven values, half of the weights 0."""
    rng = np.random.default_rng(3)

    def drawn(weights: np.ndarray) -> np.ndarray:
        values = rng.choice([-90, -40, -13, 13, 40, 90], weights.shape)
        return np.where(rng.random(weights.shape) < 0.5, 0, values).astype(np.int8)

    nodes = [
        dataclasses.replace(n, consts={**n.consts, "weights": drawn(n.consts["weights"])})
        if "weights" in n.consts
        else n
        for n in graph.nodes
    ]
    return dataclasses.replace(graph, nodes=tuple(nodes))


def inputs(program: Program, samples: int = 4) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    shape = (samples, *program.buffers[program.inputs[0]].shape)
    return [rng.integers(-128, 128, shape).astype(np.int8)]


@pytest.mark.parametrize("target", ["stm32f446", "rpi4", "cortex-m0plus"])
@pytest.mark.parametrize("optimize", ["size", "balanced"])
def test_coded_weights_change_no_output(target: str, optimize: str) -> None:
    plain, streams = kws("none", target, optimize), kws("all", target, optimize)
    assert len(streams.options.coded or ()) >= 5
    x = inputs(plain.program)
    for a, b in zip(
        Simulator(plain.program).run(x), Simulator(streams.program).run(x), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_every_channel_keeps_its_range() -> None:
    """Proofs about sums are made of the decoded weights."""
    plain, streams = channel_bounds(kws().integer), channel_bounds(kws("all").integer)
    for name, bounds in plain.items():
        np.testing.assert_array_equal(bounds.low, streams[name].low)
        np.testing.assert_array_equal(bounds.high, streams[name].high)


def few_values(target: str = "stm32f446") -> Compiled:
    """KWS with numbers that codes are made for, every layer on a stream."""
    stages = kws("none", target)
    graph = sparse(stages.plain)
    names = [c.plain.name for c in candidates(graph, {})]
    return dataclasses.replace(stages, plain=graph).coding(names)


@pytest.mark.parametrize("core", ["cortex-m4", "rpi4"])
def test_few_values_on_emulated_cores(core: str, tmp_path: Path) -> None:
    stages = few_values(core)
    equal_on(core, stages.program, tmp_path)
    kernels = {Kernel(n.op, n.variant).name for n in stages.integer.nodes}
    assert "conv2d_coded_dsp" in kernels if core == "cortex-m4" else "conv2d_coded" in kernels


def test_few_values_take_few_bits_and_no_scratch_holds_a_whole_layer() -> None:
    stages = few_values()
    for c in candidates(stages.plain, {}):
        bits = 8 * (c.storage.stream_bytes + c.storage.code_bytes) / c.storage.weights
        # Half zeros and six values: 1 + 0.5 * log2(6) = 2.29 bits; depthwise layers are small.
        assert bits < (2.75 if c.storage.weights > 2000 else 3.2)
        dense = c.plain.op.name.startswith("fully_connected")
        more = c.coded.scratch(stages.plain.values) - c.plain.scratch(stages.plain.values)
        assert more <= 2560 + 1024
        assert dense or more > 0


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_sanitizers_find_nothing_in_the_decoder(compiler: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    program = few_values("host").program
    folder = written(tmp_path, program)
    (folder / "main.c").write_text(MAIN)
    command = [compiler, "-std=c99", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
               *defines(program), *map(str, sorted(folder.glob("*.c"))), "-o", str(folder / "run")]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    (frames,) = inputs(program)
    done = subprocess.run([str(folder / "run")], input=frames.tobytes(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    (want,) = Simulator(program).run([frames])
    assert done.stdout == want.tobytes()


def test_a_stream_pays_for_every_row() -> None:
    stages = kws()
    c = next(c for c in candidates(stages.plain, {}) if c.plain.name == "conv_2d_2")
    rows, values = 25, stages.plain.values
    whole, by_rows = (of_node(c.coded, values, n) for n in (1, rows))
    assert by_rows - whole > (rows - 1) * 10 * c.storage.weights


def built(folder: Path, **options: Any) -> dict[str, Any]:
    return build(KWS, **{"target": "stm32f446", **options}, output=folder, name="kws")


def test_a_bundle_with_streams_is_smaller_counted_and_built_again(tmp_path: Path) -> None:
    plain = built(tmp_path / "plain", optimize="size")
    small = built(tmp_path / "small", optimize="size", code_weights="auto")
    assert plain["coded_weights"] == []
    assert small["mismatches"] == plain["mismatches"] == 0
    assert small["stack_bounded"]
    # What the report claims is what the linked image has less of, but for alignment.
    claimed = sum(e["plain_bytes"] - e["stream_bytes"] for e in small["coded_weights"])
    assert abs(plain["weights_bytes"] - small["weights_bytes"] - claimed) <= 4 * 12
    assert small["flash_bytes"] < plain["flash_bytes"] - 2000
    assert small["arena_bytes"] <= plain["arena_bytes"]
    # 22,000 weights are decoded at less than 30 instructions each, multiplications and all.
    estimated = sum(e["paid"] for e in small["coded_weights"])
    paid = small["instructions"] - plain["instructions"]
    assert 0.5 < paid / estimated < 2
    assert paid < 30 * sum(e["weights"] for e in small["coded_weights"])

    _, stages, _ = commands.reopen(tmp_path / "small", "")
    assert stages.options.coded == tuple(e["layer"] for e in small["coded_weights"])
    assert stages.program.arena_bytes == small["arena_bytes"]


def test_a_flash_budget_codes_what_it_needs(tmp_path: Path) -> None:
    free = built(tmp_path / "free", optimize="speed", code_weights="auto")
    assert free["coded_weights"] == []
    limit = free["flash_bytes"] - 1500
    tight = built(
        tmp_path / "tight", optimize="speed", code_weights="auto", budget=f"flash={limit}"
    )
    assert tight["flash_bytes"] <= limit
    assert all(gate["passed"] for gate in tight["gates"])
    assert tight["coded_weights"]


def test_optimize_says_what_may_be_paid() -> None:
    assert kws("auto", optimize="speed").options.coded == ()
    balanced, size = kws("auto", optimize="balanced"), kws("auto", optimize="size")
    assert set(balanced.options.coded or ()) < {c.plain.name for c in candidates(size.plain, {})}

    def total(stages: Compiled) -> int:
        return sum(step.instructions for step in stages.program.steps)

    assert total(balanced) <= 1.03 * total(kws("none", optimize="balanced"))
    ram = kws("auto", optimize="ram")
    assert ram.program.arena_bytes <= kws("none", optimize="ram").program.arena_bytes


def test_the_best_bytes_for_an_instruction_come_first() -> None:
    found = by_worth(candidates(kws().plain, {}))
    worth = [c.storage.saved / max(1, c.storage.paid) for c in found]
    assert worth == sorted(worth, reverse=True)
    for c in found:
        assert weight_bytes(c.coded) == c.storage.stream_bytes


def test_other_layers_stay_as_they_are() -> None:
    graph = kws().plain
    (name, *_) = (c.plain.name for c in candidates(graph, {}))
    for before, after in zip(graph.nodes, coded(graph, [name]).nodes, strict=True):
        assert (before is after) == (before.name != name)


def test_inspect_says_how_small_weights_would_be() -> None:
    report = commands.inspect(KWS, storage=True)
    assert "storage" not in commands.inspect(KWS)
    entry = next(e for e in report["storage"] if e["layer"] == "conv_2d_2")
    assert entry["plain_bytes"] == entry["weights"] == 4096
    assert 7 < entry["bits_per_weight"] < 8
    assert f"{entry['stream_bytes']:,}" in inspect_screen(report)


def test_unknown_ways_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="EK001"):
        Options("m", code_weights="some")
    done = CliRunner().invoke(
        cli.cli, ["build", str(KWS), "--code-weights", "some", "-o", str(tmp_path / "b")]
    )
    assert done.exit_code != 0
    assert "none" in done.output
    assert not (tmp_path / "b").exists()
