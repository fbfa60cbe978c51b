"""Damaged, foreign and hostile `.pt2` files: an EK code each, without torch and without pickles."""

from __future__ import annotations

import io
import json
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import shared
from mutants import mutants
from pt2_writer import Net, T, archive, call, meta, small

from edgekit.build import Options, compile_program
from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.graph import Graph
from edgekit.quantize import Calibration

MODEL, WEIGHTS = "models/model.json", "data/weights/model_weights_config.json"


def load(data: bytes, folder: Path, dims: dict[str, int] | None = None) -> Graph:
    file = folder / "model.pt2"
    file.write_bytes(data)
    return load_model(file, dims)


def refused(error: EdgekitError) -> None:
    assert error.message
    assert error.where
    assert error.found or error.help


def changed(**members: bytes | None) -> bytes:
    """The small net with members replaced or, with None, left out."""
    parts: dict[str, Any] = small().members()
    for name, content in members.items():
        parts[name] = content
    return archive({name: content for name, content in parts.items() if content is not None})


def edited(member: str, edit: Callable[[Any], None]) -> bytes:
    """The small net with one of its JSON members edited."""
    parts = small().members()
    document = json.loads(parts[member])
    edit(document)
    return archive({**parts, member: json.dumps(document).encode()})


def weight(**entry: Any) -> bytes:
    """The small net with another configuration of conv.weight, of 54 numbers."""
    return edited(WEIGHTS, lambda d: d["config"]["conv.weight"].update(entry))


def graph(edit: Callable[[Any], None]) -> bytes:
    return edited(MODEL, lambda d: edit(d["graph_module"]["graph"]))


def signature(edit: Callable[[Any], None]) -> bytes:
    return edited(MODEL, lambda d: edit(d["graph_module"]["signature"]))


def with_weight(name: str, value: float) -> bytes:
    net = small()
    array = net.weights[name].copy()
    array.flat[1] = value
    return archive(replace(net, weights={**net.weights, name: array}).members())


def one(target: str, shape: Any = (1, 4), result: Any = (1, 4), **arguments: Any) -> bytes:  # fmt: skip
    net = Net([call(target, "y", **{"self": T("x"), **arguments})], {"x": shape, "y": result})
    return archive(net.members())


def zipped(*names: str) -> bytes:
    return archive(dict.fromkeys(names, b"\x80\x02."))


def raw(**info: Any) -> bytes:
    """The small net with a zip entry that lies in its directory."""
    data = bytearray(archive(small().members(), packed=True))
    at = data.rindex(b"PK\x01\x02")
    for offset, value in info["bytes"].items():
        data[at + offset : at + offset + len(value)] = value
    return bytes(data)


def twice() -> bytes:
    stream = io.BytesIO(archive(small().members()))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(stream, "a") as file:
        file.writestr(f"net/{MODEL}", b"{}")
    return stream.getvalue()


def endless_constant() -> bytes:
    """A column plus a row of 100,000 each."""
    shapes = {"a": (100_000, 1), "b": (1, 100_000)}
    nodes = [
        call("add.Tensor", "sum", self=T("p_a"), other=T("p_b")),
        call("add.Tensor", "y", self=T("x"), other=T("sum")),
    ]
    tensors = {"x": (1, 4), "sum": (1, 4), "y": (1, 4)} | {f"p_{n}": s for n, s in shapes.items()}
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    return archive(Net(nodes, tensors, weights).members())


