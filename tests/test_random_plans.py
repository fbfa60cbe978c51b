"""Random graphs under every kind of plan: replayed by the checker, simulated, equal to no plan at all."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from random_graphs import plain, random_graph

from benchmarks.places import forced
from edgekit.graph import IntGraph
from edgekit.plan import program_of
from edgekit.plan.arena import Arena, best_arena
from edgekit.plan.streams import Network
from edgekit.rewrite.constant_channels import drop_constant_channels

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
