"""Graphs as torch modules, against the graph's own evaluator; what training may change and what not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import shared

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from edgekit.compress.torch.functions import FUNCTIONS, function_of  # noqa: E402
from edgekit.compress.torch.graph_module import GraphModule, with_constants  # noqa: E402
from edgekit.compress.torch.quantization_aware import finetune_graph, graph_of  # noqa: E402
from edgekit.compress.torch.training import Training  # noqa: E402
from edgekit.errors import EdgekitError  # noqa: E402
from edgekit.families.normalization import Normalization  # noqa: E402
from edgekit.frontends import load_model  # noqa: E402
from edgekit.graph import Graph, Value, dequantized, plain  # noqa: E402
from edgekit.op import Case, load_ops  # noqa: E402
from edgekit.ops.lut import Lut  # noqa: E402
from edgekit.passes import canonical  # noqa: E402
from edgekit.quantize.evaluate import activations  # noqa: E402

LEARN = Training(epochs=16, learning_rate=2e-2, batch=32, mix=0.0)
MODELS = (
    "fsdd_res1d_dscnn.onnx",
    "fsdd_kwt_tiny_transformer.pt2",
    "mlperf_tiny_kws01_dscnn_dynamicrange.tflite",
    "mtcnn_rnet_24x24_float.onnx",
)


def load(path: Path) -> Graph:
    return canonical(load_model(path, {}))


def agree(graph: Graph, samples: int = 2) -> None:
    """Every tensor of the module is the evaluator's, to a few roundings of float32."""
    rng = np.random.default_rng(0)
    shapes = [graph.value(name).shape for name in graph.inputs]
    inputs = [rng.normal(size=(samples, *shape)).astype(np.float32) for shape in shapes]
    with torch.no_grad():
        module = GraphModule(graph)
        found = {name: x.numpy() for name, x in module.tensors(*map(torch.from_numpy, inputs))}
    for i in range(samples):
        given = dict(zip(graph.inputs, (x[i] for x in inputs), strict=True))
        for name, wanted in activations(graph, given):
            atol = 1e-5 * max(1.0, float(np.abs(wanted).max()))
            np.testing.assert_allclose(found[name][i], wanted, rtol=1e-5, atol=atol, err_msg=name)


@pytest.mark.parametrize("model", MODELS)
def test_shared_models_of_every_format(model: str) -> None:
    agree(load(shared("models", model)))


def real_cases() -> list[tuple[str, Case]]:
    """The operators' own cases with real numbers in place of integers."""
    found = []
    for name, op in load_ops().items():
        if name not in FUNCTIONS and not issubclass(op, Lut | Normalization):
            continue
        for case in op.cases():
            values = case.graph.values.values()
            if not any(plain(value) and value.data is None for value in values):
                found.append((name, case))
    return found


def real(value: Value) -> Value:
    if plain(value):
        return value
    data = None if value.data is None else np.asarray(dequantized(value), np.float32)
    return replace(value, dtype="float32", quant=None, data=data)


@pytest.mark.parametrize("op", sorted({name for name, _ in real_cases()}))
def test_functions_equal_the_operators(op: str) -> None:
    for name, case in real_cases():
        if name == op:
            graph = case.graph
            values = {key: real(value) for key, value in graph.values.items()}
            bias = [n for node in graph.nodes for n in node.inputs[2:3] if n in values]
            for key in bias:
                if values[key].dtype == "int32":  # at the scale of sums that are gone
                    data = np.asarray(values[key].data, np.float32) * np.float32(1e-3)
                    values[key] = replace(values[key], dtype="float32", data=data)
            agree(replace(graph, values=values))


