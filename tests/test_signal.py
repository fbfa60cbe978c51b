"""TensorFlow Lite Micro's signal operators, byte for byte with its interpreter, alone and in a chain."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
from tflite_writer import Array, TensorSpec, chain_model, one_op_model

from edgekit.build import build
from edgekit.errors import EdgekitError
from edgekit.frontends.flexbuffer import numbers
from edgekit.frontends.tflite import load
from edgekit.lowering import lower
from edgekit.passes import canonical
from edgekit.plan import plan
from edgekit.plan.check import check_plan
from edgekit.program import Program
from edgekit.simulate import Simulator

SAMPLES = 12


def options(entries: Mapping[str, int | bool]) -> bytes:
    """A map in FlexBuffers' format, four bytes a number; keys sorted, as their readers index them."""
    keys = sorted(entries)
    data, at = bytearray(), []
    for key in keys:
        at.append(len(data))
        data += key.encode() + b"\0"
    data += bytes(-len(data) % 4)
    data += struct.pack("<I", len(keys))
    table = len(data)
    for start in at:
        data += struct.pack("<I", len(data) - start)
    data += struct.pack("<III", len(data) - table, 4, len(keys))
    root = len(data)
    for key in keys:
        data += struct.pack("<i", entries[key])
    for key in keys:
        data.append((26 if isinstance(entries[key], bool) else 1) << 2 | 2)
    data += struct.pack("<I", 0)[: -len(data) % 4]
    data += struct.pack("<I", len(data) - root)
    return bytes(data) + bytes([9 << 2 | 2, 4])


def custom(
    name: str, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], **given: Any
) -> bytes:
    return one_op_model(f"CUSTOM:Signal{name}", inputs, outputs, {"custom_options": options(given)})


def planned(model: bytes) -> Program:
    program = plan(lower(canonical(load(model, "model"))))
    check_plan(program)
    return program


def check(model: bytes, *data: Array, sequence: bool = False) -> None:
    """data: [samples, *shape]; one sequence of samples where state is carried."""
    expected = oracle.tflm(model, [list(row) for row in zip(*data, strict=True)])
    inputs = [x[None] for x in data] if sequence else list(data)
    outputs = Simulator(planned(model)).run(inputs, sequence)
    assert len(outputs) == len(expected[0])
    for i, out in enumerate(outputs):
        want = np.stack([row[i] for row in expected])
        got = out[0] if sequence else out
        assert want.dtype == got.dtype
        np.testing.assert_array_equal(got.reshape(want.shape), want)


def check_where_valid(model: bytes, x: Array) -> Array:
    """Of an operator that also tells whether its output is one: where it is not, nothing is promised.
    Returns what it told."""
    expected = oracle.tflm(model, [[row] for row in x])
    made, valid = (y[0] for y in Simulator(planned(model)).run([x[None]], True))
    assert list(valid) == [bool(row[1]) for row in expected]
    assert valid.any()
    for got, (want, told) in zip(made, expected, strict=True):
        if told:
            np.testing.assert_array_equal(got, want)
    return valid


def uint32(rng: np.random.Generator, size: int, count: int = SAMPLES) -> Array:
    """Numbers of every length, so that small ones are there, and the ends."""
    x = rng.integers(0, 2**32, (count, size)) >> rng.integers(0, 32, (count, size))
    x[0], x[1] = 0, 2**32 - 1
    return x.astype(np.uint32)


def int16(rng: np.random.Generator, size: int) -> Array:
    x = rng.integers(-32767, 32768, (SAMPLES, size)) >> rng.integers(0, 15, (SAMPLES, 1))
    x[0], x[1], x[2, ::2] = 0, 32767, -32767
    return x.astype(np.int16)


@pytest.mark.parametrize(("frames", "size", "shift"), [(1, 480, 12), (3, 16, 8), (1, 1, 15)])
def test_window(frames: int, size: int, shift: int) -> None:
    rng = np.random.default_rng(size)
    weights = rng.integers(-32768, 32768, size).astype(np.int16)
    x = int16(rng, frames * size)
    x[3] = -32768
    shape = (1, frames * size)
    model = custom("Window", [TensorSpec("x", shape, "int16"), TensorSpec("w", (size,), "int16", data=weights)],
                   [TensorSpec("y", shape, "int16")], shift=shift)  # fmt: skip
    check(model, x.reshape(SAMPLES, *shape))


