"""Quantization-aware training: what it computes is what is built, and it pays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import shared
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
from test_graph_module import LEARN, Residual, blobs, load, small  # noqa: E402

from edgekit.build import Options, build, compile_program  # noqa: E402
from edgekit.compress.torch.graph_module import with_constants  # noqa: E402
from edgekit.compress.torch.quantization_aware import finetune_graph, graph_of, qat  # noqa: E402
from edgekit.compress.torch.quantized_module import QuantizedModule  # noqa: E402
from edgekit.compress.torch.rounding import rounded  # noqa: E402
from edgekit.compress.torch.training import Training  # noqa: E402
from edgekit.errors import EdgekitError  # noqa: E402
from edgekit.frontends.torch_module import export_module  # noqa: E402
from edgekit.graph import Graph  # noqa: E402
from edgekit.lowering import lower  # noqa: E402
from edgekit.plan import plan  # noqa: E402
from edgekit.quantize import (  # noqa: E402
    Calibration,
    Quantization,
    Settings,
    quantized,
    restored,
)
from edgekit.quantize.bias import quantized_inputs  # noqa: E402
from edgekit.quantize.store import load as load_numbers  # noqa: E402
from edgekit.quantize.store import save  # noqa: E402
from edgekit.rewrite.constant_channels import drop_constant_channels  # noqa: E402
from edgekit.simulate import Simulator  # noqa: E402

FAST = Training(epochs=4, learning_rate=1e-2, batch=32, mix=0.3)


def decided(graph: Graph, x: dict[str, np.ndarray], scheme: Any = "w8a8", **layers: str) -> Quantization:  # fmt: skip
    given = {n: graph.layouts[n].source(v) if n in graph.layouts else v for n, v in x.items()}
    options = Settings(scheme=scheme, layer_schemes=layers)
    found = quantized(graph, Calibration(given).samples(graph), options)[1]
    assert found is not None
    return found


def same_bytes(graph: Graph, module: QuantizedModule, x: dict[str, np.ndarray]) -> int:
    """Outputs and intermediates of the module are the simulator's; how many were compared."""
    with torch.no_grad():
        inputs = [torch.from_numpy(x[name]) for name in graph.inputs]
        found = {name: tensors.integers for name, tensors in module.steps(*inputs)}
    whole = restored(graph, module.quantization())
    program = plan(lower(whole))
    given, simulator = quantized_inputs(whole, x), Simulator(program)
    outputs = simulator.run([given[name] for name in program.inputs])
    for name, wanted in zip(program.outputs, outputs, strict=True):
        np.testing.assert_array_equal(found[name].reshape(wanted.shape), wanted)
    count = 0
    for i in range(len(inputs[0])):
        for _, name, wanted in simulator.trace([given[n][i] for n in program.inputs]):
            if name in found and found[name][i].size == wanted.size:
                count += 1
                np.testing.assert_array_equal(found[name][i].reshape(wanted.shape), wanted, name)
    return count


def stepped(module: QuantizedModule, inputs: list[torch.Tensor], steps: int = 2) -> None:
    """Every parameter is moved, scales too."""
    optimizer = torch.optim.Adam(module.parameters(), 1e-2)
    for _ in range(steps):
        loss = sum((out * torch.linspace(-1, 1, out[0].numel()).reshape(out[0].shape)).sum() for out in module(*inputs))  # fmt: skip
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("model", "bits"),
    [
        *(("residual", bits) for bits in (8, 4, 3, 2)),
        ("fsdd_res1d_dscnn.onnx", 4),
        ("fsdd_kwt_tiny_transformer.onnx", 8),
        ("mlperf_tiny_kws01_dscnn_float32.tflite", 8),
        ("mtcnn_rnet_24x24_float.onnx", 3),
    ],
)
def test_forward_is_the_simulator_after_training_steps(model: str, bits: int) -> None:
    graph = small() if model == "residual" else load(shared("models", model))
    rng = np.random.default_rng(1)
    x = {
        name: rng.normal(size=(4, *graph.value(name).shape)).astype(np.float32)
        for name in graph.inputs
    }
    module = QuantizedModule(graph, decided(graph, x, f"w{bits}a8"))
    stepped(module, [torch.from_numpy(x[name]) for name in graph.inputs])
    assert same_bytes(graph, module, x) >= 4 * 6
    for weights in module.nodes.values():
        data = module.quantization().data[weights.inputs[1]]
        assert len(np.unique(data)) <= 2**bits


