"""Random graphs under every kind of plan: replayed by the checker, simulated, equal to no plan at all."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

import pytest
from random_graphs import plain, random_graph

from benchmarks.places import compare, forced, inputs
from edgekit.graph import IntGraph
from edgekit.plan import program_of
from edgekit.plan.arena import Arena, best_arena
from edgekit.plan.streams import Network
from edgekit.rewrite.constant_channels import drop_constant_channels
from edgekit.simulate import Simulator

MODES = ("speed", "balanced", "ram", "forced")
FLAGS = tuple(itertools.product((False, True), repeat=2))  # keep_input, caller_io


def arena(network: Network, mode: str) -> Arena:
    return forced(network) if mode == "forced" else best_arena(network, mode)


def check_plans(graph: IntGraph, flags: list[tuple[str, tuple[bool, bool]]]) -> None:
    """Plans of these modes and flags; building a program replays it in the checker."""
    smaller = drop_constant_channels(graph)
    wanted = dataclasses.replace(plain(smaller), outputs=plain(graph).outputs)
    networks: dict[tuple[bool, bool], Network] = {}
    simulated: set[str] = set()
    for mode, (keep_input, caller_io) in flags:
        network = networks.setdefault(
            (keep_input, caller_io), Network(smaller, keep_input=keep_input, caller_io=caller_io)
        )
        program = program_of(arena(network, mode))
        if program.text() not in simulated:
            assert wanted.equals(program), f"{mode}, keep_input {keep_input}, io {caller_io}"
        simulated.add(program.text())
        assert program.arena_bytes >= program.plan.lower_bound


@pytest.mark.parametrize("block", range(10))
def test_plans_of_300_random_graphs(block: int) -> None:
    """Each graph in every mode and under all flags; over four graphs every mode under all flags."""
    for seed in range(30 * block, 30 * (block + 1)):
        graph = random_graph(seed)
        check_plans(graph, [(mode, FLAGS[(seed + i) % 4]) for i, mode in enumerate(MODES)])


@pytest.mark.soak
@pytest.mark.parametrize("block", range(100))
def test_all_plans_of_10000_random_graphs(block: int) -> None:
    for seed in range(100 * block, 100 * (block + 1)):
        check_plans(random_graph(seed), list(itertools.product(MODES, FLAGS)))


def check_in_c(seeds: Iterable[int]) -> None:
    """Forced streams and those of `ram` in C under sanitizers, and every layer on this machine."""
    for seed in seeds:
        graph = drop_constant_channels(random_graph(seed))
        network = Network(graph, keep_input=False, caller_io=False)
        for mode, place in (("forced", "host"), ("forced", "host, sanitizers"), ("ram", "host")):
            program = program_of(arena(network, mode))
            samples = inputs(program)
            wanted = Simulator(program).run(samples.arrays, samples.sequence)
            assert compare(place, program, samples, wanted).differ == 0, f"seed {seed}, {mode}"


def test_random_graphs_in_c() -> None:
    check_in_c(range(3))


@pytest.mark.soak
@pytest.mark.parametrize("block", range(20))
def test_200_random_graphs_in_c(block: int) -> None:
    check_in_c(range(10 * block, 10 * (block + 1)))
