"""A scheme for every layer, so that all weights fit a number of bytes and the outputs lose least.

Of all ways of a layer (`ways`) the one of least loss + price * bytes is taken, with the same price for all layers
(Shoham and Gersho, 1988, https://doi.org/10.1109/29.90373); the price is that at which the sum fits. Then the
network is rounded as a whole, and kept where it loses less than with one scheme for all layers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from edgekit.errors import EdgekitError
from edgekit.graph import Graph
from edgekit.quantize.evaluate import some
from edgekit.quantize.refit import output_error
from edgekit.quantize.schemes import MIXED
from edgekit.quantize.store import Quantization
from edgekit.quantize.ways import CODING, KINDS, Way, stored_bytes, ways_of
from edgekit.validate.data import Samples

# Schemes by node -> the network rounded by them.
Attempt = Callable[[Mapping[str, str]], tuple[Graph, Quantization]]

_COMPARED = 32  # samples
_HALVINGS = 60
_FITS = 3  # times that the network is rounded until it fits
_SAFE = 0.995  # of the budget, where an estimate was too low


def within_budget(
    graph: Graph,
    samples: Samples | None,
    layers: Mapping[str, str],
    weights: str,
    among: str,
    attempt: Attempt,
) -> tuple[dict[str, str], tuple[Graph, Quantization]]:
    """The scheme of every layer, by node, and what `attempt` made of them.

    graph: prepared; layers: the scheme that a layer must have, or ""; weights: "120K" bytes, or "40%" of those at
    eight bits; among: kinds of schemes; attempt: rounds the network. Raises EK001 where these cannot be read or
    met, EK203 without calibration data.
    """
    kinds = kinds_of(among)
    if samples is None:
        raise EdgekitError(
            "EK203", "a choice of schemes needs calibration data", where="--scheme mixed", found="none",
            help="pass --calibration DATA.npz (x: some tens of typical inputs)",
        )  # fmt: skip
    table, live = ways_of(graph, samples, layers, kinds)
    budget = budget_bytes(weights, sum(int(mask.sum()) for mask in live.values()))
    inputs, coding = some(graph, samples, _COMPARED), any(kind in kinds for kind in CODING)
    aim, tried = budget, []
    for _ in range(_FITS):
        for found in _distinct(cheapest(table, aim), alike(table, aim)):
            schemes = {name: way.scheme for name, way in found.items()}
            made = attempt(schemes)
            size = stored_bytes(graph, made[0], live, coding)
            loss = output_error(graph, made[0], inputs)
            tried.append((max(0, size - budget), loss, size, schemes, made))
        over, _, size, schemes, made = min(tried, key=lambda t: t[:3])
        if not over:
            break
        aim = int(_SAFE * aim * budget / size)
    if over:
        _too_small(budget, size)
    return schemes, made


def _distinct(*found: dict[str, Way]) -> list[dict[str, Way]]:
    return [way for at, way in enumerate(found) if way not in found[:at]]


def check_budget(scheme: str, weights: str) -> None:
    """Raises EK001 where a choice is asked for without the bytes, or the other way round."""
    if (scheme == MIXED) != bool(weights):
        raise EdgekitError(
            "EK001", "options that belong together", where="--scheme mixed --weights",
            found=f"--scheme {scheme}" + (f" --weights {weights}" if weights else ""),
            help="write --scheme mixed --weights 120K (or 40%)",
        )  # fmt: skip


def kinds_of(among: str) -> tuple[str, ...]:
    """ "w8a8,c" as its parts. Raises EK001 where there is no such kind of scheme."""
    found = tuple(filter(None, (word.strip() for word in among.split(","))))
    unknown = [word for word in found if word not in KINDS]
    if unknown or not found:
        raise EdgekitError(
            "EK001", "unknown schemes to choose from", where="--among", found=", ".join(unknown) or "none",
            help=f"write some of {','.join(KINDS)}, with commas",
        )  # fmt: skip
    return found


def budget_bytes(text: str, eight: int) -> int:
    """Bytes, from "120K" or from "40%" of `eight`. Raises EK001."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)([KM%]?)", text.strip())
    if not match or float(match[1]) <= 0:
        raise EdgekitError(
            "EK001", "the bytes of all weights cannot be read", where="--weights", found=repr(text),
            help="write them as --weights 120K or --weights 40%",
        )  # fmt: skip
    unit = {"": 1.0, "K": 1024.0, "M": 1024.0**2, "%": eight / 100}[match[2]]
    return int(float(match[1]) * unit)


def cheapest(table: Mapping[str, Sequence[Way]], budget: int) -> dict[str, Way]:
    """A way for every layer: of all that fit the least loss, but for what lies between two prices.

    Raises EK001 where even the fewest bytes are more.
    """
    found = {name: min(ways, key=lambda w: (w.nbytes, w.loss)) for name, ways in table.items()}
    if total(found) > budget:
        _too_small(budget, total(found))
    low, high = -60.0, 60.0  # logarithms of the price of a byte
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        tried = {n: _best(ways, math.exp(middle)) for n, ways in table.items()}
        if total(tried) <= budget:
            found, high = tried, middle
        else:
            low = middle
    return _spent(table, found, budget)


def _too_small(budget: int, least: int) -> NoReturn:
    raise EdgekitError(
        "EK001", "the weights cannot be made so small", where="--weights",
        found=f"{budget:,} bytes, where about {least:,} are needed",
        help="allow more, or further kinds of schemes with --among",
    )  # fmt: skip


def _best(ways: Sequence[Way], price: float) -> Way:
    return min(ways, key=lambda w: (w.loss + price * w.nbytes, w.nbytes, w.scheme))


def _spent(table: Mapping[str, Sequence[Way]], found: dict[str, Way], budget: int) -> dict[str, Way]:  # fmt: skip
    """What is left of the budget goes where a byte wins most, as long as any does."""
    while True:
        left = budget - total(found)
        better = [
            ((found[name].loss - way.loss) / (way.nbytes - found[name].nbytes), name, way.scheme, way)
            for name, ways in table.items()
            for way in ways
            if way.loss < found[name].loss and 0 < way.nbytes - found[name].nbytes <= left
        ]  # fmt: skip
        if not better:
            return found
        _, name, _, way = max(better, key=lambda b: b[:3])
        found = {**found, name: way}


def alike(table: Mapping[str, Sequence[Way]], budget: int) -> dict[str, Way]:
    """The same scheme for all layers that have a choice, the best that fits; `cheapest` where none does."""
    free = [{way.scheme for way in ways} for ways in table.values() if len(ways) > 1]
    tried = []
    for scheme in sorted(set.intersection(*free)) if free else ():
        one = {n: next((w for w in ways if w.scheme == scheme), ways[0]) for n, ways in table.items()}  # fmt: skip
        if total(one) <= budget:
            tried.append((sum(way.loss for way in one.values()), scheme, one))
    return min(tried, key=lambda t: t[:2])[2] if tried else cheapest(table, budget)


def total(found: Mapping[str, Way]) -> int:
    return sum(way.nbytes for way in found.values())
