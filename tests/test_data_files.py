"""Data files: what is accepted, how it is mapped, and the four-part error for everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.graph import Layout, Quant, Value
from edgekit.validate.data import Samples, dequantize, load_samples, quantize, random_samples

IMAGE = Value("image", (1, 4, 4, 3), "int8", Quant((1 / 255,), (-128,)))
FRAMES = Value("audio", (1, 3, 5), "int8", Quant((0.1,), (-128,)))
RNG = np.random.default_rng(7)


def load(tmp_path: Path, *tensors: Value, options: dict[str, Any] | None = None, **arrays: Any) -> Samples:  # fmt: skip
    file = tmp_path / "data.npz"
    np.savez(file, **arrays)
    return load_samples(file, tensors or (IMAGE,), **(options or {}))


def test_integers_of_the_models_type_are_fed_as_they_are(tmp_path: Path) -> None:
    x = RNG.integers(-128, 128, (6, 4, 4, 3)).astype(np.int8)
    samples = load(tmp_path, x=x, y=np.arange(6), labels=np.array(["a", "b"]))
    np.testing.assert_array_equal(samples.arrays[0], x[:, None])
    assert (len(samples), samples.inferences, samples.sequence) == (6, 6, False)
    assert samples.labels == ("a", "b")
    assert samples.source == "data.npz"


def test_raw_pixels_become_the_quantized_form_of_scale_and_offset(tmp_path: Path) -> None:
    x = RNG.integers(0, 256, (6, 4, 4, 3)).astype(np.uint8)
    samples = load(tmp_path, x=x, options={"scale": 1 / 255})
    np.testing.assert_array_equal(samples.arrays[0], x[:, None].astype(np.int16) - 128)
    halves = Value("image", (1, 4, 4, 3), "int8", Quant((0.5,), (-100,)))
    samples = load(tmp_path, halves, x=x, options={"scale": 0.25, "offset": -1.0})
    wanted = np.floor(x * 0.5 - 2 + 0.5) - 100  # x / 4 - 1 in steps of 1/2
    wanted[x == 3] = -101  # -0.5: a tie below zero goes away from it
    wanted[x == 1] = -102
    np.testing.assert_array_equal(samples.arrays[0], np.clip(wanted, -128, 127)[:, None])


def test_floats_are_real_values(tmp_path: Path) -> None:
    x = np.array([-9.0, 0.0, 0.25, 0.75, 9.0], np.float16)
    line = Value("x", (1, 1), "int8", Quant((0.5,), (3,)))
    samples = load(tmp_path, line, x=x)
    assert samples.arrays[0].ravel().tolist() == [-15, 3, 4, 5, 21]
    real = Value("x", (1, 1), "float32")
    np.testing.assert_array_equal(load(tmp_path, real, x=x).arrays[0].ravel(), x)


def test_quantize_rounds_ties_away_from_zero_and_clamps() -> None:
    quant = Quant((0.5,), (-10,))
    x = np.array([0.25, -0.25, 0.74, 100, -100], np.float32)
    assert quantize(x, quant, "int8").tolist() == [-9, -11, -9, 127, -128]
    every = np.arange(-128, 128).astype(np.int8)
    np.testing.assert_array_equal(quantize(dequantize(every, quant), quant, "int8"), every)


def test_sequences_are_fed_step_by_step(tmp_path: Path) -> None:
    x = RNG.integers(-128, 128, (2, 6, 3, 5)).astype(np.int8)
    samples = load(tmp_path, FRAMES, x=x)
    assert samples.sequence
    assert samples.arrays[0].shape == (2, 6, 1, 3, 5)
    assert samples.inferences == 12
    assert samples.prefix(1, 2).arrays[0].shape == (1, 2, 1, 3, 5)


def test_frames_are_grouped_for_a_model_with_state_only(tmp_path: Path) -> None:
    x = RNG.integers(-128, 128, (2, 12, 5)).astype(np.int8)
    samples = load(tmp_path, FRAMES, x=x, options={"stateful": True})
    np.testing.assert_array_equal(samples.arrays[0], x.reshape(2, 4, 1, 3, 5))
    with pytest.raises(EdgekitError) as caught:
        load(tmp_path, FRAMES, x=x)
    assert caught.value.code == "EK004"


def test_each_input_of_several_has_its_own_array(tmp_path: Path) -> None:
    other = Value("b", (1, 2), "int16")
    arrays = {"image": np.zeros((3, 48), np.int8), "b": np.ones((3, 2), np.int16)}
    samples = load(tmp_path, IMAGE, other, **arrays)
    assert [x.shape for x in samples.arrays] == [(3, 1, 4, 4, 3), (3, 1, 2)]


def test_random_samples_cover_the_type_and_repeat() -> None:
    a, b = (random_samples([IMAGE, FRAMES], seed=4, count=40) for _ in range(2))
    for x, y in zip(a.arrays, b.arrays, strict=True):
        np.testing.assert_array_equal(x, y)
        assert (x.min(), x.max(), x.dtype) == (-128, 127, np.int8)
    assert random_samples([FRAMES], 2, steps=5).arrays[0].shape == (2, 5, 1, 3, 5)


PHOTO = Value("image", (1, 4, 6, 3), "int8", Quant((0.5,), (-2,)))
FIRST = {"image": Layout((1, 3, 4, 6), (0, 2, 3, 1))}  # the source has channels first


@pytest.mark.parametrize("shape", [(5, 3, 4, 6), (5, 1, 3, 4, 6), (5, 72)])
def test_arrays_have_the_axes_of_the_source(tmp_path: Path, shape: tuple[int, ...]) -> None:
    real = RNG.uniform(-40, 40, (5, 1, 3, 4, 6)).astype(np.float32)
    samples = load(tmp_path, PHOTO, x=real.reshape(shape), options={"layouts": FIRST})
    (ours,), (theirs,) = samples.arrays, samples.given
    np.testing.assert_array_equal(theirs, real)
    assert PHOTO.quant is not None
    np.testing.assert_array_equal(ours, quantize(real.transpose(0, 1, 3, 4, 2), PHOTO.quant, "int8"))  # fmt: skip
    assert samples.take(slice(1, 3)).given[0].shape == (2, 1, 3, 4, 6)


def test_the_other_order_of_axes_is_taken_where_the_sizes_tell_it(tmp_path: Path) -> None:
    last = RNG.integers(0, 256, (5, 4, 6, 3)).astype(np.uint8)
    options = {"layouts": FIRST, "scale": 0.25}
    a = load(tmp_path, PHOTO, x=last, options=options)
    b = load(tmp_path, PHOTO, x=last.transpose(0, 3, 1, 2), options=options)
    np.testing.assert_array_equal(a.arrays[0], b.arrays[0])
    np.testing.assert_array_equal(a.given[0], b.given[0])
    cube = Value("image", (1, 3, 3, 3), "int8")
    x = RNG.integers(-128, 128, (2, 3, 3, 3)).astype(np.int8)
    first = {"image": Layout((1, 3, 3, 3), (0, 2, 3, 1))}
    taken = load(tmp_path, cube, x=x, options={"layouts": first})
    np.testing.assert_array_equal(taken.given[0][:, 0], x)  # the source's order, where both fit
    np.testing.assert_array_equal(taken.arrays[0][:, 0], x.transpose(0, 2, 3, 1))


def test_an_order_of_axes_that_nobody_has_is_refused(tmp_path: Path) -> None:
    for shape in ((5, 6, 4, 3), (5, 4, 3, 6), (3, 4, 6), (0, 3, 4, 6)):
        with pytest.raises(EdgekitError, match="shape") as caught:
            load(tmp_path, PHOTO, x=np.zeros(shape, np.int8), options={"layouts": FIRST})
        four_parts(caught.value)
        assert "wanted [N, 1, 3, 4, 6]" in caught.value.found


def test_sequences_have_the_axes_of_the_source_too(tmp_path: Path) -> None:
    x = RNG.integers(-128, 128, (2, 7, 3, 4, 6)).astype(np.int8)
    samples = load(tmp_path, PHOTO, x=x, options={"layouts": FIRST})
    assert samples.sequence
    np.testing.assert_array_equal(samples.arrays[0][:, :, 0], x.transpose(0, 1, 3, 4, 2))
    np.testing.assert_array_equal(samples.prefix(1, 2).given[0][0, :, 0], x[1, :2])


def test_random_samples_for_a_source_with_other_axes() -> None:
    samples = random_samples([PHOTO], 3, layouts=FIRST)
    np.testing.assert_array_equal(samples.arrays[0], random_samples([PHOTO], 3).arrays[0])
    np.testing.assert_array_equal(samples.given[0].transpose(0, 1, 3, 4, 2), samples.arrays[0])
    plain = random_samples([PHOTO], 3)
    assert plain.given is plain.arrays


GOOD = np.zeros((2, 4, 4, 3), np.int8)
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no array": ({"z": GOOD}, "no array"),
    "wrong size": ({"x": np.zeros((2, 5, 4, 3), np.int8)}, "shape"),
    "no sample axis": ({"x": np.zeros((4, 4, 3), np.int8)}, "shape"),
    "scalar": ({"x": np.int8(1)}, "shape"),
    "no samples": ({"x": GOOD[:0]}, "shape"),
    "wrong integers": ({"x": GOOD.astype(np.uint8)}, "type"),
    "wide integers": ({"x": GOOD.astype(np.int64)}, "type"),
    "text": ({"x": np.full(GOOD.shape, "a")}, "type"),
    "complex": ({"x": GOOD.astype(np.complex64)}, "type"),
    "objects": ({"x": np.full(GOOD.shape, None)}, "cannot be read"),
    "not finite": ({"x": np.full(GOOD.shape, np.nan)}, "not finite"),
    "labels too few": ({"x": GOOD, "y": np.zeros(1, np.int64)}, "label"),
    "labels of text": ({"x": GOOD, "y": np.array(["cat", "dog"])}, "label"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arrays(tmp_path: Path, name: str) -> None:
    arrays, message = BAD[name]
    with pytest.raises(EdgekitError, match=message) as caught:
        load(tmp_path, **arrays)
    four_parts(caught.value)


def test_a_sequence_for_one_input_only(tmp_path: Path) -> None:
    other = Value("b", (1, 2), "int8")
    with pytest.raises(EdgekitError, match="different numbers") as caught:
        load(tmp_path, FRAMES, other, audio=np.zeros((2, 6, 3, 5), np.int8), b=np.zeros((2, 2), np.int8))  # fmt: skip
    four_parts(caught.value)


def test_missing_and_damaged_files(tmp_path: Path) -> None:
    good = tmp_path / "good.npz"
    np.savez_compressed(good, x=RNG.integers(-128, 128, (9, 4, 4, 3)).astype(np.int8))
    whole = good.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    files = {
        "empty": b"",
        "text": b"x,y\n1,2\n",
        "cut": whole[: len(whole) // 2],
        "flipped": bytes(flipped),
        "pickle": b"\x80\x04N.",
    }
    np.save(tmp_path / "array.npy", GOOD)
    files["array"] = (tmp_path / "array.npy").read_bytes()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for name in (*files, "absent", "."):
        with pytest.raises(EdgekitError) as caught:
            load_samples(tmp_path / name, [IMAGE])
        four_parts(caught.value)


def four_parts(error: EdgekitError) -> None:
    assert error.code == "EK004"
    assert error.where
    assert error.found
    assert error.help
    assert "\n" not in error.message
