"""A runner over a device link: feeds samples, reads outputs, reads every layer back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.validate.runners import frame
from edgekit.validate.runners.deployed import SPACES, Deployed, LayerTurn, Tensor
from edgekit.validate.runners.link import Fault, Link

Array = NDArray[Any]


class DeviceRunner:
    """Runs a deployed model at the other end of a link.

    open_link: opens a link to the firmware as it would be flashed (False), or to one that can stop
    after every step (True); each is opened when first needed. name_of: the function at an address.
    release: called by close(), after the links.
    """

    def __init__(
        self,
        name: str,
        deployed: Deployed,
        open_link: Callable[[bool], Link],
        *,
        where: str,
        name_of: Callable[[int], str] = hex,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self._deployed, self._open_link, self._where = deployed, open_link, where
        self._name_of, self._release = name_of, release
        self._links: dict[bool, tuple[Link, bool]] = {}

    def run(self, inputs: Sequence[Array], steps: bool = False) -> list[Array]:
        """Outputs [N, *shape], or [N, steps, *shape] where `steps` says that axis is there.

        The state is reset before each sample. Raises EK601 to EK603, and EK501 to EK504 for
        missing tools where the link is opened now.
        """
        link, _ = self._link(False)
        lead = inputs[0].shape[: 1 + steps]
        outputs = [np.empty((*lead, *t.shape), t.dtype) for t in self._deployed.outputs]
        for at in np.ndindex(*lead):
            if at[1:] in ((), (0,)):
                self._reset(link)
            self._infer(link, [x[at] for x in inputs])
            for tensor, output in zip(self._deployed.outputs, outputs, strict=True):
                output[at] = self._read(link, tensor)
        return outputs

    def trace(self, inputs: Sequence[Array], steps: bool = False) -> list[tuple[str, str, Array]]:
        """(layer, tensor, array) of every step of the last inference on one sample [(steps,) *shape].

        Empty where the device's firmware cannot stop between steps. Raises like `run`.
        """
        link, can_stop = self._link(True)
        if not can_stop:
            return []
        frames = zip(*inputs, strict=True) if steps else [inputs]
        *before, last = [list(arrays) for arrays in frames]
        self._reset(link)
        for arrays in before:
            self._infer(link, arrays)
        self._feed(link, last)
        layers = []
        whole: dict[str, Array] = {}
        turns = iter(self._deployed.schedule)
        try:
            event = link.run(stop=True)
            while event.stopped:
                turn, layer = next(turns), self._deployed.steps[event.value]
                for tensor in layer.outputs:
                    if layer.rows == 0 and turn.last:
                        whole[tensor.name] = self._read(link, tensor)
                    elif layer.rows:
                        self._collect(link, tensor, turn, whole)
                    if turn.last:
                        layers.append((layer.name, tensor.name, whole[tensor.name]))
                event = link.resume(stop=True)
        except Fault as fault:
            raise self._named(fault) from None
        self._succeeded(event.value)
        return layers

    def close(self) -> None:
        """Ends what was started for this runner."""
        for link, _ in self._links.values():
            link.close()
        self._links.clear()
        self._release()

    def __enter__(self) -> DeviceRunner:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _link(self, traced: bool) -> tuple[Link, bool]:
        """A link whose device holds this very model, and whether it can stop between steps."""
        if traced not in self._links:
            link = self._open_link(traced)
            try:
                hello = link.hello()
                self._same_model(hello.hash)
            except BaseException:
                link.close()
                raise
            self._links[traced] = link, bool(hello.flags & frame.TRACES)
        return self._links[traced]

    def _same_model(self, found: bytes) -> None:
        wanted = self._deployed.hash
        if found != wanted:
            raise EdgekitError(
                "EK602", "the device runs another model", where=self._where,
                found=f"model hash {found.hex()}, wanted {wanted.hex()}",
                help="flash the agent again, built with this bundle's C files",
            )  # fmt: skip

    def _reset(self, link: Link) -> None:
        if self._deployed.state_bytes:
            link.reset()

    def _infer(self, link: Link, arrays: Sequence[Array]) -> None:
        self._feed(link, arrays)
        try:
            event = link.run()
        except Fault as fault:
            raise self._named(fault) from None
        self._succeeded(event.value)

    def _feed(self, link: Link, arrays: Sequence[Array]) -> None:
        for tensor, array in zip(self._deployed.inputs, arrays, strict=True):
            data = np.ascontiguousarray(array, np.dtype(tensor.dtype).newbyteorder("<")).tobytes()
            assert len(data) == tensor.nbytes, tensor.name
            link.write(SPACES.index(tensor.space), tensor.offset, data)

    def _collect(
        self, link: Link, tensor: Tensor, turn: LayerTurn, whole: dict[str, Array]
    ) -> None:
        """Read the rows that a turn has made into `whole`: later turns may write over them."""
        array = whole.setdefault(tensor.name, np.zeros(tensor.shape, tensor.dtype))
        size = tensor.nbytes // tensor.shape[1]
        shape = (1, *tensor.shape[2:])
        for row in range(turn.first, turn.first + turn.n):
            at = tensor.rows[row] if tensor.rows else tensor.offset + row * size
            part = Tensor(tensor.name, shape, tensor.dtype, tensor.space, at, size)
            array[:, row] = self._read(link, part)

    def _read(self, link: Link, tensor: Tensor) -> Array:
        data = link.read(SPACES.index(tensor.space), tensor.offset, tensor.nbytes)
        array = np.frombuffer(data, np.dtype(tensor.dtype).newbyteorder("<"))
        return array.reshape(tensor.shape).astype(tensor.dtype)

    def _succeeded(self, result: int) -> None:
        if result != 0:
            raise EdgekitError(
                "EK603", "the model returned an error", where=self._where,
                found=f"{self._deployed.walker}() = {result}, wanted 0",
            )  # fmt: skip

    def _named(self, fault: Fault) -> EdgekitError:
        return EdgekitError(
            "EK603", fault.message, where=f"{self._where}, {self._name_of(fault.pc)}",
            found=fault.found, help=fault.help,
        )  # fmt: skip
