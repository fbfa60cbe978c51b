"""Which channels go, so that a number of multiply-accumulates is reached."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from torch import Tensor

from edgekit.compress.torch.macs import Counter
from edgekit.compress.torch.tracing import Coupling
from edgekit.errors import EdgekitError

# by name of the coupling: the channels that go
Removed = dict[str, list[int]]


@dataclass
class Ranked:
    """A coupling with its slots from the least to the most important, and how many of them are gone.

    multiple: what the number of channels that stay is a multiple of; least: how many channels stay at any rate.
    """

    coupling: Coupling
    slots: list[tuple[int, ...]]
    scores: list[float]
    multiple: int
    least: int
    gone: int = 0
    blocks: list[int] = field(default_factory=list)

    def channels(self, gone: int | None = None) -> list[int]:
        """The channels that go with the first `gone` slots."""
        some = self.slots[: self.gone if gone is None else gone]
        return sorted(channel for slot in some for channel in slot)

    def block(self) -> int:
        """How many slots go next to arrive at a multiple; 0 where none may."""
        group, total = len(self.slots[0]), self.coupling.channels
        for gone in range(self.gone + 1, len(self.slots)):
            alive = total - gone * group
            if alive < self.least:
                return 0
            if alive % self.multiple == 0:
                return gone - self.gone
        return 0


def ranked(
    found: Sequence[Coupling],
    scores: Mapping[str, Tensor],
    *,
    multiple: int,
    least: Mapping[str, int],
) -> list[Ranked]:
    """The couplings with their slots in the order of the sum of the slots' scores."""
    result = []
    for coupling in found:
        score = [float(scores[coupling.name][list(slot)].sum()) for slot in coupling.slots]
        order = sorted(range(len(score)), key=lambda k: (score[k], k))
        slots, values = [coupling.slots[k] for k in order], [score[k] for k in order]
        floor = max(least[coupling.name], min(multiple, coupling.channels))
        result.append(Ranked(coupling, slots, values, multiple, floor))
    return result


def globally(entries: list[Ranked], counter: Counter, target: int) -> Removed:
    """Blocks of channels go one after another, each time the one with the least score for each MAC that it saves;
    at the end, blocks that turn out not to have been needed come back, the most important first."""
    removed: Removed = {}
    total = counter.total(removed)
    while total > target:
        best: tuple[float, Ranked, int, int] | None = None
        for entry in entries:
            block = entry.block()
            if not block:
                continue
            channels = entry.channels(entry.gone + block)
            left = counter.total(removed | {entry.coupling.name: channels})
            lost = sum(entry.scores[entry.gone : entry.gone + block])
            rate = lost / max(total - left, 1)
            if best is None or rate < best[0]:
                best = rate, entry, block, left
        if best is None:
            raise _too_few(total, counter)
        _, entry, block, total = best
        entry.gone += block
        entry.blocks.append(block)
        removed[entry.coupling.name] = entry.channels()
    _give_back(entries, counter, target, removed)
    return removed


def _give_back(entries: list[Ranked], counter: Counter, target: int, removed: Removed) -> None:
    def lost(entry: Ranked) -> float:
        return sum(entry.scores[entry.gone - entry.blocks[-1] : entry.gone])

    open_entries = [entry for entry in entries if entry.blocks]
    while open_entries:
        entry = max(open_entries, key=lost)
        name, fewer = entry.coupling.name, entry.gone - entry.blocks[-1]
        if counter.total(removed | {name: entry.channels(fewer)}) > target:
            open_entries.remove(entry)
            continue
        entry.gone = fewer
        entry.blocks.pop()
        removed[name] = entry.channels()
        if not entry.blocks:
            open_entries.remove(entry)


def by_layer(entries: list[Ranked], counter: Counter, target: int) -> Removed:
    """The same share of each coupling's channels, rounded down to a multiple where one may go so far: the largest share that reaches `target`."""
    shares = sorted(
        {Fraction(k, e.coupling.channels) for e in entries for k in range(1, e.coupling.channels + 1)},
        reverse=True,
    )  # fmt: skip
    removed: Removed = {}
    for share in shares:
        removed = {entry.coupling.name: _uniform(entry, share) for entry in entries}
        if counter.total(removed) <= target:
            return removed
    raise _too_few(counter.total(removed), counter)


def _uniform(entry: Ranked, share: Fraction) -> list[int]:
    group, total = len(entry.slots[0]), entry.coupling.channels
    trial = replace(entry, gone=0)
    while total - trial.gone * group > math.floor(share * total) and (block := trial.block()):
        trial.gone += block
    return trial.channels()


def _too_few(total: int, counter: Counter) -> EdgekitError:
    return EdgekitError(
        "EK001", "so few multiply-accumulates cannot be reached", where="macs",
        found=f"{total / max(counter.total(), 1):.3f} of them are left when nothing more may go",
        help="ask for more of them, a smaller multiple or least, or exclude fewer layers",
    )  # fmt: skip
