"""torch against the translation of its programs, tensor by tensor; live modules; the reference engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import shared
from onnx_run import run_graph, run_model

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch_nets import CORE, NETS  # noqa: E402

from edgekit.build import Options, compile_program  # noqa: E402
from edgekit.errors import EdgekitError  # noqa: E402
from edgekit.frontends import load_model, pt2  # noqa: E402
from edgekit.frontends.pt2_step import Step  # noqa: E402
from edgekit.frontends.pt2_vocabulary import BECOMES  # noqa: E402
from edgekit.frontends.pt2_writer import Writer  # noqa: E402
from edgekit.frontends.torch_module import export_module, is_module  # noqa: E402
from edgekit.graph import Graph, Quant  # noqa: E402
from edgekit.simulate import Simulator  # noqa: E402
from edgekit.validate._torch_engine import TorchEngine  # noqa: E402
from edgekit.validate.data import dequantize, samples_of  # noqa: E402

MODELS = {
    "fsdd_res1d_dscnn": ("models", "fsdd_res1d_dscnn.onnx"),
    "fsdd_kwt_tiny_transformer": ("models", "fsdd_kwt_tiny_transformer.onnx"),
    "cifar10_resnet20": ("models", "cifar10_resnet20_float.onnx"),
    "mtcnn_pnet_75x101": ("models", "mtcnn_pnet_75x101_float.onnx"),
    "mtcnn_rnet_24x24": ("models", "mtcnn_rnet_24x24_float.onnx"),
    "net_digits": ("bench", "net_digits.onnx"),
    "net_mnist": ("bench", "net_mnist.onnx"),
}


def random_inputs(engine: TorchEngine) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(i["shape"]).astype(i["dtype"]) for i in engine.inputs()]


def close(found: np.ndarray, wanted: np.ndarray, where: str) -> None:
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4, err_msg=where)


def check_translation(file: Path) -> Graph:
    """Every tensor that both have is equal, and so are the outputs."""
    graph, engine = load_model(file), TorchEngine(str(file), intermediates=True)
    inputs = random_inputs(engine)
    outputs = engine.run(inputs)
    ours = run_graph(graph, inputs)
    tensors = dict(engine.tensors())
    for name in ours.keys() & tensors.keys():
        close(ours[name], tensors[name], name)
    for name, wanted in zip(graph.outputs, outputs, strict=True):
        data = graph.const(name)
        close(ours[name] if data is None else data, wanted, name)
    return graph


@pytest.mark.parametrize("model", MODELS)
def test_engine_equals_the_onnx_twin(model: str) -> None:
    folder, twin = MODELS[model]
    ort = pytest.importorskip("onnxruntime")
    engine = TorchEngine(str(shared(folder, f"{model}.pt2")), intermediates=False)
    inputs = random_inputs(engine)
    names = [i.name for i in ort.InferenceSession(str(shared(folder, twin))).get_inputs()]
    wanted = run_model(ort, str(shared(folder, twin)), dict(zip(names, inputs, strict=True)))
    for found, each in zip(engine.run(inputs), wanted.values(), strict=True):
        close(found, each, model)


@pytest.mark.parametrize("model", MODELS)
def test_translation_of_shared_programs(model: str) -> None:
    graph = check_translation(shared(MODELS[model][0], f"{model}.pt2"))
    assert not [node.op for node in graph.nodes if "." in node.op]


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Target of a call -> the operators that it has become; filled while programs are read."""
    seen: dict[str, set[str]] = {}
    target = ""

    class Noted(Step):
        def __init__(self, call: Any, writer: Any) -> None:
            nonlocal target
            target = call.target
            super().__init__(call, writer)

    class Recorded(Writer):
        def node(self, op: str, *rest: Any) -> None:
            seen.setdefault(target, set()).add(op)
            super().node(op, *rest)

    monkeypatch.setattr(pt2, "Step", Noted)
    monkeypatch.setattr(pt2, "Writer", Recorded)
    return seen


