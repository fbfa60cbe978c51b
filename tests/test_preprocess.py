"""Preprocessing in front of networks: what is asked is what is computed, in every place."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT, shared

from edgekit.build import Compiled, Options, build, compile_program
from edgekit.cli import cli
from edgekit.commands import validate
from edgekit.errors import EdgekitError
from edgekit.preprocess import Audio, front_of, integer_features, read_all, real_features, tables
from edgekit.quantize import Calibration
from edgekit.simulate import Simulator
from edgekit.validate.data import Samples, samples_of

WORDS = ROOT / "examples" / "spoken_words"
KWS = ROOT / "examples" / "keyword_spotting" / "kws_ref_model.tflite"
MFCC = Audio(16000, 480, 320, 40, samples=16000, coefficients=10, level="peak")

sys.path.insert(0, str(WORDS))
from features import mfcc  # noqa: E402


def compiled(spec: Mapping[str, Any], **options: Any) -> Compiled:
    return compile_program(KWS, Options("kws", preprocess=tables(spec), **options))


def raw(stages: Compiled, x: np.ndarray) -> Samples:
    before = front_of(stages.canonical, read_all(stages.options.preprocess))
    return samples_of(
        {"x": x}, [before.value(name) for name in before.inputs], "test", stateful=True
    )


def test_features_are_those_of_numpy() -> None:
    """Against the floating-point path of the example, which shares nothing with the operators."""
    stages = compiled({"input_1": MFCC})
    with np.load(WORDS / "clips.npz") as data:
        audio = data["audio"]
    samples, before = raw(stages, audio), front_of(stages.canonical, {"input_1": MFCC})
    (features,) = integer_features(before, samples).arrays
    target = stages.canonical.value("input_1")
    wanted = np.clip(np.rint(mfcc(audio) / target.scale) + target.zero_point, -128, 127)
    off = np.abs(features.reshape(wanted.shape) - wanted)
    assert off.max() <= 1
    assert (off > 0).mean() < 0.005
    (real,) = real_features(before, samples).arrays
    np.testing.assert_allclose(real.reshape(wanted.shape), mfcc(audio), atol=2e-3)


@pytest.mark.slow
def test_a_hundred_clips_are_heard_as_the_python_path_hears_them() -> None:
    with np.load(shared("data", "speech_commands_pcm16_16khz_100.npz")) as data:
        audio, words = data["audio"], data["y"]
    alone = compile_program(KWS, Options("kws")).program
    target = alone.buffers["input_1"]
    features = samples_of({"x": mfcc(audio)}, [target], "numpy").arrays
    (expected,) = (x.argmax(axis=-1) for x in Simulator(alone).run(features))
    stages = compiled({"input_1": MFCC})
    (heard,) = (x.argmax(axis=-1) for x in Simulator(stages.program).run(raw(stages, audio).arrays))
    right = [int((x.reshape(-1) == words).sum()) for x in (heard, expected)]
    assert abs(right[0] - right[1]) <= 1
    assert (heard != expected).sum() <= 1


def test_power_spectra_are_those_the_digits_were_trained_on() -> None:
    """8 kHz clips to scaled logarithms of power: in real numbers as they are stored, in integers to a step."""
    with np.load(shared("data", "fsdd_digits_pcm16_8khz_60.npz")) as data:
        audio = data["audio"][:12]
    with np.load(shared("data", "fsdd_digits_logmel_test_150.npz")) as data:
        stored = data["x"]
    spec = Audio(
        8000,
        256,
        160,
        32,
        samples=8000,
        spectrum="power",
        low_hz=60,
        high_hz=3800,
        scale=0.25,
        add=1.75,
    )
    options = Options("digits", preprocess=tables({"logmel": spec}))
    stages = compile_program(
        shared("models", "fsdd_res1d_dscnn.onnx"), options, numbers=Calibration(audio)
    )
    before = front_of(stages.canonical, {"logmel": spec})
    samples = samples_of({"x": audio}, [before.value(name) for name in before.inputs], "test")
    (real,) = real_features(before, samples).arrays
    real = real.reshape(12, 49, 32)
    assert np.abs(real[:, None] - stored).mean(axis=(2, 3)).min(axis=1).max() < 2e-3
    (integer,) = integer_features(front_of(stages.quantized, {"logmel": spec}), samples).arrays
    target = stages.quantized.value("logmel")
    wanted = np.clip(np.rint(real / target.scale) + target.zero_point, -128, 127)
    off = np.abs(integer.reshape(wanted.shape) - wanted)
    assert off.max() <= 1
    assert (off > 0).mean() < 0.02


@pytest.mark.slow
def test_bundle_from_samples_to_a_word_on_the_core(tmp_path: Path) -> None:
    """The example's own configuration through the command line, its clips on the emulated core."""
    with np.load(WORDS / "clips.npz") as data:
        np.savez(tmp_path / "clips.npz", x=data["audio"], y=data["y"], labels=data["labels"])
    folder = tmp_path / "words"
    done = CliRunner().invoke(cli, ["build", str(KWS), "-c", str(WORDS / "edgekit.toml"),
                                    "-o", str(folder), "--format", "json"])  # fmt: skip
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["bit_exact"]
    assert [layer["op"] for layer in report["layers"]][:5] == [
        "peak", "spectrum", "filter_bank", "log_level", "cepstrum"]  # fmt: skip
    checked = validate(folder, data=tmp_path / "clips.npz", place="emulator", limit=2)
    assert all(gate["passed"] for gate in checked["gates"])
    assert checked["bit_exact"]
    assert checked["accuracy"] == 1
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["inputs"][0]["dtype"] == "int16"
    assert manifest["options"]["preprocess"]["input_1"]["bands"] == 40


