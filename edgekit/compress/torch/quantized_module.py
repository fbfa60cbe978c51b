"""A quantized graph as a `torch.nn.Module`: forward in edgekit's own integers, backward in real numbers.

Every node runs twice. `Op.run` makes the integers, which are what the simulator and the C make; the
operator's real function (`functions.py`), on the real values of the same operands, gives the slope.
What comes out has the value of the first and the gradients of the second (`rounding.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgekit.compress.torch.graph_module import fixed_constants, functions_of, mask_tensors
from edgekit.compress.torch.rounding import rounded, straight_through
from edgekit.compress.torch.scales import ActivationScales, is_wide, limits_of
from edgekit.graph import Graph, Node, Quant, limits
from edgekit.op import load_ops
from edgekit.quantize import applied
from edgekit.quantize.bias import quantized_inputs
from edgekit.quantize.equalize import rescaled
from edgekit.quantize.evaluate import run_integer
from edgekit.quantize.prepare import prepared
from edgekit.quantize.store import Quantization
from edgekit.quantize.weights import bias_constant

Array = NDArray[Any]
_MOST_BIAS = 2.0**28  # steps, of the 2^31 that a sum may reach
_NEARLY_HALF = 0.499  # steps: what rounds to a number for certain


class Tensors(NamedTuple):
    """A tensor's integers and their real values with gradients, both [N, *shape]."""

    integers: Array
    real: Tensor


class Layer(nn.Module):
    """Weights and bias of one layer, and the scales of its channels.

    They begin at the numbers of `start`: a weight is the real one, moved to where it rounds to its number.
    """

    def __init__(self, node: Node, graph: Graph, start: Quantization) -> None:
        super().__init__()
        weights, bias = node.inputs[1:3]
        axis, quant = load_ops()[node.op].channel_axis, start.quants[weights]
        assert axis is not None
        self.bits, self.axis = quant.bits, quant.axis
        self.shape = [1] * len(graph.value(weights).shape)
        self.shape[axis] = -1
        self.start = torch.tensor(quant.scale, dtype=torch.float32)
        self.change = nn.Parameter(torch.zeros(len(quant.scale)))
        scale = self.start.reshape(self.shape)
        number = torch.from_numpy(start.data[weights].astype(np.float32))
        real = torch.from_numpy(np.array(graph.const(weights), np.float32)) / scale
        near = torch.minimum(torch.maximum(real, number - _NEARLY_HALF), number + _NEARLY_HALF)
        self.weight = nn.Parameter(near.clamp(*limits_of(self.bits)) * scale)
        steps = start.data[bias].reshape(-1) * np.array(start.quants[bias].scale)
        self.bias = nn.Parameter(torch.from_numpy(steps.astype(np.float32)))

    def steps(self, x_scale: Tensor) -> Tensor:
        """The scales, long enough for the bias to fit its sums."""
        scale = self.start * torch.exp(self.change)
        least = (self.bias.abs() / (_MOST_BIAS * x_scale)).detach()
        return torch.maximum(scale, least if len(scale) > 1 else least.max())


