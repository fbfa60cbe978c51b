"""`edgekit check` of an operator that is not supported: the node, the nearest one, a way out, exit code 3."""

from __future__ import annotations

import re
from pathlib import Path

import onnx_writer
import pytest
from click.testing import CliRunner
from pt2_writer import Net, T, archive, call
from tflite_writer import TensorSpec, one_op_model

from edgekit import cli
from edgekit.frontends.pt2_vocabulary import BECOMES
from edgekit.op import load_ops, onnx_ops, tflite_ops
from edgekit.refusals import way_out


def tflite(op: str) -> bytes:
    x, y = (TensorSpec(name, (1, 4), "int8", 0.1) for name in "xy")
    return one_op_model(op, [x], [y])


def onnx(*ops: str, domain: str = "") -> bytes:
    names = ["x", *(f"t{i}" for i in range(len(ops) - 1)), "y"]
    nodes = [
        onnx_writer.node(op, [names[i]], [names[i + 1]], name=f"layer_{i}", domain=domain)
        for i, op in enumerate(ops)
    ]
    square = {"inputs": {"x": (4, 4)}, "outputs": {"y": ()}} if "Det" in ops else {}
    model = onnx_writer.model(nodes, domains=[domain] if domain else [], **square)
    return model.SerializeToString()


def pt2(target: str) -> bytes:
    net = Net([call(target, "y", self=T("x"))], {"x": (1, 4), "y": (1, 4)})
    return archive(net.members())


# file -> node, nearest supported operator, word of the way out
REFUSED = {
    "c3d.tflite": (tflite("CONV_3D"), "conv_3d_0", "CONV_2D", "slice by slice"),
    "bilstm.tflite": (
        tflite("BIDIRECTIONAL_SEQUENCE_LSTM"), "bidirectional_sequence_lstm_0",
        "UNIDIRECTIONAL_SEQUENCE_LSTM", "REVERSE_V2",
    ),
    "nms.tflite": (tflite("CUSTOM:TFLite_Detection_PostProcess"), "custom_tflite", "", "in the firmware"),
    "flex.tflite": (tflite("CUSTOM:FlexErf"), "custom_flexerf_0", "", "SELECT_TF_OPS"),
    "strange.tflite": (tflite("CUSTOM:Zzyzx"), "custom_zzyzx_0", "", "--plugin"),
    "det.onnx": (onnx("Relu", "Det"), "layer_1", "", "--plugin"),
    "domain.onnx": (onnx("Relux", domain="my.lab"), "layer_0", "Relu", "Rectifiers"),
    "random.onnx": (onnx("RandomNormalLike"), "layer_0", "", "evaluation mode"),
    "relu7.pt2": (pt2("relu7.default"), "node y", "aten.relu", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_check_names_node_alternative_and_way_out(name: str, tmp_path: Path) -> None:
    data, node, nearest, way = REFUSED[name]
    (tmp_path / name).write_bytes(data)
    done = CliRunner().invoke(cli.cli, ["check", str(tmp_path / name)])
    assert done.exit_code == 3
    message = done.output
    assert "EK201" in message
    for word in (node, nearest, way, "edgekit ops"):
        assert word in message


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(
        onnx("RandomUniformLike", "Relu", "RandomUniformLike", "RandomNormalLike")
    )
    done = CliRunner().invoke(cli.cli, ["check", str(tmp_path / "m.onnx")])
    assert "node layer_0" in done.output
    assert "RandomUniformLike; not supported either: RandomNormalLike" in done.output


def test_an_alternative_that_is_named_exists() -> None:
    """Of every operator that says it can stand in, the name that is printed is one that it reads."""
    for op in load_ops().values():
        for pattern in op.instead:
            source = pattern.replace("*", "X")
            form = "tflite" if source.isupper() else "onnx"
            found = re.match("the nearest supported one is ([^:]+): (.+)", way_out(source, form))
            assert found, pattern
            assert found[2] == op.instead[pattern]
            onnx = found[1] in onnx_ops() or found[1].removeprefix("aten.") in BECOMES
            assert found[1] in tflite_ops() if form == "tflite" else onnx
