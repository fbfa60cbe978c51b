"""``-c edgekit.toml``: defaults for a command's options, one table a command.

    [build]
    target = "stm32f446"
    budget = "ram=32K,flash=128K"

A key is an option's long name, a value its text, a number, or true and false for a flag. What the
command line says comes first. Tables ``[[compress.step]]`` are the recipe of `edgekit compress`. Tables
``[preprocess.<input>]`` say what stands in front of an input, for every command that reads a model
(`preprocess`); tables ``[[task]]`` are those of `schedule`.
"""

from __future__ import annotations

import difflib
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgekit.errors import EdgekitError


def option(function: Any) -> Any:
    """The ``-c/--config`` option of a command."""
    return click.option(
        "-c",
        "--config",
        type=click.Path(path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_load,
        help="A TOML file with defaults for the options.",
    )(function)


_PREPROCESS = "preprocess"
RECIPE = "recipe"  # where a command finds the file with the steps ``[[compress.step]]``
_TASKS, _FOLDER = "task", "folder"


def preprocess(function: Callable[..., int]) -> Callable[..., int]:
    """Gives a command the tables ``[preprocess.<input>]`` of its configuration, as `preprocess`."""

    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> int:
        tables = click.get_current_context().meta.get(_PREPROCESS, {})
        return function(*arguments, preprocess=tables, **options)

    return run


def recipe(context: click.Context, parameter: click.Parameter, given: Path | None) -> Path:
    """The file that holds the steps: the one that is named, or the configuration. Raises EK001."""
    found = given or context.meta.get(RECIPE)
    if found is None:
        raise EdgekitError(
            "EK001", "there is no recipe", where=f"edgekit {context.info_name}",
            found="neither --recipe nor --config with steps",
            help='write steps [[compress.step]] with kind = "prune" or others into a TOML file',
        )  # fmt: skip
    return Path(found)


def tasks(function: Callable[..., int]) -> Callable[..., int]:
    """Gives a command the tables ``[[task]]`` of its configuration, and the file's folder."""

    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> int:
        meta = click.get_current_context().meta
        return function(
            *arguments, tasks=meta.get(_TASKS, []), folder=meta.get(_FOLDER, Path()), **options
        )

    return run


def sizes(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, int]:
    """``NAME=SIZE`` of every ``--dim``, also several in one with commas. Raises EK001."""
    found = {}
    for part in (part for text in given for part in text.split(",")):
        name, equals, size = part.strip().partition("=")
        if not (name and equals and size.isdecimal() and int(size) > 0):
            raise EdgekitError(
                "EK001", "a dimension cannot be read", where="--dim", found=part,
                help="write it as --dim NAME=SIZE, with a size from 1",
            )  # fmt: skip
        found[name] = int(size)
    return found


def schemes(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    """``NAME=SCHEME`` of every ``--layer-scheme``, also several in one with commas. Raises EK001."""
    found = {}
    for part in (part for text in given for part in text.split(",")):
        name, _, scheme = part.strip().rpartition("=")
        if not (name and scheme):
            raise EdgekitError(
                "EK001", "a layer's scheme cannot be read", where="--layer-scheme", found=part,
                help="write it as --layer-scheme NAME=SCHEME, for example --layer-scheme 'conv_*=w8a16'",
            )  # fmt: skip
        found[name] = scheme
    return found


def _load(context: click.Context, parameter: click.Parameter, path: Path | None) -> None:
    """Make the file's table for this command the defaults of its options. Raises EK003."""
    if path is None:
        return
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as broken:
        reason = broken.strerror if isinstance(broken, OSError) else str(broken)
        raise EdgekitError(
            "EK003", "the configuration cannot be read", where=str(path), found=str(reason),
            help="see `edgekit build --help` for the options that it may set",
        ) from None  # fmt: skip
    commands = context.find_root().command
    known = commands.list_commands(context) if isinstance(commands, click.Group) else []
    context.meta[_PREPROCESS] = tables.pop(_PREPROCESS, {})
    context.meta[_TASKS], context.meta[_FOLDER] = tables.pop(_TASKS, []), path.parent
    _check(tables, known, "table", str(path))
    table = tables.get(str(context.info_name), {})
    options = {
        name: p for p in context.command.params if (name := _long_name(p)) and p is not parameter
    }
    where = f"{path}, [{context.info_name}]"
    if context.info_name == "compress" and isinstance(table, dict) and "step" in table:
        context.meta[RECIPE] = path
        table = {key: value for key, value in table.items() if key != "step"}
    if not isinstance(table, dict):
        raise EdgekitError(
            "EK003", "a command's entry is no table", where=where, found=repr(table),
            help=f"write it below a line [{context.info_name}]",
        )  # fmt: skip
    _check(table, list(options), "key", where)
    values = {key: _value(options[key], key, value, where) for key, value in table.items()}
    context.default_map = {
        str(options[key].name): value for key, value in values.items() if value is not None
    }


def _long_name(parameter: click.Parameter) -> str:
    """``keep-input`` of ``--keep-input``; "" for an argument."""
    return next((name[2:] for name in parameter.opts if name.startswith("--")), "")


def _value(
    option: click.Parameter, key: str, value: Any, where: str
) -> str | bool | list[str] | None:
    """`value` as the option takes it, a list where the command line may repeat the option; of a flag that
    stands for a word the word, None where it is off."""
    if not option.multiple:
        one = _one(option, key, value, where)
        word = option.flag_value if isinstance(option, click.Option) and option.is_flag else None
        return (word if one else None) if isinstance(word, str) else one
    items = value if isinstance(value, list) else [value]
    return [str(_one(option, key, item, where)) for item in items]


def _one(option: click.Parameter, key: str, value: Any, where: str) -> str | bool:
    """Raises EK003 on a value of another type."""
    flag = isinstance(option, click.Option) and option.is_flag
    if isinstance(value, bool) != flag or not isinstance(value, str | int | float):
        raise EdgekitError(
            "EK003", "a value has the wrong type", where=f"{where}, {key}", found=repr(value),
            help="write true or false" if flag else "write it in quotes, as on the command line",
        )  # fmt: skip
    return value if isinstance(value, bool) else str(value)


def _check(table: dict[str, Any], known: list[str], what: str, where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            raise EdgekitError(
                "EK003", f"unknown {what} {key!r}", where=where,
                found=f"{key}, wanted one of {', '.join(sorted(known))}",
                help=f"did you mean {near[0]!r}?" if near else "remove it",
            )  # fmt: skip
