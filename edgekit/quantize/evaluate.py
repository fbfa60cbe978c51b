"""Executes a canonical graph node by node: in real numbers, and in its integers once it has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, Value
from edgekit.lowering import integer_node
from edgekit.op import load_ops
from edgekit.validate.data import Samples, dequantize

Array = NDArray[Any]
_BATCH_BYTES = 128 << 20
_FIRST_AXIS = ("conv2d", "depthwise")


def real_inputs(graph: Graph, samples: Samples) -> Iterator[dict[str, Array]]:
    """The real values of every inference's inputs, float32 in the graph's shapes, and the first
    values of its variables."""
    variables = {state.value: _real(graph, state.value, state.init) for state in graph.states}
    for i in range(len(samples)):
        for step in range(samples.arrays[0].shape[1] if samples.sequence else 1):
            inputs = {
                tensor.name: _real(graph, tensor.name, x[i, step] if samples.sequence else x[i])
                for tensor, x in zip(samples.tensors, samples.arrays, strict=True)
            }
            yield inputs | variables


def inferences(graph: Graph, samples: Samples) -> Iterator[Iterator[tuple[str, Array]]]:
    """`activations` of every inference, in order; along a sequence variables keep their values."""
    variables: dict[str, Array] = {}
    steps = samples.arrays[0].shape[1] if samples.sequence else 1
    for count, inputs in enumerate(real_inputs(graph, samples)):
        if count % steps == 0:
            variables = {state.value: inputs[state.value] for state in graph.states}
        yield _keeping(activations(graph, inputs | variables), variables)


def _keeping(found: Iterator[tuple[str, Array]], variables: dict[str, Array]) -> Iterator[tuple[str, Array]]:  # fmt: skip
    """What is found, noting what variables are set to."""
    for name, x in found:
        if name in variables:
            variables[name] = x
        yield name, x


def _real(graph: Graph, name: str, x: Array) -> Array:
    value = graph.value(name)
    return dequantize(x, value.quant).astype(_real_type(value)).reshape(value.shape)


def activations(graph: Graph, inputs: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Every input and every node's output of one inference, in order; nothing is kept for longer
    than a node needs it. Raises EK304 where a value is not finite."""
    live: dict[str, Array] = {}
    last = _last_reads(graph)
    for name, x in inputs.items():
        live[name] = x
        yield name, x
    for node in graph.nodes:
        for name, out in zip(node.outputs, run_real(node, graph, live), strict=True):
            if out.dtype.kind == "f" and not np.isfinite(out).all():
                raise EdgekitError(
                    "EK304", "the model computes values that are not finite", where=f"node {node.name}, tensor {name}",
                    found="NaN or infinity on calibration data", help="check the weights and the range of the data",
                )  # fmt: skip
            live[name] = out
            yield name, out
        for name in node.inputs:
            if name in live and last[name] is node:
                del live[name]


def _last_reads(graph: Graph) -> dict[str, Node]:
    return {name: node for node in graph.nodes for name in node.inputs}


def run_real(node: Node, graph: Graph, live: Mapping[str, Array]) -> list[Array]:
    """One node on one inference's real values, float32; plain integers stay what they are."""
    operands = [live[name] for name in node.inputs if name in live]
    with np.errstate(all="ignore"):
        outputs = load_ops()[node.op].real(node, graph, *operands)
    made = [(graph.value(name), out) for name, out in zip(node.outputs, outputs, strict=True)]
    return [np.asarray(out, _real_type(value)).reshape(value.shape) for value, out in made]


def _real_type(value: Value) -> str:
    """What a tensor is in real numbers: integers without a scale are themselves."""
    plain = value.quant is None and not value.dtype.startswith("float")
    return value.dtype if plain else "float32"


def run_real_batch(node: Node, graph: Graph, live: Mapping[str, Array]) -> list[Array]:
    """`run_real` on arrays [N, *shape]."""
    names = [name for name in node.inputs if name in live]
    count = _count(live, names)
    each = [run_real(node, graph, {name: live[name][i] for name in names}) for i in range(count)]
    return [np.stack(column) for column in zip(*each, strict=True)]


def run_together(node: Node, graph: Graph, live: Mapping[str, Array]) -> list[Array]:
    """`run_real_batch` in one go where all samples can stand along the first axis of an operator's input: in
    convolutions, which take most of the time. The last bits may differ: sums come in another order."""
    x = live.get(node.inputs[0])
    if node.op not in _FIRST_AXIS or x is None or x.shape[1] != 1:
        return run_real_batch(node, graph, live)
    value = graph.value(node.outputs[0])
    rows = max(1, _BATCH_BYTES // (4 * _window_elements(node, graph)))
    made = []
    for at in range(0, len(x), rows):
        part = x[at : at + rows]
        with np.errstate(all="ignore"):
            (out,) = load_ops()[node.op].real(node, graph, part.reshape(-1, *x.shape[2:]))
        made.append(np.asarray(out, "float32").reshape(len(part), *value.shape))
    return [np.concatenate(made)]


def _window_elements(node: Node, graph: Graph) -> int:
    """Of all windows of one inference, as far as an operator may copy them."""
    weights, out = graph.value(node.inputs[1]), graph.value(node.outputs[0])
    return max(1, weights.elements * out.elements // out.shape[-1])


def run_integer(node: Node, graph: Graph, live: Mapping[str, Array]) -> list[Array]:
    """One node of a quantized graph on integers [N, *shape]."""
    made = integer_node(node, graph)
    count = _count(live, [name for name in made.inputs if name in live])
    operands = [
        live[name] if name in live else _repeated(graph.value(name), count) for name in made.inputs
    ]
    outputs = made.op.run(made.params, made.consts, *operands)
    return [
        out.reshape(count, *graph.value(name).shape)
        for name, out in zip(node.outputs, outputs, strict=True)
    ]


def _count(live: Mapping[str, Array], names: Sequence[str]) -> int:
    """Samples of the operands; where a node has constants alone, of anything that is there."""
    return next((len(live[name]) for name in (*names, *live)), 1)


def _repeated(value: Value, count: int) -> Array:
    assert value.data is not None
    return np.broadcast_to(value.data, (count, *value.shape))


def some(graph: Graph, samples: Samples, most: int) -> list[dict[str, Array]]:
    """Inputs of evenly spread inferences: `most` of them, or as few as fit in memory."""
    sizes = [value.elements for value in graph.values.values() if value.data is None]
    largest = max(sizes, default=1)
    count = max(1, min(most, samples.inferences, _BATCH_BYTES // (24 * largest)))
    wanted = {i * samples.inferences // count for i in range(count)}
    return [x for i, x in enumerate(real_inputs(graph, samples)) if i in wanted]


def stacked(inputs: Iterable[Mapping[str, Array]]) -> dict[str, Array]:
    """Inputs of several inferences as arrays [N, *shape]."""
    rows = list(inputs)
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


class Live(dict[str, Array]):
    """Arrays by tensor name, which go when the last node that reads them is done."""

    def __init__(self, graph: Graph, given: Mapping[str, Array]) -> None:
        super().__init__(given)
        self._last = _last_reads(graph)

    def done(self, node: Node) -> None:
        for name in node.inputs:
            if self._last.get(name) is node:
                self.pop(name, None)
