"""A device in a process of its own: the device protocol in front of an emulated core.

    python -m edgekit.validate.runners._unicorn GUEST

`GUEST` is the JSON of a `machine.Guest`. Requests come on standard input, answers leave on standard
output. This is the protocol's second device beside runtime/port/agent.c.
"""

from __future__ import annotations

import os
import sys

from edgekit.validate.runners import frame
from edgekit.validate.runners.frame import Decoder, Failure, Frame, Request
from edgekit.validate.runners.machine import Guest, GuestFault, GuestHangs, Machine

_MAX_PAYLOAD = 4096
_TIMEOUT_S = 120.0


class Refused(Exception):
    """A request that is answered by ERROR."""

    def __init__(self, code: Failure, detail: int = 0, text: str = "") -> None:
        super().__init__(text)
        self.payload = frame.FAILURE.pack(code, detail & 0xFFFF_FFFF) + text.encode()


class Agent:
    """Answers requests about one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine, self._guest = machine, machine.guest
        self._paused = False
        self._executed: tuple[int, bytes] | None = None
        if self._guest.traced:
            machine.stop_at("ek_trace")

    def answer(self, asked: Frame) -> Frame:
        try:
            payload = self._answer(asked)
        except Refused as refused:
            return Frame(frame.ERROR, asked.sequence, refused.payload)
        return Frame(asked.type + frame.ANSWER, asked.sequence, payload)

    def _answer(self, asked: Frame) -> bytes:
        if asked.type == Request.HELLO:
            return self._hello()
        if asked.type not in list(Request):
            raise Refused(Failure.TYPE, asked.type)
        if asked.type in (Request.RUN, Request.CONTINUE):
            return self._execute(asked)
        if asked.type == Request.READ:
            return self._read(asked.payload)
        if self._paused:
            raise Refused(Failure.STATE)
        if asked.type == Request.WRITE:
            return self._write(asked.payload)
        return self._reset(asked.payload)

    def _hello(self) -> bytes:
        self._executed = None
        flags = frame.TRACES * self._guest.traced | frame.STOPPED * self._paused
        return frame.HELLO.pack(
            frame.VERSION,
            flags,
            0,
            _MAX_PAYLOAD,
            *self._guest.spaces,
            bytes.fromhex(self._guest.hash),
        )

    def _read(self, payload: bytes) -> bytes:
        if len(payload) != frame.READ.size:
            raise Refused(Failure.SIZE, len(payload))
        space, offset, length = frame.READ.unpack(payload)
        self._check(space, offset, length)
        return self._machine.read(space, offset, length)

    def _write(self, payload: bytes) -> bytes:
        if len(payload) < frame.ACCESS.size:
            raise Refused(Failure.SIZE, len(payload))
        space, offset = frame.ACCESS.unpack_from(payload)
        data = payload[frame.ACCESS.size :]
        self._check(space, offset, len(data))
        self._machine.write(space, offset, data)
        return b""

    def _check(self, space: int, offset: int, length: int) -> None:
        inside = space < len(self._guest.spaces) and offset + length <= self._guest.spaces[space]
        if not inside or length > _MAX_PAYLOAD:
            raise Refused(Failure.RANGE, offset)

    def _reset(self, payload: bytes) -> bytes:
        if payload:
            raise Refused(Failure.SIZE, len(payload))
        if self._guest.spaces[1]:
            self._call(f"{self._guest.name}_reset", [self._machine.bases[1]])
        return b""

    def _execute(self, asked: Frame) -> bytes:
        if self._executed is not None and self._executed[0] == asked.sequence:
            return self._executed[1]
        if self._paused != (asked.type == Request.CONTINUE):
            raise Refused(Failure.STATE)
        if len(asked.payload) != 1:
            raise Refused(Failure.SIZE, len(asked.payload))
        stop = bool(asked.payload[0])
        if self._paused:
            self._call()
        else:
            self._call(self._guest.entry, self._machine.arguments())
        while self._machine.stopped and not stop:
            self._call()
        self._paused = self._machine.stopped
        event = frame.EVENT.pack(
            frame.EVENT_STEP if self._paused else frame.EVENT_END, self._machine.result()
        )
        self._executed = asked.sequence, event
        return event

    def _call(self, function: str = "", arguments: list[int] | None = None) -> None:
        """Call a function, or without one go on from a stop."""
        try:
            if function:
                self._machine.call(function, arguments or [], _TIMEOUT_S)
            else:
                self._machine.resume(_TIMEOUT_S)
        except GuestFault as fault:
            self._paused = False
            code = Failure.NO_END if isinstance(fault, GuestHangs) else Failure.FAULT
            raise Refused(code, fault.pc, str(fault)) from None


def main(guest: str) -> int:
    agent = Agent(Machine(Guest.from_json(guest)))
    decoder = Decoder(_MAX_PAYLOAD)
    while data := os.read(0, 1 << 16):
        for asked in decoder.feed(data):
            answer = agent.answer(asked).encode()
            while answer:
                answer = answer[os.write(1, answer) :]
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