class QuantizedModule(nn.Module):
    """Real inputs [N, *shape], in the graph's order, to a list of its outputs' real values.

    graph: canonical, of real numbers; start: what calibration decided for it (`quantize.quantized`). masks: as
    in `GraphModule`.
    Raises EK201 for operators without a gradient, EK202 for variables.
    """

    def __init__(
        self,
        graph: Graph,
        start: Quantization,
        *,
        masks: Mapping[str, Array] | None = None,
        learn_ranges: bool = True,
    ) -> None:
        super().__init__()
        self.graph = rescaled(prepared(graph, start.wide), start.factors)
        self.functions = functions_of(self.graph)
        self.start = start
        self.nodes = {
            node.name: node for node in self.graph.nodes if trains(node, self.graph, start)
        }
        self.layers = nn.ModuleList(Layer(node, self.graph, start) for node in self.nodes.values())
        self.scales = ActivationScales(self.graph, start, self.nodes, learn_ranges)
        own = {name for node in self.nodes.values() for name in node.inputs[1:3]}
        self.names = [name for name in start.data if name not in own and name in self.scales.quants]
        self.levels = nn.ParameterList(
            nn.Parameter(torch.from_numpy(np.array(self.graph.value(name).data, np.float32)))
            for name in self.names
        )
        self.masks = mask_tensors(masks or {}, self.graph)
        self.fixed = fixed_constants(self.graph)

    def numbers(self) -> tuple[Quantization, dict[str, Tensor]]:
        """What the integer graph computes with as it is now, and its constants' real values."""
        quants = {**self.start.quants, **self.scales.numbers()}
        quants = {name: quant for name, quant in quants.items() if name in self.start.quants}
        data, real = dict(self.start.data), dict(self.fixed)
        for name, level in zip(self.names, self.levels, strict=True):
            low, high = limits("int16" if is_wide(self.start, name) else "int8")
            zero = self.scales.quants[name].zero_point[0]
            real[name], steps = rounded(level, self.scales.scale(name), low - zero, high - zero)
            data[name] = (steps + zero).numpy().astype(data[name].dtype)
        for node, layer in zip(self.nodes.values(), self.layers, strict=True):
            assert isinstance(layer, Layer)
            self._layer(node, layer, quants, data, real)
        return replace(self.start, quants=quants, data=data), real

    def _layer(
        self,
        node: Node,
        layer: Layer,
        quants: dict[str, Quant],
        data: dict[str, Array],
        real: dict[str, Tensor],
    ) -> None:
        x, weights, bias = node.inputs[:3]
        x_scale = self.scales.scale(x)
        scale, (low, high) = layer.steps(x_scale), limits_of(layer.bits)
        weight, offset = (
            p * self.masks[name].reshape(p.shape) if name in self.masks else p
            for name, p in ((weights, layer.weight), (bias, layer.bias))
        )
        real[weights], steps = rounded(weight, scale.reshape(layer.shape), low, high)
        scales = tuple(scale.detach().numpy().astype(np.float64).tolist())
        numbers = Quant(scales, (0,) * len(scales), layer.axis, layer.bits)
        x_quant = Quant((x_scale.item(),), (0,))
        quants[weights], data[weights] = numbers, steps.numpy().astype(np.int8)
        quants[bias], data[bias] = bias_constant(offset.detach().numpy(), x_quant, numbers)
        exact = data[bias] * (x_scale.item() * np.array(scales))
        real[bias] = offset + (torch.from_numpy(exact.astype(np.float32)) - offset).detach()

    def steps(self, *inputs: Tensor) -> Iterator[tuple[str, Tensors]]:
        """Every input and every node's output, in order."""
        quantization, live = self.numbers()
        graph = applied(self.graph, quantization)
        given = dict(zip(graph.inputs, (x.detach().numpy() for x in inputs), strict=True))
        integers = quantized_inputs(graph, given)
        for name, x in integers.items():
            live[name] = self._real(graph, name, x, torch.from_numpy(given[name]))
            yield name, Tensors(x, live[name])
        for node in graph.nodes:
            operands = [live[name] for name in node.inputs if name]
            about = self.functions[node.name](node, self.graph, operands)
            (name,) = node.outputs
            (integers[name],) = run_integer(node, graph, integers)
            live[name] = self._real(graph, name, integers[name], about)
            yield name, Tensors(integers[name], live[name])

    def _real(self, graph: Graph, name: str, integers: Array, about: Tensor) -> Tensor:
        """The real values of a tensor's integers, which are about `about` and have its gradients."""
        value = graph.value(name)
        if value.quant is None:
            return torch.from_numpy(integers.astype(np.float32))
        zero = value.quant.zero_point[0]
        low, high = limits(value.dtype)
        exact = torch.from_numpy(integers.astype(np.float32) - zero)
        return straight_through(about, self.scales.scale(name), exact, low - zero, high - zero)

    def tensors(self, *inputs: Tensor) -> Iterator[tuple[str, Tensor]]:
        """The real values of `steps`."""
        return ((name, found.real) for name, found in self.steps(*inputs))

    def forward(self, *inputs: Tensor) -> list[Tensor]:
        found = dict(self.tensors(*inputs))
        return [found[name] for name in self.graph.outputs]

    def quantization(self) -> Quantization:
        """What training has decided so far; builds as what calibration decides."""
        with torch.no_grad():
            return replace(self.numbers()[0], notes=(), errors=None)


def trained_layers(graph: Graph, start: Quantization) -> list[str]:
    """The layers of a canonical graph whose weights would be trained."""
    ready = prepared(graph, start.wide)
    return [node.name for node in ready.nodes if trains(node, ready, start)]


def trains(node: Node, graph: Graph, start: Quantization) -> bool:
    """Whether a node is a layer whose weights were quantized here."""
    weighted = load_ops()[node.op].channel_axis is not None
    return weighted and graph.value(node.inputs[1]).dtype == "float32" and node.inputs[1] in start.data  # fmt: skip
