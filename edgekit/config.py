"""``-c edgekit.toml``: defaults for a command's options, one table a command.

    [build]
    target = "stm32f446"
    budget = "ram=32K,flash=128K"

A key is an option's long name; what the command line says comes first.
"""

from __future__ import annotations

import difflib
import sys
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
    except (OSError, ValueError) as broken:
        reason = broken.strerror if isinstance(broken, OSError) else str(broken)
        raise EdgekitError(
            "EK003", "the configuration cannot be read", where=str(path), found=str(reason),
            help="see `edgekit build --help` for the options that it may set",
        ) from None  # fmt: skip
    commands = context.find_root().command
    known = commands.list_commands(context) if isinstance(commands, click.Group) else []
    _check(tables, known, "table", str(path))
    table = tables.get(str(context.info_name), {})
    options = {
        p.name.replace("_", "-"): p.name
        for p in context.command.params
        if isinstance(p, click.Option) and p.name
    }
    where = f"{path}, [{context.info_name}]"
    if not isinstance(table, dict):
        raise EdgekitError("EK003", "a command's entry is no table", where=where, found=repr(table))
    _check(table, list(options), "key", where)
    context.default_map = {options[key]: value for key, value in table.items()}


def _check(table: dict[str, Any], known: list[str], what: str, where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            raise EdgekitError(
                "EK003", f"unknown {what} {key!r}", where=where,
                found=f"{key}, wanted one of {', '.join(sorted(known))}",
                help=f"did you mean {near[0]!r}?" if near else "remove it",
            )  # fmt: skip
