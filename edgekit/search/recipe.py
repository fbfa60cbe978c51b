"""The recipe that a search chose, as the TOML that `edgekit compress --recipe` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def recipe_text(report: Mapping[str, Any]) -> str:
    """``[[compress.step]]`` tables below the options of the build, and where they come from as a comment."""
    best = report["best"]
    lines = [
        f"# trial {best['trial']} of `edgekit search {report['model']}`, {report['trials']} trials, "
        f"seed {report['seed']}",
        "[compress]",
        f"target = {json.dumps(report['target_argument'])}",
        *(f"{key.replace('_', '-')} = {_value(value)}" for key, value in best["options"].items()),
    ]
    for step in best["recipe"]:
        lines += ["", "[[compress.step]]"]
        lines += [f"{key} = {_value(value)}" for key, value in step.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """A value as TOML; JSON's strings and numbers are TOML's, too."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{json.dumps(str(k))} = {_value(v)}" for k, v in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)
