"""The streams a link speaks over: a child process's pipes, a serial line."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from edgekit.errors import EdgekitError

_GRACE_S = 2.0


class Stream(Protocol):
    """Bytes to and from a device."""

    def write(self, data: bytes) -> None:
        """Raises EdgekitError when the other end is gone."""

    def read(self, timeout: float) -> bytes:
        """What has come, or comes within `timeout` seconds; b"" when nothing did.

        Raises EdgekitError when the other end is gone.
        """

    def close(self) -> None: ...


class Process:
    """A child process whose standard input and output are the stream.

    `ended` makes the error of a process that ended by itself, from its exit status (negative: a
    signal) and the end of what it wrote to standard error. `ends_alone`: it ends by itself when its
    input does; close() gives it the time.
    """

    def __init__(
        self,
        command: Sequence[str],
        ended: Callable[[int, str], EdgekitError],
        environment: Mapping[str, str] | None = None,
        *,
        ends_alone: bool = True,
    ) -> None:
        self._ended, self._grace_s = ended, _GRACE_S if ends_alone else 0
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0,
            env=environment,
        )  # fmt: skip
        self._chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        # A thread, because not every system can wait for a pipe with a time-out.
        self._reader = threading.Thread(target=self._pump, daemon=True)
        self._reader.start()

    def _pump(self) -> None:
        assert self._process.stdout is not None
        while chunk := os.read(self._process.stdout.fileno(), 1 << 16):
            self._chunks.put(chunk)
        self._chunks.put(b"")

    def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            while data:
                data = data[self._process.stdin.write(data) :]
        except OSError:
            raise self._gone() from None

    def read(self, timeout: float) -> bytes:
        try:
            chunk = self._chunks.get(timeout=max(timeout, 0))
        except queue.Empty:
            return b""
        if not chunk:
            self._chunks.put(chunk)
            raise self._gone()
        return chunk

    def _gone(self) -> EdgekitError:
        try:
            status = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return self._ended(status, "; ".join(lines[-3:]))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # The end of its input lets an agent end by itself, and ssh remove what it copied.
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(self._grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._errors.close()


class Serial:
    """A serial line, 8 data bits, no parity, 1 stop bit, no flow control."""

    def __init__(self, port: str, baud: int) -> None:
        if importlib.util.find_spec("serial") is None:
            raise EdgekitError(
                "EK504", "a serial line needs the package pyserial", where=port,
                help='pip install "edgekit[serial]"',
            )  # fmt: skip
        serial = importlib.import_module("serial")
        self._port = port
        try:
            self._line: Any = serial.Serial(port, baud, timeout=0, write_timeout=10)
        except (OSError, ValueError) as refused:
            raise EdgekitError(
                "EK601", "the serial port cannot be opened", where=port, found=str(refused),
                help="is it the right port, plugged in, and are you allowed to use it?",
            ) from None  # fmt: skip

    def write(self, data: bytes) -> None:
        try:
            self._line.write(data)
        except OSError as gone:
            raise self._gone(gone) from None

    def read(self, timeout: float) -> bytes:
        try:
            self._line.timeout = max(timeout, 0)
            first = bytes(self._line.read(1))
            return first and first + bytes(self._line.read(self._line.in_waiting))
        except OSError as gone:
            raise self._gone(gone) from None

    def _gone(self, reason: Exception) -> EdgekitError:
        return EdgekitError(
            "EK601", "the serial port is gone", where=self._port, found=str(reason),
            help="is the board still plugged in?",
        )  # fmt: skip

    def close(self) -> None:
        self._line.close()


def signal_name(status: int) -> str:
    """How a process ended, in words, from its exit status."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"
