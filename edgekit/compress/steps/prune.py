"""Channels that matter least are taken out, in groups that go together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from edgekit.compress.importance import MEASURES
from edgekit.compress.prune import pruned
from edgekit.compress.step import Context, State, Step


@dataclass(frozen=True)
class Prune(Step):
    """macs, weights: the share that is left, one of both. importance: a key of `MEASURES`. scope: "global"
    (the cheapest channels of all layers) or "layer" (the same share of each). multiple: of the channels
    that are left. rounds: more than one ranks again after each part. refit: what is left is fitted to
    what it computed before; bias: or at least given the mean of what went. exclude: patterns of layers that
    keep their channels.
    """

    kind: ClassVar[str] = "prune"
    macs: float | None = None
    weights: float | None = None
    importance: str = "reconstruction"
    scope: str = "global"
    multiple: int = 4
    rounds: int = 1
    refit: bool = True
    bias: bool = True
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given = [share for share in (self.macs, self.weights) if share is not None]
        if len(given) != 1:
            self.wrong("macs", "macs or weights, and not both")
        if not 0 < given[0] < 1:
            self.wrong("macs" if self.weights is None else "weights", "a share between 0 and 1")
        if self.importance not in MEASURES:
            self.wrong("importance", f"one of {', '.join(MEASURES)}")
        if self.scope not in ("global", "layer"):
            self.wrong("scope", "global or layer")
        if not 1 <= self.multiple <= 256:
            self.wrong("multiple", "1 to 256")
        if not 1 <= self.rounds <= 100:
            self.wrong("rounds", "1 to 100")

    def run(self, state: State, context: Context) -> State:
        share = self.weights if self.macs is None else self.macs
        assert share is not None
        return pruned(
            state, context, measure=self.importance, unit="weights" if self.macs is None else "macs",
            left=share, scope=self.scope, multiple=self.multiple, rounds=self.rounds,
            refit=self.refit, bias=self.bias, exclude=self.exclude, source=context.source,
        )  # fmt: skip

    def control(self) -> Step:
        """Random channels, as many, and nothing that makes up for them."""
        return replace(self, importance="random", scope="layer", rounds=1, refit=False, bias=False)