@pytest.mark.parametrize("size", [1, 7, 480])
def test_auto_scale(size: int) -> None:
    x = int16(np.random.default_rng(size), size)
    model = custom("FftAutoScale", [TensorSpec("x", (size,), "int16")],
                   [TensorSpec("y", (size,), "int16"), TensorSpec("bits", (), "int32")])  # fmt: skip
    check(model, x)


@pytest.mark.parametrize(
    ("size", "length"), [(16, 16), (60, 64), (480, 512), (512, 512), (300, 2048)]
)
def test_rfft(size: int, length: int) -> None:
    x = int16(np.random.default_rng(length), size)
    x[3] = -32768  # sums wrap
    model = custom("Rfft", [TensorSpec("x", (1, size), "int16")], [TensorSpec("y", (1, length + 2), "int16")],
                   fft_length=length, T=7)  # fmt: skip
    check(model, x[:, None])


def test_energy() -> None:
    x = int16(np.random.default_rng(0), 34)
    x[3] = -32768
    model = custom("Energy", [TensorSpec("x", (34,), "int16")], [TensorSpec("y", (17,), "uint32")],
                   start_index=0, end_index=17)  # fmt: skip
    check(model, x)


@pytest.mark.parametrize("lowest", [0, -32768])
def test_filter_bank(lowest: int) -> None:
    rng = np.random.default_rng(1)
    widths = np.array([4, 0, 3, 8, 1])
    first = np.cumsum(widths) - widths
    tables = [
        rng.integers(lowest, 32768, 16),
        rng.integers(lowest, 32768, 16),
        first,
        first,
        widths,
    ]
    specs = [
        TensorSpec(f"t{i}", t.shape, "int16", data=t.astype(np.int16)) for i, t in enumerate(tables)
    ]
    model = custom("FilterBank", [TensorSpec("x", (16,), "uint32"), *specs],
                   [TensorSpec("y", (4,), "uint64")], num_channels=4)  # fmt: skip
    check(model, uint32(rng, 16))


def test_square_root() -> None:
    rng = np.random.default_rng(2)
    x = rng.integers(0, 2**64, (SAMPLES, 64), np.uint64) >> rng.integers(
        0, 64, (SAMPLES, 64)
    ).astype(np.uint64)
    roots = rng.integers(2, 2**32, 64).astype(np.uint64)
    # Squares and the numbers from which on a root is rounded up.
    x[0], x[1], x[2] = roots * roots, roots * roots - np.uint64(1), roots * roots + roots
    x[3], x[4], x[5] = x[2] + np.uint64(1), 2**64 - 1, 2**32 - 1
    bits = np.arange(SAMPLES).astype(np.int32)
    model = custom("FilterBankSquareRoot", [TensorSpec("x", (64,), "uint64"), TensorSpec("b", (), "int32")],
                   [TensorSpec("y", (64,), "uint32")])  # fmt: skip
    check(model, x, bits)


@pytest.mark.parametrize("clamping", [False, True])
@pytest.mark.parametrize("rest", [15975, 0])
def test_spectral_subtraction_keeps_its_noise(clamping: bool, rest: int) -> None:
    rng = np.random.default_rng(rest)
    x = np.concatenate([uint32(rng, 40, 6), uint32(rng, 40, 30) >> np.uint32(12)])
    shape = (40,)
    model = custom(
        "FilterBankSpectralSubtraction", [TensorSpec("x", shape, "uint32")],
        [TensorSpec("y", shape, "uint32"), TensorSpec("noise", shape, "uint32")],
        alternate_one_minus_smoothing=15401, alternate_smoothing=983, clamping=clamping,
        min_signal_remaining=819, num_channels=40, one_minus_smoothing=rest, smoothing=409,
        smoothing_bits=10, spectral_subtraction_bits=14,
    )  # fmt: skip
    check(model, x, sequence=True)


@pytest.mark.parametrize("shift", [0, 12, 31])
def test_pcan(shift: int) -> None:
    rng = np.random.default_rng(shift)
    table = rng.integers(-32768, 32768, 125).astype(np.int16)
    shape = (60,)
    model = custom("PCAN", [TensorSpec("x", shape, "uint32"), TensorSpec("n", shape, "uint32"),
                            TensorSpec("t", (125,), "int16", data=table)],
                   [TensorSpec("y", shape, "uint32")], snr_shift=shift)  # fmt: skip
    check(
        model,
        uint32(rng, 60),
        np.concatenate([uint32(rng, 60)[2:], np.arange(120, dtype=np.uint32).reshape(2, 60)]),
    )


