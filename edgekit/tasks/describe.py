"""``[[task]]`` tables of edgekit.toml: what runs how often, and by when it has to be done.

[[task]]
model = "kws.tflite"
period = "200ms"
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from edgekit.emit.names import check_name, default_name
from edgekit.errors import EdgekitError

_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|ms|s)")
_OPTIMIZE = ("auto", "balanced", "speed", "size", "ram")
_SCHEMES = ("w8a8", "w4a8", "w8a16")


@dataclass(frozen=True)
class Task:
    """A job that comes back every `period`; times are nanoseconds.

    model: the file that a build is made of; bundle: a build that exists and is taken as it is; where both
    are None it is code of the user's own, of `wcet`. wcet: its longest time, None: counted. overhead: of a
    job beside the inference (filling the input, reading the output). priority: the larger, the more urgent;
    None where the deadlines decide. optimize: "auto" leaves the plan to the schedule.
    """

    name: str
    period: int
    deadline: int
    model: Path | None = None
    bundle: Path | None = None
    priority: int | None = None
    wcet: int | None = None
    overhead: int = 0
    optimize: str = "auto"
    scheme: str = "w8a8"
    calibration: Path | None = None
    scale: float | None = None
    offset: float | None = None


def read_tasks(tables: Any, folder: Path) -> list[Task]:
    """The tasks, the most urgent first; paths are relative to `folder`, where the file stands.

    Without priorities the shorter deadline comes first (deadline monotonic, Leung and Whitehead 1982; rate
    monotonic where deadlines are periods); what is equally urgent keeps the order of the file. Raises EK003.
    """
    if not isinstance(tables, Sequence) or isinstance(tables, str) or not tables:
        _refuse("there are no tasks", "[[task]]", "no table [[task]]", "see docs/SCHEDULE.md")
    tasks = [_read(table, f"[[task]] {i}", folder) for i, table in enumerate(tables, 1)]
    names = [task.name for task in tasks]
    for name in names:
        if names.count(name) > 1:
            _refuse("two tasks have one name", "[[task]]", name, "give each a name of its own")
    ranked = [task.priority is not None for task in tasks]
    if any(ranked) and not all(ranked):
        missing = tasks[ranked.index(False)].name
        _refuse(
            "some tasks have a priority, others none", f"[[task]] {missing}", "no priority",
            "give all of them one, or none",
        )  # fmt: skip
    return sorted(tasks, key=lambda t: t.deadline if t.priority is None else -t.priority)


def level_keys(tasks: Sequence[Task]) -> list[int]:
    """What is equal for tasks that never interrupt one another whatever the schedule decides: those of
    one priority, or of one deadline where there are no priorities."""
    return [t.deadline if t.priority is None else -t.priority for t in tasks]


def _read(table: Any, where: str, folder: Path) -> Task:
    if not isinstance(table, Mapping):
        _refuse("a task is no table", where, repr(table), "write it below a line [[task]]")
    readers: dict[str, Callable[[Any, str], Any]] = {
        "name": _name, "model": _text, "bundle": _text, "period": _time, "deadline": _time,
        "priority": _whole, "wcet": _time, "overhead": _time, "optimize": _one_of(*_OPTIMIZE),
        "scheme": _one_of(*_SCHEMES), "calibration": _text, "scale": _real, "offset": _real,
    }  # fmt: skip
    for key in table:
        if key not in readers:
            near = difflib.get_close_matches(key, readers, 1)
            _refuse(
                f"unknown key {key!r}", where, f"{key}, wanted one of {', '.join(sorted(readers))}",
                f"did you mean {near[0]!r}?" if near else "remove it",
            )  # fmt: skip
    values = {key: readers[key](value, f"{where}, {key}") for key, value in table.items()}
    for key in ("model", "bundle", "calibration"):
        if key in values:
            values[key] = folder / values[key]
    if "period" not in values:
        _refuse("a task has no period", where, "no key period", 'add period = "100ms"')
    values.setdefault("deadline", values["period"])
    if "name" not in values:
        values["name"] = _default_name(values, where)
    task = Task(**values)
    _check(task, f"{where} ({task.name})")
    return task


def _default_name(values: Mapping[str, Any], where: str) -> str:
    """The model's, or that of the bundle's folder."""
    path: Path | None = values.get("model") or values.get("bundle")
    if path is None:
        _refuse("a task has no name", where, "neither name, model nor bundle", "add a name")
    return default_name(path.stem if "model" in values else path.name)


def _check(task: Task, where: str) -> None:
    """Raises EK003 where keys contradict each other."""
    if task.model and task.bundle:
        _refuse("a task has two sources", where, "model and bundle", "leave one of them")
    if not 0 < task.deadline <= task.period:
        _refuse(
            "a deadline is not within the period", where,
            f"deadline {task.deadline} ns, period {task.period} ns",
            "a job has to be done before the next one comes",
        )  # fmt: skip
    if not (task.model or task.bundle or task.wcet):
        _refuse("a task has neither a model nor a time", where, "no model, bundle or wcet",
                "name the model, or the longest time of your own code")  # fmt: skip
    if task.model is None:
        given = [k for k in ("calibration", "scale", "offset") if getattr(task, k) is not None]
        given += ["optimize"] * (task.optimize != "auto") + ["scheme"] * (task.scheme != "w8a8")
        if given:
            _refuse("a key belongs to tasks with a model", where, ", ".join(given), "remove it")


def _name(value: Any, where: str) -> str:
    try:
        return check_name(_text(value, where))
    except EdgekitError as refused:
        _refuse(refused.message, where, refused.found, "choose another name")


def _text(value: Any, where: str) -> str:
    return value if isinstance(value, str) and value else _wrong(value, where, "a text in quotes")


def _whole(value: Any, where: str) -> int:
    return value if type(value) is int else _wrong(value, where, "a whole number")


def _real(value: Any, where: str) -> float:
    return float(value) if type(value) in (int, float) else _wrong(value, where, "a number")


def _time(value: Any, where: str) -> int:
    """Nanoseconds of "200ms"."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        _wrong(value, where, '"200ms", "1.5s", "40us"')
    return round(float(match[1]) * _NS[match[2]])


def _one_of(*words: str) -> Callable[[Any, str], str]:
    def read(value: Any, where: str) -> str:
        return str(value) if value in words else _wrong(value, where, "one of " + ", ".join(words))

    return read


def _wrong(value: Any, where: str, wanted: str) -> NoReturn:
    _refuse("a value cannot be used", where, f"{value!r}, wanted {wanted}", "see docs/SCHEDULE.md")


def _refuse(message: str, where: str, found: str, help: str) -> NoReturn:
    raise EdgekitError("EK003", message, where=where, found=found, help=help)
