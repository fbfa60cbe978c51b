"""Quantization-aware training: a graph learns to answer well in the integers that will be flashed.

What training sees is what is built: the forward pass is the operators' own integer arithmetic
(`quantized_module.py`), and the result is a `Quantization`, stored and applied as one that calibration made.
The graph in real numbers is the teacher. Graphs come from any format, so the same is `finetune` for files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from edgekit.compress.torch.answers import (
    Answers,
    Traced,
    batched,
    examples_of,
    labels_of,
    scores_classes,
)
from edgekit.compress.torch.graph_module import GraphModule, zeros_kept
from edgekit.compress.torch.quantized_module import QuantizedModule, trained_layers
from edgekit.compress.torch.training import History, Training, finetune
from edgekit.errors import EdgekitError
from edgekit.frontends import load_model, model_file
from edgekit.graph import Graph
from edgekit.passes import canonical
from edgekit.quantize import Calibration, Quantization, Settings, quantized
from edgekit.threads import one_blas_thread
from edgekit.validate.data import Samples

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Trained:
    """What training has made: numbers to build with, and how it went."""

    quantization: Quantization
    history: History


def graph_of(model: str | Path | nn.Module, example_inputs: Any = None) -> Graph:
    """The canonical graph of a model file, or of a live module and its example inputs."""
    with model_file(model, example_inputs) as path:
        return canonical(load_model(path, {}))


def qat(
    graph: Graph,
    data: Samples | Any,
    training: Training = Training(),  # noqa: B008
    *,
    labels: Array | None = None,
    calibration: Samples | None = None,
    start: Quantization | None = None,
    settings: Settings = Settings(),
    teacher: Graph | None = None,
    validation: Samples | None = None,
    masks: Mapping[str, Array] | None = None,
    learn_ranges: bool = True,
    progress: bool | None = None,
) -> Trained:
    """Train a canonical graph of real numbers in the integers of `settings.scheme` and `layer_schemes`.

    data: what to train on, in any form that calibration data have (`quantize.Calibration`). labels: a class for
    each sample; those of `data` if not given, and without any the teacher alone says what is right.
    start: numbers to begin with, their bits among them; if there are none, calibration (`data` if not given)
    decides them as `settings` say. learn_ranges: the scales of activations are trained, too.
    teacher: the graph itself if not given. masks: by constant, which elements may be other than 0; if there are none,
    what is 0 stays 0.
    training: rates, epochs, mix, seed (its `teacher` is not used); its `augment` sees the first input
    [N, *shape], axes as the graph has them. Deterministic by the seed.
    Raises EK001 where there is nothing to train, EK004 for data, EK201 and EK202 for models that cannot be
    trained, and what `quantized` raises.
    """
    samples = _samples(graph, data)
    decided = start or quantized(graph, calibration or samples, settings)[1]
    if decided is None or not trained_layers(graph, decided):
        raise EdgekitError(
            "EK001", "there is nothing to train", where=graph.name,
            found="no layer with weights of real numbers", help="pass the model before its quantization",
        )  # fmt: skip
    kept = zeros_kept(graph) if masks is None else masks
    student = QuantizedModule(graph, decided, masks=kept, learn_ranges=learn_ranges)
    history = _distilled(student, teacher or graph, samples, labels, training, validation, progress)
    return Trained(student.quantization(), history)


def finetune_graph(
    graph: Graph,
    data: Samples | Any,
    training: Training = Training(),  # noqa: B008
    *,
    labels: Array | None = None,
    teacher: Graph | None = None,
    validation: Samples | None = None,
    masks: Mapping[str, Array] | None = None,
    progress: bool | None = None,
) -> tuple[Graph, History]:
    """The graph with constants trained in real numbers; the arguments are those of `qat`.

    teacher: the graph before pruning, for example.
    """
    student = GraphModule(graph, zeros_kept(graph) if masks is None else masks)
    samples = _samples(graph, data)
    history = _distilled(student, teacher or graph, samples, labels, training, validation, progress)
    return student.trained(), history


def _samples(graph: Graph, data: Samples | Any) -> Samples:
    return data if isinstance(data, Samples) else Calibration(data).samples(graph)


def _distilled(
    student: Traced,
    teacher: Graph,
    samples: Samples,
    labels: Array | None,
    training: Training,
    validation: Samples | None,
    progress: bool | None,
) -> History:
    """Train `student` in place; without labels, and for anything but classes, the teacher alone is asked."""
    known = labels_of(samples, teacher) if labels is None else labels
    master = Answers(GraphModule(teacher))
    if known is not None and len(teacher.outputs) > 1:
        raise EdgekitError(
            "EK001", "labels need a model of one output", where=teacher.name,
            found=f"{len(teacher.outputs)} outputs", help="leave the labels out: the model itself then teaches",
        )  # fmt: skip
    classes = known is not None or scores_classes(teacher)
    plan = replace(
        training,
        teacher=master,
        mix=training.mix if known is not None else 1.0,
        augment=training.augment and batched(training.augment, teacher),
        match=training.match if classes else "mse",
    )
    held = None
    if validation is not None:
        held = examples_of(validation, labels_of(validation, teacher), training.batch)
        if held.y is None:
            with torch.no_grad():
                held.y = torch.cat([master(x) for x, _ in held.batches()])
    with one_blas_thread():
        return finetune(
            Answers(student),
            examples_of(samples, known, training.batch),
            plan,
            validation=held,
            progress=progress,
        )
