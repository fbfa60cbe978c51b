"""Quality of outputs on labelled data: the contract's ``--metric``, in real units."""

from __future__ import annotations

import math
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.validate import metrics
from edgekit.validate.data import Samples, dequantize

Array = NDArray[Any]

# --metric -> the key of its value in reports
METRICS = {"top1": "accuracy", "auc": "auc", "mse": "mse", "mae": "mae"}


def score(metric: str, outputs: Array, samples: Samples) -> float:
    """One figure for the first output, given as real values [N, *shape] or [N, steps, *shape].

    top1: share of samples whose largest output is the class `y`; of a sequence the last step
    counts. auc: separation of ``y == 1`` from the rest by `anomaly_or_positive`. mse, mae: distance
    from `y`, where it holds one value for every output, else from the input (an autoencoder).
    Raises EK004 where the data has not what the metric needs.
    """
    if metric == "top1":
        last = outputs[:, -1] if samples.sequence else outputs
        return metrics.accuracy(last, _labels(samples, metric))
    if metric == "auc":
        return metrics.auc(anomaly_or_positive(outputs, samples), _labels(samples, metric))
    distance = metrics.mse if metric == "mse" else metrics.mae
    return distance(outputs.ravel(), _target(outputs, samples, metric).ravel())


def anomaly_or_positive(outputs: Array, samples: Samples) -> Array:
    """[N] detection scores, from what the model is by its shapes.

    Output like the input (an autoencoder): mean squared reconstruction error. Two classes: the
    second one's output. One output: itself, the largest over the steps of a sequence.
    Raises EK004 for any other model.
    """
    count = len(outputs)
    each = math.prod(outputs.shape[2 if samples.sequence else 1 :])
    if each > 2 and _reconstructs(outputs, samples):
        error = (outputs.reshape(count, -1) - _real_input(samples).reshape(count, -1)) ** 2
        return np.asarray(error.mean(axis=1))
    if each <= 2:
        return np.asarray(outputs.reshape(count, -1, each)[:, :, -1].max(axis=1))
    raise EdgekitError(
        "EK004",
        "the metric auc needs a detector or an autoencoder",
        where=samples.source,
        found=f"{each} outputs, wanted 1, 2 or as many as inputs",
        help="choose --metric top1",
    )


def default_metric(samples: Samples) -> str | None:
    """top1 where `y` holds one integer label a sample, else none."""
    y = samples.y
    return "top1" if y is not None and y.dtype.kind in "iu" and y.size == len(y) else None


def finite(value: float) -> float | None:
    """JSON knows no infinity and no NaN: None stands for both."""
    return value if math.isfinite(value) else None


def _labels(samples: Samples, metric: str) -> Array:
    y = samples.y
    if y is None or y.dtype.kind not in "iu" or y.size != len(y):
        _missing(samples, metric, "one integer label a sample")
    return y.ravel()


def _target(outputs: Array, samples: Samples, metric: str) -> Array:
    if samples.y is not None and samples.y.size == outputs.size:
        return samples.y
    if _reconstructs(outputs, samples):
        return _real_input(samples)
    _missing(samples, metric, f"{outputs.size} values")


def _reconstructs(outputs: Array, samples: Samples) -> bool:
    return len(samples.arrays) == 1 and samples.arrays[0].size == outputs.size


def _real_input(samples: Samples) -> Array:
    return dequantize(samples.given[0], samples.tensors[0].quant)


def _missing(samples: Samples, metric: str, wanted: str) -> NoReturn:
    y = samples.y
    found = "no y" if y is None else f"y {y.dtype} {list(y.shape)}"
    raise EdgekitError(
        "EK004",
        f"the data has not what the metric {metric} needs",
        where=samples.source,
        found=f"{found}, wanted {wanted}",
        help="add y to the data file, or choose another --metric",
    )
