"""What all commands share: how they speak, how they fail, and what they exit with."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from edgekit import config
from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.progress import LayerBar, StageBar

Bar = TypeVar("Bar", "StageBar", "LayerBar")

OK, GATE_FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class Session:
    """The options every command shares, and how it speaks."""

    def __init__(self, format: str, quiet: bool, verbose: bool) -> None:
        self.json = format == "json"
        self.quiet = quiet
        self.verbose = verbose

    def show(self, report: dict[str, Any], text: str) -> None:
        """The command's result on standard output: one JSON object, or its text form."""
        if self.json:
            self._print_json(report)
        elif not self.quiet:
            self._print(text)

    def fail(self, error: EdgekitError) -> NoReturn:
        if self.json:
            self._print_json({"error": error.to_json()})
        click.echo("\n".join(error.lines()), err=True)
        sys.exit(error.exit_code)

    def fail_internally(self, bug: Exception) -> NoReturn:
        if self.verbose:
            traceback.print_exception(bug)
        self.fail(EdgekitError(
            "EK901", "internal error, please report it",
            found=f"{type(bug).__name__}: {bug}", help="-v prints the traceback",
        ))  # fmt: skip

    def _print_json(self, value: dict[str, Any]) -> None:
        from edgekit.bundle import to_json

        self._print(to_json(value).rstrip())

    def _print(self, text: str) -> None:
        try:
            click.echo(text)
        except BrokenPipeError:  # the reader, `head` perhaps, has seen enough: no failure of ours
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    @contextlib.contextmanager
    def progress(self, stages: int) -> Iterator[Callable[[str], None]]:
        """A callback that names the stage at work: a bar on a terminal, nothing elsewhere."""
        from edgekit.progress import StageBar

        with self._bar(lambda: StageBar(stages)) as bar:
            yield bar or (lambda stage: None)

    @contextlib.contextmanager
    def layers(self) -> Iterator[Callable[[str, int, int], None]]:
        """A callback that names the layer at work and how many of all are done."""
        from edgekit.progress import LayerBar

        with self._bar(LayerBar) as bar:
            yield bar or (lambda layer, done, total: None)

    @contextlib.contextmanager
    def _bar(self, make: Callable[[], Bar]) -> Iterator[Bar | None]:
        """A bar while the block runs, None where nobody would see it."""
        if self.quiet or not sys.stderr.isatty():
            yield None
            return
        with contextlib.closing(make()) as bar:
            yield bar


def command(group: click.Group) -> Callable[[Callable[..., int]], click.Command]:
    """A command of `group` with the common options; its function returns the exit code."""

    def wrap(function: Callable[..., int]) -> click.Command:
        @functools.wraps(function)
        def run(format: str, quiet: bool, verbose: bool, **arguments: Any) -> None:
            session = Session(format, quiet, verbose)
            try:
                code = function(session, **arguments)
            except EdgekitError as error:
                session.fail(error)
            except (KeyboardInterrupt, click.Abort):
                sys.exit(INTERRUPTED)
            except (click.ClickException, click.exceptions.Exit):
                raise
            except Exception as bug:
                session.fail_internally(bug)
            sys.exit(code)

        options = [
            config.option,
            click.option("--format", type=click.Choice(["text", "json"]), default="text", help="Form of the result."),
            click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors."),
            click.option("-v", "--verbose", is_flag=True, help="Print more, tracebacks of bugs too."),
        ]  # fmt: skip
        decorated: Callable[..., None] = run
        for option in reversed(options):
            decorated = option(decorated)
        return group.command()(decorated)

    return wrap
