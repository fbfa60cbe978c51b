"""Frames of the device protocol (runtime/port/PROTOCOL.md): to bytes and back out of any bytes."""

from __future__ import annotations

import enum
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

VERSION = 1
MAGIC = b"EK"
ANSWER = 0x80
ERROR = 0xFF
HEAD = struct.Struct("<2sBBH")
CRC = struct.Struct("<I")
OVERHEAD = HEAD.size + CRC.size

HELLO = struct.Struct("<HBBHIII8s")
ACCESS = struct.Struct("<BI")  # space, offset: of WRITE, before the data
READ = struct.Struct("<BIH")  # space, offset, length
EVENT = struct.Struct("<Bi")  # kind, value
FAILURE = struct.Struct("<BI")  # code, detail: of ERROR, before the text

TRACES, STOPPED = 1, 2  # flags of HELLO
EVENT_END, EVENT_STEP = 0, 1


class Request(enum.IntEnum):
    HELLO = 1
    WRITE = 2
    READ = 3
    RESET = 4
    RUN = 5
    CONTINUE = 6


class Failure(enum.IntEnum):
    TYPE = 1
    SIZE = 2
    RANGE = 3
    STATE = 4
    FAULT = 5
    NO_END = 6


@dataclass(frozen=True)
class Frame:
    type: int
    sequence: int
    payload: bytes = b""

    def encode(self) -> bytes:
        head = HEAD.pack(MAGIC, self.type, self.sequence, len(self.payload))
        body = head[2:] + self.payload
        return MAGIC + body + CRC.pack(zlib.crc32(body))


class Decoder:
    """Finds the sound frames in a stream; what lies between them is dropped.

    largest: bytes of payload; a longer frame is taken for noise. dropped: bytes so far that
    belonged to no sound frame.
    """

    def __init__(self, largest: int = 0xFFFF) -> None:
        self.largest = largest
        self.dropped = 0
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Every frame that `data` completes."""
        self._bytes += data
        while True:
            self._seek(0)
            if len(self._bytes) < HEAD.size:
                return
            _, kind, sequence, size = HEAD.unpack_from(self._bytes)
            end = HEAD.size + size
            if size > self.largest:
                self._seek(1)
                continue
            if len(self._bytes) < end + CRC.size:
                return
            if CRC.unpack_from(self._bytes, end)[0] == zlib.crc32(self._bytes[2:end]):
                payload = bytes(self._bytes[HEAD.size : end])
                del self._bytes[: end + CRC.size]
                yield Frame(kind, sequence, payload)
            else:
                self._seek(1)

    def rescan(self) -> Iterator[Frame]:
        """The frames inside of what has come, when nothing more will: its beginning was noise."""
        while self._bytes:
            self._seek(1)
            yield from self.feed(b"")

    def _seek(self, start: int) -> None:
        """Drop everything before the next place, from `start` on, where a frame may begin."""
        found = self._bytes.find(MAGIC, start)
        if found < 0:
            # The first byte of the magic may have come already, without the second.
            found = len(self._bytes) - (self._bytes[start:][-1:] == MAGIC[:1])
        self.dropped += found
        del self._bytes[:found]
