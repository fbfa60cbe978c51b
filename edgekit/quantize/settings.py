"""How numbers are chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgekit.errors import EdgekitError
from edgekit.quantize.schemes import MIXED, W8A8, is_coded
from edgekit.quantize.ways import KINDS

# Which layers' weights are fitted to what their layer computes (`learned`): those of fewer than eight bits,
# all, none.
ROUNDINGS = ("auto", "learned", "nearest")


@dataclass(frozen=True)
class Settings:
    """How numbers are chosen. ranges: a key of `ranges.RANGES`. scheme: one of `schemes`; layer_schemes: those of
    single layers, by patterns of their names. rounding: one of `ROUNDINGS`. power_of_two: scales are powers of two.
    weights: with the scheme "mixed", bytes ("120K") or share ("40%") of what all weights take at eight bits; among: the
    kinds of schemes that it chooses from (`ways.KINDS`)."""

    ranges: str = "percentile"
    equalize: bool = True
    bias_correction: bool = True
    scheme: str = W8A8
    layer_schemes: Mapping[str, str] = field(default_factory=dict)
    rounding: str = "auto"
    power_of_two: bool = False
    weights: str = ""
    among: str = ",".join(KINDS)


def check_powers(chosen: Mapping[str, str], settings: Settings) -> None:
    """Raises EK001 where scales are to be powers of two and numbers made for coded storage."""
    if settings.power_of_two and (settings.scheme == MIXED or any(map(is_coded, chosen.values()))):
        raise EdgekitError(
            "EK001", "two options cannot be combined", where="--power-of-two --scheme",
            found="numbers for coded storage, which have steps of any length", help="leave out one of them",
        )  # fmt: skip
