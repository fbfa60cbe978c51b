"""A graph with the numbers that were decided for it, now or in an earlier build."""

from __future__ import annotations

from dataclasses import replace

from edgekit.graph import Graph, State, Value
from edgekit.quantize.prepare import accumulated, prepared
from edgekit.quantize.store import Quantization, damaged
from edgekit.quantize.widths import WIDE, wide_tensors
from edgekit.validate.data import quantize


def restored(graph: Graph, quantization: Quantization) -> Graph:
    """What `quantized` made of the same canonical graph. Raises EK005 where it was another graph."""
    unknown = quantization.wide - {node.name for node in graph.nodes}
    if unknown:
        damaged(f"layer {min(unknown)}", "int16 activations for another model")
    ready = prepared(graph, quantization.wide)
    for name, quant in quantization.quants.items():
        value, data = ready.values.get(name), quantization.data.get(name)
        axis = quant.axis
        fits = value is not None and (data is None or data.shape == value.shape)
        if value is not None and axis is not None:
            fits = fits and axis < len(value.shape) and value.shape[axis] == len(quant.scale)
        if not fits or (len(quant.scale) > 1 and axis is None):
            damaged(f"tensor {name}", "numbers for another model")
    result = applied(ready, quantization)
    for node in result.nodes:
        for name in (*node.inputs, *node.outputs):
            if name and result.value(name).dtype == "float32":
                damaged(f"tensor {name}", "no numbers for it")
    return result


def applied(graph: Graph, quantization: Quantization) -> Graph:
    """A prepared graph with the numbers that were decided."""
    values, long = dict(graph.values), accumulated(graph, quantization.wide)
    long |= wide_tensors(graph, quantization.wide)
    for name, quant in quantization.quants.items():
        data = quantization.data.get(name, values[name].data)
        dtype = (WIDE if name in long else "int8") if data is None else str(data.dtype)
        values[name] = replace(values[name], dtype=dtype, quant=quant, data=data)
    states = tuple(_integer_state(state, values[state.value]) for state in graph.states)
    return replace(graph, values=values, states=states, one_rounding=True)


def _integer_state(state: State, value: Value) -> State:
    """A variable whose first value is in the type of its numbers."""
    if state.init.dtype.kind != "f" or value.quant is None:
        return state
    return replace(state, init=quantize(state.init, value.quant, value.dtype))
