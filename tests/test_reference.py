"""The originals in child processes: their known scores on real data, state, crashes, time-outs."""

from __future__ import annotations

import functools
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from benchmarks_data import BENCH, BY_KEY, ad_windows
from conftest import shared

from edgekit.errors import EdgekitError
from edgekit.graph import Quant, Value
from edgekit.validate import metrics
from edgekit.validate.data import Samples, dequantize
from edgekit.validate.reference import Reference, find_engine, reference_outputs

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
    for engine, line in (
        ("auto", 'pip install "edgekit[verify]"'),
        ("tflite-runtime", "pip install tflite-runtime"),
    ):
        with pytest.raises(EdgekitError) as caught:
            find_engine(engine)
        assert (caught.value.code, caught.value.help) == ("EK504", line)


def test_auto_prefers_the_exact_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert find_engine() == "tflite-micro"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name[0] == "a" else None)
    assert find_engine() == "litert"


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