def test_a_stream_hears_what_the_whole_clip_holds() -> None:
    """Frame by frame with kept samples and kept frames: after the last the window is that of the clip."""
    whole = Audio(16000, 480, 320, 40, samples=16000, coefficients=10)
    parts = Audio(16000, 480, 320, 40, new_frames=7, coefficients=10)
    rng = np.random.default_rng(3)
    clip = (rng.normal(size=(2, 16000)) * 2000).astype(np.int16)
    stages = compiled({"input_1": whole})
    (expected,) = Simulator(stages.program).run(raw(stages, clip).arrays)
    stages = compiled({"input_1": parts})
    # 49 frames are seven calls of 7 * 320 samples behind the 160 that the first frame brings along.
    late = np.concatenate([np.zeros((2, 2240 - 160), np.int16), clip], axis=1)[:, : 8 * 2240]
    sequence = raw(stages, late.reshape(2, -1, 2240)[:, :8])
    assert sequence.sequence
    (found,) = Simulator(stages.program).run(sequence.arrays, steps=True)
    np.testing.assert_array_equal(found[:, -1], expected)


def test_state_begins_as_silence() -> None:
    stages = compiled({"input_1": Audio(16000, 480, 320, 40, new_frames=1, coefficients=10)})
    silence = raw(stages, np.zeros((1, 3, 320), np.int16))
    (features,) = integer_features(
        front_of(stages.canonical, read_all(stages.options.preprocess)), silence
    ).arrays
    assert (features == features[:, :1, :, :1]).all()


@pytest.mark.slow
def test_a_stream_is_fed_frame_by_frame_in_c(tmp_path: Path) -> None:
    spec = {"input_1": Audio(16000, 480, 320, 40, new_frames=1, coefficients=10)}
    report = build(KWS, preprocess=spec, output=tmp_path / "b", name="kws")
    assert report["bit_exact"]
    assert report["state_bytes"] == 160 * 2 + 48 * 10
    header = (tmp_path / "b" / "kws.h").read_text()
    assert "void kws_reset(void *state);" in header or "kws_reset" in header


GOOD = {
    "kind": "audio",
    "sample_rate": 16000,
    "frame": 480,
    "step": 320,
    "bands": 40,
    "samples": 16000,
}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"kind": "sound"}, "kind"), ({"kind": None}, "kind"), ({"frames": 3}, "frames"),
        ({"sample_rate": None}, "sample_rate"), ({"sample_rate": "16k"}, "sample_rate"),
        ({"sample_rate": 0}, "sample_rate"), ({"step": True}, "step"), ({"step": 0}, "step"),
        ({"step": 321}, "step"), ({"frame": 5000}, "frame"), ({"length": 500}, "length"),
        ({"length": 256}, "length"), ({"bands": 0}, "bands"), ({"coefficients": 41}, "coefficients"),
        ({"high_hz": 9000}, "high_hz"), ({"low_hz": 4000}, "low_hz"), ({"low_hz": float("nan")}, "low_hz"),
        ({"offset": 0}, "offset"), ({"scale": 0}, "scale"), ({"log": "lg"}, "log"), ({"window": "hanning"}, "window"),
        ({"samples": 0}, "samples"), ({"new_frames": 2}, "samples"), ({"coefficients": 5, "add": 1}, "add"),
        ({"level": "peak", "samples": 0, "new_frames": 1}, "level"),
        ({"level": "peak", "spectrum": "power"}, "level"), ({"orthonormal": 1}, "orthonormal"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_key(change: dict[str, Any], where: str) -> None:
    table = {key: value for key, value in (GOOD | change).items() if value is not None}
    with pytest.raises(EdgekitError) as refused:
        read_all({"input_1": table})
    assert refused.value.code == "EK003"
    assert refused.value.where == f"preprocess.input_1, {where}"
    assert refused.value.found
    assert refused.value.help


@pytest.mark.parametrize("given", [3, [], {"input_1": 5}, {"input_1": []}])
def test_tables_that_are_none_are_refused(given: Any) -> None:
    with pytest.raises(EdgekitError, match="EK003"):
        read_all(given)


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ({"input": GOOD}, "EK003"),
        ({"input_1": GOOD}, "EK205"),
        ({"input_1": GOOD | {"coefficients": 10, "samples": 8000}}, "EK205"),
        ({"input_1": GOOD | {"coefficients": 10, "samples": 0, "new_frames": 50}}, "EK205"),
    ],
)
def test_what_does_not_fit_the_network_is_refused(spec: dict[str, Any], code: str) -> None:
    with pytest.raises(EdgekitError) as refused:
        compiled(spec)
    assert refused.value.code == code
    assert refused.value.help


def test_a_configuration_with_a_wrong_table_exits_with_two(tmp_path: Path) -> None:
    wrong = tmp_path / "edgekit.toml"
    wrong.write_text(
        '[preprocess.input_1]\nkind = "audio"\nsample_rate = 16000\nframe = 480\nsteps = 320\n'
    )
    done = CliRunner().invoke(cli, ["check", str(KWS), "-c", str(wrong), "--format", "json"])
    assert done.exit_code == 2
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "EK003"
    assert "step" in error["help"]
