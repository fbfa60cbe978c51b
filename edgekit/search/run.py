"""`edgekit search`: trials under a budget, their front, and the best recipe built and judged once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgekit import __version__, schema
from edgekit.bundle import sha256, to_json
from edgekit.emit.names import check_name, default_name
from edgekit.errors import EdgekitError
from edgekit.plan import OPTIMIZE
from edgekit.preprocess import tables
from edgekit.quantize.schemes import MIXED, check_scheme
from edgekit.report import parse_budget
from edgekit.rewrite.code_weights import MODES
from edgekit.search.drawing import draw
from edgekit.search.engines import open_engine
from edgekit.search.explore import explore
from edgekit.search.front import ranked
from edgekit.search.recipe import recipe_text
from edgekit.search.sampler import load_optuna
from edgekit.search.space import Space
from edgekit.search.split import halves
from edgekit.search.trial import Setup, Trial, fragile_layers, reference_of
from edgekit.target import Target, load_target

STORAGE, REPORT, RECIPE, DRAWING, BUNDLE = (
    "search.db", "search.json", "edgekit.toml", "front.svg", "bundle",
)  # fmt: skip

Report = dict[str, Any]
Progress = Callable[[str, int, int], None]


def search(
    model: str | Path,
    *,
    target: str = "host",
    budget: str = "",
    trials: int = 30,
    test: str | Path,
    select: str | Path | None = None,
    data: str | Path | None = None,
    calibration: str | Path | None = None,
    scale: float | None = None,
    offset: float | None = None,
    metric: str | None = None,
    dims: Mapping[str, int] | None = None,
    preprocess: Mapping[str, Any] | None = None,
    name: str = "",
    keep: Iterable[float] = (1.0,),
    schemes: Iterable[str] = (),
    optimize: Iterable[str] = ("balanced", "speed", "ram"),
    storage: Iterable[str] = MODES,
    prefer: str = "accuracy",
    seed: int = 0,
    workers: int = 1,
    engine: str = "local",
    scheduler: str = "",
    output: str | Path | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """Try `trials` recipes for `model` under `budget` on `target`, and build the best.

    test: an `.npz` with `x` and `y`; select: the same, by which trials are judged, without it half of
    `test`. data: to train with, for steps that do. keep (beside 1), schemes, optimize, storage: the
    choices of the `Space`. The
    folder `output` (default ``build/search_<name>``) keeps every finished trial: the same call goes on where
    it was stopped. Returns ``rows``, ``front``, ``best`` with its ``bundle``'s figures, ``gates``; where no trial
    holds the budget ``best`` is None and the gates say by what. Raises EdgekitError for everything else.
    """
    load_optuna()
    path, board = Path(model), load_target(target)
    name = check_name(name or default_name(path.stem))
    folder = Path(output) if output else Path("build") / f"search_{name}"
    limits = _limits(parse_budget(budget), board)
    _made(folder)
    chosen, judged = (Path(select), Path(test)) if select else halves(Path(test), folder, seed)
    chosen, judged = chosen.resolve(), judged.resolve()
    setup = Setup(
        path.resolve(), _everywhere(target), name, tuple(sorted((dims or {}).items())), _path(calibration),
        scale, offset, _path(data), chosen, metric, json.dumps(tables(preprocess or {})),
        seed, tuple(sorted(limits.items())),
    )  # fmt: skip
    progress("the model as it came", 0, trials)
    space = _space(setup, (1.0, *keep), tuple(schemes), tuple(optimize), tuple(storage))
    question = _question(setup, space, Path(test))
    reference = _reference(setup, folder, question)
    with open_engine(engine, workers, scheduler) as opened:
        rows = explore(
            folder / STORAGE, space, Trial(setup, reference), opened, trials=trials, seed=seed,
            ahead=workers, question=question, progress=progress,
        )  # fmt: skip
    report: Report = {
        "model": path.name, "target": board.name, "name": name, "edgekit_version": __version__,
        "target_argument": target, "budget": budget, "limits": limits, "seed": seed, "trials": trials,
        "samples": {"select": chosen.name, "test": judged.name},
        "reference": reference, "space": {k: list(v) for k, v in space.axes().items()},
        "prefer": prefer, "rows": rows, "best": None,
    }  # fmt: skip
    best = ranked(rows, prefer)
    report["front"] = [row["trial"] for row in best]
    if best:
        progress("build the best", trials, trials)
        report |= _built(best[0], replace(setup, select=judged), folder, budget, target)
    else:
        report["gates"] = [_nearest(rows)]
    _write(folder, report)
    return report


def _path(given: str | Path | None) -> Path | None:
    """Absolute: a worker may have another working folder."""
    return None if given is None else Path(given).resolve()


def _everywhere(target: str) -> str:
    """A target's name, or the absolute path of its file."""
    is_file = "/" in target or target.endswith(".toml")
    return str(Path(target).resolve()) if is_file else target


def _limits(budget: dict[str, float], board: Target) -> dict[str, float]:
    """The budget and what the target leaves, whichever is less."""
    limits = dict(budget)
    for name, size, reserved in (
        ("ram", board.ram_limit_bytes, board.reserved_bytes),
        ("flash", board.flash_limit_bytes, board.flash_reserved_bytes),
    ):
        if size is not None:
            limits[name] = min(limits.get(name, size), size - reserved)
    return limits