@pytest.mark.parametrize(("scale", "bits"), [(1600, 3), (64, 0), (2**20, 31)])
def test_log(scale: int, bits: int) -> None:
    rng = np.random.default_rng(bits)
    x = np.concatenate([uint32(rng, 300), np.arange(600, dtype=np.uint32).reshape(2, 300)])
    model = custom("FilterBankLog", [TensorSpec("x", (300,), "uint32")], [TensorSpec("y", (300,), "int16")],
                   input_correction_bits=bits, output_scale=scale)  # fmt: skip
    check(model, x)


@pytest.mark.parametrize(("shape", "length"), [((1, 8), 3), ((2, 5), 12), ((6,), 0)])
def test_delay(shape: tuple[int, ...], length: int) -> None:
    x = np.random.default_rng(length).integers(-32768, 32768, (SAMPLES, *shape)).astype(np.int16)
    model = custom("Delay", [TensorSpec("x", shape, "int16")], [TensorSpec("y", shape, "int16")],
                   delay_length=length)  # fmt: skip
    check(model, x, sequence=True)


@pytest.mark.parametrize("prefill", [True, False])
@pytest.mark.parametrize(
    ("shape", "size", "step"), [((1, 6), 14, 6), ((2, 12), 10, 4), ((8,), 8, 8), ((1, 4), 9, 2)]
)
def test_framer(shape: tuple[int, ...], size: int, step: int, prefill: bool) -> None:
    x = np.random.default_rng(size).integers(-32768, 32768, (SAMPLES, *shape)).astype(np.int16)
    out = (*shape[:-1], shape[-1] // step, size)
    model = custom("Framer", [TensorSpec("x", shape, "int16")],
                   [TensorSpec("y", out, "int16"), TensorSpec("valid", (), "bool")],
                   frame_size=size, frame_step=step, prefill=prefill)  # fmt: skip
    valid = check_where_valid(model, x)
    assert not prefill or valid.all()


@pytest.mark.parametrize(("left", "right", "step"), [(0, 0, 1), (2, 1, 1), (1, 2, 4), (3, 0, 2)])
def test_stacker(left: int, right: int, step: int) -> None:
    x = np.random.default_rng(left).integers(-32768, 32768, (SAMPLES, 5)).astype(np.int16)
    outs = [TensorSpec("y", (5 * (left + 1 + right),), "int16"), TensorSpec("valid", (), "bool")]
    model = custom("Stacker", [TensorSpec("x", (5,), "int16")], outs, num_channels=5,
                   stacker_left_context=left, stacker_right_context=right, stacker_step=step)  # fmt: skip
    check_where_valid(model, x)


@pytest.mark.parametrize(
    ("outer", "frames", "size", "step"), [((), 1, 8, 3), ((2,), 3, 6, 6), ((1,), 2, 5, 1)]
)
def test_overlap_add(outer: tuple[int, ...], frames: int, size: int, step: int) -> None:
    shape = (*outer, frames, size)
    x = np.random.default_rng(size).integers(-32768, 32768, (SAMPLES, *shape)).astype(np.int16)
    model = custom("OverlapAdd", [TensorSpec("x", shape, "int16")],
                   [TensorSpec("y", (*outer, frames * step), "int16")], frame_step=step, T=7)  # fmt: skip
    check(model, x, sequence=True)


@pytest.mark.parametrize(
    ("name", "given", "found"),
    [
        ("Energy", {"start_index": 3, "end_index": 2}, "end_index"),
        ("Energy", {"start_index": 0, "end_index": 99}, "end_index"),
        ("Energy", {"end_index": 3}, "start_index"),
        ("Rfft", {"fft_length": 48}, "power of two"),
        ("Rfft", {"fft_length": 8}, "one frame"),
        ("Delay", {"delay_length": -1}, "delay_length"),
        ("OverlapAdd", {"frame_step": 1}, "int16 to int16"),
    ],
)
def test_options_outside_the_limits_are_refused(
    name: str, given: dict[str, int], found: str
) -> None:
    out = TensorSpec("y", (17,), "uint32" if name in ("Energy", "OverlapAdd") else "int16")
    with pytest.raises(EdgekitError) as refused:
        planned(custom(name, [TensorSpec("x", (34,), "int16")], [out], **given))
    assert refused.value.code == "EK202"
    assert found in refused.value.found


def test_damaged_options_are_none() -> None:
    whole = options({"shift": 12, "long_name": -5, "yes": True})
    assert numbers(whole) == {"shift": 12, "long_name": -5, "yes": 1}
    rng = np.random.default_rng(0)
    assert numbers(b"") is None
    for length in range(len(whole)):
        numbers(whole[:length])
    for _ in range(2000):
        bad = bytearray(whole)
        bad[rng.integers(len(bad))] = rng.integers(256)
        numbers(bytes(bad))


FRONT = 480  # samples of a frame, 30 ms


def front_end() -> bytes:
    """The chain of an audio front end as one file: window to logarithm, its noise carried."""
    rng = np.random.default_rng(0)
    widths = np.array([2, *np.linspace(2, 11, 40).astype(int)])
    first = np.cumsum(widths) - widths
    weights = rng.integers(0, 4097, widths.sum())
    hann = np.rint(4096 * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRONT) / FRONT)))
    gains = np.zeros(125)
    gains[:3], at = 32636, np.arange(6, 122, 4)
    gains[at], gains[at + 1], gains[at + 2] = 32000 - 240 * at, -90 - at, 30 + at

    def table(name: str, x: Array) -> TensorSpec:
        return TensorSpec(name, x.shape, "int16", data=x.astype(np.int16))

    def tensor(name: str, size: int, dtype: str) -> TensorSpec:
        return TensorSpec(name, (size,), dtype)

    energy, bands = tensor("energy", 257, "uint32"), tensor("bands", 40, "uint64")
    roots, noise = tensor("roots", 40, "uint32"), tensor("noise", 40, "uint32")
    above, loud = tensor("above", 40, "uint32"), tensor("loud", 40, "uint32")
    scaled, bits = tensor("scaled", FRONT, "int16"), TensorSpec("bits", (), "int32")
    windowed, bins = tensor("windowed", FRONT, "int16"), tensor("bins", 514, "int16")
    layers = [
        ("Window", [tensor("x", FRONT, "int16"), table("hann", hann)], [windowed], {"shift": 12}),
        ("FftAutoScale", [windowed], [scaled, bits], {}),
        ("Rfft", [scaled], [bins], {"fft_length": 512, "T": 7}),
        ("Energy", [bins], [energy], {"start_index": 0, "end_index": 257}),
        ("FilterBank", [energy, table("w", weights), table("u", 4096 - weights), table("s", first),
                        table("f", first), table("n", widths)], [bands], {"num_channels": 40}),
        ("FilterBankSquareRoot", [bands, bits], [roots], {}),
        ("FilterBankSpectralSubtraction", [roots], [above, noise],
         {"alternate_one_minus_smoothing": 15401, "alternate_smoothing": 983, "clamping": False,
          "min_signal_remaining": 819, "num_channels": 40, "one_minus_smoothing": 15975, "smoothing": 409,
          "smoothing_bits": 10, "spectral_subtraction_bits": 14}),
        ("PCAN", [above, noise, table("gains", gains)], [loud], {"snr_shift": 6}),
        ("FilterBankLog", [loud], [tensor("logs", 40, "int16")], {"input_correction_bits": 3, "output_scale": 1600}),
    ]  # fmt: skip
    return chain_model(
        [(f"CUSTOM:Signal{n}", i, o, {"custom_options": options(g)}) for n, i, o, g in layers]
    )


@pytest.mark.slow
def test_front_end_of_speech_models(tmp_path: Path) -> None:
    """Ten frames of rising noise and a tone: interpreter, simulator and C, state carried."""
    rng, t = np.random.default_rng(1), np.arange(10 * FRONT)
    sound = 40 * rng.normal(size=t.size) + np.linspace(0, 8000, t.size) * np.sin(t / 5)
    x = sound.reshape(10, FRONT).astype(np.int16)
    model = front_end()
    check(model, x, sequence=True)
    (tmp_path / "front.tflite").write_bytes(model)
    report = build(tmp_path / "front.tflite", output=tmp_path / "b", name="front")
    assert report["bit_exact"]
    assert report["state_bytes"] == 160
