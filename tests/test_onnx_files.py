"""Damaged, hostile and impossible .onnx files: an EK code each, and never another exception."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutants import mutants
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx_writer import calls, classifier, functions, graph, model, node, quantized, relu, tensor

from edgekit.build import Options, compile_program
from edgekit.emit import emit
from edgekit.errors import EdgekitError
from edgekit.quantize import Calibration

PARTS = 4  # so that two workers share the mutants


def compiled(file: Path) -> None:
    """What a file is put through: the whole pipeline up to C text, with made-up numbers."""
    emit(
        "m",
        compile_program(file, Options("m", optimize="speed"), numbers=Calibration()).program,
        file.name,
    )


def refused(error: EdgekitError, code: str = "") -> None:
    """The four parts that every error promises; what to do may take several lines."""
    assert error.code == (code or error.code), error.lines()
    for part in (error.message, error.where, error.found, error.help):
        assert part, error.lines()
    assert "\n" not in f"{error.message}{error.where}{error.found}"


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("source", [classifier, quantized], ids=["classifier", "quantized"])
def test_mutants_are_refused_or_compiled(
    source: Callable[[], ModelProto], part: int, tmp_path: Path
) -> None:
    file = tmp_path / "mutant.onnx"
    outcomes = {"refused": 0, "compiled": 0}
    whole = source().SerializeToString()
    for mutant in [whole, *mutants(whole, 1000 // PARTS, seed=part)]:
        file.write_bytes(mutant)
        try:
            compiled(file)
            outcomes["compiled"] += 1
        except EdgekitError as error:
            refused(error)
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 0


def edited(change: Callable[[ModelProto], Any], source: ModelProto | None = None) -> ModelProto:
    built = source or relu()
    change(built)
    return built


def shaped(op: str, *constants: Any, **attributes: Any) -> ModelProto:
    """y = x + the maximum of what an operator makes of constants."""
    names = [f"c{i}" for i in range(len(constants))]
    nodes = [node(op, names, ["big"], **attributes), node("ReduceMax", ["big"], ["top"], keepdims=0),
             node("Cast", ["top"], ["number"], to=1), node("Add", ["x", "number"], ["y"])]  # fmt: skip
    return model(nodes, dict(zip(names, constants, strict=True)))


def with_weight(data: Any) -> ModelProto:
    return model([node("Add", ["x", "w"], ["y"])], {"w": data})


def raw(kind: int, dims: list[int], data: bytes) -> TensorProto:
    return TensorProto(data_type=kind, dims=dims, raw_data=data)


def doubled(levels: int) -> ModelProto:
    """A scalar that doubles, level by level."""
    nodes = [node("Concat", [f"c{i}"] * 16, [f"c{i + 1}"], axis=0) for i in range(levels)]
    nodes += [
        node("ReduceMax", [f"c{levels}"], ["top"], keepdims=0),
        node("Add", ["x", "top"], ["y"]),
    ]
    return model(nodes, {"c0": np.float32([1])})


def foreign(op: str, domain: str) -> ModelProto:
    source = model([node(op, ["x"], ["a"], domain=domain), node("Relu", ["a"], ["y"])])
    if domain:
        source.opset_import.append(helper.make_opsetid(domain, 1))
    return source


def annotated(built: ModelProto) -> None:
    built.graph.quantization_annotation.add(tensor_name="x").quant_parameter_tensor_names.add(
        key="SCALE_TENSOR", value="s"
    )


def sparse(built: ModelProto) -> None:
    values, indices = (
        numpy_helper.from_array(np.float32([1]), "s"),
        numpy_helper.from_array(np.array([0])),
    )
    built.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))


def sequence(built: ModelProto) -> None:
    kind = helper.make_tensor_type_proto(1, [1, 4])
    built.graph.input[0].type.CopyFrom(helper.make_sequence_type_proto(kind))
    built.graph.node[0].CopyFrom(node("ConcatFromSequence", ["x"], ["y"], axis=0))


FLOAT = TensorProto.FLOAT
TALL = np.array([1 << 20, 1 << 20])
SMALL = relu().SerializeToString()
BIG = classifier().SerializeToString()
CASES: dict[str, tuple[ModelProto | bytes, str]] = {
    # no ONNX file
    "empty": (b"", "EK102"),
    "protobuf without a graph": (b"\x08\x08\x12\x07pytorch", "EK102"),
    "saved model": (b"\x08\x01\x12\x06\x0a\x04\x12\x02v1", "EK102"),
    "frozen graph": (b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder", "EK102"),
    "pickle": (b"\x80\x04\x95" + bytes(60), "EK102"),
    "truncated": (BIG[: len(BIG) // 2], "EK101"),
    "a graph of noise": (b"\x3a\x05\xff\xff\xff\xff\xff", "EK101"),
    "a name that is not text": (SMALL.replace(b"tiny", b"\xff\xfe\xfd\xfc"), "EK101"),
    "a text that is not text": (
        model([node("Conv", ["x", "w"], ["y"], auto_pad=b"\xff\xfe")],
              {"w": np.ones((1, 1, 1, 1), np.float32)}, {"x": (1, 1, 4, 4)}, {"y": (1, 1, 4, 4)}), "EK101"),
    "a name of two lines": (relu(inputs={"x\n": (1, 4)}), "EK101"),
    # versions
    "no operator set": (edited(lambda m: m.ClearField("opset_import")), "EK107"),
    "operator sets that contradict": (edited(lambda m: m.opset_import.add(domain="ai.onnx", version=9)), "EK107"),
    "an operator that changed since": (relu(opset=5), "EK107"),
    "operator set of the future": (relu(opset=10_000), "EK107"),
    "file format of the future": (relu(ir_version=10_000), "EK107"),
    # order
    "no nodes": (edited(lambda m: m.graph.ClearField("node")), "EK105"),
    "no outputs": (edited(lambda m: m.graph.ClearField("output")), "EK105"),
    "cycle": (model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["a"], ["y"])]), "EK105"),
    "a node that reads itself": (model([node("Add", ["x", "y"], ["y"])]), "EK105"),
    "undefined input": (model([node("Add", ["x", "nowhere"], ["y"])]), "EK105"),
    "an output written twice": (model([node("Relu", ["x"], ["y"]), node("Abs", ["x"], ["y"])]), "EK105"),
    "a constant written by a node": (model([node("Relu", ["x"], ["y"])], {"y": np.float32([1])}), "EK105"),
    "two inputs of one name": (edited(lambda m: m.graph.input.append(tensor("x", (1, 4)))), "EK105"),
    "two outputs of one name": (edited(lambda m: m.graph.output.append(tensor("y", (1, 4)))), "EK105"),
    "an output that nothing writes": (edited(lambda m: m.graph.output.append(tensor("z", (1, 4)))), "EK105"),
    "an output of another shape": (relu(outputs={"y": (1, 5)}), "EK105"),
    "operands that do not fit": (with_weight(np.ones(3, np.float32)), "EK105"),
    "an attribute that the operator has not": (model([node("Relu", ["x"], ["y"], axis=1)]), "EK105"),
    "a negative number of batch axes": (model([node("GatherND", ["x", "i"], ["y"], batch_dims=-1)], {"i": np.zeros((4, 2), np.int64)}), "EK105"),
    "an activation without elements": (model([node("Slice", ["x", "a", "a"], ["y"])], {"a": np.array([0])}, outputs={"y": (None, 4)}), "EK105"),
    "functions in a circle": (functions([calls("f1", 1), calls("f0", 1)]), "EK105"),
    # operators and parts
    "an operator that is none": (foreign("Frobnicate", ""), "EK201"),
    "a foreign operator of unknown shape": (foreign("Gelu", "com.microsoft"), "EK201"),
    "control flow": (model([node("Constant", [], ["c"], value=numpy_helper.from_array(np.array(True))),
                            node("If", ["c"], ["z"], then_branch=graph(node("Relu", ["x"], ["y"])), else_branch=graph(node("Abs", ["x"], ["y"]))),
                            node("Add", ["x", "z"], ["y"])]), "EK201"),
    "a sequence": (edited(sequence), "EK202"),
    "a sequence inside": (model([node("SplitToSequence", ["x"], ["s"]), node("ConcatFromSequence", ["s"], ["y"], axis=0)]), "EK202"),
    "texts": (with_weight(helper.make_tensor("w", TensorProto.STRING, [1], [b"a"])), "EK202"),
    "int4 weights": (with_weight(raw(TensorProto.INT4, [2], b"\x21")), "EK202"),
    "float8 weights": (with_weight(raw(TensorProto.FLOAT8E4M3FN, [1], b"\x21")), "EK202"),
    "complex weights": (with_weight(np.complex64([1j])), "EK202"),
    "sparse weights": (edited(sparse), "EK202"),
    "training information": (edited(lambda m: m.training_info.add()), "EK202"),
    "quantization annotations": (edited(annotated), "EK202"),
    # numbers
    "a weight that is no number": (with_weight(np.float32([1, np.nan, 3, 4])), "EK304"),
    "an infinite weight": (with_weight(np.float32([1, 2, np.inf, 4])), "EK304"),
    "an infinite scalar": (with_weight(np.float32(np.inf)), "EK304"),
    "a float64 beyond float32": (with_weight(np.float64([1e300])), "EK304"),
    "an attribute that is no number": (model([node("LeakyRelu", ["x"], ["y"], alpha=float("nan"))]), "EK304"),
    "too few weights": (with_weight(raw(FLOAT, [4], b"\0" * 12)), "EK105"),
    "too many weights": (with_weight(raw(FLOAT, [4], b"\0" * 20)), "EK105"),
    "a negative size": (with_weight(raw(FLOAT, [-1], b"\0" * 16)), "EK105"),
    "a weight of many axes": (with_weight(raw(FLOAT, [1] * 9, b"\0" * 4)), "EK105"),
    # sizes
    "an inner dimension without a size": (relu(inputs={"x": (1, "width")}, outputs={"y": (1, "width")}), "EK104"),
    "an inner dimension without a name": (relu(inputs={"x": (1, None)}, outputs={"y": (1, None)}), "EK104"),
    "a shape that depends on numbers": (model([node("NonZero", ["x"], ["n"]), node("Cast", ["n"], ["y"], to=1)], outputs={"y": (2, None)}), "EK104"),
    "an endless activation": (relu(inputs={"x": (1, 1 << 40)}, outputs={"y": (1, 1 << 40)}), "EK106"),
    "a bomb of ConstantOfShape": (shaped("ConstantOfShape", TALL), "EK106"),
    "a bomb of Expand": (shaped("Expand", np.float32(1), TALL), "EK106"),
    "a bomb of Tile": (shaped("Tile", np.ones((1, 1), np.float32), TALL), "EK106"),
    "a bomb of Pad": (shaped("Pad", np.ones(1, np.float32), np.array([0, 1 << 40])), "EK106"),
    "a bomb of Range": (shaped("Range", np.int64(0), np.int64(1 << 40), np.int64(1)), "EK106"),
    "a bomb of Concat": (doubled(8), "EK106"),
    "a bomb of functions": (functions([[node("Relu", ["a0"], ["b"])], *(calls(f"f{i}", 16) for i in range(9))]), "EK103"),
    "too many nodes": (model([node("Relu", ["x"], ["y"])] * 20_001), "EK103"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_named_case(name: str, tmp_path: Path) -> None:
    source, code = CASES[name]
    file = tmp_path / "model.onnx"
    file.write_bytes(source if isinstance(source, bytes) else source.SerializeToString())
    with pytest.raises(EdgekitError) as raised:
        compiled(file)
    refused(raised.value, code)


@pytest.mark.parametrize("name", ["truncated", "cycle", "an infinite weight"])
def test_the_command_line_says_so_and_writes_nothing(name: str, tmp_path: Path) -> None:
    source, code = CASES[name]
    file = tmp_path / "model.onnx"
    file.write_bytes(source if isinstance(source, bytes) else source.SerializeToString())
    command = [
        sys.executable,
        "-m",
        "edgekit.cli",
        "build",
        file,
        "-o",
        tmp_path / "m",
        "--format",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (json.loads(done.stdout)["error"]["code"], done.returncode) == (code, 3)
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_errors_name_the_place(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(with_weight(np.float32([1, np.nan, 3, 4])).SerializeToString())
    with pytest.raises(EdgekitError) as raised:
        compiled(file)
    assert raised.value.where == "model.onnx, tensor w"
    assert raised.value.found == "nan at [1], 1 of 4 elements"
