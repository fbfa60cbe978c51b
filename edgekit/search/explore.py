"""The loop of a search: trials are asked for, run and told in order, and every step is on disk.

With `ahead` trials at a time, trial n is asked for when exactly the trials up to n - ahead have been told,
whichever finished first: the same seed gives the same trials with any timing, and after any kill.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.search.engines import Engine
from edgekit.search.front import OBJECTIVES
from edgekit.search.sampler import load_optuna, sampler
from edgekit.search.space import Space, Tables

Row = dict[str, Any]
Run = Callable[[Tables, Mapping[str, Any]], Row]
Progress = Callable[[str, int, int], None]

_NAME = "search"
_WORST = 1e15  # of sizes that are not known


def explore(
    storage: Path,
    space: Space,
    run: Run,
    engine: Engine,
    *,
    trials: int,
    seed: int,
    ahead: int,
    question: Mapping[str, Any],
    progress: Progress = lambda what, done, total: None,
) -> list[Row]:
    """The rows of the first `trials` trials, those of `storage` among them.

    run: what engines call; its row has ``accuracy``, sizes and ``excess``. question: what the search is
    about; a storage that was begun for another one is refused with EK001. An error of the first trial is
    raised, those of others are rows.
    """
    return _Exploration(storage, space, run, engine, seed, question).rows(trials, ahead, progress)


class _Exploration:
    def __init__(
        self, storage: Path, space: Space, run: Run, engine: Engine, seed: int,
        question: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.optuna, self.space, self.run, self.engine = load_optuna(), space, run, engine
        self.axes = space.axes()
        directions = ["maximize" if more else "minimize" for more in OBJECTIVES.values()]
        self.study = self.optuna.create_study(
            storage=_database(self.optuna, storage), study_name=_NAME, directions=directions,
            sampler=sampler(seed), load_if_exists=True,
        )  # fmt: skip
        known = self.study.user_attrs.get("question")
        if known is None:
            for params in space.anchors():
                self.study.enqueue_trial(params, skip_if_exists=True)
            self.study.set_user_attr("question", dict(question))
        elif known != dict(question):
            changed = sorted(k for k in {*known, *question} if known.get(k) != question.get(k))
            raise EdgekitError(
                "EK001", "the folder has another search", where=str(storage),
                found=f"begun with another {', '.join(changed)}", help="choose another -o",
            )  # fmt: skip
        self.trials: dict[int, Any] = {}  # that are open
        self.futures: dict[int, Future[Row]] = {}
        self.done: dict[int, Row] = {}  # that are not told yet

    def rows(self, trials: int, ahead: int, progress: Progress) -> list[Row]:
        told = self._told()
        progress("", told, trials)
        opened = told
        while opened < min(trials, told + ahead):
            self._open(opened)
            opened += 1
        while told < trials:
            while told not in self.done:
                self._collect()
            row = self.done.pop(told)
            self._tell(told, row)
            told += 1
            progress(_words(row), told, trials)
            if opened < trials:
                self._open(opened)
                opened += 1
        found = sorted(self.study.get_trials(deepcopy=False), key=lambda t: t.number)
        return [self._row(trial) for trial in found[:trials]]

    def _told(self) -> int:
        states = [t.state for t in sorted(self.study.get_trials(), key=lambda t: t.number)]
        complete = self.optuna.trial.TrialState.COMPLETE
        return next((n for n, state in enumerate(states) if state != complete), len(states))

    def _open(self, number: int) -> None:
        """Ask for a trial, or take up one that was begun, and hand it to the engine."""
        existing = next((t for t in self.study.get_trials() if t.number == number), None)
        running = self.optuna.trial.TrialState.RUNNING
        if existing is not None and existing.state == running:
            trial = self.optuna.trial.Trial(self.study, existing._trial_id)
        else:
            trial = self.study.ask()
        assert trial.number == number
        self.trials[number] = trial
        params = {n: trial.suggest_categorical(n, list(c)) for n, c in self.axes.items()}
        if existing is not None and "row" in existing.user_attrs:
            self.done[number] = existing.user_attrs["row"]
            return
        steps, options = self.space.recipe(params)
        twin = self._twin(number, steps, options)
        if twin is not None:
            self._keep(number, twin)
            return
        self.futures[number] = self.engine.submit(self.run, steps, options)

    def _twin(self, number: int, steps: Tables, options: Mapping[str, Any]) -> Row | None:
        """The row of an earlier trial with this very recipe."""
        for trial in self.study.get_trials(deepcopy=False):
            known = trial.number < number and "row" in trial.user_attrs
            if known and self.space.recipe(trial.params) == (steps, options):
                return dict(trial.user_attrs["row"]) | {"cpu_seconds": 0.0}
        return None

    def _collect(self) -> None:
        """Wait for a trial, and put what it found on disk at once."""
        wait(self.futures.values(), return_when=FIRST_COMPLETED)
        for number in [n for n, future in self.futures.items() if future.done()]:
            self._keep(number, self.futures.pop(number).result())

    def _keep(self, number: int, row: Row) -> None:
        self.trials[number].set_user_attr("row", row)
        self.done[number] = row

    def _tell(self, number: int, row: Row) -> None:
        error = row.get("error")
        if number == 0 and error:
            raise EdgekitError(
                error["code"], error["message"], where=error["where"], found=error["found"],
                help=error["help"],
            )  # fmt: skip
        values = []
        for key, more in OBJECTIVES.items():
            known = row.get(key)
            values.append(float(known) if known is not None else 0.0 if more else _WORST)
        trial = self.trials.pop(number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those that were set before a kill stay
            for limit, over in row["excess"].items():
                trial.set_constraint(limit, over)
        self.study.tell(trial, values)

    def _row(self, trial: Any) -> Row:
        steps, options = self.space.recipe(trial.params)
        return {
            "trial": trial.number,
            "recipe": steps,
            "options": options,
            **trial.user_attrs["row"],
        }


def _database(optuna: Any, path: Path) -> Any:
    """The storage: SQLite, whose transactions survive a kill. Raises EK001 for a file that is none."""
    try:
        return optuna.storages.RDBStorage(f"sqlite:///{path}")
    except Exception as broken:  # SQLAlchemy has errors of its own for each way to be broken
        raise EdgekitError(
            "EK001", "the trials of the folder cannot be read", where=str(path),
            found=str(broken).splitlines()[0], help="choose another -o",
        ) from None  # fmt: skip


def _words(row: Row) -> str:
    if row.get("error"):
        return str(row["error"]["message"])
    if row["accuracy"] is None:
        return "too large: " + ", ".join(n for n, over in row["excess"].items() if over > 0)
    return f"{row['accuracy']:.4f}, {row['flash_bytes']:,} B"