CASES: dict[str, tuple[Callable[[], bytes], str, str]] = {
    # Other kinds of file.
    "pickle": (lambda: b"\x80\x04\x95" + bytes(60), "EK102", "pickle"),
    "old pickle of torch.save": (lambda: b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "EK102", "pickle"),
    "torchscript": (lambda: zipped("data.pkl", "constants.pkl", "code/__torch__.py"), "EK102", "TorchScript"),
    "state_dict": (lambda: zipped("data.pkl", "data/0", "version"), "EK102", "torch.save"),
    "torch 2.4": (lambda: zipped("serialized_exported_program.json", "serialized_state_dict.pt"), "EK102", "2.8 or older"),
    "torch 2.8": (lambda: changed(**{"data/weights/model.pt": b"\x80."}), "EK102", "2.8 or older"),
    "aot inductor": (lambda: zipped("data/aotinductor/model/x.so"), "EK102", "AOTInductor"),
    "keras": (lambda: zipped("config.json", "model.weights.h5"), "EK102", "Keras"),
    "any zip": (lambda: zipped("readme.txt"), "EK102", "another kind"),
    "empty zip": (lambda: archive({}), "EK102", "another kind"),
    "two programs": (lambda: changed(**{"models/b.json": b"{}"}), "EK102", "2 programs"),
    "next schema": (lambda: edited(MODEL, lambda d: d["schema_version"].update(major=9)), "EK102", "version 9"),
    # The container.
    "truncated": (lambda: archive(small().members())[:-300], "EK101", "zip"),
    "duplicate member": (twice, "EK101", "one name"),
    "absolute name": (lambda: changed(**{"../../etc/passwd": b"x"}), "EK101", "leaves"),
    "encrypted": (lambda: raw(bytes={8: b"\x01"}), "EK101", "encrypted"),
    "inside another": (lambda: raw(bytes={42: b"\x05\0\0\0"}), "EK101", "inside another"),
    "unknown compression": (lambda: raw(bytes={10: b"\x63"}), "EK101", "compression"),
    "zip bomb": (lambda: archive({**small().members(), "data/weights/weight_9": bytes(40 << 20)}, packed=True), "EK103", "packed size"),
    "claims a lot": (lambda: raw(bytes={24: b"\xff\xff\xff\x7f"}), "EK103", "unpacks"),
    "many members": (lambda: archive({f"extra/{i}": b"" for i in range(20_001)}), "EK101", "members"),
    "no configuration": (lambda: changed(**{WEIGHTS: None}), "EK101", "no such member"),
    "no weight": (lambda: changed(**{"data/weights/weight_0": None}), "EK101", "no such member"),
    "no byte order": (lambda: changed(byteorder=None), "EK101", "no such member"),
    "odd byte order": (lambda: changed(byteorder=b"middle"), "EK101", "wanted little or big"),
    # The documents.
    "not JSON": (lambda: changed(**{MODEL: b"{'a'"}), "EK101", "damaged"),
    "deep JSON": (lambda: changed(**{MODEL: b"[" * 200_000}), "EK101", "too deep"),
    "large JSON": (lambda: changed(**{MODEL: b" " * ((32 << 20) + 1)}), "EK101", "at most"),
    "not UTF-8": (lambda: changed(**{MODEL: b'{"\xff\xfe": 1}'}), "EK101", "damaged"),
    "huge integer": (lambda: graph(lambda g: g["tensor_values"]["x"].update(dtype=10**30)), "EK101", "64 bits"),
    "no graph": (lambda: changed(**{MODEL: b'{"schema_version": {"major": 8}}'}), "EK101", "graph_module"),
    "list for object": (lambda: graph(lambda g: g.update(nodes=[[]])), "EK101", "an object"),
    "text for number": (lambda: graph(lambda g: g["tensor_values"]["y"].update(dtype="float")), "EK101", "an integer"),
    # Weights.
    "pickled weight": (lambda: weight(use_pickle=True), "EK202", "pickle"),
    "weight of another type": (lambda: weight(tensor_meta={**meta((3, 2, 3, 3)), "dtype": 10}), "EK202", "type code 10"),
    "sparse weight": (lambda: weight(tensor_meta={**meta((3, 2, 3, 3)), "layout": 1}), "EK202", "layout 1"),
    "weight without meta": (lambda: weight(tensor_meta=None), "EK101", "an object"),
    "weight too short": (lambda: weight(tensor_meta=meta((3, 2, 3, 4))), "EK105", "216 bytes, wanted 288"),
    "weight behind its bytes": (lambda: weight(tensor_meta=meta((3, 2, 3, 3), offset=1)), "EK105", "216 bytes, wanted 220"),
    "negative stride": (lambda: weight(tensor_meta=meta((3, 2, 3, 3), strides=(18, 9, 3, -1))), "EK105", "impossible"),
    "negative offset": (lambda: weight(tensor_meta=meta((3, 2, 3, 3), offset=-1)), "EK105", "impossible"),
    "endless weight": (lambda: weight(tensor_meta=meta((3 << 40, 2), strides=(0, 0))), "EK103", "unpacks"),
    "weight of another shape": (lambda: weight(tensor_meta=meta((2, 3, 3, 3))), "EK105", "another shape"),
    "NaN": (lambda: with_weight("head.weight", np.nan), "EK304", "head.weight"),
    "infinite": (lambda: with_weight("norm.running_var", np.inf), "EK304", "norm.running_var"),
    "unknown weight": (lambda: signature(lambda s: s["input_specs"][0]["parameter"].update(parameter_name="other")), "EK105", "other"),
    # The graph.
    "unknown tensor": (lambda: graph(lambda g: g["nodes"][0]["inputs"][0]["arg"]["as_tensor"].update(name="z")), "EK105", "tensor z"),
    "cycle": (lambda: graph(lambda g: g["nodes"][0]["inputs"][0]["arg"]["as_tensor"].update(name="mean")), "EK105", "tensor mean"),
    "written twice": (lambda: graph(lambda g: g["nodes"].append(g["nodes"][0])), "EK105", "written twice"),
    "output that nothing writes": (lambda: graph(lambda g: g["nodes"].pop()), "EK105", "never written"),
    "no output": (lambda: signature(lambda s: s.update(output_specs=[])), "EK202", "no tensor is returned"),
    "size 0": (lambda: graph(lambda g: g["tensor_values"].update(x=meta((1, 0, 5, 5)))), "EK105", "impossible shape"),
    "nine axes": (lambda: graph(lambda g: g["tensor_values"].update(x=meta((1,) * 9))), "EK105", "impossible shape"),
    "endless activation": (lambda: graph(lambda g: g["tensor_values"].update(conv2d=meta((1, 3, 1 << 20, 1 << 10)))), "EK106", "activations"),
    "strange type": (lambda: graph(lambda g: g["tensor_values"]["x"].update(dtype=10)), "EK202", "type code 10"),
    "arguments of another operator": (lambda: graph(lambda g: g["nodes"][0].update(inputs=[])), "EK105", "do not fit"),
    "text for a tensor": (lambda: one("relu.default", self="x"), "EK202", "a tensor for self"),
    "batch norm in training": (lambda: edited(MODEL, lambda d: d["graph_module"]["graph"]["nodes"][1]["inputs"][5].update(arg={"as_bool": True})), "EK202", "model.eval()"),
    "mutated buffer": (lambda: signature(lambda s: s["output_specs"].append({"buffer_mutation": {"arg": {"name": "y"}, "buffer_name": "b"}})), "EK202", "model.eval()"),
    "dropout in training": (lambda: one("dropout.default", p=0.5, train=True), "EK202", "training mode"),
    "divisor_override": (lambda: one("avg_pool1d.default", (1, 4, 4), (1, 4, 2), kernel_size=[2], divisor_override=3), "EK202", "divisor_override"),
    "number that is none": (lambda: one("add.Tensor", other=float("nan")), "EK202", "finite"),
    "endless norm": (lambda: one("layer_norm.default", input=T("x"), normalized_shape=[2**31]), "EK202", "last axes"),
    "endless constant": (lambda: endless_constant(), "EK105", "other shapes"),
    "unknown operator in place": (lambda: one("fill_.Scalar", value=0.0), "EK201", "aten.fill_.Scalar"),
    "result in an operand": (lambda: one("relu.out", out=T("x")), "EK201", "aten.relu.out"),
    "operator of another library": (lambda: edited(MODEL, lambda d: d["graph_module"]["graph"]["nodes"][2].update(target="torch.ops.mine.relu.default")), "EK201", "mine.relu.default"),
    # Dimensions.
    "dynamic inner dimension": (lambda: one("relu.default", (1, "s7"), (1, "s7")), "EK104", "s7"),
    "size that is no size": (lambda: one("relu.default", (1, "len(x)"), (1, "len(x)")), "EK104", "dimension x"),
    "power of a power": (lambda: one("relu.default", (1, "Pow(Pow(Pow(9, 8), 8), 8)")), "EK105", "computed"),
    "code for a size": (lambda: one("relu.default", (1, "__import__('os').getcwd()")), "EK105", "computed"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_named_case(name: str, tmp_path: Path) -> None:
    make, code, text = CASES[name]
    with pytest.raises(EdgekitError) as caught:
        load(make(), tmp_path)
    refused(caught.value)
    assert caught.value.code == code
    assert text in "\n".join(caught.value.lines())


@pytest.mark.parametrize("name", ["pickle", "torchscript", "state_dict", "torch 2.4"])
def test_the_help_is_the_three_lines_that_make_a_pt2(name: str, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError) as caught:
        load(CASES[name][0](), tmp_path)
    lines = caught.value.help.splitlines()
    assert len(lines) == 3
    compile(caught.value.help, "help", "exec")
    assert "torch.export.save" in lines[2]


def test_a_refusal_through_the_command_line_starts_no_torch(tmp_path: Path) -> None:
    file = tmp_path / "model.pt2"
    file.write_bytes(CASES["state_dict"][0]())
    script = (
        "import sys; from edgekit.cli import main\n"
        "try: main()\nexcept SystemExit as end: assert end.code == 3\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "build", file, "-o", tmp_path / "out"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert "EK102" in done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt2"]


def test_real_torch_files_of_other_kinds_are_refused() -> None:
    for file in ("cifar10_resnet20.torchscript.pt", "cifar10_resnet20.state_dict.pt"):
        with pytest.raises(EdgekitError, match="EK102"):
            load_model(shared("models", file))


def leaves(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of every value below `value`."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    below = [leaf for _, part in pairs if isinstance(part, (dict, list)) for leaf in leaves(part)]
    return [(value, key) for key, _ in pairs] + below


_STRANGE = [None, True, -1, 0, 1, 3, 2**31, 2**62, 0.5, float("inf"), "", "x", "conv2d", [], {}, [1], [-1, 2**40],
            {"as_int": -5}, {"as_tensor": {"name": "y"}}, {"as_expr": {"expr_str": "s0*"}}]  # fmt: skip


def edits(count: int, seed: int) -> list[bytes]:
    """Sound archives of the small net with strange values in their documents."""
    rng, made = random.Random(seed), []
    parts = small().members()
    for _ in range(count):
        member = rng.choice([MODEL, MODEL, WEIGHTS])
        document = json.loads(parts[member])
        for _ in range(rng.choice([1, 1, 2, 4])):
            container, key = rng.choice(leaves(document))
            container[key] = rng.choice(_STRANGE)
        made.append(archive({**parts, member: json.dumps(document).encode()}))
    return made


def test_mutants_are_refused_or_compiled(tmp_path: Path) -> None:
    data, file = archive(small().members()), tmp_path / "model.pt2"
    outcomes = {"refused": 0, "compiled": 0}
    for mutant in [data, *mutants(data, 250, seed=1), *edits(250, seed=2)]:
        file.write_bytes(mutant)
        try:
            compile_program(file, Options("m", optimize="speed"), numbers=Calibration())
            outcomes["compiled"] += 1
        except EdgekitError as error:
            refused(error)
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 0


def test_names_and_attributes(tmp_path: Path) -> None:
    graph = load(archive(small().members()), tmp_path)
    assert (graph.format, graph.opset, graph.inputs, graph.outputs) == ("onnx", 20, ("x",), ("y",))
    assert [node.op for node in graph.nodes] == ["Conv", "BatchNormalization", "Relu", "ReduceMean", "Gemm"]  # fmt: skip
    conv = graph.nodes[0]
    assert conv.inputs == ("x", "conv.weight", "conv.bias")
    assert (conv.attrs["strides"], conv.attrs["pads"]) == ([2, 2], [1, 1, 1, 1])
    np.testing.assert_array_equal(graph.const("head.bias"), small().weights["head.bias"])


def test_an_unknown_call_keeps_its_name(tmp_path: Path) -> None:
    graph = load(one("cumsum.default", dim=1), tmp_path)
    assert [node.op for node in graph.nodes] == ["aten.cumsum.default"]


def test_strides_offsets_and_byte_order(tmp_path: Path) -> None:
    """Two transposed tensors in one big-endian payload."""
    stored = np.arange(13, dtype=">f4")
    net = Net(
        [call("add.Tensor", "s", self=T("x"), other=T("p_a")), call("mul.Tensor", "y", self=T("s"), other=T("p_b"))],
        {"x": (2, 3), "s": (2, 3), "y": (2, 3), "p_a": (2, 3), "p_b": (2, 3)},
        {"a": np.zeros((2, 3), np.float32), "b": np.zeros((2, 3), np.float32)},
    )  # fmt: skip
    parts = net.members()
    config = json.loads(parts[WEIGHTS])
    for offset, name in ((0, "a"), (7, "b")):
        config["config"][name].update(path_name="weight_0", tensor_meta=meta((2, 3), strides=(1, 2), offset=offset))  # fmt: skip
    parts |= {WEIGHTS: json.dumps(config).encode(), "byteorder": b"big"}
    parts |= {"data/weights/weight_0": stored.tobytes()}
    graph = load(archive(parts), tmp_path)
    np.testing.assert_array_equal(graph.const("a"), np.arange(6).reshape(3, 2).T)
    np.testing.assert_array_equal(graph.const("b"), np.arange(7, 13).reshape(3, 2).T)


def test_half_precision_is_read_as_float32(tmp_path: Path) -> None:
    net = small()
    halves = {name: w.astype(np.float16) for name, w in net.weights.items()}
    graph = load(archive(replace(net, weights=halves).members()), tmp_path)
    data = graph.const("head.weight")
    assert data is not None
    assert data.dtype == np.float32
    np.testing.assert_array_equal(data, halves["head.weight"].astype(np.float32))


DYNAMIC = ("s0", 3, "Mul(Integer(2), Symbol('s1', positive=True, integer=True))")


def test_dimensions_are_bound_by_name(tmp_path: Path) -> None:
    data = one("relu.default", DYNAMIC, DYNAMIC)
    graph = load(data, tmp_path, {"s1": 4})
    assert graph.value("y").shape == (1, 3, 8)
    assert load(data, tmp_path, {"s1": 4, "s0": 5}).value("x").shape == (5, 3, 8)
    for dims, code in (({}, "EK104"), ({"s1": 0}, "EK001"), ({"s1": 4, "rows": 2}, "EK001")):
        with pytest.raises(EdgekitError, match=code):
            load(data, tmp_path, dims)


def test_a_range_of_the_export_is_kept(tmp_path: Path) -> None:
    net = Net([call("relu.default", "y", self=T("x"))], {"x": (1, "s1"), "y": (1, "s1")},
              changes={"range_constraints": {"s1": {"min_val": 3, "max_val": 9}}})  # fmt: skip
    data = archive(net.members())
    assert load(data, tmp_path, {"s1": 9}).value("y").shape == (1, 9)
    with pytest.raises(EdgekitError, match="EK104"):
        load(data, tmp_path, {"s1": 10})


def test_writing_in_place_renames_what_is_read_later(tmp_path: Path) -> None:
    nodes = [
        call("tanh.default", "tanh", self=T("x")),
        call("relu_.default", "relu_", self=T("tanh")),
        call("add.Tensor", "y", self=T("tanh"), other=T("relu_")),
    ]
    shapes = dict.fromkeys(("x", "tanh", "relu_", "y"), (1, 4))
    graph = load(archive(Net(nodes, shapes).members()), tmp_path)
    assert graph.nodes[-1].inputs == ("relu_", "relu_")


def test_writing_in_place_beside_a_view_is_refused(tmp_path: Path) -> None:
    nodes = [
        call("tanh.default", "tanh", self=T("x")),
        call("view.default", "view", self=T("tanh"), size=[4]),
        call("relu_.default", "relu_", self=T("tanh")),
        call("sum.dim_IntList", "y", self=T("view"), dim=[0], keepdim=True),
    ]
    shapes = {"x": (1, 4), "tanh": (1, 4), "view": (4,), "relu_": (1, 4), "y": (1,)}
    with pytest.raises(EdgekitError, match="EK202"):
        load(archive(Net(nodes, shapes).members()), tmp_path)


def test_no_frontend_can_unpickle() -> None:
    folder = Path(load_model.__code__.co_filename).parent
    for file in folder.glob("*.py"):
        assert not re.search(r"^\s*(import|from) (pickle|torch|shelve|marshal)\b", file.read_text(), re.M)  # fmt: skip
