"""The device protocol: frames in any noise, a lossy line, and both devices against the same rules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import mini
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import EdgekitError
from edgekit.target import load_target
from edgekit.validate.runners import frame
from edgekit.validate.runners.agent import build_model, build_program
from edgekit.validate.runners.device import DeviceRunner
from edgekit.validate.runners.frame import Decoder, Failure, Frame, Request
from edgekit.validate.runners.link import Fault, Link, Timing
from edgekit.validate.runners.machine import Guest
from edgekit.validate.runners.places import ended
from edgekit.validate.runners.stream import Process

FRAMES = st.builds(Frame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=40))
QUICK = Timing(answer=0.05, inference=0.2, start=0.1, retries=2)
LARGEST = 64


def test_a_frame_is_what_the_document_says() -> None:
    # The CRC is what gzip writes behind the bytes 05 2a 01 00 01.
    assert Frame(5, 42, b"\x01").encode() == bytes.fromhex("454b052a010001") + bytes.fromhex(
        "966d88b7"
    )


@given(st.lists(FRAMES, max_size=6), st.integers(1, 30))
def test_frames_come_back_whatever_the_chunks(frames: list[Frame], size: int) -> None:
    data = b"".join(f.encode() for f in frames)
    decoder = Decoder()
    found = [f for at in range(0, len(data), size) for f in decoder.feed(data[at : at + size])]
    assert found == frames
    assert decoder.dropped == 0


def test_a_frame_behind_a_damaged_length_is_found_when_nothing_more_comes() -> None:
    decoder, hidden = Decoder(), Frame(1, 2, b"payload")
    assert list(decoder.feed(b"EK\1\1\xff\x0f" + hidden.encode())) == []
    assert list(decoder.rescan()) == [hidden]


@given(st.lists(st.tuples(st.binary(max_size=30), FRAMES), max_size=5))
def test_frames_are_found_in_noise(parts: list[tuple[bytes, Frame]]) -> None:
    decoder = Decoder(LARGEST)
    data = b"".join(noise + f.encode() for noise, f in parts)
    # What looks like a frame in the noise is completed, and found damaged, by the zeros.
    found = list(decoder.feed(data + bytes(LARGEST + frame.OVERHEAD)))
    assert found == [f for _, f in parts]


@pytest.mark.parametrize("damage", ["lost", "changed"])
def test_one_damaged_byte_costs_one_frame(damage: str) -> None:
    good, after = Frame(2, 7, b"some EK payload"), Frame(3, 8, b"next")
    data = good.encode()
    for at in range(len(data)):
        middle = b"" if damage == "lost" else bytes([data[at] ^ 0x10])
        stream = data[:at] + middle + data[at + 1 :] + bytes(LARGEST + frame.OVERHEAD)
        decoder = Decoder(LARGEST)
        assert list(decoder.feed(stream + after.encode())) == [after], at
        assert decoder.dropped > 0


class Script:
    """A stream that answers each request by what a function makes of it."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.asked: list[Frame] = []
        self._decoder, self._out = Decoder(), b""

    def write(self, data: bytes) -> None:
        for asked in self._decoder.feed(data):
            self.asked.append(asked)
            answer = self.answers.pop(0) if self.answers else b""
            self._out += answer(asked) if callable(answer) else answer

    def read(self, timeout: float) -> bytes:
        out, self._out = self._out, b""
        return out

    def close(self) -> None: ...


def good(payload: bytes = b"", shift: int = 0) -> object:
    """An answer with that payload, its sequence off by `shift`."""
    return lambda f: Frame(f.type + frame.ANSWER, (f.sequence + shift) & 255, payload).encode()


def refusal(code: int, detail: int = 0, text: bytes = b"") -> object:
    payload = frame.FAILURE.pack(code, detail) + text
    return lambda f: Frame(frame.ERROR, f.sequence, payload).encode()


def code_of(stream: Script, request: str = "reset") -> str:
    with pytest.raises(EdgekitError) as caught:
        getattr(Link(stream, "board", QUICK), request)()
    assert caught.value.where == "board"
    return caught.value.code


def test_silence_is_asked_again_with_the_same_sequence_and_then_an_error() -> None:
    stream = Script()
    assert code_of(stream) == "EK601"
    assert len(stream.asked) == 1 + QUICK.retries
    assert len({f.sequence for f in stream.asked}) == 1


def test_a_second_asking_is_enough() -> None:
    stream = Script(b"", good())
    Link(stream, "board", QUICK).reset()
    assert len(stream.asked) == 2