@pytest.mark.filterwarnings("ignore:The tensor attributes")
@pytest.mark.parametrize(
    ("name", "core"), [(name, False) for name in NETS] + [(name, True) for name in CORE]
)
def test_translation_of_every_call(
    name: str, core: bool, tmp_path: Path, emitted: dict[str, set[str]]
) -> None:
    """As exported, and decomposed to core ATen; the table says what each call can become."""
    module, shapes = NETS[name]
    program = torch.export.export(module.eval(), tuple(torch.randn(s) for s in shapes))
    if core:
        program = program.run_decompositions()
    file = tmp_path / "net.pt2"
    torch.export.save(program, file)
    graph = check_translation(file)
    assert not [node.op for node in graph.nodes if "." in node.op]
    for target, ops in emitted.items():
        _, base, overload = target.split(".")
        base = (
            base if base in BECOMES or f"{base}.{overload}" in BECOMES else base.removesuffix("_")
        )
        told = BECOMES.get(f"{base}.{overload}", BECOMES.get(base, ()))
        assert ops <= {*told, "Cast"}, target  # operands of another type are cast first


def exported(folder: Path, module: nn.Module, *inputs: Any, **options: Any) -> Path:
    file = folder / "net.pt2"
    torch.export.save(torch.export.export(module, inputs, **options), file)
    return file


