"""The originals in child processes: their known scores on real data, state, crashes, time-outs."""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks_data import BENCH, BY_KEY, ad_windows
from conftest import ROOT, shared

from edgekit.errors import EdgekitError
from edgekit.graph import Layout, Quant, Value
from edgekit.validate import metrics
from edgekit.validate._child import fed
from edgekit.validate.data import Samples, dequantize, load_samples
from edgekit.validate.reference import Reference, find_engine, model_kind, reference_outputs

AD_OUTPUT = Quant((0.36449846625328064,), (96,))


@functools.cache
def original(key: str) -> tuple[Samples, Reference]:
    """All samples of a benchmark model and what TensorFlow Lite Micro makes of them."""
    shared()
    if importlib.util.find_spec("tflite_micro") is None:
        pytest.skip("tflite-micro is not installed")
    model = BY_KEY[key]
    samples = model.samples()
    return samples, reference_outputs(model.path, samples, engine="tflite-micro")


@pytest.mark.parametrize("key", [model.key for model in BENCH])
def test_at_least_two_hundred_inferences_that_are_not_all_one(key: str) -> None:
    samples, reference = original(key)
    assert samples.inferences >= 200
    assert reference.exact
    (outputs,) = reference.outputs
    assert outputs.shape[: 1 + samples.sequence] == samples.arrays[0].shape[: 1 + samples.sequence]
    assert len(np.unique(outputs)) > 5


@pytest.mark.parametrize(
    ("key", "right"), [("kws", 452), ("ic", 173), ("vww", 424), ("sww", 41), ("micro_speech", 141)]
)
def test_top1_on_real_data(key: str, right: int) -> None:
    samples, reference = original(key)
    assert samples.y is not None
    labelled = reference.outputs[0][: len(samples.y)]
    assert round(metrics.accuracy(labelled, samples.y) * len(samples.y)) == right


def test_auc_of_the_anomaly_detector() -> None:
    samples, reference = original("ad")
    windows, y = ad_windows()
    error = (dequantize(reference.outputs[0][:, :, 0], AD_OUTPUT) - windows) ** 2
    assert metrics.auc(error.mean(axis=(1, 2)), y) == pytest.approx(0.848, abs=0.004)
    assert samples.y is not None


def test_auc_of_voice_activity_and_silence_of_the_wake_word() -> None:
    samples, reference = original("vad")
    assert samples.y is not None
    peak = reference.outputs[0].reshape(83, 32).max(axis=1)
    assert metrics.auc(peak, samples.y != 10) == pytest.approx(0.9762, abs=0.002)
    assert original("alexa")[1].outputs[0].max() == 8


def test_sine() -> None:
    samples, reference = original("hello_world")
    assert samples.y is not None
    real = dequantize(reference.outputs[0].ravel(), Quant((0.00829096,), (5,)))
    assert metrics.max_abs_error(real, samples.y) == pytest.approx(0.1161, abs=0.0005)


@pytest.mark.parametrize("engine", ["tflite-micro", "litert"])
@pytest.mark.parametrize("key", ["alexa", "vad"])
def test_state_is_reset_before_each_sample(key: str, engine: str) -> None:
    """The second clip alone, in a new process, and after the first: the same; and state matters."""
    installed(engine)
    model = BY_KEY[key]
    clips = model.samples(12)
    together = reference_outputs(model.path, clips, engine=engine).outputs[0]
    for clip in (1, 11):
        alone = reference_outputs(model.path, clips.take(slice(clip, clip + 1)), engine=engine)
        np.testing.assert_array_equal(alone.outputs[0][0], together[clip])
    x = clips.arrays[0]
    one_long = Samples(clips.tensors, (x.reshape(1, -1, *x.shape[2:]),), True)
    carried = reference_outputs(model.path, one_long, engine=engine).outputs[0]
    assert (carried.ravel() != together.ravel()).any()


@pytest.mark.parametrize("key", ["ic", "vww", "sww"])
def test_intermediate_tensors_are_litert_s_up_to_the_dense_layer(key: str) -> None:
    """Everything but the final dense layer and its softmax agrees; there LiteRT rounds otherwise."""
    installed("litert")
    one = BY_KEY[key].samples(1)
    micro, litert = (
        reference_outputs(BY_KEY[key].path, one, engine=engine, intermediates=True).tensors
        for engine in ("tflite-micro", "litert")
    )
    assert len(micro) > 10
    off = [index for index, x in micro.items() if (x != litert[index]).any()]
    assert set(off) <= set(sorted(micro)[-2:])
    assert all(metrics.max_abs_error(micro[index], litert[index]) <= 1 for index in off)


