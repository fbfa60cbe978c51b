"""Preprocessing in front of a network: one graph, and what it makes of raw inputs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, State, Value
from edgekit.op import Array
from edgekit.preprocess.chain import Chain
from edgekit.preprocess.spec import Spec
from edgekit.quantize.evaluate import run_integer, run_real
from edgekit.validate.data import Samples, dequantize

FEATURES = "_features"


def front_of(graph: Graph, specs: Mapping[str, Spec]) -> Graph:
    """What stands in front of a canonical graph: from raw inputs to the tensors `features` lists.

    Inputs without a description pass through. Raises EK003 for an input that is none, EK205 where a
    description does not fit.
    """
    for name in specs:
        if name not in graph.inputs:
            near = difflib.get_close_matches(name, graph.inputs, 1)
            raise EdgekitError(
                "EK003", "there is no such input to preprocess", where=f"preprocess.{name}",
                found=f"{name}, wanted one of {', '.join(graph.inputs)}",
                help=f"did you mean {near[0]!r}?" if near else "`edgekit inspect` lists the inputs",
            )  # fmt: skip
    values: dict[str, Value] = {}
    nodes: list[Node] = []
    states: list[State] = []
    outputs: list[str] = []
    for name in graph.inputs:
        value = graph.value(name)
        if name in specs:
            value = replace(value, name=_fresh(name + FEATURES, graph))
            chain = Chain(value, name)
            specs[name].write(chain)
            values |= chain.values
            nodes += chain.nodes
            states += chain.states
        values[value.name] = value
        outputs.append(value.name)
    return Graph(
        f"{graph.name}_front", values, tuple(nodes), graph.inputs, tuple(outputs), tuple(states)
    )


def with_numbers(graph: Graph, specs: Mapping[str, Spec]) -> Graph:
    """A canonical graph whose real inputs have the numbers that make their preprocessing exact."""
    values = dict(graph.values)
    for name, spec in specs.items():
        value, quant = values.get(name), spec.numbers()
        if value is not None and value.dtype == "float32" and value.quant is None:
            values[name] = replace(value, quant=quant)
    return replace(graph, values=values)


def prepend(graph: Graph, specs: Mapping[str, Spec]) -> Graph:
    """The graph that takes raw inputs, under the names of its own."""
    if not specs:
        return graph
    before = front_of(graph, specs)
    renamed = dict(zip(graph.inputs, before.outputs, strict=True))

    def read(node: Node) -> Node:
        return replace(node, inputs=tuple(renamed.get(name, name) for name in node.inputs))

    layouts = {renamed.get(name, name): layout for name, layout in graph.layouts.items()}
    whole = replace(
        graph,
        values={**{n: v for n, v in graph.values.items() if n not in specs}, **before.values},
        nodes=(*before.nodes, *map(read, graph.nodes)),
        states=(*before.states, *graph.states),
        layouts=layouts,
    )
    whole.verify()
    return whole


def integer_features(before: Graph, samples: Samples) -> Samples:
    """What the front of a quantized graph makes of raw samples: the network's own inputs."""
    return _features(before, samples, real=False)


def real_features(before: Graph, samples: Samples) -> Samples:
    """The same in real numbers, float32: what the features would be without quantization."""
    return _features(before, samples, real=True)


def _features(before: Graph, samples: Samples, real: bool) -> Samples:
    arrays = dict(zip(before.inputs, samples.arrays, strict=True))
    if real:
        arrays = {
            n: dequantize(x, before.value(n).quant).astype(np.float32) for n, x in arrays.items()
        }
    if not samples.sequence:
        arrays = {name: x[:, None] for name, x in arrays.items()}
    made = (
        [_run_real(before, arrays, i) for i in range(len(samples))]
        if real
        else [_run(before, arrays)]
    )
    columns = [np.concatenate(parts) for parts in zip(*made, strict=True)]
    if not samples.sequence:
        columns = [x[:, 0] for x in columns]
    tensors = tuple(
        replace(before.value(made), name=name)
        for name, made in zip(before.inputs, before.outputs, strict=True)
    )
    return replace(samples, tensors=tensors, arrays=tuple(columns), originals=())


def _run(before: Graph, arrays: Mapping[str, Array]) -> list[Array]:
    """The outputs [N, steps, *shape] of integers, state carried from step to step."""
    count, steps = next(iter(arrays.values())).shape[:2]
    live = {s.value: np.repeat(s.init[None], count, axis=0) for s in before.states}
    made = []
    for step in range(steps):
        live |= {
            name: x[:, step].reshape(count, *before.value(name).shape) for name, x in arrays.items()
        }
        for node in before.nodes:
            live |= dict(zip(node.outputs, run_integer(node, before, live), strict=True))
        made.append([live[name] for name in before.outputs])
    return [np.stack(column, axis=1) for column in zip(*made, strict=True)]


def _run_real(before: Graph, arrays: Mapping[str, Array], sample: int) -> list[Array]:
    """The outputs [1, steps, *shape] of one sample in real numbers."""
    live = {s.value: dequantize(s.init, before.value(s.value).quant) for s in before.states}
    made = []
    for step in range(next(iter(arrays.values())).shape[1]):
        live |= {
            name: x[sample, step].reshape(before.value(name).shape) for name, x in arrays.items()
        }
        for node in before.nodes:
            live |= dict(zip(node.outputs, run_real(node, before, live), strict=True))
        made.append([live[name] for name in before.outputs])
    return [np.stack(column)[None] for column in zip(*made, strict=True)]


def _fresh(name: str, graph: Graph) -> str:
    while name in graph.values:
        name += "_"
    return name