def test_late_answers_are_ignored() -> None:
    stream = Script(lambda f: good(b"", -1)(f) + good()(f))  # type: ignore[operator]
    Link(stream, "board", QUICK).reset()
    assert code_of(Script(good(b"", 1))) == "EK601"


@pytest.mark.parametrize(
    "answer",
    [
        b"Hello, I am a boot loader\r\n",
        good(b"too long"),
        lambda f: Frame(0x99, f.sequence).encode(),
        refusal(Failure.RANGE, 99),
        refusal(77),
        lambda f: Frame(frame.ERROR, f.sequence, b"x").encode(),
    ],
)
def test_anything_else_violates_the_protocol(answer: object) -> None:
    assert code_of(Script(*[answer] * 3)) == "EK602"


@pytest.mark.parametrize("payload", [b"", frame.HELLO.pack(9, 0, 0, 1024, 1, 0, 0, bytes(8))])
def test_an_unknown_hello_violates_the_protocol(payload: bytes) -> None:
    assert code_of(Script(good(payload)), "hello") == "EK602"


def test_faults_carry_the_program_counter() -> None:
    with pytest.raises(Fault) as caught:
        Link(Script(refusal(Failure.FAULT, 0x1234, b"bus")), "board", QUICK).run()
    assert (caught.value.code, caught.value.pc, caught.value.found) == ("EK603", 0x1234, "bus")
    assert code_of(Script(refusal(Failure.NO_END, 0x1234)), "run") == "EK601"


def test_an_inference_left_standing_is_ended() -> None:
    hello = frame.HELLO.pack(1, frame.TRACES | frame.STOPPED, 0, 1024, 1, 0, 0, bytes(8))
    stream = Script(good(hello), good(frame.EVENT.pack(0, 0)))
    Link(stream, "board", QUICK).hello()
    assert stream.asked[1].type == Request.CONTINUE
    assert stream.asked[1].payload == b"\0"


