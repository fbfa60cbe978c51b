"""The scales of a quantized graph as parameters: of activations by group, of weights by channel.

A scale is trained as the logarithm of its ratio to the one it began with: it stays positive, and one rate of
learning suits the scales of all layers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import torch
from torch import Tensor, nn

from edgekit.graph import Graph, Quant
from edgekit.op import load_ops
from edgekit.quantize.low_bits import span
from edgekit.quantize.prepare import groups_of
from edgekit.quantize.store import Quantization
from edgekit.quantize.widths import WIDE, wide_tensors


class ActivationScales(nn.Module):
    """Numbers of every tensor but weights and biases. Zero points stay.

    Learned are the scales of tensors that were calibrated: not those of the network's inputs, of operators
    with one quantization only, of int16, and of what layers read whose weights are the source's.
    """

    def __init__(self, graph: Graph, start: Quantization, trained: Collection[str], learn: bool) -> None:  # fmt: skip
        super().__init__()
        groups = groups_of(graph, start.wide, calibrated=True)
        kept = {*graph.inputs, *wide_tensors(graph, start.wide), *_read_by_others(graph, trained)}
        self.quants: dict[str, Quant] = {}
        self.group: dict[str, int] = {}
        count = 0
        for root, names in groups.members().items():
            ours = [name for name in names if name in start.quants]
            for name in names:
                quant = start.quants.get(name, graph.value(name).quant)
                if quant is not None:
                    self.quants[name] = quant
            fixed = root in groups.fixed or root in groups.long or kept & set(names)
            if learn and ours and not fixed:
                self.group |= dict.fromkeys(ours, count)
                count += 1
        self.change = nn.Parameter(torch.zeros(count))

    def scale(self, name: str) -> Tensor:
        """float32, as the integer arithmetic has it."""
        start = torch.tensor(self.quants[name].scale[0], dtype=torch.float32)
        at = self.group.get(name)
        return start if at is None else start * torch.exp(self.change[at])

    def numbers(self) -> dict[str, Quant]:
        """Of every tensor, as they are now."""
        with torch.no_grad():
            return {
                name: replace(quant, scale=(self.scale(name).item(),))
                if name in self.group
                else quant
                for name, quant in self.quants.items()
            }


def _read_by_others(graph: Graph, trained: Collection[str]) -> set[str]:
    """Inputs of layers with weights that are not trained: a bias there has its numbers already."""
    weighted = [node for node in graph.nodes if load_ops()[node.op].channel_axis is not None]
    return {node.inputs[0] for node in weighted if node.name not in trained}


def is_wide(quantization: Quantization, name: str) -> bool:
    """Whether the data of a constant are int16."""
    return str(quantization.data[name].dtype) == WIDE


def limits_of(bits: int) -> tuple[int, int]:
    """The numbers of weights: of eight bits without -128, so that products stay symmetric."""
    return (-127, 127) if bits == 8 else span(bits)
