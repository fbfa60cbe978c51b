"""What the loss is expected to lose with a group of channels, by first-order Taylor expansion."""

from __future__ import annotations

import numpy as np
import torch

from edgekit.compress.coupling import Coupling, layers
from edgekit.compress.torch.answers import answers, examples_of
from edgekit.compress.torch.graph_module import GraphModule
from edgekit.graph import Graph
from edgekit.op import Array
from edgekit.threads import one_blas_thread
from edgekit.validate.data import Samples

_BATCH = 32


def taylor_scores(graph: Graph, made: Coupling, samples: Samples) -> Array:
    """Per group, |sum over its channels' activations of activation times gradient|, mean over samples
    (Molchanov et al., 2017). The loss is the cross entropy of the answers with the samples' labels; without
    labels with the network's own first choice, so that no label is needed.
    """
    module, total = GraphModule(graph), np.zeros(made.count)
    wanted = {node.outputs[0] for node in layers(graph)}
    names, labels = answers(graph), samples.y
    with one_blas_thread():
        given = examples_of(samples, labels, _BATCH)
        shapes = [graph.value(name).shape for name in graph.inputs]
        for x, y in given.batches():
            sizes = [int(np.prod(shape)) for shape in shapes]
            parts = [
                part.reshape(len(x), *shape)
                for part, shape in zip(torch.split(x, sizes, dim=1), shapes, strict=True)
            ]
            found = dict(module.tensors(*parts))
            kept = [name for name in wanted if found[name].requires_grad]
            scores = torch.cat([found[name].reshape(len(x), -1) for name in names], dim=1)
            right = scores.argmax(dim=1) if y is None else y.long().reshape(-1)
            loss = torch.nn.functional.cross_entropy(scores, right, reduction="sum")
            gradients = torch.autograd.grad(loss, [found[name] for name in kept], allow_unused=True)
            for name, gradient in zip(kept, gradients, strict=True):
                if gradient is None:
                    continue
                part = (found[name] * gradient).reshape(len(x), -1, gradient.shape[-1]).sum(dim=1)
                own = part.detach().numpy().astype(np.float64)
                each = made.labels[name]
                np.add.at(total, each[each >= 0], np.abs(own).sum(axis=0)[each >= 0])
    return total / max(len(samples), 1)