def test_every_tensor_of_a_streaming_model_has_a_name() -> None:
    reference = reference_outputs(
        BY_KEY["vad"].path, BY_KEY["vad"].samples(1), engine="tflite-micro", intermediates=True
    )
    names = [f"t{i}" for i in range(1 + max(reference.tensors))]
    named = reference.named(names)
    last = max(reference.tensors)
    np.testing.assert_array_equal(named[f"t{last}"], reference.tensors[last])
    assert any((x == reference.outputs[0][0, -1]).all() for x in named.values() if x.size == 1)
    assert set(reference.named(names[:5])) <= set(names[:5]), "temporaries have no name"


def test_a_float_edge_is_fed_the_real_values() -> None:
    """float32 in and out, int8 inside: integers become real values, and nothing is clipped."""
    installed("litert")
    tensor = Value("x", (1, 128, 3, 1), "int8", Quant((16.0,), (0,)))
    x = np.random.default_rng(3).integers(-128, 128, (4, 1, 128, 3, 1)).astype(np.int8)
    file = shared("models", "mltk_magic_wand_accelerometer_int8_floatio.tflite")
    by_integers, by_floats = (
        reference_outputs(file, Samples((t,), (array,)), engine="litert").outputs[0]
        for t, array in (
            (tensor, x),
            (Value("x", tensor.shape, "float32"), x.astype(np.float32) * 16),
        )
    )
    assert by_integers.dtype == np.float32
    np.testing.assert_array_equal(by_integers, by_floats)


def installed(engine: str) -> None:
    try:
        find_engine(engine)
    except EdgekitError as missing:
        pytest.skip(missing.message)


def one_sample() -> Samples:
    return Samples((Value("x", (1, 4), "int8"),), (np.zeros((1, 1, 4), np.int8),))


@pytest.mark.parametrize("engine", ["tflite-micro", "litert"])
def test_a_file_that_is_no_model(tmp_path: Path, engine: str) -> None:
    installed(engine)
    (tmp_path / "bad.tflite").write_bytes(b"no model at all, but long enough to look at")
    with pytest.raises(EdgekitError) as caught:
        reference_outputs(tmp_path / "bad.tflite", one_sample(), engine=engine)
    assert caught.value.code == "EK505"
    assert caught.value.where.endswith("bad.tflite")
    assert caught.value.found
    assert caught.value.help


