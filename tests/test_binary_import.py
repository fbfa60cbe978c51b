"""Networks trained with signs, from torch and ONNX: every form of sign, and signs that no rounding changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx_graphs import network, weights

from edgekit.build import Compiled, Options, compile_program
from edgekit.frontends import load_model, model_file
from edgekit.graph import Graph
from edgekit.passes import canonical
from edgekit.quantize import Calibration
from edgekit.quantize.evaluate import run_integer, run_real_batch
from edgekit.validate.data import quantize

Array = np.ndarray


def compiled(model: Any, example: Any, x: Array) -> Compiled:
    with model_file(model, example) as path:
        return compile_program(path, Options("signs", "cortex-m4"), numbers=Calibration(x))


def operators(stages: Compiled) -> list[str]:
    return [node.op.name for node in stages.integer.nodes]


def live(graph: Graph, run: Any, given: dict[str, Array], after: str = "") -> dict[str, Array]:
    """Every tensor of a graph on inputs [N, ...], of the nodes behind the one that makes `after`."""
    made, going = dict(given), not after
    for node in graph.nodes:
        if going:
            made |= zip(node.outputs, run(node, graph, made), strict=True)
        going |= after in node.outputs
    return made


def check_signs(stages: Compiled, x: Array) -> None:
    """Given the first signs that the integers have, the real network has the same signs behind all layers."""
    real, integer = stages.canonical, stages.quantized
    (name,) = integer.inputs
    value = integer.value(name)
    assert value.quant is not None
    numbers = live(
        integer,
        run_integer,
        {name: quantize(x, value.quant, value.dtype).reshape(-1, *value.shape)},
    )
    signs = [node.outputs[0] for node in real.nodes if node.op == "binarize"]
    known = {signs[0]: numbers[signs[0]].astype(np.float32)}
    found = live(real, run_real_batch, known, after=signs[0])
    for sign in signs[1:]:
        np.testing.assert_array_equal(found[sign], numbers[sign], sign)


def test_every_form_that_torch_modules_have(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    nn, functional = torch.nn, torch.nn.functional
    torch.manual_seed(0)

    class Binary(nn.Conv2d):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            size = self.weight.abs().mean((1, 2, 3), keepdim=True)
            signs = torch.where(self.weight >= 0, 1.0, -1.0)
            return functional.conv2d(x, signs * size, None, self.stride, self.padding)

    def chosen(x: Any) -> Any:
        return torch.where(x >= 0, 1.0, -1.0)

    def straight_through(x: Any) -> Any:
        return x + (torch.sign(x) - x).detach()

    def clamped(x: Any) -> Any:
        soft = x.clamp(-1, 1)
        return (torch.sign(x) - soft).detach() + soft

    def compared(x: Any) -> Any:
        return (x > 0).float() * 2 - 1

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(1, 32, 3, padding=1)
            self.layers = nn.ModuleList([Binary(32, 32, 3, padding=1) for _ in range(4)])
            self.norms = nn.ModuleList([nn.BatchNorm2d(32) for _ in range(5)])
            for norm in self.norms:
                norm.weight.data.normal_()  # of both signs
                norm.bias.data.normal_(0, 0.3)
            self.head = nn.Linear(32 * 16, 10)

        def forward(self, x: Any) -> Any:
            x = torch.sign(self.norms[0](self.stem(x)))
            forms = (chosen, straight_through, clamped, compared)
            for i, (layer, norm, form) in enumerate(
                zip(self.layers, self.norms[1:], forms, strict=True)
            ):
                x = layer(x)
                x = form(norm(functional.max_pool2d(x, 2) if i == 1 else x))
            return self.head(x.flatten(1))

    x = np.random.default_rng(0).normal(size=(24, 1, 8, 8)).astype(np.float32)
    stages = compiled(Net().eval(), (torch.zeros(1, 1, 8, 8),), x)
    names = operators(stages)
    assert names.count("conv2d_binary_bits") == 3
    assert names.count("conv2d_binary") == 1  # bytes for the head, whose weights are no signs
    assert names.count("max_pool_bits") == 1
    check_signs(stages, x)


def onnx_net(form: str) -> Any:
    w = np.where(weights(40, 32, 3, 3) >= 0, 0.37, -0.37).astype(np.float32)
    constants = {"w1": weights(32, 1, 3, 3), "w2": w, "w3": weights(4, 40, 1, 1), "b2": weights(40), "zero": np.float32(0),
                 "one": np.float32(1), "minus": np.float32(-1)}  # fmt: skip

    def sign(x: str, y: str) -> list[Any]:
        if form == "Sign":
            return [helper.make_node("Sign", [x], [y])]
        return [
            helper.make_node("GreaterOrEqual", [x, "zero"], [f"{y}_is"]),
            helper.make_node("Where", [f"{y}_is", "one", "minus"], [y]),
        ]

    pads = {"pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], **pads), *sign("a", "b"),
        helper.make_node("Conv", ["b", "w2", "b2"], ["c"], **pads), *sign("c", "d"),
        helper.make_node("Conv", ["d", "w3"], ["y"]),
    ]  # fmt: skip
    return network(nodes, (1, 1, 6, 7), (1, 4, 6, 7), **constants)


def test_sign_keeps_its_value_at_zero_where_no_layer_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(
        network([helper.make_node("Sign", ["x"], ["y"])], (1, 7), (1, 7)).SerializeToString()
    )
    x = np.array([[-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]], np.float32)
    stages = compile_program(
        path, Options("signs", "host"), numbers=Calibration(np.concatenate([x, -x]))
    )
    real = live(stages.canonical, run_real_batch, {"x": x[None]})[stages.canonical.outputs[0]]
    assert real.reshape(-1).tolist() == [-1, -1, -1, 0, 1, 1, 1]
    assert "binarize" not in operators(stages)


@pytest.mark.parametrize("form", ["Sign", "Where"])
def test_onnx(form: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(onnx_net(form).SerializeToString())
    x = np.random.default_rng(1).normal(size=(16, 1, 6, 7)).astype(np.float32)
    stages = compile_program(path, Options("signs", "host"), numbers=Calibration(x))
    assert operators(stages) == [
        "reshape",
        "conv2d",
        "binarize_bits",
        "conv2d_binary",
        "binarize",
        "conv2d",
    ]
    check_signs(stages, x)


@pytest.mark.parametrize("layer", ["Relu", "Conv"])
def test_a_rectifier_in_front_makes_zeros_and_ones(layer: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Sign", ["a"], ["y"])]
    if layer == "Conv":
        nodes = [helper.make_node("Conv", ["x", "w"], ["b"]), *nodes]
        nodes[1] = helper.make_node("Relu", ["b"], ["a"])
    path.write_bytes(
        network(nodes, (1, 1, 2, 4), (1, 1, 2, 4), w=weights(1, 1, 1, 1)).SerializeToString()
    )
    (node,) = [n for n in canonical(load_model(path, {})).nodes if n.op == "binarize"]
    assert node.attrs["low"] == 0.0
    assert 0 < node.attrs["edge"][0] < 1e-30
