"""Progress bars on a terminal."""

from __future__ import annotations


class StageBar:
    """A progress bar on standard error; each call names the stage that begins."""

    def __init__(self, stages: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description:<14}"), BarColumn(30), TimeElapsedColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=stages, completed=-1)
        self._bar.start()

    def __call__(self, stage: str) -> None:
        self._bar.update(self._task, description=stage, advance=1)

    def close(self) -> None:
        self._bar.stop()


class LayerBar:
    """A progress bar on standard error that counts layers and names the one at work."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (BarColumn(30), MofNCompleteColumn(), TextColumn("{task.description}"))
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=None)
        self._bar.start()

    def __call__(self, layer: str, done: int, total: int) -> None:
        self._bar.update(self._task, description=layer, completed=done, total=total)

    def close(self) -> None:
        self._bar.stop()
