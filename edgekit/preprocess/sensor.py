"""Sensors: standardised numbers in a window that slides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgekit.errors import EdgekitError
from edgekit.preprocess.chain import Chain
from edgekit.preprocess.spec import Spec


@dataclass(frozen=True)
class Sensor(Spec):
    """int16 readings of `channels` axes, of which one step stands for `unit`, to (reading - mean) / std.

    mean and std come from the training data: one number, or one for each channel. new_rows: readings
    that each call brings; the window's others are kept from the calls before. 0: the whole window.
    """

    called: ClassVar[str] = "sensor"

    channels: int
    unit: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    new_rows: int = 0

    def __post_init__(self) -> None:
        self.demand_types()
        self.demand(1 <= self.channels <= 4096, "channels", "1 to 4096")
        self.demand(self.unit > 0, "unit", "a number above 0")
        for key in ("mean", "std"):
            self.demand(len(getattr(self, key)) in (1, self.channels), key, "one number, or one for each channel")  # fmt: skip
        self.demand(all(x > 0 for x in self.std), "std", "numbers above 0")
        self.demand(self.new_rows >= 0, "new_rows", "from 0")

    def write(self, chain: Chain) -> None:
        rows = self._rows(chain)
        fresh = self.new_rows or rows
        raw = chain.input((1, fresh, 1, self.channels), "int16", self.unit)
        row = chain.row(self.channels)
        readings = chain.like_target("readings", (1, fresh, *row))
        mean, deviation = (v * self.channels if len(v) == 1 else v for v in (self.mean, self.std))
        chain.add("standardise", [raw], readings, mean=mean, deviation=deviation, row=row)
        if fresh < rows:
            readings = chain.window("window", readings, rows, chain.silent(readings)[:, -1:])
        chain.end(readings)

    def _rows(self, chain: Chain) -> int:
        """Readings that the network takes."""
        rows, rest = divmod(chain.target.elements, self.channels)
        if rest or rows < max(1, self.new_rows):
            shape = "x".join(map(str, chain.target.shape))
            raise EdgekitError(
                "EK205", "the preprocessing does not make what the network takes",
                where=f"input {chain.name}",
                found=f"rows of {self.channels} readings, {self.new_rows or 'all'} new, wanted {shape}",
                help="change channels or new_rows",
            )  # fmt: skip
        return rows