def _space(
    setup: Setup, keep: tuple[float, ...], schemes: tuple[str, ...], optimize: tuple[str, ...],
    storage: tuple[str, ...],
) -> Space:  # fmt: skip
    """What this model can choose from. Raises EK001 for what it cannot."""
    keep = tuple(sorted(set(keep), reverse=True))
    for scheme in schemes:
        check_scheme(scheme, MIXED, where="--schemes")
    _known(optimize, OPTIMIZE, "--optimize")
    _known(storage, MODES, "--storage")
    subject = setup.subject(None)
    real = any(subject.canonical.value(n).dtype == "float32" for n in subject.canonical.inputs)
    if not real:
        if schemes:
            raise EdgekitError(
                "EK001", "the model has numbers of its own", where="--schemes",
                found=f"{', '.join(schemes)}, and inputs that are integers",
                help="leave --schemes out, or search from the model before its quantization",
            )  # fmt: skip
        return Space(keep, (), (), optimize, storage)
    if setup.calibration is None:
        raise EdgekitError(
            "EK203", "a model of real numbers needs calibration data", where=str(setup.model),
            found="no --calibration", help="give an .npz with typical inputs x",
        )  # fmt: skip
    schemes = schemes or ("w8a8", "w4a8")
    lower = [scheme for scheme in schemes if scheme != schemes[0]]
    fragile = fragile_layers(setup, lower[-1]) if lower else ()
    return Space(keep, schemes, fragile, optimize, storage)


def _known(given: tuple[str, ...], words: Iterable[str], where: str) -> None:
    for word in given:
        if word not in words:
            raise EdgekitError(
                "EK001", "an unknown choice", where=where,
                found=f"{word!r}, wanted some of {', '.join(words)}",
                help=f"see `edgekit search --help`; {schema.nearest(word, words)}",
            )  # fmt: skip


def _question(setup: Setup, space: Space, test: Path) -> dict[str, Any]:
    """What decides the figures of a trial: a storage holds answers to one question."""
    files = {"model": setup.model, "calibration": setup.calibration, "training data": setup.train,
             "selection": setup.select, "test data": test}  # fmt: skip
    found: dict[str, Any] = {k: p and sha256(_bytes(p)) for k, p in files.items()}
    return found | {
        "target": hashlib.sha256(repr(load_target(setup.target)).encode()).hexdigest(),
        "budget": [list(pair) for pair in setup.limits],
        "seed": setup.seed,
        "space": json.loads(json.dumps({k: list(v) for k, v in space.axes().items()})),
        "layers": list(space.fragile),
        "options": [setup.name, setup.metric, setup.scale, setup.offset, setup.preprocess,
                    [list(pair) for pair in setup.dims]],
        "version": __version__,
    }  # fmt: skip


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as missing:
        raise EdgekitError(
            "EK004", "a file cannot be read", where=str(path), found=str(missing.strerror),
            help="check the path",
        ) from None  # fmt: skip


def _reference(setup: Setup, folder: Path, question: Mapping[str, Any]) -> float:
    """`reference_of`, once for a search."""
    path = folder / "reference.json"
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["question"] == dict(question):
            return float(known["reference"])
    reference = reference_of(setup)
    _replace(path, to_json({"question": dict(question), "reference": reference}))
    return reference


def _built(row: Mapping[str, Any], setup: Setup, folder: Path, budget: str, target: str) -> Report:
    """The bundle of a trial, judged by the test data of `setup`, and the model as it came beside it."""
    from edgekit.build import build
    from edgekit.compress import Recipe

    subject = setup.subject(setup.select)
    state = Recipe.of(row["recipe"]).run(subject.first(), subject.context)
    sizes = ",".join(part for part in budget.split(",") if not part.strip().startswith("accuracy"))
    report = build(
        setup.model, calibration=setup.calibration, scale=setup.scale, offset=setup.offset,
        quantization=state.settings, target=target, output=folder / BUNDLE,
        name=setup.name, budget=sizes, dims=dict(setup.dims),
        preprocess=json.loads(setup.preprocess), compression=state.compression,
        decided=state.decided, **row["options"],
    )  # fmt: skip
    found = subject.quality(subject.compile(state, **row["options"]).program)
    original = subject.real_quality() or subject.quality(subject.compile(subject.first()).program)
    keys = ("flash_bytes", "weights_bytes", "tables_bytes", "code_bytes", "arena_bytes", "ram_bytes",
            "stack_bytes", "instructions", "cycles_estimate", "bit_exact")  # fmt: skip
    figures = {key: report.get(key) for key in keys}
    return {
        "best": dict(row),
        "bundle": figures | {"test": found, "test_original": original},
        "gates": report["gates"],
    }


def _nearest(rows: list[Report]) -> Report:
    """A gate that failed: what the nearest trial has too much."""
    known = [row for row in rows if not row.get("error")]
    row = min(known or rows, key=lambda r: sum(max(0.0, o) for o in r["excess"].values()))
    over = {name: share for name, share in row["excess"].items() if share > 0}
    found = {
        "ram": row.get("ram_bytes"), "flash": row.get("flash_bytes"), "cycles": row.get("cycles"),
        "accuracy-drop": row.get("drop"),
    }  # fmt: skip
    words = [
        f"{name} {found[name]:,} is over by {100 * share:.1f} "
        f"{'points' if name == 'accuracy-drop' else '%'}"
        for name, share in over.items()
        if found.get(name) is not None
    ]
    reason = "; ".join(words) or str(row.get("error", {}).get("message", "no accuracy"))
    return {
        "name": "budget", "limit": 1, "found": 0, "passed": False,
        "reason": f"no trial holds it; the nearest is trial {row['trial']}: {reason}",
    }  # fmt: skip


def _write(folder: Path, report: Report) -> None:
    _replace(folder / REPORT, to_json(report))
    _replace(folder / DRAWING, draw(report))
    if report["best"]:
        _replace(folder / RECIPE, recipe_text(report))


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise EdgekitError("EK001", "the folder of the search cannot be made", where=str(folder),
                           found=str(refused.strerror), help="choose another -o") from None  # fmt: skip


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
