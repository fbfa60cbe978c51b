"""What a search may choose: how much is pruned, with how many bits and how weights are kept, what is streamed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgekit.errors import EdgekitError

Params = Mapping[str, Any]
Tables = list[dict[str, Any]]

_MOST_FINE = 8  # layers that may keep eight bits


@dataclass(frozen=True)
class Space:
    """The choices of each parameter; one with a single choice is none.

    keep: shares of the multiply-accumulates that pruning leaves, 1 without it. schemes: of quantization,
    the first is the finest. fragile: layers by what fewer bits cost them, the worst first; so many of them as
    a trial says keep the first scheme. optimize: what the plan streams for. storage: which weights flash
    holds as streams of bits.
    """

    keep: tuple[float, ...] = (1.0,)
    schemes: tuple[str, ...] = ()
    fragile: tuple[str, ...] = ()
    optimize: tuple[str, ...] = ("balanced",)
    storage: tuple[str, ...] = ("none",)

    def axes(self) -> dict[str, tuple[Any, ...]]:
        """The parameters of a trial with their choices."""
        found: dict[str, tuple[Any, ...]] = {
            "keep": self.keep,
            "scheme": self.schemes,
            "fine": tuple(range(min(_MOST_FINE, len(self.fragile)) + 1)),
            "optimize": self.optimize,
            "storage": self.storage,
        }
        return {name: choices for name, choices in found.items() if len(choices) > 1}

    def anchors(self) -> list[dict[str, Any]]:
        """The first trials: nothing pruned, each scheme in all layers, the first of all other choices."""
        first = {name: choices[0] for name, choices in self.axes().items()}
        whole = first | ({"keep": 1.0} if "keep" in first else {})
        if "scheme" not in first:
            return [whole]
        return [whole | {"scheme": scheme} for scheme in self.schemes]

    def recipe(self, params: Params) -> tuple[Tables, dict[str, Any]]:
        """The steps of a trial as tables of a recipe, and the options of its build."""
        keep = params.get("keep", self.keep[0])
        steps: Tables = [{"kind": "prune", "macs": keep}] if keep < 1 else []
        scheme = params.get("scheme", self.schemes[0] if self.schemes else "")
        if scheme:
            fine = self.fragile[: params.get("fine", 0)] if scheme != self.schemes[0] else ()
            step: dict[str, Any] = {"kind": "quantize", "scheme": scheme}
            if fine:
                step["layer_schemes"] = dict.fromkeys(fine, self.schemes[0])
            steps.append(step)
        return steps, {
            "optimize": params.get("optimize", self.optimize[0]),
            "code_weights": params.get("storage", self.storage[0]),
        }


def shares(text: str) -> tuple[float, ...]:
    """``0.4:1:0.1`` (first, last, step) or ``0.5,1`` to shares, the largest first. Raises EK001."""
    try:
        if ":" in text:
            low, high, step = (float(part) for part in text.split(":"))
            count = round((high - low) / step) if step > 0 else -1
            found = [round(low + i * step, 6) for i in range(count + 1)]
        else:
            found = [float(part) for part in text.split(",")]
        if not found or not all(0 < share <= 1 for share in found):
            raise ValueError
    except ValueError:
        raise EdgekitError(
            "EK001", "the shares cannot be read", where="--keep", found=text,
            help="write them as 0.5,0.75,1 or as first:last:step, for example 0.4:1:0.1",
        ) from None  # fmt: skip
    return tuple(sorted(set(found), reverse=True))


def words(text: str) -> tuple[str, ...]:
    """``a,b`` to its words."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