def test_layers_of_int16_and_four_bits_are_the_simulator_too() -> None:
    graph, (x, _) = small(), blobs(8)
    data = {graph.inputs[0]: x.reshape(8, 1, 8, 8, 1)}
    wide, four = (node.name for node in graph.nodes if node.op in ("depthwise", "fully_connected"))
    start = decided(graph, data, **{wide: "w8a16", four: "w4a8"})
    module = QuantizedModule(graph, start)
    stepped(module, [torch.from_numpy(data[graph.inputs[0]])])
    assert same_bytes(graph, module, data) >= 8 * 6
    assert module.quantization().wide == {wide}


def accuracy(graph: Graph, numbers: Quantization) -> float:
    x, y = blobs(96, seed=1)
    whole = restored(graph, numbers)
    given = quantized_inputs(whole, {graph.inputs[0]: x.reshape(96, 1, 8, 8, 1)})
    (scores,) = Simulator(plan(lower(whole))).run(list(given.values()))
    return float((scores.reshape(96, -1).argmax(1) == y).mean())


def trained_floats() -> Graph:
    x, y = blobs()
    return finetune_graph(small(), x, LEARN, labels=y, progress=False)[0]


def test_two_bits_are_learned_without_labels_and_repeat_by_the_seed(tmp_path: Path) -> None:
    graph, (x, _) = trained_floats(), blobs()
    two = Settings(scheme="w2a8", rounding="nearest")
    before = qat(graph, x, Training(epochs=1, learning_rate=1e-9), settings=two, progress=False)
    longer = replace(FAST, epochs=12)
    after = [qat(graph, x, longer, settings=two, progress=False) for _ in range(2)]
    assert after[0].history.losses[-1] < before.history.losses[0] / 2
    assert accuracy(graph, after[0].quantization) >= max(0.9, accuracy(graph, before.quantization))
    for i, made in enumerate(after):
        save(tmp_path / f"{i}.npz", made.quantization)
    assert (tmp_path / "0.npz").read_bytes() == (tmp_path / "1.npz").read_bytes()


def test_bits_of_single_layers_and_labels() -> None:
    graph, (x, y) = small(), blobs()
    three = Settings(layer_schemes={graph.nodes[-1].name: "w3a8"})
    made = qat(graph, x, FAST, labels=y, settings=three, progress=False)
    bits = {n.op: made.quantization.quants[n.inputs[1]].bits for n in graph.nodes if n.inputs[1:] and n.inputs[1] in made.quantization.data}  # fmt: skip
    assert bits["fully_connected"] == 3
    assert bits["depthwise"] == 8


@pytest.mark.parametrize("scheme", ["w8a8", "w4a8", "w2a8"])
def test_it_begins_where_it_is_told(scheme: str) -> None:
    """At what calibration has decided, whose rounding and biases are better than the nearest."""
    graph, (x, _) = small(), blobs(32)
    start = decided(graph, {graph.inputs[0]: x.reshape(32, 1, 8, 8, 1)}, scheme)
    made = QuantizedModule(graph, start).quantization()
    assert made.quants == start.quants
    for name, data in start.data.items():
        np.testing.assert_array_equal(made.data[name], data)


def test_pruned_channels_leave_the_program() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 4, 1), torch.nn.Flatten()
    )
    graph, (x, _) = graph_of(net, torch.zeros(1, 1, 8, 8)), blobs()
    layer = next(node for node in graph.nodes if node.op == "conv2d")
    weights, bias = (np.array(graph.const(name)) for name in layer.inputs[1:3])
    weights[:5], bias[:5] = 0, 0
    pruned = with_constants(graph, {layer.inputs[1]: weights, layer.inputs[2]: bias})
    made = qat(pruned, x, FAST, settings=Settings(scheme="w4a8"), teacher=graph, progress=False)
    assert made.quantization.data[layer.inputs[1]][5:].any()
    left = drop_constant_channels(lower(restored(pruned, made.quantization)))
    (first,) = (node for node in left.nodes if node.name == layer.name)
    assert left.values[first.outputs[0]].shape[-1] == 3