def fake_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A `tflite_runtime` of our own, in front of everything else."""
    package = tmp_path / "tflite_runtime"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "interpreter.py").write_text(body)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize(
    ("body", "message", "found"),
    [
        ("import os; os.abort()", "died of SIGABRT", "printed nothing"),
        ("import time; time.sleep(60)", "killed after 1 s", "printed nothing"),
        ("raise ValueError('two\\nlines')", "could not run", "ValueError: two; lines"),
    ],
    ids=["crash", "hang", "exception"],
)
def test_a_child_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, message: str, found: str
) -> None:
    fake_engine(tmp_path, monkeypatch, body)
    with pytest.raises(EdgekitError, match=message) as caught:
        reference_outputs("m.tflite", one_sample(), engine="tflite-runtime", timeout=1)
    assert caught.value.code == "EK505"
    assert found in caught.value.found


def test_tflite_runtime_is_served_by_the_same_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("litert")
    fake_engine(tmp_path, monkeypatch, "from ai_edge_litert.interpreter import *\n")
    model, two = BY_KEY["ic"].path, BY_KEY["ic"].samples(2)
    here, there = (reference_outputs(model, two, engine=e) for e in ("litert", "tflite-runtime"))
    np.testing.assert_array_equal(here.outputs[0], there.outputs[0])
    assert not there.exact


def test_a_missing_engine_names_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for engine, kind, line in (
        ("auto", "tflite", 'pip install "edgekit[verify]"'),
        ("auto", "float tflite", 'pip install "edgekit[verify]"'),
        ("tflite-runtime", "tflite", "pip install tflite-runtime"),
        ("auto", "onnx", 'pip install "edgekit[verify]"'),
        ("auto", "torch", 'pip install "edgekit[torch]"'),
    ):
        with pytest.raises(EdgekitError) as caught:
            find_engine(engine, kind)
        assert (caught.value.code, caught.value.help) == ("EK504", line)


def test_auto_prefers_the_exact_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert find_engine() == "tflite-micro"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name[0] == "a" else None)
    assert find_engine() == "litert"
    assert find_engine(kind="float tflite") == "litert"


def test_the_kind_of_an_original_is_told_by_its_content(tmp_path: Path) -> None:
    heads = {"tflite": b"\x1c\0\0\0TFL3", "torch": b"PK\x03\x04", "onnx": b"\x08\x08\x12\x07"}
    for kind, head in heads.items():
        (tmp_path / "model").write_bytes(head)
        assert model_kind(tmp_path / "model") == kind
    (tmp_path / "model").write_bytes(heads["tflite"])
    assert model_kind(tmp_path / "model", real=True) == "float tflite"


def test_the_child_ignores_the_folder_it_is_called_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("litert")
    (tmp_path / "numpy.py").write_text("raise ImportError('the wrong numpy')")
    path = BY_KEY["sww"].path
    samples = BY_KEY["sww"].samples(1)
    monkeypatch.chdir(tmp_path)
    reference = reference_outputs(os.path.relpath(path), samples, engine="litert")
    assert reference.outputs[0].shape == (1, 1, 3)


def request(x: Any, scale: float = 0.5, zero_point: int = 3) -> dict[str, Any]:
    zero = np.array(zero_point, np.int8)
    return {"input_0": x, "scale_0": np.float32(scale), "zero_point_0": zero}


def test_integers_and_real_values_turn_into_each_other() -> None:
    """What the program is fed, the original is fed: in float, int8 or uint8, as it wants it."""
    q = np.array([[[-128, 3, 127]]], np.int8)
    real = ((q - 3.0) * 0.5).astype(np.float32)
    for wanted, x in (("float32", real), ("int8", q), ("uint8", (q + np.int16(128)).astype(np.uint8))):  # fmt: skip
        for given in (q, real):
            (found,) = fed(request(given), [{"shape": [3], "dtype": wanted}])
            assert found.dtype == np.dtype(wanted)
            np.testing.assert_array_equal(found, x)
    with pytest.raises(TypeError, match="int64 in the original, fed int8"):
        fed({"input_0": q}, [{"shape": [3], "dtype": "int64"}])


def test_open_axes_take_the_size_of_the_data() -> None:
    x = np.zeros((2, 1, 1, 3, 4), np.float32)
    for shape in ([1, 3, 4], [None, 3, None]):
        assert fed({"input_0": x}, [{"shape": shape, "dtype": "float32"}])[0].shape == x.shape
    with pytest.raises(TypeError, match="2 axes"):
        fed({"input_0": x}, [{"shape": [None, 3], "dtype": "float32"}])


def small_onnx(path: Path, hidden: str = "y") -> np.ndarray[Any, Any]:
    """relu(conv(x)) for x [N, 2, 4, 4], the tensor between both called `hidden`; returns the weights."""
    installed("onnxruntime")
    onnx = pytest.importorskip("onnx")
    make, floats = onnx.helper, onnx.TensorProto.FLOAT
    w = np.random.default_rng(5).normal(size=(3, 2, 1, 1)).astype(np.float32)
    graph = make.make_graph(
        [make.make_node("Conv", ["x", "w"], [hidden]), make.make_node("Relu", [hidden], ["z"])],
        "small",
        [make.make_tensor_value_info("x", floats, ["N", 2, 4, 4])],
        [make.make_tensor_value_info("z", floats, ["N", 3, 4, 4])],
        [onnx.numpy_helper.from_array(w, "w")],
    )
    opset = [make.make_opsetid("", 13)]
    onnx.save(make.make_model(graph, opset_imports=opset, ir_version=8), path)
    return w


@pytest.mark.parametrize("hidden", ["y", "../../etc/y", "file", "output_0", "7"])
def test_onnxruntime_gives_every_tensor_by_its_name(tmp_path: Path, hidden: str) -> None:
    w = small_onnx(tmp_path / "m.onnx", hidden)
    x = np.random.default_rng(6).normal(size=(3, 1, 2, 4, 4)).astype(np.float32)
    one = Samples((Value("x", (1, 2, 4, 4), "float32"),), (x,))
    found = reference_outputs(tmp_path / "m.onnx", one, intermediates=True)
    assert (found.engine, found.exact) == ("onnxruntime", False)
    tensors = found.named(())
    assert set(tensors) == {hidden, "z"}
    wanted = np.einsum("oi,nbihw->nbohw", w[:, :, 0, 0], x)
    np.testing.assert_allclose(tensors[hidden], wanted, atol=1e-6)
    np.testing.assert_array_equal(found.outputs[0], np.maximum(tensors[hidden], 0))
    alone = reference_outputs(tmp_path / "m.onnx", one.take(slice(1, 2)), intermediates=True)
    np.testing.assert_array_equal(alone.tensors[hidden][0], tensors[hidden][1])


def test_a_channel_first_original_is_fed_its_own_axes(tmp_path: Path) -> None:
    small_onnx(tmp_path / "m.onnx")
    nhwc = Value("x", (1, 4, 4, 2), "int8", Quant((0.25,), (1,)))
    x = np.random.default_rng(6).uniform(-30, 30, (3, 2, 4, 4)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=x)
    layouts = {"x": Layout((1, 2, 4, 4), (0, 2, 3, 1))}
    given = load_samples(tmp_path / "d.npz", [nhwc], layouts=layouts)
    direct = Samples((Value("x", (1, 2, 4, 4), "float32"),), (x[:, None],))
    a, b = (reference_outputs(tmp_path / "m.onnx", s).outputs[0] for s in (given, direct))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("key", "accuracy"), [("kws_ref_model", 0.892), ("mobilenet_v1", 0.824)])
def test_top1_of_the_qdq_models(tmp_path: Path, key: str, accuracy: float) -> None:
    installed("onnxruntime")
    if key == "kws_ref_model":
        data = dict(np.load(shared("data", "mlperf_tiny_kws01_mfcc_int8_500.npz")))
        x = (data["x"].astype(np.float32) - data["zero_point"]) * data["scale"]
        tensor, layouts = Value("x", (1, 490), "float32"), {}
    else:
        data = dict(np.load(shared("data", "mlperf_tiny_vww01_rgb96_500.npz")))
        x, tensor = data["x"].astype(np.float32) / 255, Value("x", (1, 96, 96, 3), "float32")
        layouts = {"x": Layout((1, 3, 96, 96), (0, 2, 3, 1))}
    np.savez(tmp_path / "d.npz", x=x, y=data["y"])
    samples = load_samples(tmp_path / "d.npz", [tensor], layouts=layouts)
    found = reference_outputs(shared("models", "mlperf_tiny_onnx_qdq", f"{key}.onnx"), samples)
    assert metrics.accuracy(found.outputs[0], data["y"]) == accuracy


@pytest.mark.parametrize("precision", ["float32", "dynamicrange"])
def test_float_tflite_files_run_on_litert(precision: str) -> None:
    installed("litert")
    data = dict(np.load(shared("data", "mlperf_tiny_kws01_mfcc_int8_500.npz")))
    quant = Quant((float(data["scale"]),), (int(data["zero_point"]),))
    samples = Samples((Value("x", (1, 49, 10, 1), "int8", quant),), (data["x"][:, None],))
    model = shared("models", f"mlperf_tiny_kws01_dscnn_{precision}.tflite")
    found = reference_outputs(model, samples, real=True)
    assert found.engine == "litert"
    known = {"float32": 0.904, "dynamicrange": 0.906}[precision]
    assert metrics.accuracy(found.outputs[0], data["y"]) == pytest.approx(known, abs=0.0021)


@pytest.fixture(scope="module")
def tflite_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with nothing but tflite-runtime, the last one of which has no
    wheels for Python 3.12 and wants numpy 1."""
    folder = tmp_path_factory.mktemp("tflite_runtime")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    commands = (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "-q", "tflite-runtime==2.14.0", "numpy<2"],
    )
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired as late:
            pytest.skip(f"no environment with tflite-runtime can be made: {late}")
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason"])[-1]
            pytest.skip(f"no environment with tflite-runtime can be made: {reason}")
    return python


