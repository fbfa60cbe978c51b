"""Weights beside an ONNX model: taken from its own folder, and nothing else is ever opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx_writer import model, node, relu

from edgekit.errors import EdgekitError
from edgekit.frontends import load_model, self_contained

WEIGHT = np.float32([1, 2, 3, 4])


def external(**entries: str) -> ModelProto:
    """y = x + w, w of 4 floats in another file."""
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    weight.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        weight.external_data.add(key=key, value=value)
    return model([node("Add", ["x", "w"], ["y"])], {"w": weight})


def written(folder: Path, source: ModelProto) -> Path:
    """The model in a folder of its own, with `w.bin` beside it and `secret.bin` one above."""
    inside = folder / "model"
    (inside / "sub").mkdir(parents=True)
    for file in (inside / "w.bin", inside / "sub" / "w.bin", folder / "secret.bin"):
        file.write_bytes(b"\0" * 8 + WEIGHT.tobytes())
    file = inside / "model.onnx"
    file.write_bytes(source.SerializeToString())
    return file


def linked_folder(inside: Path) -> None:
    (inside / "there").symlink_to(inside / "sub", target_is_directory=True)


SOUND = {
    "by offset and length": {"location": "w.bin", "offset": "8", "length": "16"},
    "to the end of the file": {"location": "w.bin", "offset": "8"},
    "in a folder below": {"location": "sub/w.bin", "offset": "8", "checksum": "0"},
    "by a roundabout way": {"location": "./sub//w.bin", "offset": "8"},
}
# What is written beside the model, and the entries that must be refused.
REFUSED: dict[str, tuple[Callable[[Path], object] | None, dict[str, str]]] = {
    "missing": (None, {"location": "nothing.bin"}),
    "no location": (None, {"offset": "8"}),
    "an empty location": (None, {"location": ""}),
    "the folder itself": (None, {"location": "."}),
    "a folder": (None, {"location": "sub"}),
    "absolute": (None, {"location": "/etc/hostname"}),
    "absolute on Windows": (None, {"location": "C:\\w.bin"}),
    "backslashes": (None, {"location": "..\\secret.bin"}),
    "above": (None, {"location": "../secret.bin", "offset": "8"}),
    "above by a detour": (None, {"location": "sub/../w.bin", "offset": "8"}),
    "a null character": (None, {"location": "w.bin\0", "offset": "8"}),
    "through a file": (None, {"location": "w.bin/w.bin"}),
    "a symbolic link": (lambda at: (at / "link.bin").symlink_to("w.bin"), {"location": "link.bin", "offset": "8"}),
    "a link to nothing": (lambda at: (at / "link.bin").symlink_to("nowhere"), {"location": "link.bin"}),
    "a linked folder": (linked_folder, {"location": "there/w.bin", "offset": "8"}),
    "a hard link": (lambda at: os.link(at.parent / "secret.bin", at / "hard.bin"), {"location": "hard.bin", "offset": "8"}),
    "a pipe": (lambda at: os.mkfifo(at / "pipe.bin"), {"location": "pipe.bin"}),
    "too short": (None, {"location": "w.bin", "offset": "12", "length": "16"}),
    "an offset behind the end": (None, {"location": "w.bin", "offset": "25"}),
    "a length that does not fit the shape": (None, {"location": "w.bin", "length": "24"}),
    "no length where the file is longer": (None, {"location": "w.bin"}),
    "a negative offset": (None, {"location": "w.bin", "offset": "-8", "length": "16"}),
    "a negative length": (None, {"location": "w.bin", "length": "-1"}),
    "an offset that is no number": (None, {"location": "w.bin", "offset": "0x8"}),
    "an endless offset": (None, {"location": "w.bin", "offset": "9" * 30}),
    "an unknown key": (None, {"location": "w.bin", "offset": "8", "url": "w.bin"}),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_weights_beside_the_model(name: str, tmp_path: Path) -> None:
    file = written(tmp_path, external(**SOUND[name]))
    weight = load_model(file).const("w")
    assert weight is not None
    np.testing.assert_array_equal(weight, WEIGHT, strict=True)


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("read", [load_model, self_contained])
def test_nothing_else_is_read(
    name: str, read: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, entries = REFUSED[name]
    file = written(tmp_path, external(**entries))
    if prepare:
        prepare(file.parent)
    opened: list[str] = []
    real = os.open
    monkeypatch.setattr(
        os, "open", lambda path, *a, **k: opened.append(str(path)) or real(path, *a, **k)
    )
    with pytest.raises(EdgekitError) as raised:
        read(file)
    error = raised.value
    assert (error.code, error.where) == ("EK108", "model.onnx, tensor w")
    assert error.message
    assert error.found
    assert error.help
    assert set(opened) <= {str(file.parent / "w.bin")}


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    source = external(location="w.bin", offset="8")
    source.graph.initializer[0].external_data.add(key="location", value="sub/w.bin")
    with pytest.raises(EdgekitError, match="EK108"):
        load_model(written(tmp_path, source))


def test_tensors_of_attributes_and_functions_are_judged_too(tmp_path: Path) -> None:
    weight = external(location="../secret.bin").graph.initializer[0]
    constant = model([node("Constant", [], ["w"], value=weight), node("Add", ["x", "w"], ["y"])])
    function = relu()
    opsets = [helper.make_opsetid("", 17)]
    function.functions.append(
        helper.make_function("local", "f", ["a"], ["b"], [constant.graph.node[0]], opsets)
    )
    for i, source in enumerate((constant, function)):
        with pytest.raises(EdgekitError, match="EK108"):
            load_model(written(tmp_path / str(i), source))


def test_external_data_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.frontends.onnx_external.MAX_FILE_BYTES", 15)
    with pytest.raises(EdgekitError, match="EK103"):
        load_model(written(tmp_path, external(location="w.bin", offset="8")))


def test_a_bundle_gets_one_file(tmp_path: Path) -> None:
    file = written(tmp_path, external(location="w.bin", offset="8"))
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(self_contained(file))
    assert self_contained(alone) == alone.read_bytes()
    (held,) = ModelProto.FromString(alone.read_bytes()).graph.initializer
    np.testing.assert_array_equal(numpy_helper.to_array(held), WEIGHT, strict=True)
    assert load_model(alone).text() == load_model(file).text()


def test_a_model_without_external_data_stays_as_it_is(tmp_path: Path) -> None:
    # A field that ONNX does not know would be lost by writing the message again.
    data = relu().SerializeToString() + b"\xfa\x3f\x01x"
    file = tmp_path / "model.onnx"
    file.write_bytes(data)
    assert self_contained(file) == data