def test_a_bundle_has_what_training_saw(tmp_path: Path) -> None:
    """Numbers through their file and a module through its export, to a bundle that verifies."""
    torch.manual_seed(0)
    module, (x, y) = Residual().eval(), blobs()
    source = export_module(module, torch.zeros(1, 1, 8, 8), tmp_path)
    graph = load(source)
    made = qat(graph, x, FAST, settings=Settings(scheme="w4a8"), labels=y, progress=False)
    save(tmp_path / "numbers.npz", made.quantization)
    numbers = load_numbers(tmp_path / "numbers.npz")
    report = build(source, decided=numbers, output=tmp_path / "bundle", name="net")
    assert report["bit_exact"]
    program = compile_program(source, Options("net"), numbers=numbers).program
    whole = restored(graph, numbers)
    given = quantized_inputs(whole, {graph.inputs[0]: x.reshape(-1, 1, 8, 8, 1)})
    for found, wanted in zip(
        Simulator(program).run(list(given.values())),
        Simulator(plan(lower(whole))).run(list(given.values())),
        strict=True,
    ):
        np.testing.assert_array_equal(found, wanted)


def test_an_autoencoder_is_taught_by_its_values() -> None:
    """What the data say of a sample is no class of an output that is the input again."""
    torch.manual_seed(0)
    graph = graph_of(torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.ReLU(), torch.nn.Linear(4, 6)), torch.zeros(1, 6))  # fmt: skip
    x = np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32)
    both = [{"x": x}, {"x": x, "y": np.zeros(64, np.int64)}]
    two = Settings(scheme="w2a8")
    longer = replace(FAST, epochs=12)
    made = [qat(graph, data, longer, settings=two, progress=False).history.losses for data in both]
    assert made[0] == made[1]


def test_augmentation_sees_pictures() -> None:
    seen = []

    def shifted(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        seen.append(tuple(x.shape))
        return x.roll(1, dims=2)

    graph, (x, _) = small(), blobs(32)
    training = replace(FAST, epochs=1, augment=shifted)
    moved = qat(graph, x, training, progress=False).history.losses
    assert seen == [(32, 1, 8, 8)]
    assert moved != qat(graph, x, replace(training, augment=None), progress=False).history.losses


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(EdgekitError) as refused:
        qat(small(), blobs(16)[0], FAST, labels=np.zeros(3, int), progress=False)
    assert refused.value.code == "EK004"


def test_a_model_of_integers_has_nothing_to_train() -> None:
    graph = load(shared("models", "tflm_hello_world_sine_mlp_int8.tflite"))
    with pytest.raises(EdgekitError) as refused:
        qat(graph, np.linspace(0, 6, 16, dtype=np.float32).reshape(16, 1), FAST, progress=False)
    assert refused.value.code == "EK001"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=20),
    st.floats(2.0**-10, 10, width=32),
    st.integers(2, 8),
)
def test_rounding_is_exact_forward_and_straight_backward(
    values: list[float], scale: float, bits: int
) -> None:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    x = torch.tensor(values, dtype=torch.float32, requires_grad=True)
    s = torch.tensor(scale, dtype=torch.float32, requires_grad=True)
    made, steps = rounded(x, s, low, high)
    made.sum().backward()
    ratio = (x / s).detach()
    np.testing.assert_array_equal(steps, torch.round(ratio).clamp(low, high))
    np.testing.assert_allclose(made.detach(), steps * scale, rtol=1e-5, atol=1e-6 * scale)
    within = (ratio >= low) & (ratio <= high)
    np.testing.assert_array_equal(x.grad, within.float())
    wanted = torch.where(within, steps - ratio, steps).sum()
    assert x.grad is not None
    assert s.grad is not None
    np.testing.assert_allclose(s.grad, wanted, rtol=1e-4, atol=1e-3)
