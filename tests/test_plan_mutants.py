"""Plans damaged on purpose: what the checker lets pass computes the right bytes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
import pytest
from plan_mutants import Tally, computes, forgetful, shifted, swapped
from random_graphs import plain, random_graph
from test_streams import chain, streamed

from benchmarks.places import forced
from edgekit.plan import program_of
from edgekit.plan.streams import Network


def judged(kind: str, seeds: Iterable[int]) -> Tally:
    """Three mutants of a streamed plan a seed; one where the planner itself is damaged."""
    tally = Tally()
    for seed in seeds:
        graph, rng = random_graph(seed), np.random.default_rng(seed)
        network, wanted = Network(graph, keep_input=False, caller_io=False), plain(graph)
        if kind == "lifetime":
            made = [forgetful(network, rng)]
        else:
            program = program_of(forced(network))
            damage = {"offset": shifted, "turns": swapped}[kind]
            made = [damage(program, rng) for _ in range(3)]
        for mutant in made:
            if mutant is not None:
                tally.judge(f"seed {seed}", mutant, wanted)
    return tally


# Least share of the refused mutants that the simulator alone would have found: what lies in bytes
# that nobody reads, or holds what was there before, changes no output.
FOUND = {"offset": 0.6, "turns": 0.6, "lifetime": 0.25}


@pytest.mark.parametrize("kind", FOUND)
def test_the_checker_refuses_what_computes_other_bytes(kind: str) -> None:
    tally = judged(kind, range(30))
    print(tally)
    assert tally.missed == []
    assert tally.refused > tally.mutants / 4
    assert tally.differ >= FOUND[kind] * tally.refused


@pytest.mark.soak
@pytest.mark.parametrize("kind", FOUND)
def test_the_checker_refuses_what_computes_other_bytes_in_1000_graphs(kind: str) -> None:
    tally = judged(kind, range(1000, 2000))
    print(tally)
    assert tally.missed == []
    assert tally.differ >= FOUND[kind] * tally.refused


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("end", ["input", "output"])
def test_the_simulator_alone_finds_scratch_over_a_tensor(step: int, end: str) -> None:
    graph = chain()
    program, wanted = streamed(graph), plain(graph)
    assert computes(program, wanted)
    steps = list(program.steps)
    name = steps[step].inputs[0] if end == "input" else steps[step].outputs[0]
    at = min(program.buffers[name].row_offset(4), program.arena_bytes - steps[step].scratch_bytes)
    steps[step] = dataclasses.replace(steps[step], scratch_offset=at)
    assert not computes(dataclasses.replace(program, steps=tuple(steps)), wanted)
