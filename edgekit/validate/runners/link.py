"""The host's side of the device protocol: one request, one answer, over any stream."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

from edgekit.errors import EdgekitError
from edgekit.validate.runners import frame
from edgekit.validate.runners.frame import Decoder, Failure, Frame, Request
from edgekit.validate.runners.stream import Stream

_MAX_PAYLOAD = 1024  # until the device has said what it takes


@dataclass(frozen=True)
class Timing:
    """Seconds to wait: for an ordinary answer, for an inference, for the first answer of all (a
    board may start first); and how often to ask again."""

    answer: float = 2.0
    inference: float = 150.0
    start: float = 30.0
    retries: int = 3


DEFAULT = Timing()


class Hello(NamedTuple):
    version: int
    flags: int
    reserved: int
    max_payload: int
    arena_bytes: int
    state_bytes: int
    caller_bytes: int
    hash: bytes


class Event(NamedTuple):
    """An inference stopped after step `value`, or ended and returned `value`."""

    stopped: bool
    value: int


class Fault(EdgekitError):
    """EK603 from the device, with the program counter for whoever has the symbols."""

    def __init__(self, where: str, pc: int, text: str) -> None:
        super().__init__(
            "EK603", "the model faulted on the device", where=where,
            found=text or f"fault at {pc:#x}",
            help="this is a bug of edgekit unless the device lacks an instruction of the target",
        )  # fmt: skip
        self.pc = pc


class Link:
    """A device at the other end of `stream`; `where` names it in errors.

    Every method raises EK601 when no answer comes, EK602 when what comes is not the protocol, and
    EK603 when the model faults.
    """

    def __init__(self, stream: Stream, where: str, timing: Timing = DEFAULT) -> None:
        self._stream, self._where, self._timing = stream, where, timing
        self._decoder = Decoder()
        self._sequence = 0
        self._max_payload = _MAX_PAYLOAD

    def hello(self) -> Hello:
        """Who is there; an inference left standing by an earlier host is ended first."""
        tries = max(1, round(self._timing.start / self._timing.answer))
        payload = self._ask(Request.HELLO, b"", self._timing.answer, tries)
        if len(payload) != frame.HELLO.size:
            raise self._violated(f"HELLO of {len(payload)} bytes, wanted {frame.HELLO.size}")
        hello = Hello(*frame.HELLO.unpack(payload))
        if hello.version != frame.VERSION or hello.max_payload < 64:
            raise self._violated(
                f"version {hello.version} and payloads of {hello.max_payload} bytes, "
                f"wanted version {frame.VERSION} and at least 64"
            )
        self._max_payload = hello.max_payload
        if hello.flags & frame.STOPPED:
            self.resume(stop=False)
        return hello

    def write(self, space: int, offset: int, data: bytes) -> None:
        size = self._max_payload - frame.ACCESS.size
        for at in range(0, len(data), size):
            payload = frame.ACCESS.pack(space, offset + at) + data[at : at + size]
            self._expect(self._ask(Request.WRITE, payload), 0)

    def read(self, space: int, offset: int, length: int) -> bytes:
        parts = []
        for at in range(0, length, self._max_payload):
            size = min(self._max_payload, length - at)
            request = frame.READ.pack(space, offset + at, size)
            parts.append(self._expect(self._ask(Request.READ, request), size))
        return b"".join(parts)

    def reset(self) -> None:
        """Put the state back to before the first time step."""
        self._expect(self._ask(Request.RESET, b""), 0)

    def run(self, stop: bool = False) -> Event:
        """One inference: to its end, or with `stop` to the end of its first step."""
        return self._event(Request.RUN, stop)

    def resume(self, stop: bool = False) -> Event:
        """Go on from a stop: to the end of the inference, or with `stop` of the next step."""
        return self._event(Request.CONTINUE, stop)

    def close(self) -> None:
        self._stream.close()

    def _event(self, request: Request, stop: bool) -> Event:
        payload = self._ask(request, bytes([stop]), self._timing.inference)
        kind, value = frame.EVENT.unpack(self._expect(payload, frame.EVENT.size))
        if kind not in (frame.EVENT_END, frame.EVENT_STEP):
            raise self._violated(f"event {kind}, wanted 0 or 1")
        return Event(kind == frame.EVENT_STEP, value)

    def _ask(self, request: Request, payload: bytes, timeout: float = 0, tries: int = 0) -> bytes:
        """The answer's payload. Asks again with the same sequence when none comes in time."""
        timeout = timeout or self._timing.answer
        self._sequence = (self._sequence + 1) & 0xFF
        asked = Frame(request, self._sequence, payload).encode()
        dropped = self._decoder.dropped
        for attempt in range(tries or self._timing.retries + 1):
            if attempt:
                self._stream.write(bytes(self._max_payload + frame.OVERHEAD))
            self._stream.write(asked)
            answer = self._await(time.monotonic() + timeout)
            if answer is not None:
                return self._checked(request, answer)
        noise = self._decoder.dropped - dropped
        if noise:
            raise self._violated(
                f"{noise} bytes that are no frame, wanted the answer to {request.name}"
            )
        raise EdgekitError(
            "EK601", "the device does not answer", where=self._where,
            found=f"no answer to {request.name} within {timeout:g} s, asked {attempt + 1} times",
            help="is the agent's firmware running there, and are the port and its speed right?",
        )  # fmt: skip

    def _await(self, deadline: float) -> Frame | None:
        """The frame with the current sequence; frames with another one are late answers."""
        left = self._timing.answer
        while left > 0:
            left = deadline - time.monotonic()
            data = self._stream.read(max(left, 0))
            # A damaged length must not make us wait for as many bytes.
            for answer in self._decoder.feed(data) if data else self._decoder.rescan():
                if answer.sequence == self._sequence:
                    return answer
        return None

    def _checked(self, request: Request, answer: Frame) -> bytes:
        if answer.type == request + frame.ANSWER:
            return answer.payload
        if answer.type != frame.ERROR or len(answer.payload) < frame.FAILURE.size:
            raise self._violated(
                f"type {answer.type:#x} in answer to {request.name}, "
                f"wanted {request + frame.ANSWER:#x}"
            )
        code, detail = frame.FAILURE.unpack_from(answer.payload)
        text = answer.payload[frame.FAILURE.size :].decode(errors="replace")
        if code == Failure.FAULT:
            raise Fault(self._where, detail, text)
        if code == Failure.NO_END:
            raise EdgekitError(
                "EK601", "the model does not end", where=self._where,
                found=f"still running at {detail:#x} {text}".rstrip(),
            )  # fmt: skip
        name = Failure(code).name if code in Failure.__members__.values() else str(code)
        raise self._violated(f"error {name} {detail} {text}".rstrip() + f" to {request.name}")

    def _expect(self, payload: bytes, size: int) -> bytes:
        if len(payload) != size:
            raise self._violated(f"an answer of {len(payload)} bytes, wanted {size}")
        return payload

    def _violated(self, found: str) -> EdgekitError:
        return EdgekitError(
            "EK602", "the device does not speak the protocol", where=self._where, found=found,
            help="see runtime/port/PROTOCOL.md; was the device flashed by this version of edgekit?",
        )  # fmt: skip