_IN_THERE = """
import sys
import numpy as np
from edgekit.graph import Value
from edgekit.validate.data import Samples
from edgekit.validate.reference import reference_outputs
model, data, answer = sys.argv[1:]
x = np.load(data)["x"][:20].reshape(20, 1, 49, 10, 1)
samples = Samples((Value("x", x.shape[1:], "int8"),), (x,))
found = reference_outputs(model, samples, intermediates=True)
assert found.engine == "tflite-runtime", found.engine
tensors = {f"t{index}": data for index, data in found.tensors.items()}
np.savez(answer, output=found.outputs[0], **tensors)
"""


@pytest.mark.slow
def test_the_last_tflite_runtime_with_numpy_1(tmp_path: Path, tflite_runtime: Path) -> None:
    installed("tflite-micro")
    example = ROOT / "examples" / "keyword_spotting"
    arguments = [example / "kws_ref_model.tflite", example / "clips.npz", tmp_path / "answer.npz"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [str(tflite_runtime), "-c", _IN_THERE, *map(str, arguments)],
        capture_output=True, text=True, env=environment, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "answer.npz") as archive:
        there = dict(archive)
    x = np.load(example / "clips.npz")["x"][:20].reshape(20, 1, 49, 10, 1)
    samples = Samples((Value("x", x.shape[1:], "int8"),), (x,))
    here = reference_outputs(arguments[0], samples, engine="tflite-micro", intermediates=True)
    np.testing.assert_array_equal(there["output"], here.outputs[0])
    assert len(here.tensors) > 5
    for index, data in here.tensors.items():
        np.testing.assert_array_equal(there[f"t{index}"], data)