class Shared(nn.Module):
    """Tied, transposed and sliced weights, a buffer that is not stored, a lifted constant."""

    def __init__(self) -> None:
        super().__init__()
        storage = torch.randn(40)
        self.a = nn.Parameter(torch.randn(3, 4).t())
        self.b = self.a
        self.register_buffer("front", storage[:4])
        self.register_buffer("rest", storage[5:9])
        self.register_buffer("scratch", torch.randn(3), persistent=False)
        self.x = nn.Parameter(torch.randn(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = (x + self.x) @ self.a + self.scratch
        return y @ self.b.t() * self.front - self.rest + torch.tensor([0.5])


def test_weights_that_share_storage(tmp_path: Path) -> None:
    check_translation(exported(tmp_path, Shared().eval(), torch.randn(2, 4)))


class Symbolic(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((x.view(x.shape[0], -1), x.reshape(x.shape[0] * 1, -1)[:, 2:]), 1)


def test_dynamic_shapes(tmp_path: Path) -> None:
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", max=100)
    file = exported(tmp_path, Symbolic(), torch.randn(2, 3, 8), dynamic_shapes={"x": {0: batch, 2: length}})  # fmt: skip
    with pytest.raises(EdgekitError, match="EK104") as caught:
        load_model(file)
    (symbol,) = re.findall(r"dimension (s\d+)", caught.value.found)
    graph = load_model(file, {symbol: 5})
    engine = TorchEngine(str(file), True, {symbol: 5})
    x = random_inputs(engine)
    assert graph.value("x").shape == x[0].shape == (1, 3, 5)
    close(run_graph(graph, x)[graph.outputs[0]], engine.run(x)[0], "output")


@pytest.mark.parametrize("module", [nn.BatchNorm2d(2), nn.Dropout(0.5), nn.BatchNorm1d(4, track_running_stats=False)])  # fmt: skip
def test_training_mode_is_refused_with_its_remedy(module: nn.Module, tmp_path: Path) -> None:
    shape = (2, 4) if isinstance(module, nn.BatchNorm1d) else (1, 2, 4, 4)
    with pytest.raises(EdgekitError, match="EK202") as caught:
        load_model(exported(tmp_path, module.train(), torch.randn(shape)))
    assert "model.eval()" in caught.value.help


def test_in_place_writes_show_in_the_engine_as_they_were(tmp_path: Path) -> None:
    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu_(x * 2)

    engine = TorchEngine(str(exported(tmp_path, Net(), torch.randn(1, 4))), intermediates=True)
    x = np.array([[-1, 2, -3, 4]], np.float32)
    engine.run([x])
    tensors = dict(engine.tensors())
    np.testing.assert_array_equal(tensors["mul"], 2 * x)
    np.testing.assert_array_equal(tensors["relu_"], np.maximum(2 * x, 0))


def test_a_live_module_is_exported_as_it_was(tmp_path: Path) -> None:
    module = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), nn.ReLU(inplace=True)
    )
    module.train()
    module[1].eval()
    file = export_module(module, np.ones((1, 1, 5, 5), np.float32), tmp_path)
    assert [part.training for part in module.modules()] == [True, True, False, True, True]
    assert is_module(module)
    assert not is_module(file)
    graph = check_translation(file)
    assert [node.op for node in graph.nodes] == ["Conv", "BatchNormalization", "Identity", "Relu"]
    sample = torch.export.load(file).example_inputs
    assert sample is not None
    assert not sample[0][0].any()


class Branching(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("module", "inputs", "code"),
    [
        (Branching(), torch.ones(1, 2), "EK109"),
        (nn.Linear(3, 3), torch.ones(1, 2), "EK109"),
        (nn.Linear(3, 3), None, "EK001"),
        (nn.Linear(3, 3), "x", "EK001"),
        (3, torch.ones(1, 2), "EK001"),
    ],
)
def test_live_modules_that_cannot_be_exported(module: Any, inputs: Any, code: str, tmp_path: Path) -> None:  # fmt: skip
    with pytest.raises(EdgekitError, match=code) as caught:
        export_module(module, inputs, tmp_path)
    assert caught.value.where
    assert caught.value.help
    assert not list(tmp_path.iterdir())


def test_without_torch_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # fmt: skip
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(EdgekitError, match="EK504") as caught:
        export_module(nn.Linear(3, 3), torch.ones(1, 3), tmp_path)
    assert caught.value.help == 'pip install "edgekit[torch]"'


def fake(x: torch.Tensor, scale: float, zero: int) -> torch.Tensor:
    """An activation through the pair of calls that PT2E's convert writes."""
    space = torch.ops.quantized_decomposed
    ends = (scale, zero, -128, 127, torch.int8)
    return space.dequantize_per_tensor.default(space.quantize_per_tensor.default(x, *ends), *ends)


class Converted(nn.Module):
    """A network as PT2E leaves it: int8 weights, float biases, pairs around activations."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        shapes = {"w": (6, 3, 3, 3), "v": (4, 6)}
        for name, shape in shapes.items():
            data = torch.randint(-127, 128, shape, generator=generator, dtype=torch.int8)
            self.register_buffer(name, data)
        self.register_buffer("scales", torch.rand(6, generator=generator) * 0.005 + 0.001)
        self.register_buffer("zeros", torch.zeros(6, dtype=torch.int64))
        self.b = nn.Parameter(torch.randn(6, generator=generator) * 0.1)
        self.c = nn.Parameter(torch.randn(4, generator=generator) * 0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        space = torch.ops.quantized_decomposed
        w = space.dequantize_per_channel.default(
            self.w, self.scales, self.zeros, 0, -127, 127, torch.int8
        )
        v = space.dequantize_per_tensor.default(self.v, 0.01, 0, -127, 127, torch.int8)
        x = fake(torch.relu(torch.conv2d(fake(x, 0.03, 4), w, self.b, padding=1)), 0.02, -128)
        return fake(nn.functional.linear(fake(x.mean((2, 3)), 0.01, -128), v, self.c), 0.02, 3)


def test_a_pt2e_program_keeps_its_numbers(tmp_path: Path) -> None:
    """No calibration; the integers are torch's, but for ties that float32 arithmetic breaks otherwise."""
    pytest.importorskip("torch.ao.quantization.fx._decomposed")
    module = Converted().eval()
    file = exported(tmp_path, module, torch.randn(1, 3, 8, 8))
    check_translation(file)
    program = compile_program(file, Options("m")).program
    assert [step.op.name for step in program.steps] == ["conv2d", "mean", "fully_connected"]
    given, out = (program.buffers[names[0]] for names in (program.inputs, program.outputs))
    assert (given.quant, out.quant) == (Quant((f32(0.03),), (4,)), Quant((f32(0.02),), (3,)))
    x = np.random.default_rng(1).normal(size=(200, 1, 3, 8, 8)).astype(np.float32)
    samples = samples_of({"x": x}, [given], "samples", layouts=program.layouts)
    (got,) = Simulator(program).run(samples.arrays)
    with torch.no_grad():
        want = torch.cat([module(torch.from_numpy(each)) for each in x]).numpy()
    apart = np.rint(
        np.abs(dequantize(got, out.quant).reshape(want.shape) - want) / out.quant.scale[0]
    )
    assert apart.max() <= 1
    assert apart.mean() < 0.05


def f32(x: float) -> float:
    return float(np.float32(x))
