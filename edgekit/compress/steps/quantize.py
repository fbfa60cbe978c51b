"""How integers are chosen: the keys are those of `edgekit.quantize.Settings`."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from edgekit.compress.step import Context, State, Step
from edgekit.errors import EdgekitError
from edgekit.quantize import Settings
from edgekit.quantize.ranges import RANGES


@dataclass(frozen=True)
class Quantize(Step):
    """Numbers are chosen once, when all other steps are done; this step says how.

    given: the settings that differ from those before the step.
    """

    kind: ClassVar[str] = "quantize"
    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Step:
        ranges = values.get("ranges", "minmax")
        if ranges not in RANGES:
            raise EdgekitError(
                "EK003", "a value of the recipe is out of its range", where="step quantize, ranges",
                found=f"{ranges!r}, wanted one of {', '.join(RANGES)}", help="see docs/COMPRESSION.md",
            )  # fmt: skip
        return cls(dict(values))

    @classmethod
    def hints(cls) -> Mapping[str, Any]:
        known = typing.get_type_hints(Settings)
        return {f.name: known[f.name] for f in dataclasses.fields(Settings)}

    def table(self) -> dict[str, Any]:
        return {"kind": self.kind, **self.given}

    def run(self, state: State, context: Context) -> State:
        return replace(state, settings=replace(state.settings, **self.given))
