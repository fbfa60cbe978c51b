"""A canonical graph of real numbers as a `torch.nn.Module`, from whatever format it was read.

Its parameters are the graph's own constants, so what training makes of them goes back into the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgekit.compress.torch.functions import Function, function_of
from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, dequantized
from edgekit.op import load_ops

Array = NDArray[Any]


class GraphModule(nn.Module):
    """Real inputs [N, *shape], in the graph's order, to a list of its outputs; axes are edgekit's.

    masks: by constant, which of its elements may be other than 0; the rest is 0 and stays 0.
    Raises EK201 for operators without a gradient, EK202 for variables.
    """

    def __init__(self, graph: Graph, masks: Mapping[str, Array] | None = None) -> None:
        super().__init__()
        self.graph = graph
        self.functions = functions_of(graph)
        self.names = real_constants(graph)
        self.parameters_ = nn.ParameterList(
            nn.Parameter(torch.from_numpy(np.array(graph.value(name).data, np.float32)))
            for name in self.names
        )
        self.masks = mask_tensors(masks or {}, graph)
        self.fixed = fixed_constants(graph)

    def constants(self) -> dict[str, Tensor]:
        """Every constant that a node computes with, masks applied."""
        trained = dict(zip(self.names, self.parameters_, strict=True))
        masked = {n: p * self.masks[n] if n in self.masks else p for n, p in trained.items()}
        return {**self.fixed, **masked}

    def tensors(self, *inputs: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Every input and every node's output [N, *shape], in order."""
        live = self.constants()
        for name, x in zip(self.graph.inputs, inputs, strict=True):
            live[name] = x
            yield name, x
        for node in self.graph.nodes:
            operands = [live[name] for name in node.inputs if name]
            live[node.outputs[0]] = self.functions[node.name](node, self.graph, operands)
            yield node.outputs[0], live[node.outputs[0]]

    def forward(self, *inputs: Tensor) -> list[Tensor]:
        found = dict(self.tensors(*inputs))
        return [found[name] for name in self.graph.outputs]

    def trained(self) -> Graph:
        """The graph with the constants as they are now."""
        with torch.no_grad():
            made = self.constants()
        return with_constants(
            self.graph, {name: made[name].detach().numpy() for name in self.names}
        )


def with_constants(graph: Graph, data: Mapping[str, Array]) -> Graph:
    """The graph with other real numbers in some of its constants, each in the shape that it has."""
    values = dict(graph.values)
    for name, array in data.items():
        value = values[name]
        assert value.data is not None, name
        assert value.data.shape == array.shape, name
        values[name] = replace(value, data=np.array(array, value.data.dtype))
    return replace(graph, values=values)


def functions_of(graph: Graph) -> dict[str, Function]:
    """The function of every node, by name. Raises EK201, EK202 (`GraphModule`)."""
    if graph.states:
        raise EdgekitError(
            "EK202", "a model that keeps variables between calls cannot be trained",
            where=f"variable {graph.states[0].value}", found=f"{len(graph.states)} variables",
            help="fine-tune the torch module before its export, or compress this model without training",
        )  # fmt: skip
    return {node.name: function_of(node) for node in graph.nodes}


def real_constants(graph: Graph) -> list[str]:
    """The float32 constants that nodes read, in the order in which they do."""
    read = dict.fromkeys(name for node in graph.nodes for name in node.inputs if name)
    return [n for n in read if graph.const(n) is not None and graph.value(n).dtype == "float32"]


def fixed_constants(graph: Graph) -> dict[str, Tensor]:
    """Constants that the source has quantized, or that are plain integers, as real numbers."""
    read = dict.fromkeys(name for node in graph.nodes for name in node.inputs if name)
    known = [n for n in read if graph.const(n) is not None and graph.value(n).dtype != "float32"]
    return {name: torch.from_numpy(_real(graph, name)) for name in known}


def _real(graph: Graph, name: str) -> Array:
    """An int32 bias without a scale of its own is at the scale of its layer's sums."""
    value = graph.value(name)
    data = np.asarray(dequantized(value), np.float64)
    if value.quant is None and value.dtype in ("int32", "int64"):
        for node in graph.nodes:
            if name in node.inputs[2:3]:
                data = data * _sum_scale(node, graph)
    return np.asarray(data, np.float32)


def _sum_scale(node: Node, graph: Graph) -> Array:
    x, weights = (graph.value(name) for name in node.inputs[:2])
    return np.asarray(1.0 if weights.quant is None else x.scale * np.array(weights.quant.scale))


def zeros_kept(graph: Graph) -> dict[str, Array]:
    """Masks that keep at 0 what is 0: elements of weights, and of biases those of channels without any
    weights. A network that was not pruned has next to none."""
    masks: dict[str, Array] = {}
    for node in graph.nodes:
        axis = load_ops()[node.op].channel_axis
        if axis is None or graph.value(node.inputs[1]).dtype != "float32":
            continue
        weights = np.asarray(graph.const(node.inputs[1]))
        masks[node.inputs[1]] = weights != 0
        if node.inputs[2:] and node.inputs[2] and graph.value(node.inputs[2]).dtype == "float32":
            bias = np.asarray(graph.const(node.inputs[2]))
            empty = ~np.moveaxis(weights != 0, axis, 0).reshape(weights.shape[axis], -1).any(axis=1)
            masks[node.inputs[2]] = (bias != 0) | ~empty.reshape(bias.shape)
    return {name: mask for name, mask in masks.items() if not mask.all()}


def mask_tensors(masks: Mapping[str, Array], graph: Graph) -> dict[str, Tensor]:
    """Masks as factors of 0 and 1. Raises EK001 where one fits no constant."""
    made = {}
    for name, mask in masks.items():
        value = graph.values.get(name)
        if value is None or value.data is None or value.data.shape != mask.shape:
            raise EdgekitError(
                "EK001", "a mask fits no constant of the model", where=f"mask {name}",
                found=f"shape {mask.shape}, wanted {'none' if value is None else value.shape}",
                help="give masks by the names of constants, in their shapes",
            )  # fmt: skip
        made[name] = torch.from_numpy(np.asarray(mask != 0, np.float32))
    return made
