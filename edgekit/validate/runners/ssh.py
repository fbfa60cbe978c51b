"""A computer reached by ssh: the program is copied there and speaks over ssh's pipes."""

from __future__ import annotations

import functools
import shlex
import subprocess
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.target import Target
from edgekit.validate.runners.agent import build_program
from edgekit.validate.runners.deployed import Deployed
from edgekit.validate.runners.device import DeviceRunner
from edgekit.validate.runners.link import DEFAULT, Link, Timing
from edgekit.validate.runners.places import Workshop
from edgekit.validate.runners.stream import Process, signal_name

_LOST = 255  # the exit status of ssh for its own errors
_COPY_TIMEOUT_S = 120


def ssh(destination: str, deployed: Deployed, target: Target, timing: Timing = DEFAULT) -> DeviceRunner:  # fmt: skip
    """A computer reached by ssh: the static program is copied there and speaks over the pipes."""
    if not destination or destination.startswith("-") or target.system != "hosted":
        raise EdgekitError(
            "EK001", "ssh runs programs of an operating system on a host", where="--on",
            found=f"host {destination!r}, target {target.name} ({target.system})",
            help="name a host, and a target that has an operating system, such as rpi4",
        )  # fmt: skip
    where, shop = f"ssh {destination}", Workshop()

    def open_link(traced: bool) -> Link:
        agent = build_program(deployed, target, shop.folder(traced), traced=traced)
        remote = shlex.quote(_copy(destination, agent))
        run = f"{remote}; code=$?; rm -f {remote}; exit $code"
        lost = functools.partial(_failed, "the program", destination)
        return Link(Process(_ssh(destination, run), lost), where, timing)

    return DeviceRunner("device", deployed, open_link, where=where, release=shop.close)


def _ssh(destination: str, command: str) -> list[str]:
    return [
        "ssh",
        "-T",
        "-o",
        "BatchMode=yes",
        "-o",
        "ConnectTimeout=15",
        "--",
        destination,
        command,
    ]


def _copy(destination: str, agent: Path) -> str:
    """Copy a program to a new file of the remote machine; its path there."""
    command = _ssh(destination, 'f=$(mktemp) && cat > "$f" && chmod 700 "$f" && echo "$f"')
    try:
        done = subprocess.run(
            command, input=agent.read_bytes(), capture_output=True, timeout=_COPY_TIMEOUT_S
        )
    except FileNotFoundError:
        raise EdgekitError(
            "EK503", "ssh is not installed", where=f"ssh {destination}",
            help="apt install openssh-client",
        ) from None  # fmt: skip
    except subprocess.TimeoutExpired:
        raise EdgekitError(
            "EK601", "the device does not answer", where=f"ssh {destination}",
            found=f"no end of the copy after {_COPY_TIMEOUT_S} s",
        ) from None  # fmt: skip
    if done.returncode:
        found = done.stderr.decode(errors="replace").strip()
        raise _failed("the copy", destination, done.returncode, found)
    return done.stdout.decode().strip()


def _failed(what: str, destination: str, status: int, text: str) -> EdgekitError:
    if status == _LOST:
        return EdgekitError(
            "EK601", "there is no connection to the device", where=f"ssh {destination}",
            found=text, help=f"does `ssh {destination} true` work without a password?",
        )  # fmt: skip
    return EdgekitError(
        "EK603", f"{what} failed on the device", where=f"ssh {destination}",
        found=f"{signal_name(status)} {text}".rstrip(),
        help="is the target the right one for that computer?",
    )  # fmt: skip
