"""Recipes: the steps of a compression, from ``[[compress.step]]`` tables or from Python.

    [[compress.step]]
    kind = "prune"
    macs = 0.5

The kinds and their keys are the classes in `edgekit/compress/steps`.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
import sys
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from edgekit.compress.step import STEPS, Context, State, Step
from edgekit.errors import EdgekitError


@functools.cache
def step_kinds() -> Mapping[str, type[Step]]:
    """Import every file of `edgekit/compress/steps` and return the registry, sorted by kind."""
    package = importlib.import_module("edgekit.compress.steps")
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"{package.__name__}.{module}")
    return dict(sorted(STEPS.items()))


@dataclass(frozen=True)
class Recipe:
    """Steps in the order in which they are taken."""

    steps: tuple[Step, ...] = ()

    @staticmethod
    def of(tables: Iterable[Any], where: str = "recipe") -> Recipe:
        """From tables as TOML has them. Raises EK003 on whatever is unknown or does not fit."""
        if isinstance(tables, str | Mapping) or not isinstance(tables, Iterable):
            _refuse("the steps of a recipe are no list of tables", where, repr(tables),
                    "begin each step with a line [[compress.step]]")  # fmt: skip
        return Recipe(tuple(_step(t, f"{where}, step {i}") for i, t in enumerate(tables, 1)))

    @staticmethod
    def read(path: Path) -> Recipe:
        """From a TOML file; its other tables are for other commands. Raises EK003."""
        if sys.version_info >= (3, 11):
            import tomllib
        else:
            import tomli as tomllib
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as broken:
            reason = broken.strerror if isinstance(broken, OSError) else str(broken)
            _refuse("the recipe cannot be read", str(path), str(reason),
                    "write it as TOML with tables [[compress.step]]")  # fmt: skip
        table = tables.get("compress", {})
        steps = table.get("step", ()) if isinstance(table, dict) else ()
        if not steps:
            _refuse("the recipe has no steps", str(path), ", ".join(tables) or "nothing",
                    "begin each step with a line [[compress.step]]")  # fmt: skip
        return Recipe.of(steps, str(path))

    def tables(self) -> tuple[dict[str, Any], ...]:
        """The steps as TOML has them, with every key."""
        return tuple(step.table() for step in self.steps)

    def control(self) -> Recipe:
        """The recipe of the control row; the same one where no step has another."""
        return Recipe(tuple(c for step in self.steps if (c := step.control()) is not None))

    def run(self, state: State, context: Context) -> State:
        """Every step after the other."""
        for step in self.steps:
            context.progress(step.kind)
            state = step.run(state, context)
        return noted(state, self)


def noted(state: State, recipe: Recipe) -> State:
    """The state whose compression says by what recipe it was made."""
    return replace(state, compression=replace(state.compression, recipe=recipe.tables()))


def _step(table: Any, where: str) -> Step:
    kinds = step_kinds()
    if not isinstance(table, Mapping) or not isinstance(table.get("kind"), str):
        _refuse("a step of the recipe has no kind", where, repr(table),
                f'write kind = "...", one of {", ".join(kinds)}')  # fmt: skip
    word = table["kind"]
    if word not in kinds:
        _unknown("kind of step", word, kinds, where)
    cls, where = kinds[word], f"{where} ({word})"
    hints, values = cls.hints(), {}
    for key, value in table.items():
        if key == "kind":
            continue
        if key not in hints:
            _unknown("key", key, hints, where)
        if not fits(value, hints[key]):
            _refuse("a value of the recipe has the wrong type", f"{where}, {key}", repr(value),
                    f"wanted {_words(hints[key])}")  # fmt: skip
        values[key] = tuple(value) if isinstance(value, list) else value
    try:
        return cls.of(values)
    except EdgekitError as error:
        # What refuses a value does not know in which file and step it stands.
        key = error.where.rpartition(", ")[2] if ", " in error.where else ""
        raise EdgekitError(
            "EK003", error.message, where=f"{where}, {key}".rstrip(", "), found=error.found,
            help=error.help,
        ) from None  # fmt: skip
    except TypeError as missing:
        _refuse("a step of the recipe lacks a key", where, str(missing).partition(") ")[2],
                f"its keys are {', '.join(hints)}")  # fmt: skip


def fits(value: Any, hint: Any) -> bool:
    """Is a TOML value of this type: bool, int, float, str, lists and tables of them, or either of some?"""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return any(fits(value, part) for part in parts if part is not type(None))
    if origin is tuple:
        return isinstance(value, Sequence) and not isinstance(value, str) and all(
            fits(item, parts[0]) for item in value
        )  # fmt: skip
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            isinstance(k, str) and fits(v, parts[1]) for k, v in value.items()
        )
    if hint is float:
        return type(value) in (int, float) and abs(value) < float("inf")
    return type(value) is hint


def _words(hint: Any) -> str:
    """A type in words for messages."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_words(part) for part in parts if part is not type(None))
    if origin is tuple:
        return f"a list, each {_words(parts[0])}"
    if origin is not None:
        return "a table"
    names = {bool: "true or false", int: "an integer", float: "a number", str: "a string"}
    return names.get(hint, str(hint))


def _unknown(what: str, word: str, known: Iterable[str], where: str) -> NoReturn:
    near = difflib.get_close_matches(word, list(known), 1)
    _refuse(f"unknown {what} {word!r}", where, f"{word}, wanted one of {', '.join(known)}",
            f"did you mean {near[0]!r}?" if near else "remove it")  # fmt: skip


def _refuse(message: str, where: str, found: str, help: str) -> NoReturn:
    raise EdgekitError("EK003", message, where=where, found=found, help=help)
