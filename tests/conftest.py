"""Where the shared models are, and what a skip means."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from durations import LONG, SLOW

ROOT = Path(__file__).resolve().parent.parent


def shared(*parts: str) -> Path:
    """A file of the shared folder; the test is skipped, visibly, where that folder is absent."""
    folder = Path(os.environ.get("EDGEKIT_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no shared models at {folder} (set EDGEKIT_SHARED)")
    return folder.joinpath(*parts)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where EDGEKIT_NO_SKIP is set a skipped test is a failed one."""
    report = yield
    if os.environ.get("EDGEKIT_NO_SKIP") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a file that is skipped as a whole, for want of a package."""
    report = yield
    if os.environ.get("EDGEKIT_NO_SKIP") and report.skipped:
        report.outcome = "failed"
    return report


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what `durations.py` names."""
    named = set()
    for item in items:
        name = item.nodeid.removeprefix("tests/")
        for mark, beginnings in (("long", LONG), ("slow", SLOW)):
            for beginning in filter(name.startswith, beginnings):
                item.add_marker(mark)
                named.add(beginning)
    whole = config.args == config.getini("testpaths")
    if whole and (stale := {*LONG, *SLOW} - named):
        raise pytest.UsageError(f"tests/durations.py names no test: {sorted(stale)}")
