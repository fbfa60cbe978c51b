"""Operators of the user's own: a folder with a Python file and a C file for each; docs/PLUGINS.md.

A plug-in's class is an `Op` like edgekit's own and registers itself in the same way. What it does wrong
is EK007 with its file and line: it is checked where it is loaded, its methods are guarded, and
`run` is tried where a node is lowered.
"""

from __future__ import annotations

import functools
import hashlib
import re
import sys
import traceback
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.data import data_dir
from edgekit.errors import EdgekitError
from edgekit.graph import Graph, IntNode, Node
from edgekit.headers import prototype
from edgekit.op import OPS, Kernel, Op, Params, load_ops
from edgekit.program import Program

SIGNATURES = ("flat", "whole", "rows", "sum", "each")
_NAME = re.compile("[a-z][a-z0-9_]*")


def load_plugins(*folders: str | Path) -> list[type[Op]]:
    """Make the operators of these folders known beside edgekit's own, and no others; returns them.

    Every ``*.py`` of a folder is executed: plug-ins are code that the user trusts. Raises EK007.
    """
    load_ops()
    _forget()
    try:
        found = [op for folder in folders for file in _files(Path(folder)) for op in _load(file)]
        for op in found:
            _check(op)
    except BaseException:
        _forget()
        raise
    load_ops.cache_clear()
    return found


def plugin_operators(program: Program) -> list[type[Op]]:
    """The operators of plug-ins that a program runs."""
    used = {step.op.name: step.op for step in program.steps if step.op.origin}
    return [used[name] for name in sorted(used)]


def digest(op: type[Op]) -> str:
    """SHA-256 of a plug-in operator's Python file, and of its C files behind it."""
    assert op.origin is not None
    files = [op.origin, *(kernel.source for kernel in _own_kernels(op))]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def require_plugins(bundle: Path, wanted: Mapping[str, str]) -> None:
    """Raises EK005 where a bundle's operators, name to `digest`, are not the ones that are loaded. They
    do not come from the bundle: opening one would execute whatever it holds."""
    for name, was in wanted.items():
        op = OPS.get(name)
        if op is None or op.origin is None or digest(op) != was:
            known = op is not None and op.origin is not None
            raise EdgekitError(
                "EK005", "the bundle was built with another plug-in" if known else "the bundle was built with a plug-in",
                where=str(bundle), found=f"operator {name}" + (", whose files have changed" if known else ""),
                help="build the bundle again" if known else "pass its folder with --plugin DIR",
            )  # fmt: skip


def _forget() -> None:
    for name in [name for name, op in OPS.items() if op.origin is not None]:
        del OPS[name]
    load_ops.cache_clear()


def _files(folder: Path) -> list[Path]:
    files = sorted(folder.resolve().glob("*.py")) if folder.is_dir() else []
    if not files:
        raise _broken(
            "there is no plug-in in this folder",
            str(folder),
            "no Python file, wanted one an operator",
        )
    return files


def _load(file: Path) -> list[type[Op]]:
    """Execute a plug-in's file; the operators that it defines."""
    before = dict(OPS)
    name = f"{__name__}.{hashlib.sha256(bytes(file)).hexdigest()[:8]}.{file.stem}"
    module = types.ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    except (Exception, SystemExit) as bug:
        for own in set(OPS) - set(before):
            del OPS[own]
        raise _failed(file, bug) from bug
    found = [op for key, op in OPS.items() if key not in before]
    if not found:
        raise _broken("the plug-in defines no operator", str(file), "no subclass of Op with a name")
    for value in list(vars(module).values()):
        if isinstance(value, type) and issubclass(value, Op) and value.__module__ == name:
            value.origin = file
            _guard(value, file)
    return found


def _check(op: type[Op]) -> None:
    """Raises EK007 for what would otherwise fail somewhere in a build."""
    where = f"{op.origin}, class {op.__name__}"
    if not _NAME.fullmatch(op.name) or not _NAME.fullmatch(op.kernel):
        raise _broken(
            "a name or a kernel is no word in small letters", where, f"{op.name!r}, {op.kernel!r}"
        )
    if op.signature not in SIGNATURES:
        raise _broken(
            "an unknown signature", where, f"{op.signature!r}, wanted {' '.join(SIGNATURES)}"
        )
    if not (isinstance(op.Params, type) and issubclass(op.Params, Params)):
        raise _broken("Params is no subclass of edgekit.op.Params", where, repr(op.Params))
    _check_sources(op, where)
    for kernel in _own_kernels(op):
        _check_kernel(kernel, where)


def _check_sources(op: type[Op], where: str) -> None:
    for form in ("tflite", "onnx"):
        names = getattr(op, form)
        if not isinstance(names, tuple):
            raise _broken(f"{form} is no tuple of names", where, f"{names!r}, wanted ({names!r},)")
        for other in OPS.values():
            taken = set(names) & set(getattr(other, form))
            if other is not op and taken:
                raise _broken("two operators read the same source operator", where,
                              f"{taken.pop()}, which {other.name} reads")  # fmt: skip


