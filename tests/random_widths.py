"""Random networks of real numbers whose layers have int16 activations, all of them or some."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx_graphs import random_network

from edgekit.frontends import load_model
from edgekit.graph import Graph, IntGraph
from edgekit.lowering import lower
from edgekit.passes import canonical
from edgekit.quantize import Calibration, Quantization, Settings, quantized


def canonical_network(seed: int, folder: Path) -> Graph:
    onnx.save(random_network(seed), folder / "m.onnx")
    return canonical(load_model(folder / "m.onnx"))


def settings_of(seed: int, graph: Graph) -> Settings:
    """All layers of int16 for every third seed, else each with the toss of a coin."""
    if seed % 3 == 0:
        return Settings(scheme="w8a16")
    rng = np.random.default_rng(seed)
    # The later of two that fit counts, so that some of all are asked back.
    back = [node.name for node in graph.nodes if rng.integers(2) and "[" not in node.name]
    return Settings(layer_schemes={"*": "w8a16", **dict.fromkeys(back, "w8a8")})


def quantized_network(seed: int, folder: Path) -> tuple[Graph, Graph, Quantization]:
    """The canonical graph, the one with numbers, and what was decided."""
    graph = canonical_network(seed, folder)
    shape = graph.layouts["x"].shape if "x" in graph.layouts else graph.value("x").shape
    x = np.random.default_rng(seed).normal(size=(8, *shape)).astype(np.float32)
    result, decided = quantized(graph, Calibration(x).samples(graph), settings_of(seed, graph))
    assert decided is not None
    return graph, result, decided


def integer_network(seed: int, folder: Path) -> IntGraph:
    return lower(quantized_network(seed, folder)[1])