@pytest.mark.parametrize("op", ["tanh", "logistic", "gelu"])
def test_slopes_of_tables(op: str) -> None:
    """The central difference against torch's own gradient."""
    attrs = {"function": "gelu"}
    case = next(case for case in load_ops()[op].cases())
    node = replace(case.graph.nodes[0], attrs={**case.graph.nodes[0].attrs, **attrs})
    shape = case.graph.value(node.outputs[0]).shape
    x = torch.linspace(-4, 4, int(np.prod(shape))).reshape(1, *shape).requires_grad_()
    function_of(node)(node, case.graph, [x]).sum().backward()
    y = x.detach().clone().requires_grad_()
    {"tanh": torch.tanh, "logistic": torch.sigmoid, "gelu": nn.functional.gelu}[op](y).sum().backward()  # fmt: skip
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-4, atol=1e-5)


class Residual(nn.Module):
    """Convolutions of three kinds, a residual, a pool, a dense head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.depth = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.point = nn.Conv2d(8, 8, 1)
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x).relu()
        x = x + self.point(self.depth(x).relu())
        return self.head(nn.functional.max_pool2d(x.relu(), 2).mean((2, 3)))


def small() -> Graph:
    torch.manual_seed(0)
    return graph_of(Residual(), torch.zeros(1, 1, 8, 8))


def blobs(count: int = 192, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes: where in the picture a spot is."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, count)
    x = rng.normal(0, 0.3, (count, 1, 8, 8)).astype(np.float32)
    for image, label in zip(x, y, strict=True):
        image[0, 2 * label : 2 * label + 3, 1:7] += 1 + label
    return x, y


def accuracy(graph: Graph) -> float:
    x, y = blobs(96, seed=1)
    with torch.no_grad():
        (scores,) = GraphModule(graph)(torch.from_numpy(x.reshape(96, 1, 8, 8, 1)))
    return float((scores.reshape(96, -1).numpy().argmax(1) == y).mean())


def test_training_improves_a_graph_and_repeats_by_its_seed() -> None:
    graph, (x, y) = small(), blobs()
    made = [finetune_graph(graph, x, LEARN, labels=y, progress=False) for _ in range(2)]
    assert accuracy(graph) < 0.6
    assert accuracy(made[0][0]) > 0.9
    for name, value in made[0][0].values.items():
        if value.data is not None:
            np.testing.assert_array_equal(value.data, made[1][0].value(name).data)
    other, _ = finetune_graph(graph, x, replace(LEARN, seed=1), labels=y, progress=False)
    assert any(
        not np.array_equal(value.data, other.value(name).data)
        for name, value in made[0][0].values.items()
        if value.data is not None
    )


def test_what_is_pruned_stays_zero() -> None:
    """Weights and biases of channels without any; the biases of others are trained."""
    graph, (x, y) = small(), blobs()
    layer = graph.nodes[next(i for i, node in enumerate(graph.nodes) if node.op == "conv2d")]
    weights, bias = (np.array(graph.const(name)) for name in layer.inputs[1:3])
    weights[:3], bias[:3], weights[5, 0, 0] = 0, 0, 0
    pruned = with_constants(graph, {layer.inputs[1]: weights, layer.inputs[2]: bias})
    trained, _ = finetune_graph(
        pruned, x, Training(epochs=2, batch=32), labels=y, teacher=graph, progress=False
    )
    found = np.asarray(trained.const(layer.inputs[1]))
    np.testing.assert_array_equal(found == 0, weights == 0)
    np.testing.assert_array_equal(np.asarray(trained.const(layer.inputs[2]))[:3], 0)
    assert np.any(found != weights)


def test_a_mask_that_fits_nothing_is_refused() -> None:
    with pytest.raises(EdgekitError) as refused:
        GraphModule(small(), {"nowhere": np.ones(3)})
    assert refused.value.code == "EK001"


def test_an_operator_without_a_gradient_is_named() -> None:
    class Running(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.cumsum(1)

    with pytest.raises(EdgekitError) as refused:
        GraphModule(graph_of(Running(), torch.zeros(1, 5)))
    assert refused.value.code == "EK201"
    assert "cumsum" in refused.value.found


def test_variables_are_refused() -> None:
    with pytest.raises(EdgekitError) as refused:
        GraphModule(load(shared("models", "tflm_mnist_lstm_float32.tflite")))
    assert refused.value.code == "EK202"