def _check_kernel(kernel: Kernel, where: str) -> None:
    if (data_dir("runtime") / "kernels" / f"{kernel.name}.c").is_file():
        raise _broken("edgekit has a kernel of that name", where, kernel.name,
                      "choose another name, or inherit from the operator that has it")  # fmt: skip
    others = [k for op in OPS.values() if op.origin for k in _own_kernels(op)]
    if any(k.name == kernel.name and k.owner is not kernel.owner for k in others):
        raise _broken("two plug-ins have a kernel of that name", where, kernel.name)
    try:
        text = kernel.source.read_text(encoding="utf-8")
    except (OSError, ValueError) as missing:
        reason = missing.strerror if isinstance(missing, OSError) else str(missing)
        raise _broken("the kernel's C file cannot be read", str(kernel.source), str(reason),
                      f"write it beside {where}") from None  # fmt: skip
    if not re.search(rf"\bvoid\s+{kernel.symbol}\s*\(", text):
        raise _broken("the C file does not define the kernel", str(kernel.source),
                      f"no {kernel.symbol}", f"define {prototype(kernel)}")  # fmt: skip
    for header in re.findall(r'^\s*#\s*include\s*"([^"]+)"', text, re.MULTILINE):
        if (
            header != f"ek_{kernel.name}.h"
            and not (data_dir("runtime") / "include" / header).is_file()
        ):
            raise _broken("the C file includes a header that a bundle does not have", str(kernel.source),
                          header, f"include ek_{kernel.name}.h and headers of runtime/include alone")  # fmt: skip


def _own_kernels(op: type[Op]) -> list[Kernel]:
    """The kernels, variants too, whose C files lie beside the plug-in; none where it inherits them."""
    kernels = [Kernel(op), *(Kernel(op, variant) for variant in op.variants)]
    return kernels if kernels[0].owner.origin is not None else []


def _guard(op: type[Op], file: Path) -> None:
    """Failures inside the class's own methods name the plug-in; what `quantize` makes is tried."""
    for name, method in list(vars(op).items()):
        if isinstance(method, classmethod):
            guarded = _guarded(method.__func__, file)
            setattr(op, name, classmethod(_tried(guarded, file) if name == "quantize" else guarded))


def _guarded(method: Callable[..., Any], file: Path) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            return method(*arguments, **options)
        except EdgekitError:
            raise
        except Exception as bug:
            raise _failed(file, bug) from bug

    return call


def _tried(quantize: Callable[..., IntNode], file: Path) -> Callable[..., IntNode]:
    """`quantize`, and then `run` once on inputs at their zero points."""

    @functools.wraps(quantize)
    def call(cls: type[Op], node: Node, graph: Graph) -> IntNode:
        made = quantize(cls, node, graph)
        where = f"{file}, class {cls.__name__}, node {node.name}"
        if not isinstance(made, IntNode):
            raise _broken("quantize returns no IntNode", where, type(made).__name__)
        wanted = [(graph.value(n).dtype, graph.value(n).elements) for n in made.outputs]
        found = made.op.run(made.params, made.consts, *(_at_rest(n, graph) for n in made.inputs))
        if not isinstance(found, (list, tuple)) or not all(
            isinstance(x, np.ndarray) for x in found
        ):
            raise _broken("run returns no list of arrays", where, type(found).__name__)
        got = [(str(x.dtype), x.size) for x in found]
        if got != wanted:
            raise _broken("run returns arrays of another type or size", where,
                          f"{got}, wanted {wanted}, (type, elements) of each output")  # fmt: skip
        return made

    return call


def _at_rest(name: str, graph: Graph) -> np.ndarray[Any, Any]:
    """One sample of an operand: what it is, or its zero point."""
    value = graph.value(name)
    if value.data is not None:
        return value.data[None]
    return np.full((1, *value.shape), value.zero_point if value.quant else 0, value.dtype)


def _failed(file: Path, bug: BaseException) -> EdgekitError:
    """What an exception says, at the last of its lines that is the plug-in's own."""
    lines = [f.lineno for f in traceback.extract_tb(bug.__traceback__) if f.filename == str(file)]
    if isinstance(bug, SyntaxError):
        lines = [bug.lineno]
    where = f"{file}, line {lines[-1]}" if lines else str(file)
    return _broken("the plug-in's Python fails", where, f"{type(bug).__name__}: {bug}")


def _broken(
    message: str, where: str, found: str, help: str = "see docs/PLUGINS.md for what a plug-in is"
) -> EdgekitError:
    return EdgekitError("EK007", message, where=where, found=found, help=help)
