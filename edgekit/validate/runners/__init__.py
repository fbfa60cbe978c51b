"""Runners: a deployed model executed at a place named by the user, behind one interface."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol

from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.simulate import Simulator
from edgekit.target import Target
from edgekit.validate.runners.deployed import Deployed, deploy
from edgekit.validate.runners.link import DEFAULT, Timing
from edgekit.validate.runners.places import emulator, host, serial
from edgekit.validate.runners.ssh import ssh

__all__ = ["Deployed", "Runner", "deploy", "make_runner"]

Array = NDArray[Any]
PLACES = ("simulator", "host", "emulator", "serial:PORT", "ssh:HOST")


class Runner(Protocol):
    """A place that runs one model; leaving its `with` block closes it."""

    @property
    def name(self) -> str:
        """simulator, host, emulator or device."""

    def run(self, inputs: Sequence[Array], steps: bool = False) -> list[Array]:
        """Outputs [N, *shape], or [N, steps, *shape] where `steps` says that axis is there;
        arrays of the model's own types, state reset before each sample."""

    def trace(self, inputs: Sequence[Array], steps: bool = False) -> list[tuple[str, str, Array]]:
        """(layer, tensor, array) in order, of the last inference on ONE sample [(steps,) *shape];
        empty where the place cannot stop between layers."""

    def close(self) -> None: ...

    def __enter__(self) -> Runner: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class _Simulated(Simulator):
    """The simulator as a runner: it has nothing to close."""

    def __enter__(self) -> _Simulated:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def make_runner(place: str, deployed: Deployed, target: Target, timing: Timing = DEFAULT) -> Runner:
    """The runner of a place: one of `PLACES`, ``emulator:unicorn`` or ``emulator:qemu``.

    Compilers and devices are looked for at the first run. Raises EK001 for an unknown place, EK503
    and EK504 for a missing emulator.
    """
    kind, _, detail = place.partition(":")
    if place == "simulator" and deployed.program is not None:
        return _Simulated(deployed.program)
    if place == "host":
        return host(deployed, timing)
    if kind == "emulator":
        return emulator(detail, deployed, target, timing)
    if kind == "serial":
        return serial(detail, deployed, timing)
    if kind == "ssh":
        return ssh(detail, deployed, target, timing)
    raise EdgekitError(
        "EK001", "unknown place", where="--on", found=place, help=f"one of: {', '.join(PLACES)}"
    )
