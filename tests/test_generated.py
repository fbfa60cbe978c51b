"""What is derived from the operators is up to date, and nothing lies about unused."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from conftest import ROOT

from edgekit import catalogue, headers, passes
from edgekit.op import Transient, load_ops


def test_kernel_headers_are_what_the_operators_say() -> None:
    assert not headers.stale(), "run `make generate`"


def test_the_operator_table_is_what_the_operators_say() -> None:
    assert catalogue.TABLE.read_text() == catalogue.table_text(), "run `make generate`"


def test_every_kernel_has_a_source_and_every_source_an_operator() -> None:
    sources = {path.stem for path in (ROOT / "runtime" / "kernels").glob("*.c")}
    assert sources == set(headers.kernels())


def test_every_operator_says_what_it_computes() -> None:
    for name, op in load_ops().items():
        module = inspect.getmodule(op)
        assert module is not None
        assert module.__doc__, name
        assert op.cases() or issubclass(op, Transient), name


def test_every_pass_is_in_the_pipeline() -> None:
    used = {rewrite.__name__ for rewrite in passes.CANONICAL}
    files = {module.name for module in pkgutil.iter_modules(passes.__path__)}
    assert files == used
    for name in files:
        assert importlib.import_module(f"edgekit.passes.{name}").__doc__


def test_error_codes_in_use_are_documented_codes() -> None:
    """EdgekitError asserts its code; here every code of the catalogue is raised somewhere."""
    from edgekit.errors import CODES

    text = "".join(path.read_text() for path in (ROOT / "edgekit").rglob("*.py"))
    unused = [code for code in CODES if text.count(f'"{code}"') < 2]
    assert not unused