class Lossy:
    """A stream that loses and changes bytes, both ways, always the same ones."""

    def __init__(self, inner: Process, seed: int) -> None:
        self._inner, self._rng = inner, np.random.default_rng(seed)

    def _spoil(self, data: bytes) -> bytes:
        array = np.frombuffer(data, np.uint8)
        chance = self._rng.random(len(array))
        flipped = np.where(chance < 0.002, array ^ 0x04, array)
        return flipped[chance < 0.998].tobytes()

    def write(self, data: bytes) -> None:
        self._inner.write(self._spoil(data))

    def read(self, timeout: float) -> bytes:
        return self._spoil(self._inner.read(timeout))

    def close(self) -> None:
        self._inner.close()


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Commands of both devices, running the bundle with state and able to stop."""
    folder = tmp_path_factory.mktemp("devices")
    deployed = mini.write_bundle(folder / "bundle", "stateful")
    (folder / "host").mkdir()
    agent = build_program(deployed, load_target("host"), folder / "host", traced=True)
    target = load_target("cortex-m4")
    (folder / "core").mkdir()
    elf = build_model(deployed, target, folder / "core", traced=True)
    guest = Guest.of(deployed, target, elf, True).to_json()
    module = "edgekit.validate.runners._unicorn"
    return {"agent.c": [str(agent)], "_unicorn": [sys.executable, "-m", module, guest]}


class Raw:
    """A device without any host logic: frames in, frames out."""

    def __init__(self, command: list[str]) -> None:
        self.process = Process(command, ended("the device"))
        self.decoder = Decoder()

    def ask(self, data: bytes, wait: float = 5.0) -> Frame | None:
        self.process.write(data)
        while chunk := self.process.read(wait):
            for answer in self.decoder.feed(chunk):
                return answer
        return None


@pytest.fixture(params=["agent.c", "_unicorn"])
def raw(devices: dict[str, list[str]], request: pytest.FixtureRequest) -> Iterator[Raw]:
    device = Raw(devices[request.param])
    yield device
    device.process.close()


def ask(raw: Raw, request: int, payload: bytes = b"", sequence: int = 1) -> tuple[int, bytes]:
    answer = raw.ask(Frame(request, sequence, payload).encode())
    assert answer is not None
    assert answer.sequence == sequence
    return answer.type, answer.payload


def test_devices_describe_themselves(raw: Raw) -> None:
    kind, payload = ask(raw, Request.HELLO)
    version, flags, _, _, *sizes, _ = frame.HELLO.unpack(payload)
    assert (kind, version, flags, sizes) == (0x81, 1, frame.TRACES, [32, 12, 0])


def test_devices_refuse_wrong_requests(raw: Raw) -> None:
    read, write = frame.READ.pack, frame.ACCESS.pack
    wrong = [
        (0, b"", Failure.TYPE),
        (7, b"", Failure.TYPE),
        (Request.READ, b"123", Failure.SIZE),
        (Request.READ, read(0, 30, 3), Failure.RANGE),
        (Request.READ, read(3, 0, 1), Failure.RANGE),
        (Request.READ, read(0, 0xFFFF_FFFF, 2), Failure.RANGE),
        (Request.WRITE, b"123", Failure.SIZE),
        (Request.WRITE, write(1, 11) + b"ab", Failure.RANGE),
        (Request.WRITE, write(2, 0) + b"a", Failure.RANGE),
        (Request.RESET, b"x", Failure.SIZE),
        (Request.RUN, b"", Failure.SIZE),
        (Request.CONTINUE, b"\0", Failure.STATE),
    ]
    for sequence, (request, payload, code) in enumerate(wrong):
        kind, found = ask(raw, request, payload, sequence)
        assert (kind, found[0]) == (frame.ERROR, code), (request, payload)


def test_devices_execute_a_request_once_however_often_it_comes(raw: Raw) -> None:
    ask(raw, Request.RESET)
    ask(raw, Request.WRITE, frame.ACCESS.pack(0, 0) + bytes(12))
    first = ask(raw, Request.RUN, b"\0", 9)
    assert first == (0x85, frame.EVENT.pack(0, 0))
    assert ask(raw, Request.RUN, b"\0", 9) == first
    # 7 + (3 * 0 + 1), once
    assert ask(raw, Request.READ, frame.READ.pack(1, 0, 12))[1] == bytes([8] * 12)


def test_devices_stop_after_every_step_and_stand_still(raw: Raw) -> None:
    ask(raw, Request.RESET)
    ask(raw, Request.WRITE, frame.ACCESS.pack(0, 0) + bytes(12))
    assert ask(raw, Request.RUN, b"\1", 2)[1] == frame.EVENT.pack(1, 0)
    assert ask(raw, Request.RUN, b"\1", 2)[1] == frame.EVENT.pack(1, 0)
    assert ask(raw, Request.READ, frame.READ.pack(0, 0, 12))[1] == bytes([1] * 12)
    for request in (Request.RUN, Request.RESET, Request.WRITE):
        assert ask(raw, request, b"\0", 3)[1][0] == Failure.STATE
    assert frame.HELLO.unpack(ask(raw, Request.HELLO)[1])[1] == frame.TRACES | frame.STOPPED
    assert ask(raw, Request.CONTINUE, b"\1", 4)[1] == frame.EVENT.pack(1, 1)
    assert ask(raw, Request.CONTINUE, b"\0", 5)[1] == frame.EVENT.pack(0, 0)
    assert ask(raw, Request.CONTINUE, b"\0", 6)[1][0] == Failure.STATE


def test_devices_find_a_request_behind_noise_and_damage(raw: Raw) -> None:
    payload = frame.HELLO.size * b"E"
    flush = bytes(4096 + frame.OVERHEAD)
    hello = Frame(Request.HELLO, 5).encode()
    for noise in (b"garbage EK", b"EKEKEK\xff\xff\xff", Frame(2, 1, payload).encode()[:-3]):
        answer = raw.ask(noise + flush + hello)
        assert answer is not None
        assert answer.sequence == 5
    broken = bytearray(hello)
    broken[-1] ^= 1
    assert raw.ask(bytes(broken), wait=0.3) is None
    assert raw.ask(flush + hello) is not None


@pytest.mark.parametrize("device", ["agent.c", "_unicorn"])
def test_a_lossy_line_costs_time_but_no_result(device: str, devices: dict[str, list[str]], tmp_path: Path) -> None:  # fmt: skip
    deployed = mini.write_bundle(tmp_path, "stateful")
    x = np.random.default_rng(3).integers(-128, 128, (5, 4, 12)).astype(np.int8)

    def open_link(traced: bool) -> Link:
        stream = Lossy(Process(devices[device], ended("the device")), seed=1)
        return Link(stream, "lossy", Timing(answer=0.2, inference=0.2, start=20, retries=30))

    with DeviceRunner("device", deployed, open_link, where="lossy") as runner:
        assert (runner.run([x], True)[0] == mini.stateful_outputs(x)).all()
