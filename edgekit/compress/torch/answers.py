"""Graph modules as `finetune` takes them: one tensor in, one tensor of answers out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgekit.compress.torch.data import Augment, Examples
from edgekit.errors import EdgekitError
from edgekit.graph import Graph
from edgekit.validate.data import Samples, dequantize

Array = NDArray[Any]
_TRANSPARENT = ("reshape", "requantize")


class Traced(Protocol):
    """`GraphModule` and `QuantizedModule`."""

    graph: Graph

    def tensors(self, *inputs: Tensor) -> Iterator[tuple[str, Tensor]]: ...


class Answers(nn.Module):
    """All inputs of a sample side by side [N, elements] to all its answers side by side [N, elements]."""

    def __init__(self, inner: Traced) -> None:
        super().__init__()
        self.inner = inner
        self.shapes = [inner.graph.value(name).shape for name in inner.graph.inputs]
        self.names = answers(inner.graph)

    def forward(self, x: Tensor) -> Tensor:
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        parts = [
            part.reshape(len(x), *shape)
            for part, shape in zip(torch.split(x, sizes, dim=1), self.shapes, strict=True)
        ]
        found = dict(self.inner.tensors(*parts))
        return torch.cat([found[name].reshape(len(x), -1) for name in self.names], dim=1)


def answers(graph: Graph) -> list[str]:
    """The tensors that a loss compares: the outputs, of those behind a softmax what goes into it."""
    producers, found = graph.producers(), []
    for output in graph.outputs:
        name = output
        while name in producers and producers[name].op in _TRANSPARENT:
            name = producers[name].inputs[0]
        softmax = name in producers and producers[name].op == "softmax"
        found.append(producers[name].inputs[0] if softmax else output)
    return found


def scores_classes(graph: Graph) -> bool:
    """Whether the one output is a softmax's."""
    return len(graph.outputs) == 1 and answers(graph) != list(graph.outputs)


def examples_of(samples: Samples, labels: Array | None, batch: int) -> Examples:
    """Samples of a graph's inputs as `Answers` takes them, with labels [N] where there are some.

    Raises EK004 for sequences of frames, and where labels and inputs differ in number.
    """
    if samples.sequence:
        raise EdgekitError(
            "EK004", "sequences of frames cannot be trained on", where=samples.source,
            found="several steps a sample", help="give one inference a sample",
        )  # fmt: skip
    if labels is not None and len(labels) != len(samples):
        raise EdgekitError(
            "EK004", "inputs and labels do not fit each other", where=samples.source,
            found=f"{len(samples)} inputs, {len(labels)} labels", help="one label for each input",
        )  # fmt: skip
    flat = [
        dequantize(x, tensor.quant).astype(np.float32).reshape(len(x), -1)
        for tensor, x in zip(samples.tensors, samples.arrays, strict=True)
    ]
    y = None if labels is None else torch.from_numpy(np.asarray(labels, np.int64))
    return Examples(torch.from_numpy(np.concatenate(flat, axis=1)), y, None, batch)


def labels_of(samples: Samples, graph: Graph) -> Array | None:
    """The classes that the data name: whole numbers, for a model of one output that does not make its
    input again (what an autoencoder's data say of a sample is no class of its output)."""
    y, outputs = samples.y, [graph.value(name).elements for name in graph.outputs]
    classes = y is not None and y.dtype.kind in "iu" and y.ndim == 1
    again = outputs == [graph.value(name).elements for name in graph.inputs]
    return y if classes and len(outputs) == 1 and not again else None


def batched(augment: Augment, graph: Graph) -> Augment:
    """`augment`, made for the first input [N, *shape] without its leading axis of one sample, for what
    `examples_of` makes."""
    shape = graph.value(graph.inputs[0]).shape
    size = int(np.prod(shape))

    def changed(x: Tensor, generator: torch.Generator) -> Tensor:
        first = augment(x[:, :size].reshape(-1, *shape[1:]), generator)
        return torch.cat([first.reshape(len(x), size), x[:, size:]], dim=1)

    return changed
