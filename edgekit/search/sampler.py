"""Optuna's tree-structured Parzen estimator, seeded anew for each trial.

A trial's parameters then follow from the seed, its number and the trials that were told before, and from
nothing that a process remembers: a search that was killed goes on as if it had not been.
"""

from __future__ import annotations

import importlib
import zlib
from typing import Any

from edgekit.errors import EdgekitError

_RANDOM = 8  # trials before the estimator begins


def load_optuna() -> Any:
    """The package, without its messages. Raises EK504."""
    try:
        optuna: Any = importlib.import_module("optuna")
    except ImportError:
        raise EdgekitError(
            "EK504", "Optuna is not installed", found="no package optuna",
            help='pip install "edgekit[search]"',
        ) from None  # fmt: skip
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def sampler(seed: int) -> Any:
    """A sampler of Optuna; trials tell by constraints what they have too much."""
    samplers = load_optuna().samplers

    def estimator(*words: object) -> Any:
        mixed = zlib.crc32(repr((seed, *words)).encode())
        return samplers.TPESampler(seed=mixed, n_startup_trials=_RANDOM, multivariate=True)

    class Seeded(samplers.BaseSampler):  # type: ignore[misc, name-defined]
        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return estimator(trial.number).infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            return estimator(trial.number).sample_relative(study, trial, search_space)

        def sample_independent(
            self, study: Any, trial: Any, param_name: str, param_distribution: Any
        ) -> Any:
            one = estimator(trial.number, param_name)
            return one.sample_independent(study, trial, param_name, param_distribution)

    return Seeded()
